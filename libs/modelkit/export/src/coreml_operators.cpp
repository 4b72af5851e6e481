#include "coreml_operators.hpp"

#include <coreml.pb.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "survey.hpp"

namespace visavis::modelkit {
namespace {

std::unexpected<Error> refuse(const graph::Node& node, std::string_view why) {
  return fail(ErrorCode::kUnsupported, node.op + " (" + std::string(why) + ")");
}

void set_weights(coreml::WeightParams& params, const std::vector<float>& values) {
  params.mutable_floatvalue()->Add(values.begin(), values.end());
}

std::uint64_t size_of(std::int64_t n) { return static_cast<std::uint64_t>(n); }

/// UnaryFunctionLayerParams.Operation.
enum Unary : std::int32_t { kSqrt = 0, kPower = 3, kExp = 4, kLog = 5, kAbs = 6 };

std::optional<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) return std::nullopt;
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

std::vector<float> turned(const std::vector<float>& matrix, std::size_t rows) {
  const std::size_t columns = matrix.size() / rows;
  std::vector<float> out(matrix.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = matrix[r * columns + c];
  return out;
}

void set_borders(coreml::BorderAmounts& borders, const std::vector<WindowAxis>& windows) {
  for (const WindowAxis& axis : windows) {
    coreml::BorderAmounts::EdgeSizes* edge = borders.add_borderamounts();
    edge->set_startedgesize(size_of(axis.before));
    edge->set_endedgesize(size_of(axis.after));
  }
}

}  // namespace

struct CoreMlLowering::Rule {
  std::string_view op;
  Done (CoreMlLowering::*add)(const Node&);
};

const std::vector<CoreMlLowering::Rule>& CoreMlLowering::rules() {
  static const std::vector<Rule> kRules = {
      {"Abs", &CoreMlLowering::unary},
      {"Add", &CoreMlLowering::binary},
      {"AveragePool", &CoreMlLowering::pool},
      {"BatchNormalization", &CoreMlLowering::batch_norm},
      {"Clip", &CoreMlLowering::clip},
      {"Concat", &CoreMlLowering::concat},
      {"Conv", &CoreMlLowering::convolution},
      {"Div", &CoreMlLowering::binary},
      {"Dropout", &CoreMlLowering::identity},
      {"Elu", &CoreMlLowering::activation},
      {"Exp", &CoreMlLowering::unary},
      {"Flatten", &CoreMlLowering::reshape},
      {"Gemm", &CoreMlLowering::gemm},
      {"GlobalAveragePool", &CoreMlLowering::global_pool},
      {"GlobalMaxPool", &CoreMlLowering::global_pool},
      {"HardSigmoid", &CoreMlLowering::activation},
      {"HardSwish", &CoreMlLowering::hard_swish},
      {"Identity", &CoreMlLowering::identity},
      {"LeakyRelu", &CoreMlLowering::activation},
      {"Log", &CoreMlLowering::unary},
      {"MatMul", &CoreMlLowering::matmul},
      {"Max", &CoreMlLowering::binary},
      {"MaxPool", &CoreMlLowering::pool},
      {"Mul", &CoreMlLowering::binary},
      {"Neg", &CoreMlLowering::activation},
      {"PRelu", &CoreMlLowering::prelu},
      {"Pad", &CoreMlLowering::pad},
      {"Pow", &CoreMlLowering::binary},
      {"ReduceMean", &CoreMlLowering::reduce},
      {"Relu", &CoreMlLowering::activation},
      {"Reshape", &CoreMlLowering::reshape},
      {"Sigmoid", &CoreMlLowering::activation},
      {"Slice", &CoreMlLowering::slice},
      {"Softmax", &CoreMlLowering::softmax},
      {"Split", &CoreMlLowering::split},
      {"Sqrt", &CoreMlLowering::unary},
      {"Squeeze", &CoreMlLowering::reshape},
      {"Sub", &CoreMlLowering::binary},
      {"Tanh", &CoreMlLowering::activation},
      {"Transpose", &CoreMlLowering::transpose},
      {"Unsqueeze", &CoreMlLowering::reshape},
  };
  return kRules;
}

std::set<std::string_view> coreml_operators() {
  std::set<std::string_view> out;
  for (const CoreMlLowering::Rule& rule : CoreMlLowering::rules()) out.insert(rule.op);
  return out;
}

Result<void> CoreMlLowering::add(const Node& node) {
  const auto rule = std::ranges::find(rules(), node.op, &Rule::op);
  if (rule == rules().end()) return refuse(node, "no layer");
  if (rule->add != &CoreMlLowering::binary && survey_.is_constant(node.inputs[0]))
    return refuse(node, "of a constant");
  return (this->*rule->add)(node);
}

coreml::NeuralNetworkLayer& CoreMlLowering::layer(const std::string& output,
                                                  const std::vector<std::string>& inputs) {
  Layer* added = network_.add_layers();
  added->set_name(output);
  for (const std::string& input : inputs) added->add_input(input);
  added->add_output(output);
  return *added;
}

std::string CoreMlLowering::between(const Node& node) {
  return node.outputs[0] + "_" + std::to_string(++count_) + "_";
}

std::string CoreMlLowering::operand(const std::string& value) {
  const graph::Tensor* constant = survey_.graph().initializer(value);
  if (constant == nullptr || !loaded_.insert(value).second) return value;
  auto* params = layer(value, {}).mutable_loadconstantnd();
  // A single number has a dimension, too.
  for (const std::int64_t n : constant->shape.empty() ? Shape{1} : constant->shape)
    params->add_shape(size_of(n));
  set_weights(*params->mutable_data(), std::get<std::vector<float>>(constant->values));
  return value;
}

std::string CoreMlLowering::linear(const std::string& x, const std::string& output, float alpha,
                                   float beta) {
  auto* params = layer(output, {x}).mutable_activation()->mutable_linear();
  params->set_alpha(alpha);
  params->set_beta(beta);
  return output;
}

void CoreMlLowering::copy(const std::string& from, const std::string& to) {
  linear(from, to, 1, 0);
}

Result<void> CoreMlLowering::identity(const Node& node) {
  copy(node.inputs[0], node.outputs[0]);
  return {};
}

Result<void> CoreMlLowering::convolution(const Node& node) {
  const std::vector<float>* kernel = survey_.floats(node, 1);
  const bool has_bias = survey_.has(node, 2);
  const std::vector<float>* bias = survey_.floats(node, 2);
  if (kernel == nullptr || (has_bias && bias == nullptr)) return refuse(node, "computed weights");
  const Shape& shape = survey_.shape(node.inputs[1]);
  if (shape.size() != 4) return refuse(node, "of other than pictures");
  const auto windows = survey_.windows(node, {shape[2], shape[3]});
  if (!windows) return refuse(node, "windows that depend on the size");
  auto* params = layer(node).mutable_convolution();
  params->set_outputchannels(size_of(shape[0]));
  params->set_kernelchannels(size_of(shape[1]));
  params->set_ngroups(size_of(node.get_or<std::int64_t>("group", 1)));
  for (const WindowAxis& axis : *windows) {
    params->add_kernelsize(size_of(axis.kernel));
    params->add_stride(size_of(axis.stride));
    params->add_dilationfactor(size_of(axis.dilation));
  }
  set_borders(*params->mutable_valid()->mutable_paddingamounts(), *windows);
  set_weights(*params->mutable_weights(), *kernel);
  params->set_hasbias(has_bias);
  if (has_bias) set_weights(*params->mutable_bias(), *bias);
  return {};
}

/// Windows that hang over become padding, unless sizes are free: then Core ML has to round up as
/// ONNX does.
Result<void> CoreMlLowering::pool(const Node& node) {
  auto windows = survey_.windows(node, node.get_or("kernel_shape", Shape{}));
  if (!windows || node.outputs.size() != 1) return refuse(node, "of other than pictures");
  const bool up = node.get_or<std::int64_t>("ceil_mode", 0) != 0;
  const bool averages = node.op == "AveragePool";
  const bool counts_pads = node.get_or<std::int64_t>("count_include_pad", 0) != 0;
  for (WindowAxis& axis : *windows) {
    if (axis.dilation != 1) return refuse(node, "dilated");
    if (survey_.sizes_are_free()) {
      if (up && (axis.before != 0 || axis.after != 0 || axis.kernel < axis.stride))
        return refuse(node, "padded and rounded up at any size");
      continue;
    }
    const std::int64_t end = (axis.out - 1) * axis.stride + axis.kernel - axis.before;
    if (averages && counts_pads && end > axis.size + axis.after)
      return refuse(node, "windows that hang over");
    axis.after = std::max<std::int64_t>(end - axis.size, 0);
  }
  auto* params = layer(node).mutable_pooling();
  params->set_type(averages ? 1 : 0);
  for (const WindowAxis& axis : *windows) {
    params->add_kernelsize(size_of(axis.kernel));
    params->add_stride(size_of(axis.stride));
  }
  if (survey_.sizes_are_free() && up)
    for (int i = 0; i < 2; ++i) params->mutable_includelastpixel()->add_paddingamounts(0);
  else
    set_borders(*params->mutable_valid()->mutable_paddingamounts(), *windows);
  if (averages) params->set_avgpoolexcludepadding(!counts_pads);
  return {};
}

Result<void> CoreMlLowering::global_pool(const Node& node) {
  if (survey_.shape(node.inputs[0]).size() != 4) return refuse(node, "of other than pictures");
  auto* params = layer(node).mutable_pooling();
  params->set_type(node.op == "GlobalAveragePool" ? 1 : 0);
  params->set_globalpooling(true);
  params->mutable_valid();
  return {};
}

Result<void> CoreMlLowering::gemm(const Node& node) {
  const std::vector<float>* given = survey_.floats(node, 1);
  const std::vector<float>* addend = survey_.floats(node, 2);
  if (given == nullptr || (survey_.has(node, 2) && addend == nullptr))
    return refuse(node, "computed weights");
  if (node.get_or<std::int64_t>("transA", 0) != 0) return refuse(node, "a turned input");
  const Shape& shape = survey_.shape(node.inputs[1]);
  const bool is_turned = node.get_or<std::int64_t>("transB", 0) != 0;
  const std::int64_t outputs = shape[is_turned ? 0 : 1];
  std::vector<float> weights =
      is_turned ? *given : turned(*given, static_cast<std::size_t>(shape[0]));
  for (float& weight : weights) weight *= node.get_or("alpha", 1.F);
  std::vector<float> bias;
  if (addend != nullptr) {
    const auto count = static_cast<std::size_t>(outputs);
    if (addend->size() != 1 &&
        (addend->size() != count || survey_.shape(node.inputs[2]).back() != outputs))
      return refuse(node, "a summand for each row");
    for (std::size_t i = 0; i < count; ++i)
      bias.push_back((*addend)[addend->size() == 1 ? 0 : i] * node.get_or("beta", 1.F));
  }
  auto* params = layer(node).mutable_innerproduct();
  params->set_inputchannels(size_of(shape[is_turned ? 1 : 0]));
  params->set_outputchannels(size_of(outputs));
  set_weights(*params->mutable_weights(), weights);
  params->set_hasbias(!bias.empty());
  if (!bias.empty()) set_weights(*params->mutable_bias(), bias);
  return {};
}

Result<void> CoreMlLowering::matmul(const Node& node) {
  const std::vector<float>* weights = survey_.floats(node, 1);
  const Shape& shape = survey_.shape(node.inputs[1]);
  const std::size_t rank = survey_.shape(node.inputs[0]).size();
  if (weights == nullptr || shape.size() != 2 || rank < 2 || rank > 3)
    return refuse(node, "other than of rows with constant weights");
  auto* params = layer(node).mutable_innerproduct();
  params->set_inputchannels(size_of(shape[0]));
  params->set_outputchannels(size_of(shape[1]));
  set_weights(*params->mutable_weights(), turned(*weights, static_cast<std::size_t>(shape[0])));
  params->set_hasbias(false);
  return {};
}

Result<void> CoreMlLowering::binary(const Node& node) {
  if (node.inputs.size() != 2) return refuse(node, "of other than two inputs");
  for (std::size_t i = 0; i < 2; ++i)
    if (survey_.is_constant(node.inputs[i]) && survey_.floats(node, i) == nullptr)
      return refuse(node, "with numbers that are not float32");
  if (survey_.is_constant(node.inputs[0]) && survey_.is_constant(node.inputs[1]))
    return refuse(node, "of constants");
  const std::string a = operand(node.inputs[0]);
  const std::string b = operand(node.inputs[1]);
  Layer& added = layer(node.outputs[0], {a, b});
  if (node.op == "Add") added.mutable_addbroadcastable();
  if (node.op == "Sub") added.mutable_subtractbroadcastable();
  if (node.op == "Mul") added.mutable_multiplybroadcastable();
  if (node.op == "Div") added.mutable_dividebroadcastable();
  if (node.op == "Max") added.mutable_maxbroadcastable();
  if (node.op == "Pow") added.mutable_powbroadcastable();
  return {};
}

/// Along axis -3: what has fewer axes gets more for the time being.
Result<void> CoreMlLowering::batch_norm(const Node& node) {
  for (std::size_t i = 1; i < 5; ++i)
    if (survey_.floats(node, i) == nullptr) return refuse(node, "computed statistics");
  const Shape& x = survey_.shape(node.inputs[0]);
  if (x.size() != 2 && x.size() != 4) return refuse(node, "of other than pictures and rows");
  std::string input = node.inputs[0];
  const bool rows = x.size() == 2;
  if (rows) {
    input = between(node);
    auto* dims = layer(input, {node.inputs[0]}).mutable_expanddims();
    dims->add_axes(2);
    dims->add_axes(3);
  }
  const std::string output = rows ? between(node) : node.outputs[0];
  auto* params = layer(output, {input}).mutable_batchnorm();
  params->set_channels(size_of(x[1]));
  params->set_epsilon(node.get_or("epsilon", 1e-5F));
  set_weights(*params->mutable_gamma(), *survey_.floats(node, 1));
  set_weights(*params->mutable_beta(), *survey_.floats(node, 2));
  set_weights(*params->mutable_mean(), *survey_.floats(node, 3));
  set_weights(*params->mutable_variance(), *survey_.floats(node, 4));
  if (!rows) return {};
  auto* dims = layer(node.outputs[0], {output}).mutable_squeeze();
  dims->add_axes(2);
  dims->add_axes(3);
  return {};
}

Result<void> CoreMlLowering::prelu(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  const std::vector<float>* slopes = survey_.floats(node, 1);
  if (slopes == nullptr) return refuse(node, "computed slopes");
  if (x.size() != 2 && x.size() != 4) return refuse(node, "of other than pictures and rows");
  Shape wide = survey_.shape(node.inputs[1]);
  wide.insert(wide.begin(), x.size() - wide.size(), 1);
  Shape of_channels(x.size(), 1);
  of_channels[1] = x[1];
  if (slopes->size() != 1 && wide != of_channels)
    return refuse(node, "slopes of other than channels");
  const bool rows = x.size() == 2;
  std::string input = node.inputs[0];
  if (rows) {
    input = between(node);
    auto* dims = layer(input, {node.inputs[0]}).mutable_expanddims();
    dims->add_axes(2);
    dims->add_axes(3);
  }
  const std::string output = rows ? between(node) : node.outputs[0];
  set_weights(*layer(output, {input}).mutable_activation()->mutable_prelu()->mutable_alpha(),
              *slopes);
  if (!rows) return {};
  auto* dims = layer(node.outputs[0], {output}).mutable_squeeze();
  dims->add_axes(2);
  dims->add_axes(3);
  return {};
}

Result<void> CoreMlLowering::activation(const Node& node) {
  auto* params = layer(node).mutable_activation();
  if (node.op == "Relu") params->mutable_relu();
  if (node.op == "LeakyRelu") params->mutable_leakyrelu()->set_alpha(node.get_or("alpha", .01F));
  if (node.op == "Sigmoid") params->mutable_sigmoid();
  if (node.op == "Tanh") params->mutable_tanh();
  if (node.op == "Elu") params->mutable_elu()->set_alpha(node.get_or("alpha", 1.F));
  if (node.op == "HardSigmoid") {
    params->mutable_sigmoidhard()->set_alpha(node.get_or("alpha", .2F));
    params->mutable_sigmoidhard()->set_beta(node.get_or("beta", .5F));
  }
  if (node.op == "Neg") {
    params->mutable_linear()->set_alpha(-1);
    params->mutable_linear()->set_beta(0);
  }
  return {};
}

Result<void> CoreMlLowering::unary(const Node& node) {
  auto* params = layer(node).mutable_unary();
  params->set_scale(1);
  if (node.op == "Sqrt") params->set_type(kSqrt);
  if (node.op == "Exp") params->set_type(kExp);
  if (node.op == "Log") params->set_type(kLog);
  if (node.op == "Abs") params->set_type(kAbs);
  return {};
}

Result<void> CoreMlLowering::clip(const Node& node) {
  constexpr float kMost = std::numeric_limits<float>::max();
  float low = node.get_or("min", -kMost);
  float high = node.get_or("max", kMost);
  for (std::size_t i = 1; i < 3; ++i) {
    if (!survey_.has(node, i)) continue;
    const std::vector<float>* bound = survey_.floats(node, i);
    if (bound == nullptr || bound->size() != 1) return refuse(node, "computed bounds");
    (i == 1 ? low : high) = bound->front();
  }
  auto* params = layer(node).mutable_clip();
  params->set_minval(std::max(low, -kMost));
  params->set_maxval(std::min(high, kMost));
  return {};
}

Result<void> CoreMlLowering::hard_swish(const Node& node) {
  const std::string gate = between(node);
  auto* params = layer(gate, {node.inputs[0]}).mutable_activation()->mutable_sigmoidhard();
  params->set_alpha(1 / 6.F);
  params->set_beta(.5F);
  layer(node.outputs[0], {node.inputs[0], gate}).mutable_multiplybroadcastable();
  return {};
}

Result<void> CoreMlLowering::softmax(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  const bool old = survey_.graph().opset < 13;  // where all behind the axis is one
  const auto axis = axis_of(node.get_or<std::int64_t>("axis", old ? 1 : -1), x.size());
  if (!axis) return refuse(node, "an axis beyond the shape");
  for (std::size_t i = *axis + 1; old && i < x.size(); ++i)
    if (x[i] != 1) return refuse(node, "over several axes");
  layer(node).mutable_softmaxnd()->set_axis(static_cast<std::int64_t>(*axis));
  return {};
}

Result<void> CoreMlLowering::concat(const Node& node) {
  const auto axis =
      axis_of(node.get_or<std::int64_t>("axis", 1), survey_.shape(node.outputs[0]).size());
  if (!axis || *axis == 0) return refuse(node, "of samples");
  for (std::size_t i = 0; i < node.inputs.size(); ++i)
    if (survey_.is_constant(node.inputs[i])) return refuse(node, "with a constant");
  if (node.inputs.size() == 1) return identity(node);
  layer(node.outputs[0], node.inputs)
      .mutable_concatnd()
      ->set_axis(static_cast<std::int64_t>(*axis));
  return {};
}

/// To rows, then to as many axes of 1 as are wanted, then to their sizes: each of the three keeps a
/// free batch.
void CoreMlLowering::reshape_samples(const Node& node, const std::string& x, const Shape& from,
                                     const Shape& to) {
  const std::string& result = node.outputs[0];
  std::string value = x;
  if (from.size() != to.size()) {
    const std::string rows = to.size() == 2 ? result : between(node);
    if (from.size() != 2) {
      layer(rows, {value}).mutable_flattento2d()->set_axis(1);
      value = rows;
    }
    if (to.size() == 2) return;
    const std::string wide = between(node);
    auto* dims = layer(wide, {value}).mutable_expanddims();
    for (std::size_t axis = 2; axis < to.size(); ++axis)
      dims->add_axes(static_cast<std::int64_t>(axis));
    value = wide;
  }
  auto* params = layer(result, {value}).mutable_rankpreservingreshape();
  params->add_targetshape(0);
  for (std::size_t axis = 1; axis < to.size(); ++axis) params->add_targetshape(to[axis]);
}

Result<void> CoreMlLowering::reshape(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  const Shape& y = survey_.shape(node.outputs[0]);
  if (y.size() < 2 || x.size() < 2 || y.front() != x.front() || survey_.sizes_are_free())
    return refuse(node, "that does not keep the samples apart");
  reshape_samples(node, node.inputs[0], x, y);
  return {};
}

Result<void> CoreMlLowering::transpose(const Node& node) {
  const std::size_t rank = survey_.shape(node.inputs[0]).size();
  Shape order(rank);
  std::iota(order.rbegin(), order.rend(), 0);
  order = node.get_or("perm", order);
  auto* params = layer(node).mutable_transpose();
  for (const std::int64_t axis : order) params->add_axes(size_of(axis));
  return {};
}

Result<void> CoreMlLowering::slice(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  const auto starts = survey_.integers(node, "starts", 1);
  const auto ends = survey_.integers(node, "ends", 2);
  auto axes = survey_.integers(node, "axes", 3);
  const auto steps = survey_.integers(node, "steps", 4);
  if (!starts || !ends || survey_.sizes_are_free())
    return refuse(node, "at places that are computed");
  if (!axes) {
    axes = Shape(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  Shape from(x.size(), 0);
  Shape to = x;
  for (std::size_t i = 0; i < starts->size(); ++i) {
    const auto axis = axis_of((*axes)[i], x.size());
    if (!axis || (steps && (*steps)[i] != 1)) return refuse(node, "in other steps than 1");
    const auto place = [&](std::int64_t at) {
      return std::clamp<std::int64_t>(at < 0 ? std::max(at, -x[*axis]) + x[*axis] : at, 0,
                                      x[*axis]);
    };
    from[*axis] = place((*starts)[i]);
    to[*axis] = place((*ends)[i]);
    if (from[*axis] >= to[*axis]) return refuse(node, "of nothing");
  }
  if (from[0] != 0 || to[0] != x[0]) return refuse(node, "of samples");
  auto* params = layer(node).mutable_slicestatic();
  for (std::size_t axis = 0; axis < x.size(); ++axis) {
    params->add_beginids(from[axis]);
    params->add_beginmasks(from[axis] == 0);
    params->add_endids(to[axis]);
    params->add_endmasks(to[axis] == x[axis]);
    params->add_strides(1);
    params->add_squeezemasks(false);
  }
  return {};
}

Result<void> CoreMlLowering::split(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  const auto axis = axis_of(node.get_or<std::int64_t>("axis", 0), x.size());
  if (!axis || *axis == 0 || survey_.sizes_are_free()) return refuse(node, "of samples");
  if (std::ranges::find(node.outputs, "") != node.outputs.end())
    return refuse(node, "whose outputs have no names");
  Layer& added = layer(node);
  for (std::size_t i = 1; i < node.outputs.size(); ++i) added.add_output(node.outputs[i]);
  auto* params = added.mutable_splitnd();
  params->set_axis(static_cast<std::int64_t>(*axis));
  params->set_numsplits(node.outputs.size());
  for (const std::string& output : node.outputs)
    params->add_splitsizes(size_of(survey_.shape(output)[*axis]));
  return {};
}

Result<void> CoreMlLowering::pad(const Node& node) {
  const auto pads = survey_.integers(node, "pads", 1);
  const std::vector<float>* value = survey_.floats(node, 2);
  if (node.get_or<std::string>("mode", "constant") != "constant" || !pads ||
      (survey_.has(node, 2) && (value == nullptr || value->size() != 1)))
    return refuse(node, "with other than a number");
  if (std::ranges::any_of(*pads, [](std::int64_t n) { return n < 0; }))
    return refuse(node, "by less than nothing");
  const std::size_t rank = pads->size() / 2;
  auto* params = layer(node).mutable_constantpad();
  params->set_value(value == nullptr ? node.get_or("value", 0.F) : value->front());
  for (std::size_t axis = 0; axis < rank; ++axis) {
    params->add_padamounts(size_of((*pads)[axis]));
    params->add_padamounts(size_of((*pads)[rank + axis]));
  }
  return {};
}

Result<void> CoreMlLowering::reduce(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  const auto given = survey_.integers(node, "axes", 1);
  std::set<std::size_t> axes;
  for (const std::int64_t n : given.value_or(Shape{}))
    if (const auto axis = axis_of(n, x.size())) axes.insert(*axis);
  if (axes.empty() || axes.contains(0)) return refuse(node, "over samples");
  auto* params = layer(node).mutable_reducemean();
  for (const std::size_t axis : axes) params->add_axes(static_cast<std::int64_t>(axis));
  params->set_keepdims(node.get_or<std::int64_t>("keepdims", 1) != 0);
  return {};
}

}  // namespace visavis::modelkit
