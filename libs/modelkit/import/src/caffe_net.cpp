#include "caffe_net.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "caffe_text.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::size_t kMostLayers = 4096;
constexpr std::size_t kMostBlobs = 1024;  ///< That one layer reads or writes.
constexpr std::size_t kLongestName = 1024;

std::unexpected<Error> malformed(std::string_view what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed prototxt: " + std::string(what));
}

std::unexpected<Error> unsupported(std::string_view what) {
  return fail(ErrorCode::kUnsupported, "the Caffe importer does not know " + std::string(what));
}

/// An enumerator of the form that layers had until 2014 (V1LayerParameter.LayerType), and the name
/// of the same layer since.
struct OldName {
  std::string_view old;
  std::string_view now;
};
constexpr auto kOldNames = std::to_array<OldName>(
    {{"ABSVAL", "AbsVal"},   {"CONCAT", "Concat"},   {"CONVOLUTION", "Convolution"},
     {"CROP", "Crop"},       {"DROPOUT", "Dropout"}, {"ELTWISE", "Eltwise"},
     {"EXP", "Exp"},         {"FLATTEN", "Flatten"}, {"INNER_PRODUCT", "InnerProduct"},
     {"POOLING", "Pooling"}, {"POWER", "Power"},     {"PRELU", "PReLU"},
     {"RELU", "ReLU"},       {"RESHAPE", "Reshape"}, {"SIGMOID", "Sigmoid"},
     {"SILENCE", "Silence"}, {"SLICE", "Slice"},     {"SOFTMAX", "Softmax"},
     {"SPLIT", "Split"},     {"TANH", "TanH"}});

std::string present_name(const std::string& type) {
  const auto* found = std::ranges::find(kOldNames, type, &OldName::old);
  return found == kOldNames.end() ? type : std::string(found->now);
}

/// Whether a rule (NetStateRule) fits the test phase at level 0 without stages.
Result<bool> fits(CaffeText& rule) {
  VISAVIS_TRY(phase, rule.word("phase", "TEST"));
  VISAVIS_TRY(least, rule.integer("min_level", 0));
  VISAVIS_TRY(most, rule.integer("max_level", 0));
  VISAVIS_TRY(stages, rule.words("stage"));
  VISAVIS_TRY(not_stages, rule.words("not_stage"));
  return (phase == "TEST" || phase == "1") && least <= 0 && most >= 0 && stages.empty();
}

Result<bool> any_fits(CaffeText& layer, std::string_view field, bool if_none) {
  VISAVIS_TRY(rules, layer.messages(field));
  bool fit = rules.empty() && if_none;
  for (CaffeText* rule : rules) {
    VISAVIS_TRY(this_one, fits(*rule));
    fit = fit || this_one;
  }
  return fit;
}

Result<bool> runs_in_tests(CaffeText& layer) {
  VISAVIS_TRY(included, any_fits(layer, "include", true));
  VISAVIS_TRY(excluded, any_fits(layer, "exclude", false));
  return included && !excluded;
}

Result<void> check_names(const std::vector<std::string>& names) {
  if (names.size() > kMostBlobs) return unsupported("a layer of more than 1024 inputs or outputs");
  for (const std::string& name : names)
    if (name.empty() || name.size() > kLongestName)
      return malformed("a name is empty or longer than 1024 characters");
  return {};
}

Result<std::vector<std::int64_t>> dimensions(CaffeText& shape) {
  VISAVIS_TRY(dimensions, shape.integers("dim"));
  if (const auto count = graph::element_count(dimensions); !count || *count == 0)
    return malformed("an input's shape is empty, negative or beyond all limits");
  return dimensions;
}

