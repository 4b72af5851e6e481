/// Core ML's products and sums, with or without weights, normalisations and activations.

#include <coreml.pb.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/shapes.hpp>

#include "builder.hpp"
#include "coreml_layers.hpp"
#include "coreml_values.hpp"

namespace visavis::modelkit::ml {
namespace {

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

}  // namespace

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
  return CoreMlValue{.name = layer.output(0), .shape = ml::broadcast(a->shape, b->shape)};
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
    value.shape = i == 0 ? next->shape : ml::broadcast(value.shape, next->shape);
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

Result<CoreMlValue> CoreMlAssembly::softmax(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const std::int64_t axis = layer.has_softmaxnd() ? layer.softmaxnd().axis() : -3;
  if (!graph::axis_among(axis, x->shape.size()))
    return malformed(layer, "an axis beyond the shape");
  builder_.node("Softmax", layer.output(0), {x->name}, {{"axis", axis}});
  return CoreMlValue{.name = layer.output(0), .shape = x->shape};
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

Result<CoreMlValue> CoreMlAssembly::reduce(const Layer& layer) {
  VISAVIS_TRY(x, only_input(layer));
  const auto& params = layer.reducemean();
  std::vector<bool> reduced(x->shape.size(), params.reduceall());
  for (const std::int64_t n : params.axes()) {
    const auto axis = graph::axis_among(n, x->shape.size());
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

}  // namespace visavis::modelkit::ml
