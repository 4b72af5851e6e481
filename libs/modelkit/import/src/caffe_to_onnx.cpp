#include "caffe_to_onnx.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>

#include "builder.hpp"
#include "caffe_layers.hpp"
#include "caffe_net.hpp"
#include "caffe_text.hpp"
#include "caffe_weights.hpp"

namespace visavis::modelkit {
namespace {

std::unexpected<Error> unsupported(const std::string& what) {
  return fail(ErrorCode::kUnsupported, "the Caffe importer does not know " + what);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

/// All at once: whoever has to change a network wants to know how far.
Result<void> check_types(const CaffeNet& net) {
  std::set<std::string> unknown;
  for (const CaffeLayer& layer : net.layers)
    if (!knows_caffe_layer(layer.type)) unknown.insert(layer.type);
  if (unknown.empty()) return {};
  return unsupported("layers of the type " + joined({unknown.begin(), unknown.end()}));
}

Result<void> check_fields(const CaffeNet& net) {
  std::vector<std::string> unknown;
  for (const CaffeLayer& layer : net.layers)
    for (const std::string& field : layer.text->not_understood())
      unknown.push_back(layer.type + "'s " + field);
  if (unknown.empty()) return {};
  constexpr std::size_t kMost = 20;
  const std::size_t more = unknown.size() - std::min(unknown.size(), kMost);
  unknown.resize(unknown.size() - more);
  return unsupported(joined(unknown) +
                     (more > 0 ? " and " + std::to_string(more) + " more fields" : ""));
}

/// Which name a value gets: a blob's own, where it is written last, for layers may write into the
/// blob that they read.
class Names {
 public:
  explicit Names(const CaffeNet& net) {
    for (std::size_t i = 0; i < net.layers.size(); ++i)
      for (const std::string& top : net.layers[i].tops) last_[top] = i;
    for (const CaffeInput& input : net.inputs) taken_.insert(input.name);
    for (const auto& [blob, layer] : last_) reserved_.insert(blob);
  }

  [[nodiscard]] bool is_last(const std::string& blob, std::size_t layer) const {
    return last_.at(blob) == layer;
  }

  std::string of(const std::string& blob, std::size_t layer, const std::string& layer_name) {
    if (is_last(blob, layer) && taken_.insert(blob).second) return blob;
    std::string name = layer_name;
    for (int i = 2; reserved_.contains(name) || !taken_.insert(name).second; ++i)
      name = layer_name + "#" + std::to_string(i);
    return name;
  }

 private:
  std::map<std::string, std::size_t> last_;
  std::set<std::string> reserved_;
  std::set<std::string> taken_;
};

/// Puts the layers together.
class Assembly {
 public:
  Assembly(CaffeNet& net, const CaffeWeights& weights, bool free_sizes)
      : net_(net), weights_(weights), names_(net), free_sizes_(free_sizes) {}

  /// Outputs in the order of the layers that give them.
  /// @param batch  instead of each input's first dimension; 0: as they are
  Result<graph::Graph> run(std::int64_t batch) {
    for (CaffeInput& input : net_.inputs) {
      Shape shape = input.shape;
      if (batch > 0) shape.front() = batch;
      builder_.input(input.name, shape);
      if (!blobs_.emplace(input.name, CaffeValue{.name = input.name, .shape = shape}).second)
        return fail(ErrorCode::kDecodeFailed, "two inputs have the same name");
      unread_.insert(input.name);
    }
    count_readers();
    for (std::size_t i = 0; i < net_.layers.size(); ++i) VISAVIS_CHECK(add(i));
    for (std::size_t i = 0; i < net_.layers.size(); ++i)
      for (const std::string& top : net_.layers[i].tops)
        if (names_.is_last(top, i) && unread_.contains(top))
          builder_.output(blobs_.at(top).name, blobs_.at(top).shape);
    VISAVIS_CHECK(check_fields(net_));
    if (builder_.graph().outputs.empty()) return unsupported("a network without an output");
    if (free_sizes_)
      for (auto* values : {&builder_.graph().inputs, &builder_.graph().outputs})
        for (graph::ValueInfo& value : *values) value.shape[2] = value.shape[3] = -1;
    return std::move(builder_.graph());
  }

 private:
  void count_readers() {
    readers_.resize(net_.layers.size());
    std::map<std::string, std::size_t> writer;
    for (std::size_t i = 0; i < net_.layers.size(); ++i) {
      for (const std::string& bottom : net_.layers[i].bottoms)
        if (const auto found = writer.find(bottom); found != writer.end())
          readers_[found->second].push_back(i);
      for (const std::string& top : net_.layers[i].tops) writer[top] = i;
    }
  }

  /// The Scale layer right behind a BatchNorm layer, which alone reads it: both together are one
  /// operator.
  CaffeLayer* scale_behind(std::size_t index) {
    if (net_.layers[index].type != "BatchNorm" || readers_[index] != std::vector{index + 1})
      return nullptr;
    CaffeLayer& next = net_.layers[index + 1];
    return next.type == "Scale" && next.bottoms.size() == 1 ? &next : nullptr;
  }

  Result<void> add(std::size_t index) {
    CaffeLayer& layer = net_.layers[index];
    if (absorbed_.contains(&layer)) return {};
    std::vector<CaffeValue> inputs;
    for (const std::string& bottom : layer.bottoms) {
      const auto found = blobs_.find(bottom);
      if (found == blobs_.end())
        return fail(ErrorCode::kDecodeFailed,
                    "the layer \"" + layer.name + "\" reads a blob that no layer before it gives");
      inputs.push_back(found->second);
      unread_.erase(bottom);
    }
    CaffeLayer* scale = scale_behind(index);
    const CaffeLayer& last = scale == nullptr ? layer : *scale;
    const std::size_t place = scale == nullptr ? index : index + 1;
    std::vector<std::string> names;
    std::set<std::string> seen;
    for (const std::string& top : last.tops) {
      if (!seen.insert(top).second)
        return fail(ErrorCode::kDecodeFailed, "a layer gives two blobs of the same name");
      names.push_back(names_.of(top, place, layer.name));
    }
    CaffeCall call{.layer = layer,
                   .scale = scale,
                   .inputs = inputs,
                   .names = names,
                   .weights = weights_,
                   .free_sizes = free_sizes_,
                   .builder = builder_};
    VISAVIS_TRY(outputs, convert_caffe_layer(call));
    if (outputs.size() != last.tops.size())
      return unsupported(layer.type + " with " + std::to_string(last.tops.size()) + " outputs");
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      VISAVIS_CHECK(graph::element_count(outputs[i].shape));
      blobs_[last.tops[i]] = std::move(outputs[i]);
      unread_.insert(last.tops[i]);
    }
    if (scale != nullptr) absorbed_.insert(scale);
    return {};
  }

  CaffeNet& net_;
  const CaffeWeights& weights_;
  Names names_;
  bool free_sizes_;
  Builder builder_{"caffe"};
  std::map<std::string, CaffeValue> blobs_;  ///< As last written.
  std::set<std::string> unread_;
  std::vector<std::vector<std::size_t>> readers_;  ///< Of what each layer gives.
  std::set<const CaffeLayer*> absorbed_;
};

/// Height and width can be any, if every layer looks at windows or at single places.
Result<bool> sizes_are_free(const CaffeNet& net) {
  if (std::ranges::any_of(net.inputs,
                          [](const CaffeInput& input) { return input.shape.size() != 4; }))
    return false;
  for (const CaffeLayer& layer : net.layers) {
    VISAVIS_TRY(keeps, keeps_sizes_free(layer));
    if (!keeps) return false;
  }
  return true;
}

bool have_one_batch(const CaffeNet& net) {
  return std::ranges::all_of(net.inputs, [&](const CaffeInput& input) {
    return input.shape.size() >= 2 && input.shape.front() == net.inputs.front().shape.front();
  });
}

}  // namespace

Result<std::vector<std::byte>> caffe_to_onnx(CaffeNet& net, const CaffeWeights& weights) {
  VISAVIS_CHECK(check_types(net));
  VISAVIS_TRY(free_sizes, sizes_are_free(net));
  if (have_one_batch(net)) {
    auto one = Assembly(net, weights, free_sizes).run(1);
    auto freed = one ? graph::free_batch(*std::move(one)) : std::move(one);
    if (freed) return graph::write_onnx(graph::flush_subnormals(*std::move(freed)));
  }
  VISAVIS_TRY(fixed, Assembly(net, weights, free_sizes).run(0));
  return graph::write_onnx(graph::flush_subnormals(std::move(fixed)));
}

}  // namespace visavis::modelkit
