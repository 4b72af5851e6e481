/// Core ML's layers that move windows over pictures, or make pictures larger.

#include <coreml.pb.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "coreml_layers.hpp"
#include "coreml_values.hpp"

namespace visavis::modelkit::ml {
namespace {

using Layer = coreml::NeuralNetworkLayer;

/// Two numbers from 1 on, for height and width; absent: `otherwise` twice.
template <class Field>
Result<Shape> pair_of(const Layer& layer, const Field& field, std::int64_t otherwise) {
  if (field.empty()) return Shape{otherwise, otherwise};
  if (field.size() != 2) return malformed(layer, "not one number each for height and width");
  Shape out;
  for (const std::uint64_t n : field) {
    if (n < 1 || n > kMost) return malformed(layer, "a size out of range");
    out.push_back(static_cast<std::int64_t>(n));
  }
  return out;
}

/// Top, left, bottom, right, as ONNX has them.
Result<Shape> pads_of(const Layer& layer, const coreml::ValidPadding& valid) {
  if (!valid.has_paddingamounts() || valid.paddingamounts().borderamounts().empty())
    return Shape{0, 0, 0, 0};
  const auto& edges = valid.paddingamounts().borderamounts();
  if (edges.size() != 2) return malformed(layer, "not one padding each for height and width");
  Shape pads;
  for (int end = 0; end < 2; ++end)
    for (const auto& edge : edges) {
      const std::uint64_t n = end == 0 ? edge.startedgesize() : edge.endedgesize();
      if (n > kMost) return malformed(layer, "a padding out of range");
      pads.push_back(static_cast<std::int64_t>(n));
    }
  return pads;
}

std::int64_t windows(std::int64_t size, std::int64_t before, std::int64_t after, std::int64_t reach,
                     std::int64_t stride) {
  return size < 0 ? -1 : (size + before + after - reach) / stride + 1;
}

}  // namespace

Result<CoreMlValue> CoreMlAssembly::convolution(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.convolution();
  if (x->shape.size() != 4) return unsupported(layer, "an input that is no picture");
  if (params.isdeconvolution()) return deconvolution(layer, *x);
  VISAVIS_TRY(kernel, pair_of(layer, params.kernelsize(), 3));
  VISAVIS_TRY(strides, pair_of(layer, params.stride(), 1));
  VISAVIS_TRY(dilations, pair_of(layer, params.dilationfactor(), 1));
  VISAVIS_TRY(pads, pads_of(layer, params.valid()));
  const std::uint64_t groups = std::max<std::uint64_t>(params.ngroups(), 1);
  if (params.outputchannels() < 1 || params.outputchannels() > kMost || groups > kMost ||
      params.kernelchannels() < 1 || params.kernelchannels() > kMost)
    return malformed(layer, "a number of channels out of range");
  const auto outputs = static_cast<std::int64_t>(params.outputchannels());
  const auto inputs = static_cast<std::int64_t>(params.kernelchannels());
  const std::int64_t channels = x->shape[1];
  if (channels >= 0 && channels != inputs * static_cast<std::int64_t>(groups))
    return mismatch(layer);
  const Shape shape = {outputs, inputs, kernel[0], kernel[1]};
  VISAVIS_TRY(weights, weights_of(layer, params.weights(), shape));
  std::vector<float> bias(static_cast<std::size_t>(outputs), 0.F);
  if (params.hasbias()) {
    VISAVIS_TRY(given, weights_of(layer, params.bias(), {outputs}));
    bias = std::move(given);
  }
  const std::string& name = layer.output(0);
  Builder::Attributes attributes = {{"dilations", dilations},
                                    {"group", static_cast<std::int64_t>(groups)},
                                    {"kernel_shape", kernel},
                                    {"strides", strides}};
  Shape out = {x->shape[0], outputs, -1, -1};
  if (params.has_same())
    attributes.emplace_back(
        "auto_pad", std::string(params.same().asymmetrymode() == 0 ? "SAME_UPPER" : "SAME_LOWER"));
  else
    attributes.emplace_back("pads", pads);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t size = x->shape[2 + i];
    const std::int64_t reach = dilations[i] * (kernel[i] - 1) + 1;
    out[2 + i] = params.has_same() ? (size < 0 ? -1 : (size + strides[i] - 1) / strides[i])
                                   : windows(size, pads[i], pads[2 + i], reach, strides[i]);
    if (size >= 0 && out[2 + i] < 1) return malformed(layer, "a kernel larger than its input");
  }
  builder_.node("Conv", name,
                {x->name, builder_.constant(constant(name + ".weight", shape, std::move(weights))),
                 builder_.constant(constant(name + ".bias", {outputs}, std::move(bias)))},
                std::move(attributes));
  return CoreMlValue{.name = name, .shape = std::move(out)};
}