/// `input: "data"` with `input_shape { dim: … }` or four `input_dim` each.
Result<void> read_net_inputs(CaffeText& text, CaffeNet& net) {
  VISAVIS_TRY(names, text.words("input"));
  VISAVIS_CHECK(check_names(names));
  VISAVIS_TRY(shapes, text.messages("input_shape"));
  VISAVIS_TRY(numbers, text.integers("input_dim"));
  if (shapes.empty() ? numbers.size() != 4 * names.size() : shapes.size() != names.size())
    return malformed("there is not one shape for each input");
  for (std::size_t i = 0; i < names.size(); ++i) {
    std::vector<std::int64_t> shape;
    if (shapes.empty()) {
      shape.assign(numbers.begin() + static_cast<std::ptrdiff_t>(4 * i),
                   numbers.begin() + static_cast<std::ptrdiff_t>(4 * i + 4));
      const auto count = graph::element_count(shape);
      if (!count || *count == 0) return malformed("an input's shape is empty or beyond all limits");
    } else {
      VISAVIS_TRY(given, dimensions(*shapes[i]));
      shape = std::move(given);
    }
    net.inputs.push_back({.name = names[i], .shape = std::move(shape)});
  }
  return {};
}

/// One shape for all outputs, or one for each.
Result<void> read_input_layer(CaffeLayer& layer, CaffeNet& net) {
  VISAVIS_TRY(parameters, layer.parameters("input_param"));
  VISAVIS_TRY(shapes, parameters->messages("shape"));
  if (shapes.empty() || (shapes.size() != 1 && shapes.size() != layer.tops.size()))
    return malformed("there is not one shape for each input");
  for (std::size_t i = 0; i < layer.tops.size(); ++i) {
    VISAVIS_TRY(shape, dimensions(*shapes[shapes.size() == 1 ? 0 : i]));
    net.inputs.push_back({.name = layer.tops[i], .shape = std::move(shape)});
  }
  return {};
}

Result<void> read_layer(CaffeText& text, CaffeNet& net) {
  VISAVIS_TRY(runs, runs_in_tests(text));
  CaffeLayer layer{.text = &text};
  VISAVIS_TRY(name, text.word("name", ""));
  VISAVIS_TRY(type, text.word("type", ""));
  VISAVIS_TRY(bottoms, text.words("bottom"));
  VISAVIS_TRY(tops, text.words("top"));
  if (!runs) {
    text.pass_over_all();
    return {};
  }
  VISAVIS_CHECK(check_names(bottoms));
  VISAVIS_CHECK(check_names(tops));
  VISAVIS_CHECK(check_names({name, type}));
  layer.name = std::move(name);
  layer.type = present_name(type);
  layer.bottoms = std::move(bottoms);
  layer.tops = std::move(tops);
  // About training, about how and not what is computed, or where weights come from.
  text.pass_over({"param", "blobs_lr", "weight_decay", "blob_share_mode", "loss_weight", "blobs",
                  "propagate_down", "phase"});
  if (layer.type == "Input") return read_input_layer(layer, net);
  net.layers.push_back(std::move(layer));
  return {};
}

}  // namespace

Result<CaffeText*> CaffeLayer::parameters(std::string_view field) {
  VISAVIS_TRY(found, text->message(field));
  return found == nullptr ? &none : found;
}

Result<CaffeNet> read_caffe_net(CaffeText& text) {
  CaffeNet net;
  VISAVIS_TRY(name, text.word("name", ""));
  net.name = name.substr(0, kLongestName);
  text.pass_over({"force_backward", "state", "debug_info"});
  VISAVIS_CHECK(read_net_inputs(text, net));
  VISAVIS_TRY(layers, text.messages("layer"));
  VISAVIS_TRY(old_layers, text.messages("layers"));
  if (!layers.empty() && !old_layers.empty())
    return malformed("layers of the present and of the old form are mixed");
  layers.insert(layers.end(), old_layers.begin(), old_layers.end());
  if (layers.size() > kMostLayers) return unsupported("a network of more than 4096 layers");
  for (CaffeText* layer : layers) {
    if (layer->has("layer")) return unsupported("the form of layers inside of layers (V0)");
    VISAVIS_CHECK(read_layer(*layer, net));
  }
  if (net.inputs.empty())
    return unsupported("a network without an input: the one for deployment is needed");
  return net;
}

}  // namespace visavis::modelkit
