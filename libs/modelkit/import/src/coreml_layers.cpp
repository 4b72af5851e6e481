#include "coreml_layers.hpp"

#include <coreml.pb.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"

namespace visavis::modelkit {
namespace {

using Layer = coreml::NeuralNetworkLayer;

std::string about(const Layer& layer) {
  return "the layer \"" + layer.name() + "\" (" + coreml_kind(layer) + "): ";
}

std::unexpected<Error> unsupported(const Layer& layer, std::string_view what) {
  return fail(ErrorCode::kUnsupported, about(layer) + std::string(what));
}

std::unexpected<Error> malformed(const Layer& layer, std::string_view what) {
  return fail(ErrorCode::kDecodeFailed, about(layer) + std::string(what));
}

std::unexpected<Error> mismatch(const Layer& layer) {
  return fail(ErrorCode::kModelMismatch, about(layer) + "its weights are for another shape");
}

Constant constant(std::string name, Shape shape, std::vector<float> values) {
  return {.name = std::move(name), .shape = std::move(shape), .values = std::move(values)};
}

/// The numbers of a layer, in either precision. `wanted` is their shape.
Result<std::vector<float>> weights_of(const Layer& layer, const coreml::WeightParams& params,
                                      const Shape& wanted) {
  if (params.has_quantization() || params.has_rawvalue() || params.has_int8rawvalue())
    return unsupported(layer, "quantised weights");
  std::vector<float> values(params.floatvalue().begin(), params.floatvalue().end());
  if (values.empty() && params.has_float16value()) {
    const std::string& halves = params.float16value();
    for (std::size_t i = 0; i + 1 < halves.size(); i += 2) {
      std::uint16_t bits = 0;
      std::memcpy(&bits, halves.data() + i, 2);
      values.push_back(from_half(bits));
    }
    if (halves.size() % 2 != 0) return mismatch(layer);
  }
  const auto count = graph::element_count(wanted);
  if (!count || *count != values.size()) return mismatch(layer);
  return values;
}

constexpr std::uint64_t kMost = std::uint64_t{1} << 20U;

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

Shape per_channel(std::int64_t channels) { return {channels, 1, 1}; }

std::int64_t channels_of(const Shape& shape) {
  return shape.size() < 3 ? -1 : shape[shape.size() - 3];
}

Shape broadcast(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

std::optional<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

/// Of what comes behind `from`; -1 if a part is not known, or more than a tensor may have.
std::int64_t product(const Shape& shape, std::size_t from) {
  std::int64_t out = 1;
  for (std::size_t i = from; i < shape.size(); ++i) {
    if (shape[i] < 0) return -1;
    out *= shape[i];
    if (out > graph::kMaxElements) return -1;
  }
  return out;
}

struct Kind {
  Layer::LayerCase which;
  std::string_view name;
};
constexpr auto kKinds = std::to_array<Kind>({
    {Layer::kConvolution, "convolution"},
    {Layer::kPooling, "pooling"},
    {Layer::kActivation, "activation"},
    {Layer::kInnerProduct, "innerProduct"},
    {Layer::kBatchnorm, "batchnorm"},
    {Layer::kL2Normalize, "l2normalize"},
    {Layer::kSoftmax, "softmax"},
    {Layer::kUpsample, "upsample"},
    {Layer::kResizeBilinear, "resizeBilinear"},
    {Layer::kUnary, "unary"},
    {Layer::kAdd, "add"},
    {Layer::kMultiply, "multiply"},
    {Layer::kScale, "scale"},
    {Layer::kBias, "bias"},
    {Layer::kMax, "max"},
    {Layer::kLoadConstant, "loadConstant"},
    {Layer::kReshape, "reshape"},
    {Layer::kFlatten, "flatten"},
    {Layer::kPermute, "permute"},
    {Layer::kConcat, "concat"},
    {Layer::kClip, "clip"},
    {Layer::kTanh, "tanh"},
    {Layer::kMaxBroadcastable, "maxBroadcastable"},
    {Layer::kMinBroadcastable, "minBroadcastable"},
    {Layer::kAddBroadcastable, "addBroadcastable"},
    {Layer::kPowBroadcastable, "powBroadcastable"},
    {Layer::kDivideBroadcastable, "divideBroadcastable"},
    {Layer::kMultiplyBroadcastable, "multiplyBroadcastable"},
    {Layer::kSubtractBroadcastable, "subtractBroadcastable"},
    {Layer::kSoftmaxND, "softmaxND"},
    {Layer::kSplitND, "splitND"},
    {Layer::kConcatND, "concatND"},
    {Layer::kTranspose, "transpose"},
    {Layer::kSliceStatic, "sliceStatic"},
    {Layer::kLoadConstantND, "loadConstantND"},
    {Layer::kSqueeze, "squeeze"},
    {Layer::kExpandDims, "expandDims"},
    {Layer::kFlattenTo2D, "flattenTo2D"},
    {Layer::kReshapeStatic, "reshapeStatic"},
    {Layer::kRankPreservingReshape, "rankPreservingReshape"},
    {Layer::kConstantPad, "constantPad"},
    {Layer::kReduceMean, "reduceMean"},
});

/// The number of the first field that is not known: which kind of layer it is.
std::uint64_t first_unknown(const Layer& layer) {
  std::uint64_t tag = 0;
  unsigned shift = 0;
  for (const char c : layer.unknown_fields()) {
    tag |= (static_cast<std::uint64_t>(c) & 0x7fU) << shift;
    shift += 7;
    if ((static_cast<unsigned char>(c) & 0x80U) == 0 || shift > 56) break;
  }
  return tag >> 3U;
}

}  // namespace

std::string coreml_kind(const Layer& layer) {
  const auto* kind = std::ranges::find(kKinds, layer.layer_case(), &Kind::which);
  if (kind != kKinds.end()) return std::string(kind->name);
  return "kind " + std::to_string(first_unknown(layer));
}

bool knows_coreml_layer(const Layer& layer) { return layer.layer_case() != Layer::LAYER_NOT_SET; }

Result<void> CoreMlAssembly::add(const std::string& blob, CoreMlValue value) {
  if (!blobs_.emplace(blob, std::move(value)).second)
    return fail(ErrorCode::kDecodeFailed, "two layers of the network give the same value");
  return {};
}

Result<void> CoreMlAssembly::add(const Layer& layer) {
  if (layer.layer_case() == Layer::kSplitND) return split(layer);
  if (layer.output_size() != 1) return malformed(layer, "it has not exactly one output");
  if (blobs_.contains(layer.output(0)))
    return malformed(layer, "it gives a value that is there already");
  VISAVIS_TRY(value, convert(layer));
  if (value.shape.size() > graph::kMaxRank) return malformed(layer, "too many dimensions");
  return add(layer.output(0), std::move(value));
}

const CoreMlValue* CoreMlAssembly::find(const std::string& blob) const {
  const auto found = blobs_.find(blob);
  return found == blobs_.end() ? nullptr : &found->second;
}

Result<const CoreMlValue*> CoreMlAssembly::only_input(const Layer& layer) const {
  if (layer.input_size() != 1) return malformed(layer, "it has not exactly one input");
  const CoreMlValue* found = find(layer.input(0));
  if (found == nullptr) return malformed(layer, "it reads what no layer before it gives");
  return found;
}

std::string CoreMlAssembly::number(const std::string& name, float value) {
  return builder_.constant(constant(name, {}, {value}));
}

std::string CoreMlAssembly::with_number(const char* op, const std::string& name,
                                        const std::string& x, float value, float neutral) {
  if (value == neutral) return x;
  return builder_.node(op, name, {x, number(name + ".value", value)}, {});
}

Result<CoreMlValue> CoreMlAssembly::named(const Layer& layer, const std::string& value,
                                          Shape shape) {
  builder_.node("Identity", layer.output(0), {value}, {});
  return CoreMlValue{.name = layer.output(0), .shape = std::move(shape)};
}

Result<CoreMlValue> CoreMlAssembly::reshaped(const Layer& layer, const CoreMlValue& x,
                                             Shape written, Shape shape) {
  const std::string& name = layer.output(0);
  builder_.node("Reshape", name, {x.name, builder_.integers(name + ".shape", std::move(written))},
                {});
  return CoreMlValue{.name = name, .shape = std::move(shape)};
}

Result<CoreMlValue> CoreMlAssembly::convert(const Layer& layer) {
  switch (layer.layer_case()) {
    case Layer::kConvolution:
      return convolution(layer);
    case Layer::kPooling:
      return pooling(layer);
    case Layer::kActivation:
      return activation(layer);
    case Layer::kInnerProduct:
      return inner_product(layer);
    case Layer::kBatchnorm:
      return batch_norm(layer);
    case Layer::kL2Normalize:
      return l2_normalize(layer);
    case Layer::kUpsample:
      return upsample(layer);
    case Layer::kResizeBilinear:
      return resize_bilinear(layer);
    case Layer::kUnary:
      return unary(layer);
    case Layer::kAdd:
    case Layer::kMultiply:
    case Layer::kMax:
      return arithmetic(layer);
    case Layer::kMaxBroadcastable:
    case Layer::kMinBroadcastable:
    case Layer::kAddBroadcastable:
    case Layer::kPowBroadcastable:
    case Layer::kDivideBroadcastable:
    case Layer::kMultiplyBroadcastable:
    case Layer::kSubtractBroadcastable:
      return broadcast(layer);
    case Layer::kScale:
    case Layer::kBias:
      return scale(layer);
    case Layer::kLoadConstant:
    case Layer::kLoadConstantND:
      return load_constant(layer);
    case Layer::kSoftmax:
    case Layer::kSoftmaxND:
      return softmax(layer);
    case Layer::kConcat:
    case Layer::kConcatND:
      return concat(layer);
    case Layer::kReshape:
    case Layer::kReshapeStatic:
    case Layer::kRankPreservingReshape:
      return reshape(layer);
    case Layer::kFlatten:
    case Layer::kFlattenTo2D:
      return flatten(layer);
    case Layer::kSqueeze:
    case Layer::kExpandDims:
      return dims(layer);
    case Layer::kPermute:
    case Layer::kTranspose:
      return permute(layer);
    case Layer::kClip:
      return clip(layer);
    case Layer::kSliceStatic:
      return slice(layer);
    case Layer::kConstantPad:
      return pad(layer);
    case Layer::kReduceMean:
      return reduce(layer);
    case Layer::kTanh: {
      VISAVIS_TRY(x, only_input(layer));
      builder_.node("Tanh", layer.output(0), {x->name}, {});
      return CoreMlValue{.name = layer.output(0), .shape = x->shape};
    }
    case Layer::kSplitND:
    case Layer::LAYER_NOT_SET:
      break;
  }
  return unsupported(layer, "it is not known");
}

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

Result<CoreMlValue> CoreMlAssembly::activation(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.activation();
  const std::string& name = layer.output(0);
  if (params.has_linear()) {
    std::string value = with_number("Mul", name + ".scaled", x->name, params.linear().alpha(), 1);
    value = with_number("Add", name + ".shifted", value, params.linear().beta(), 0);
    return named(layer, value, x->shape);
  }
  if (params.has_scaledtanh()) {
    std::string value =
        with_number("Mul", name + ".scaled", x->name, params.scaledtanh().beta(), 1);
    value = builder_.node("Tanh", name + ".tanh", {value}, {});
    value = with_number("Mul", name + ".times", value, params.scaledtanh().alpha(), 1);
    return named(layer, value, x->shape);
  }
  if (params.has_prelu()) {
    const auto& alpha = params.prelu().alpha();
    const std::int64_t channels = channels_of(x->shape);
    if (channels < 1) return unsupported(layer, "an input of fewer than three dimensions");
    const bool single = alpha.floatvalue_size() == 1 || alpha.float16value().size() == 2;
    const Shape shape = single ? Shape{1} : per_channel(channels);
    VISAVIS_TRY(slopes, weights_of(layer, alpha, shape));
    builder_.prelu(name, x->name, constant(name + ".slopes", shape, std::move(slopes)));
  } else if (params.has_relu()) {
    builder_.relu(name, x->name);
  } else if (params.has_leakyrelu()) {
    builder_.node("LeakyRelu", name, {x->name}, {{"alpha", params.leakyrelu().alpha()}});
  } else if (params.has_tanh()) {
    builder_.node("Tanh", name, {x->name}, {});
  } else if (params.has_sigmoid()) {
    builder_.node("Sigmoid", name, {x->name}, {});
  } else if (params.has_sigmoidhard()) {
    builder_.node("HardSigmoid", name, {x->name},
                  {{"alpha", params.sigmoidhard().alpha()}, {"beta", params.sigmoidhard().beta()}});
  } else if (params.has_elu()) {
    builder_.node("Elu", name, {x->name}, {{"alpha", params.elu().alpha()}});
  } else {
    return unsupported(layer, "a function that is not known");
  }
  return CoreMlValue{.name = name, .shape = x->shape};
}

/// Of rank 2 and 3 the last dimension, of rank 4 the last three count.
Result<CoreMlValue> CoreMlAssembly::inner_product(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.innerproduct();
  const std::size_t rank = x->shape.size();
  if (rank < 2 || rank > 4) return unsupported(layer, "an input of other than 2 to 4 dimensions");
  if (params.inputchannels() < 1 || params.inputchannels() > kMost * 64 ||
      params.outputchannels() < 1 || params.outputchannels() > kMost)
    return malformed(layer, "a number of channels out of range");
  const auto inputs = static_cast<std::int64_t>(params.inputchannels());
  const auto outputs = static_cast<std::int64_t>(params.outputchannels());
  const std::int64_t given = rank == 4 ? product(x->shape, 1) : x->shape.back();
  if (given >= 0 && given != inputs) return mismatch(layer);
  VISAVIS_TRY(weights, weights_of(layer, params.weights(), {outputs, inputs}));
  std::vector<float> bias(static_cast<std::size_t>(outputs), 0.F);
  if (params.hasbias()) {
    VISAVIS_TRY(summand, weights_of(layer, params.bias(), {outputs}));
    bias = std::move(summand);
  }
  const std::string& name = layer.output(0);
  if (rank == 3) {
    std::vector<float> turned(weights.size());
    const auto rows = static_cast<std::size_t>(outputs);
    const auto columns = static_cast<std::size_t>(inputs);
    for (std::size_t r = 0; r < rows; ++r)
      for (std::size_t c = 0; c < columns; ++c) turned[c * rows + r] = weights[r * columns + c];
    const std::string made =
        builder_.product(name + ".product", x->name,
                         constant(name + ".weight", {inputs, outputs}, std::move(turned)));
    builder_.node("Add", name,
                  {made, builder_.constant(constant(name + ".bias", {outputs}, std::move(bias)))},
                  {});
    return CoreMlValue{.name = name, .shape = {x->shape[0], x->shape[1], outputs}};
  }
  const std::string rows = rank == 4 ? builder_.flatten(name + ".rows", x->name) : x->name;
  const std::string made =
      builder_.dense(rank == 4 ? name + ".dense" : name, rows,
                     constant(name + ".weight", {outputs, inputs}, std::move(weights)),
                     constant(name + ".bias", {outputs}, std::move(bias)));
  if (rank == 2) return CoreMlValue{.name = name, .shape = {x->shape[0], outputs}};
  return reshaped(layer, {.name = made, .shape = {}}, {0, outputs, 1, 1},
                  {x->shape[0], outputs, 1, 1});
}

Result<CoreMlValue> CoreMlAssembly::batch_norm(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.batchnorm();
  if (params.computemeanvar() || params.instancenormalization())
    return unsupported(layer, "statistics of what is just computed");
  if (x->shape.size() != 4) return unsupported(layer, "an input that is no picture");
  if (params.channels() < 1 || params.channels() > kMost)
    return malformed(layer, "a number of channels out of range");
  const auto channels = static_cast<std::int64_t>(params.channels());
  if (x->shape[1] >= 0 && x->shape[1] != channels) return mismatch(layer);
  VISAVIS_TRY(gamma, weights_of(layer, params.gamma(), {channels}));
  VISAVIS_TRY(beta, weights_of(layer, params.beta(), {channels}));
  VISAVIS_TRY(mean, weights_of(layer, params.mean(), {channels}));
  VISAVIS_TRY(variance, weights_of(layer, params.variance(), {channels}));
  const std::string& name = layer.output(0);
  builder_.batch_normalization(
      name, x->name,
      {.scale = constant(name + ".gamma", {channels}, std::move(gamma)),
       .shift = constant(name + ".beta", {channels}, std::move(beta)),
       .mean = constant(name + ".mean", {channels}, std::move(mean)),
       .variance = constant(name + ".variance", {channels}, std::move(variance))},
      params.epsilon() == 0 ? 1e-5F : params.epsilon());
  return CoreMlValue{.name = name, .shape = x->shape};
}

/// x / √(Σ x² + ε) over the last three dimensions.
Result<CoreMlValue> CoreMlAssembly::l2_normalize(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const float given = layer.l2normalize().epsilon();
  const std::int64_t count = x->shape.size() == 4 ? product(x->shape, 1) : -1;
  if (count < 1) return unsupported(layer, "an input that is no picture of known size");
  const std::string& name = layer.output(0);
  const std::string square = builder_.node("Mul", name + ".square", {x->name, x->name}, {});
  const std::string mean = builder_.node("ReduceMean", name + ".mean", {square},
                                         {{"axes", Shape{1, 2, 3}}, {"keepdims", std::int64_t{1}}});
  std::string value = with_number("Mul", name + ".sum", mean, static_cast<float>(count), 1);
  value = with_number("Add", name + ".above", value, given == 0 ? 1e-6F : given, 0);
  value = builder_.node("Sqrt", name + ".length", {value}, {});
  builder_.node("Div", name, {x->name, value}, {});
  return CoreMlValue{.name = name, .shape = x->shape};
}

Result<CoreMlValue> CoreMlAssembly::unary(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.unary();
  const std::string& name = layer.output(0);
  const float epsilon = params.epsilon() == 0 ? 1e-6F : params.epsilon();
  std::string value =
      with_number("Mul", name + ".scaled", x->name, params.scale() == 0 ? 1 : params.scale(), 1);
  value = with_number("Add", name + ".shifted", value, params.shift(), 0);
  switch (params.type()) {
    case 0:
      value = builder_.node("Sqrt", name + ".root", {value}, {});
      break;
    case 1:
    case 2:
      value = with_number("Add", name + ".above", value, epsilon, 0);
      if (params.type() == 1) value = builder_.node("Sqrt", name + ".root", {value}, {});
      value = builder_.node("Div", name + ".inverse", {number(name + ".one", 1), value}, {});
      break;
    case 3:
      value = params.alpha() == 2 ? builder_.node("Mul", name + ".square", {value, value}, {})
                                  : with_number("Pow", name + ".power", value, params.alpha(), 1);
      break;
    case 4:
      value = builder_.node("Exp", name + ".exp", {value}, {});
      break;
    case 5:
      value = builder_.node("Log", name + ".log", {value}, {});
      break;
    case 6:
      value = builder_.node("Abs", name + ".abs", {value}, {});
      break;
    case 7:
      value =
          builder_.node("Max", name + ".max", {value, number(name + ".least", params.alpha())}, {});
      break;
    default:
      return unsupported(layer, "a function that is not known");
  }
  return named(layer, value, x->shape);
}

Result<CoreMlValue> CoreMlAssembly::two(const Layer& layer, const char* op) {
  if (layer.input_size() != 2) return malformed(layer, "it has not exactly two inputs");
  const CoreMlValue* a = find(layer.input(0));
  const CoreMlValue* b = find(layer.input(1));
  if (a == nullptr || b == nullptr)
    return malformed(layer, "it reads what no layer before it gives");
  builder_.node(op, layer.output(0), {a->name, b->name}, {});
  return CoreMlValue{.name = layer.output(0), .shape = modelkit::broadcast(a->shape, b->shape)};
}

/// add and multiply with their number, or with any count of inputs; max.
Result<CoreMlValue> CoreMlAssembly::arithmetic(const Layer& layer) {
  const char* op = layer.has_add() ? "Add" : layer.has_multiply() ? "Mul" : "Max";
  if (layer.input_size() == 2) return two(layer, op);
  const std::string& name = layer.output(0);
  if (layer.input_size() == 1) {
    VISAVIS_TRY(x, only_input(layer));
    if (layer.has_max()) return malformed(layer, "it has a single input");
    const std::string value =
        layer.has_add() ? with_number(op, name + ".sum", x->name, layer.add().alpha(), 0)
                        : with_number(op, name + ".product", x->name, layer.multiply().alpha(), 1);
    return named(layer, value, x->shape);
  }
  CoreMlValue value;
  for (int i = 0; i < layer.input_size(); ++i) {
    const CoreMlValue* next = find(layer.input(i));
    if (next == nullptr) return malformed(layer, "it reads what no layer before it gives");
    const std::string part =
        i + 1 == layer.input_size() ? name : name + ".part" + std::to_string(i);
    value.name = i == 0 ? next->name : builder_.node(op, part, {value.name, next->name}, {});
    value.shape = i == 0 ? next->shape : modelkit::broadcast(value.shape, next->shape);
  }
  if (value.name != name) return malformed(layer, "it has no inputs");
  return value;
}

Result<CoreMlValue> CoreMlAssembly::broadcast(const Layer& layer) {
  switch (layer.layer_case()) {
    case Layer::kAddBroadcastable:
      return two(layer, "Add");
    case Layer::kSubtractBroadcastable:
      return two(layer, "Sub");
    case Layer::kMultiplyBroadcastable:
      return two(layer, "Mul");
    case Layer::kDivideBroadcastable:
      return two(layer, "Div");
    case Layer::kMaxBroadcastable:
      return two(layer, "Max");
    case Layer::kMinBroadcastable:
      return two(layer, "Min");
    default:
      return two(layer, "Pow");
  }
}

/// scale and bias, with numbers of the shape [1], [C], [1, H, W] or [C, H, W].
Result<CoreMlValue> CoreMlAssembly::scale(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  if (x->shape.size() < 3) return unsupported(layer, "an input of fewer than three dimensions");
  const std::string& name = layer.output(0);
  const auto held = [&](const std::string& suffix, const auto& dimensions,
                        const coreml::WeightParams& params) -> Result<std::string> {
    Shape shape(dimensions.begin(), dimensions.end());
    if (shape.size() != 1 && shape.size() != 3) return malformed(layer, "a shape of another rank");
    for (std::size_t i = 0; i < shape.size(); ++i) {
      const std::int64_t size = x->shape[x->shape.size() - 3 + i];
      if (shape[i] != 1 && size >= 0 && shape[i] != size) return mismatch(layer);
    }
    if (shape.size() == 1) shape = per_channel(shape[0]);
    VISAVIS_TRY(values, weights_of(layer, params, shape));
    return builder_.constant(constant(name + suffix, shape, std::move(values)));
  };
  if (layer.has_bias()) {
    VISAVIS_TRY(summand, held(".bias", layer.bias().shape(), layer.bias().bias()));
    builder_.node("Add", name, {x->name, summand}, {});
    return CoreMlValue{.name = name, .shape = x->shape};
  }
  const auto& params = layer.scale();
  VISAVIS_TRY(factor, held(".scale", params.shapescale(), params.scale()));
  const std::string scaled =
      builder_.node("Mul", params.hasbias() ? name + ".scaled" : name, {x->name, factor}, {});
  if (params.hasbias()) {
    VISAVIS_TRY(summand, held(".bias", params.shapebias(), params.bias()));
    builder_.node("Add", name, {scaled, summand}, {});
  }
  return CoreMlValue{.name = name, .shape = x->shape};
}

Result<CoreMlValue> CoreMlAssembly::load_constant(const Layer& layer) {
  if (layer.input_size() != 0) return malformed(layer, "it has inputs");
  const bool any_rank = layer.has_loadconstantnd();
  const auto& params = any_rank ? layer.loadconstantnd() : layer.loadconstant();
  Shape shape;
  for (const std::uint64_t n : params.shape()) {
    if (n < 1 || n > static_cast<std::uint64_t>(graph::kMaxElements))
      return malformed(layer, "a size out of range");
    shape.push_back(static_cast<std::int64_t>(n));
  }
  if (!any_rank) {
    if (shape.size() != 3) return malformed(layer, "not three dimensions");
    shape.insert(shape.begin(), 1);
  }
  VISAVIS_TRY(values, weights_of(layer, params.data(), shape));
  builder_.constant(constant(layer.output(0), shape, std::move(values)));
  return CoreMlValue{.name = layer.output(0), .shape = shape};
}

Result<CoreMlValue> CoreMlAssembly::softmax(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const std::int64_t axis = layer.has_softmaxnd() ? layer.softmaxnd().axis() : -3;
  if (!axis_of(axis, x->shape.size())) return malformed(layer, "an axis beyond the shape");
  builder_.node("Softmax", layer.output(0), {x->name}, {{"axis", axis}});
  return CoreMlValue{.name = layer.output(0), .shape = x->shape};
}

Result<CoreMlValue> CoreMlAssembly::concat(const Layer& layer) {
  if (layer.has_concat() && layer.concat().sequenceconcat())
    return unsupported(layer, "sequences one behind the other");
  if (layer.input_size() == 0) return malformed(layer, "it has no inputs");
  std::vector<std::string> parts;
  Shape shape;
  std::optional<std::size_t> axis;
  for (const std::string& input : layer.input()) {
    const CoreMlValue* next = find(input);
    if (next == nullptr) return malformed(layer, "it reads what no layer before it gives");
    if (parts.empty()) {
      shape = next->shape;
      axis = axis_of(layer.has_concatnd() ? layer.concatnd().axis() : -3, shape.size());
      if (!axis) return malformed(layer, "an axis beyond the shape");
    } else {
      if (next->shape.size() != shape.size()) return malformed(layer, "inputs of several ranks");
      const std::int64_t more = next->shape[*axis];
      shape[*axis] = shape[*axis] < 0 || more < 0 ? -1 : shape[*axis] + more;
    }
    parts.push_back(next->name);
  }
  builder_.node("Concat", layer.output(0), std::move(parts),
                {{"axis", static_cast<std::int64_t>(*axis)}});
  return CoreMlValue{.name = layer.output(0), .shape = std::move(shape)};
}

Result<CoreMlValue> CoreMlAssembly::reshape(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.has_reshape()         ? layer.reshape()
                       : layer.has_reshapestatic() ? layer.reshapestatic()
                                                   : layer.rankpreservingreshape();
  Shape target(params.targetshape().begin(), params.targetshape().end());
  const std::size_t rank = target.size();
  const bool keeps_rank = layer.has_rankpreservingreshape();
  if (rank == 0 || rank >= graph::kMaxRank || (keeps_rank && rank != x->shape.size()))
    return malformed(layer, "a shape of another rank");
  for (const std::int64_t n : target)
    if (n < -1 || n > graph::kMaxElements || (n == 0 && !keeps_rank))
      return malformed(layer, "a size out of range");
  if (layer.has_reshape()) {  // channels, height and width, of each sample by itself
    if (params.mode() != 0) return unsupported(layer, "channels last");
    if (rank != 3 || x->shape.size() != 4) return unsupported(layer, "sequences");
    target.insert(target.begin(), 0);
  }
  Shape shape = target;
  for (std::size_t i = 0; i < shape.size(); ++i)
    if (shape[i] == 0) shape[i] = x->shape[i];
  return reshaped(layer, *x, std::move(target), std::move(shape));
}

Result<CoreMlValue> CoreMlAssembly::flatten(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const std::string& name = layer.output(0);
  if (layer.has_flattento2d()) {
    const auto axis = axis_of(layer.flattento2d().axis(), x->shape.size());
    if (!axis) return malformed(layer, "an axis beyond the shape");
    builder_.node("Flatten", name, {x->name}, {{"axis", static_cast<std::int64_t>(*axis)}});
    const std::int64_t first = *axis == 1 ? x->shape[0] : -1;
    return CoreMlValue{.name = name, .shape = {first, product(x->shape, *axis)}};
  }
  if (layer.flatten().mode() != 0) return unsupported(layer, "channels last");
  if (x->shape.size() != 4) return unsupported(layer, "an input that is no picture");
  return reshaped(layer, *x, {0, -1, 1, 1}, {x->shape[0], product(x->shape, 1), 1, 1});
}

/// squeeze and expandDims
Result<CoreMlValue> CoreMlAssembly::dims(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const bool adds = layer.has_expanddims();
  const auto& params = adds ? layer.expanddims() : layer.squeeze();
  if (params.squeezeall()) return unsupported(layer, "all dimensions of 1");
  const std::size_t rank =
      x->shape.size() + (adds ? static_cast<std::size_t>(params.axes_size()) : 0);
  if (rank > graph::kMaxRank || params.axes().empty())
    return malformed(layer, "no or too many dimensions");
  std::vector<bool> named(rank, false);
  Shape axes;
  for (const std::int64_t n : params.axes()) {
    const auto axis = axis_of(n, rank);
    if (!axis || named[*axis]) return malformed(layer, "an axis beyond the shape, or twice");
    named[*axis] = true;
    axes.push_back(static_cast<std::int64_t>(*axis));
  }
  std::ranges::sort(axes);
  Shape shape;
  std::size_t next = 0;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (adds)
      shape.push_back(named[axis] ? 1 : x->shape[next++]);
    else if (!named[axis])
      shape.push_back(x->shape[axis]);
  }
  const std::string& name = layer.output(0);
  builder_.node(adds ? "Unsqueeze" : "Squeeze", name,
                {x->name, builder_.integers(name + ".axes", std::move(axes))}, {});
  return CoreMlValue{.name = name, .shape = std::move(shape)};
}

/// permute of the old form knows a sequence, which is the batch here, channels, height and width.
Result<CoreMlValue> CoreMlAssembly::permute(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& given = layer.has_permute() ? layer.permute().axes() : layer.transpose().axes();
  Shape order;
  Shape shape;
  std::vector<bool> named(x->shape.size(), false);
  for (const std::uint64_t axis : given) {
    if (axis >= named.size() || named[axis]) return malformed(layer, "an order of other axes");
    named[axis] = true;
    order.push_back(static_cast<std::int64_t>(axis));
    shape.push_back(x->shape[axis]);
  }
  if (order.size() != named.size() || (layer.has_permute() && order.size() != 4))
    return malformed(layer, "an order of other axes");
  if (layer.has_permute() && order[0] != 0) return unsupported(layer, "the sequence elsewhere");
  builder_.transpose(layer.output(0), x->name, order);
  return CoreMlValue{.name = layer.output(0), .shape = std::move(shape)};
}

Result<CoreMlValue> CoreMlAssembly::clip(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const std::string& name = layer.output(0);
  builder_.node("Clip", name,
                {x->name, number(name + ".low", layer.clip().minval()),
                 number(name + ".high", layer.clip().maxval())},
                {});
  return CoreMlValue{.name = name, .shape = x->shape};
}

Result<CoreMlValue> CoreMlAssembly::slice(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.slicestatic();
  const int rank = static_cast<int>(x->shape.size());
  if (params.beginids_size() != rank || params.endids_size() != rank ||
      params.strides_size() != rank || params.beginmasks_size() != rank ||
      params.endmasks_size() != rank)
    return malformed(layer, "it has not one range for each dimension");
  if (std::ranges::find(params.squeezemasks(), true) != params.squeezemasks().end())
    return unsupported(layer, "dimensions that vanish");
  Shape starts;
  Shape ends;
  Shape axes;
  Shape shape = x->shape;
  for (int i = 0; i < rank; ++i) {
    if (params.strides(i) != 1) return unsupported(layer, "steps other than 1");
    const bool from_start = params.beginmasks(i) || params.beginids(i) == 0;
    if (from_start && params.endmasks(i)) continue;
    const auto axis = static_cast<std::size_t>(i);
    const std::int64_t size = shape[axis];
    const std::int64_t start = from_start ? 0 : params.beginids(i);
    const std::int64_t end =
        params.endmasks(i) ? std::numeric_limits<std::int64_t>::max() : params.endids(i);
    starts.push_back(start);
    ends.push_back(end);
    axes.push_back(i);
    const auto place = [size](std::int64_t at) {
      return std::clamp<std::int64_t>(at < 0 ? std::max(at, -size) + size : at, 0, size);
    };
    shape[axis] = size < 0 ? -1 : place(end) - place(start);
    if (size >= 0 && shape[axis] < 1) return malformed(layer, "it takes nothing");
  }
  if (axes.empty()) return named(layer, x->name, std::move(shape));
  const std::string& name = layer.output(0);
  builder_.node("Slice", name,
                {x->name, builder_.integers(name + ".starts", std::move(starts)),
                 builder_.integers(name + ".ends", std::move(ends)),
                 builder_.integers(name + ".axes", std::move(axes))},
                {});
  return CoreMlValue{.name = name, .shape = std::move(shape)};
}

Result<void> CoreMlAssembly::split(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.splitnd();
  const auto axis = axis_of(params.axis(), x->shape.size());
  if (!axis) return malformed(layer, "an axis beyond the shape");
  if (layer.output_size() == 0) return malformed(layer, "it has no outputs");
  Shape sizes;
  for (const std::uint64_t n : params.splitsizes()) {
    if (n < 1 || n > static_cast<std::uint64_t>(graph::kMaxElements))
      return malformed(layer, "a size out of range");
    sizes.push_back(static_cast<std::int64_t>(n));
  }
  const std::int64_t all = x->shape[*axis];
  if (sizes.empty()) {
    if (all < 0 || all % layer.output_size() != 0)
      return malformed(layer, "parts that are not equal");
    sizes.assign(static_cast<std::size_t>(layer.output_size()), all / layer.output_size());
  }
  if (std::ssize(sizes) != layer.output_size())
    return malformed(layer, "not one size for each output");
  const CoreMlValue whole = *x;
  std::int64_t start = 0;
  for (int i = 0; i < layer.output_size(); ++i) {
    const std::string& name = layer.output(i);
    const std::int64_t end = start + sizes[static_cast<std::size_t>(i)];
    if (all >= 0 && end > all) return malformed(layer, "parts larger than the whole");
    CoreMlValue part{.name = name, .shape = whole.shape};
    part.shape[*axis] = end - start;
    VISAVIS_CHECK(add(name, std::move(part)));
    builder_.node("Slice", name,
                  {whole.name, builder_.integers(name + ".starts", {start}),
                   builder_.integers(name + ".ends", {end}),
                   builder_.integers(name + ".axes", {static_cast<std::int64_t>(*axis)})},
                  {});
    start = end;
  }
  return {};
}

/// Before and behind each dimension.
Result<CoreMlValue> CoreMlAssembly::pad(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.constantpad();
  if (params.padtogivenoutputsizemode()) return unsupported(layer, "padding to a size");
  const std::size_t rank = x->shape.size();
  if (static_cast<std::size_t>(params.padamounts_size()) != 2 * rank)
    return malformed(layer, "it has not two amounts for each dimension");
  Shape pads(2 * rank);
  Shape shape = x->shape;
  for (std::size_t i = 0; i < 2 * rank; ++i) {
    const std::uint64_t amount = params.padamounts(static_cast<int>(i));
    if (amount > kMost) return malformed(layer, "a padding out of range");
    const auto n = static_cast<std::int64_t>(amount);
    pads[(i % 2) * rank + i / 2] = n;
    if (shape[i / 2] >= 0) shape[i / 2] += n;
  }
  const std::string& name = layer.output(0);
  builder_.node("Pad", name,
                {x->name, builder_.integers(name + ".pads", std::move(pads)),
                 number(name + ".value", params.value())},
                {});
  return CoreMlValue{.name = name, .shape = std::move(shape)};
}

Result<CoreMlValue> CoreMlAssembly::reduce(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.reducemean();
  std::vector<bool> reduced(x->shape.size(), params.reduceall());
  for (const std::int64_t n : params.axes()) {
    const auto axis = axis_of(n, x->shape.size());
    if (!axis) return malformed(layer, "an axis beyond the shape");
    reduced[*axis] = true;
  }
  Shape axes;
  Shape shape;
  for (std::size_t axis = 0; axis < reduced.size(); ++axis) {
    if (reduced[axis]) axes.push_back(static_cast<std::int64_t>(axis));
    if (!reduced[axis]) shape.push_back(x->shape[axis]);
    if (reduced[axis] && params.keepdims()) shape.push_back(1);
  }
  if (axes.empty()) return malformed(layer, "no axes");
  builder_.node("ReduceMean", layer.output(0), {x->name},
                {{"axes", axes}, {"keepdims", std::int64_t{params.keepdims() ? 1 : 0}}});
  return CoreMlValue{.name = layer.output(0), .shape = std::move(shape)};
}

}  // namespace visavis::modelkit