/// Weights: in, out / groups, height, width. What VALID pads is cut off.
Result<CoreMlValue> CoreMlAssembly::deconvolution(const Layer& layer, const CoreMlValue& x) {
  const auto& params = layer.convolution();
  VISAVIS_TRY(kernel, pair_of(layer, params.kernelsize(), 3));
  VISAVIS_TRY(strides, pair_of(layer, params.stride(), 1));
  VISAVIS_TRY(dilations, pair_of(layer, params.dilationfactor(), 1));
  VISAVIS_TRY(pads, pads_of(layer, params.valid()));
  if (params.has_same() || params.outputshape_size() > 0)
    return unsupported(layer, "a deconvolution whose output's size is given");
  const std::uint64_t groups = std::max<std::uint64_t>(params.ngroups(), 1);
  if (params.outputchannels() < 1 || params.outputchannels() > kMost || groups > kMost ||
      params.outputchannels() % groups != 0 || params.kernelchannels() < 1 ||
      params.kernelchannels() > kMost || params.kernelchannels() % groups != 0)
    return malformed(layer, "a number of channels out of range");
  const auto outputs = static_cast<std::int64_t>(params.outputchannels());
  const auto inputs = static_cast<std::int64_t>(params.kernelchannels());
  if (x.shape[1] >= 0 && x.shape[1] != inputs) return mismatch(layer);
  const Shape shape = {inputs, outputs / static_cast<std::int64_t>(groups), kernel[0], kernel[1]};
  VISAVIS_TRY(weights, weights_of(layer, params.weights(), shape));
  const std::string& name = layer.output(0);
  std::vector<std::string> operands = {
      x.name, builder_.constant(constant(name + ".weight", shape, std::move(weights)))};
  if (params.hasbias()) {
    VISAVIS_TRY(bias, weights_of(layer, params.bias(), {outputs}));
    operands.push_back(builder_.constant(constant(name + ".bias", {outputs}, std::move(bias))));
  }
  Shape out = {x.shape[0], outputs, -1, -1};
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t size = x.shape[2 + i];
    if (size < 0) continue;
    out[2 + i] =
        strides[i] * (size - 1) + dilations[i] * (kernel[i] - 1) + 1 - pads[i] - pads[2 + i];
    if (size < 1 || out[2 + i] < 1) return malformed(layer, "a padding larger than its output");
  }
  builder_.node("ConvTranspose", name, std::move(operands),
                {{"dilations", dilations},
                 {"group", static_cast<std::int64_t>(groups)},
                 {"kernel_shape", kernel},
                 {"pads", pads},
                 {"strides", strides}});
  return CoreMlValue{.name = name, .shape = std::move(out)};
}

Result<CoreMlValue> CoreMlAssembly::pooling(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.pooling();
  if (x->shape.size() != 4) return unsupported(layer, "an input that is no picture");
  const bool averages = params.type() == 1;
  if (!averages && params.type() != 0) return unsupported(layer, "other than maxima and averages");
  const std::string& name = layer.output(0);
  if (params.globalpooling()) {
    builder_.node(averages ? "GlobalAveragePool" : "GlobalMaxPool", name, {x->name}, {});
    return CoreMlValue{.name = name, .shape = {x->shape[0], x->shape[1], 1, 1}};
  }
  VISAVIS_TRY(kernel, pair_of(layer, params.kernelsize(), 3));
  VISAVIS_TRY(strides, pair_of(layer, params.stride(), 1));
  VISAVIS_TRY(pads, pads_of(layer, params.valid()));
  Builder::Attributes attributes = {{"kernel_shape", kernel}, {"strides", strides}};
  const bool up = params.has_includelastpixel();
  if (up) {
    const auto& amounts = params.includelastpixel().paddingamounts();
    if (amounts.size() != 0 && amounts.size() != 2)
      return malformed(layer, "not one padding each for height and width");
    for (int i = 0; i < amounts.size(); ++i) {
      if (amounts[i] > kMost) return malformed(layer, "a padding out of range");
      pads[static_cast<std::size_t>(i)] = pads[static_cast<std::size_t>(i) + 2] =
          static_cast<std::int64_t>(amounts[i]);
    }
    if (averages && !params.avgpoolexcludepadding() && (pads[0] > 0 || pads[1] > 0))
      return unsupported(layer, "averages of padding that are rounded up");
    attributes.emplace_back("ceil_mode", std::int64_t{1});
  }
  if (params.has_same() && !up)
    attributes.emplace_back(
        "auto_pad", std::string(params.same().asymmetrymode() == 0 ? "SAME_UPPER" : "SAME_LOWER"));
  else
    attributes.emplace_back("pads", pads);
  const bool unpadded = pads == Shape{0, 0, 0, 0} && !params.has_same();
  if (averages)
    attributes.emplace_back("count_include_pad",
                            std::int64_t{params.avgpoolexcludepadding() || unpadded ? 0 : 1});
  Shape out = {x->shape[0], x->shape[1], -1, -1};
  for (std::size_t i = 0; i < 2; ++i) {
    if (pads[i] >= kernel[i] && pads[i] > 0)
      return malformed(layer, "a padding as wide as its kernel");
    if (up || params.has_same()) continue;  // shapes of later layers do not hang on it
    out[2 + i] = windows(x->shape[2 + i], pads[i], pads[2 + i], kernel[i], strides[i]);
    if (x->shape[2 + i] >= 0 && out[2 + i] < 1)
      return malformed(layer, "a window larger than its input");
  }
  builder_.node(averages ? "AveragePool" : "MaxPool", name, {x->name}, std::move(attributes));
  return CoreMlValue{.name = name, .shape = std::move(out)};
}

