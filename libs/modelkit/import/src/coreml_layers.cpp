/// The table of Core ML's layers, and what their rules build on.

#include "coreml_layers.hpp"

#include <coreml.pb.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "coreml_values.hpp"

namespace visavis::modelkit::ml {
namespace {

using Layer = coreml::NeuralNetworkLayer;

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

}  // namespace visavis::modelkit::ml