Result<CoreMlValue> CoreMlAssembly::upsample(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.upsample();
  if (x->shape.size() != 4) return unsupported(layer, "an input that is no picture");
  if (!params.fractionalscalingfactor().empty())
    return unsupported(layer, "a factor with a fraction");
  VISAVIS_TRY(factors, pair_of(layer, params.scalingfactor(), 1));
  if (params.mode() < 0 || params.mode() > 1) return unsupported(layer, "another mode");
  constexpr auto kPlaces =
      std::to_array<std::string_view>({"asymmetric", "align_corners", "half_pixel"});
  const auto way = static_cast<std::size_t>(params.mode() == 1 ? params.linearupsamplemode() : 0);
  if (way >= kPlaces.size()) return unsupported(layer, "another way of placing pixels");
  Shape shape = x->shape;
  std::vector<float> scales = {1, 1};
  for (std::size_t i = 0; i < 2; ++i) {
    scales.push_back(static_cast<float>(factors[i]));
    if (shape[i + 2] > static_cast<std::int64_t>(kMost) / factors[i])
      return malformed(layer, "a size out of range");
    if (shape[i + 2] >= 0) shape[i + 2] *= factors[i];
  }
  const std::string& name = layer.output(0);
  Builder::Attributes attributes = {
      {"coordinate_transformation_mode", std::string(kPlaces[way])},
      {"mode", std::string(params.mode() == 1 ? "linear" : "nearest")}};
  if (params.mode() == 0) attributes.emplace_back("nearest_mode", std::string("floor"));
  const std::string by = builder_.constant(constant(name + ".scales", {4}, std::move(scales)));
  builder_.node("Resize", name, {x->name, "", by}, std::move(attributes));
  return CoreMlValue{.name = name, .shape = std::move(shape)};
}

Result<CoreMlValue> CoreMlAssembly::resize_bilinear(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.resizebilinear();
  if (x->shape.size() != 4) return unsupported(layer, "an input that is no picture");
  VISAVIS_TRY(size, pair_of(layer, params.targetsize(), 1));
  const std::int32_t method = params.mode().samplingmethod();
  if (method != 0 && method != 2) return unsupported(layer, "another way of placing pixels");
  const std::string& name = layer.output(0);
  const std::string all = builder_.node("Shape", name + ".shape", {x->name}, {});
  const std::string kept = builder_.node("Gather", name + ".kept",
                                         {all, builder_.integers(name + ".places", {0, 1})}, {});
  const std::string sizes =
      builder_.node("Concat", name + ".sizes", {kept, builder_.integers(name + ".size", size)},
                    {{"axis", std::int64_t{0}}});
  builder_.node("Resize", name, {x->name, "", "", sizes},
                {{"coordinate_transformation_mode",
                  std::string(method == 0 ? "align_corners" : "asymmetric")},
                 {"mode", std::string("linear")}});
  return CoreMlValue{.name = name, .shape = {x->shape[0], x->shape[1], size[0], size[1]}};
}

}  // namespace visavis::modelkit::ml
