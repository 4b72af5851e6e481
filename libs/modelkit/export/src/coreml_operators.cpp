#include "coreml_operators.hpp"

#include <coreml.pb.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/graph/resize.hpp>

#include "survey.hpp"

namespace visavis::modelkit {
namespace {

std::uint64_t size_of(std::int64_t n) { return static_cast<std::uint64_t>(n); }

/// UnaryFunctionLayerParams.Operation.
enum Unary : std::int32_t { kSqrt = 0, kPower = 3, kExp = 4, kLog = 5, kAbs = 6 };

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
  static const std::vector<Rule> all = {
      {"Abs", &CoreMlLowering::unary},
      {"Add", &CoreMlLowering::binary},
      {"AveragePool", &CoreMlLowering::pool},
      {"BatchNormalization", &CoreMlLowering::batch_norm},
      {"Clip", &CoreMlLowering::clip},
      {"Concat", &CoreMlLowering::concat},
      {"Conv", &CoreMlLowering::convolution},
      {"ConvTranspose", &CoreMlLowering::transposed},
      {"Div", &CoreMlLowering::binary},
      {"Dropout", &CoreMlLowering::identity},
      {"Elu", &CoreMlLowering::activation},
      {"Exp", &CoreMlLowering::unary},
      {"Flatten", &CoreMlLowering::reshape},
      {"Gemm", &CoreMlLowering::dense},
      {"GlobalAveragePool", &CoreMlLowering::global_pool},
      {"GlobalMaxPool", &CoreMlLowering::global_pool},
      {"HardSigmoid", &CoreMlLowering::activation},
      {"HardSwish", &CoreMlLowering::hard_swish},
      {"Identity", &CoreMlLowering::identity},
      {"LeakyRelu", &CoreMlLowering::activation},
      {"Log", &CoreMlLowering::unary},
      {"MatMul", &CoreMlLowering::dense},
      {"Max", &CoreMlLowering::binary},
      {"Min", &CoreMlLowering::binary},
      {"MaxPool", &CoreMlLowering::pool},
      {"Mul", &CoreMlLowering::binary},
      {"Neg", &CoreMlLowering::activation},
      {"PRelu", &CoreMlLowering::prelu},
      {"Pad", &CoreMlLowering::pad},
      {"Pow", &CoreMlLowering::binary},
      {"ReduceMean", &CoreMlLowering::reduce},
      {"Relu", &CoreMlLowering::activation},
      {"Reshape", &CoreMlLowering::reshape},
      {"Resize", &CoreMlLowering::resize},
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
      {"Upsample", &CoreMlLowering::resize},
  };
  return all;
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

void CoreMlLowering::set_weights(coreml::WeightParams& params,
                                 const std::vector<float>& values) const {
  if (in_halves_ && values.size() >= graph::kLeastHalves) {
    if (const auto halves = graph::exact_halves(values)) {
      const auto bytes = std::as_bytes(std::span(*halves));
      params.set_float16value(bytes.data(), bytes.size());
      return;
    }
  }
  params.mutable_floatvalue()->Add(values.begin(), values.end());
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
  VISAVIS_TRY(kernel, kernel_of(survey_, node));
  const bool has_bias = kernel.bias != nullptr;
  const Shape& shape = kernel.shape;
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
  set_weights(*params->mutable_weights(), *kernel.values);
  params->set_hasbias(has_bias);
  if (has_bias) set_weights(*params->mutable_bias(), *kernel.bias);
  return {};
}

/// Kernels lie as ONNX has them: in, out / groups, height, width. Padding is what is cut off.
Result<void> CoreMlLowering::transposed(const Node& node) {
  VISAVIS_TRY(kernel, kernel_of(survey_, node));
  const bool has_bias = kernel.bias != nullptr;
  const Shape& shape = kernel.shape;
  VISAVIS_TRY(stamps, stamps_of(survey_, node));
  for (const StampAxis& axis : stamps)
    if (axis.after < 0) return refuse(node, "an output that no window reaches");
  const auto groups = node.get_or<std::int64_t>("group", 1);
  auto* params = layer(node).mutable_convolution();
  params->set_isdeconvolution(true);
  params->set_outputchannels(size_of(shape[1] * groups));
  params->set_kernelchannels(size_of(shape[0]));
  params->set_ngroups(size_of(groups));
  auto* borders = params->mutable_valid()->mutable_paddingamounts();
  for (std::size_t i = 0; i < 2; ++i) {
    params->add_kernelsize(size_of(shape[2 + i]));
    params->add_stride(size_of(stamps[i].stride));
    params->add_dilationfactor(size_of(stamps[i].dilation));
    auto* edge = borders->add_borderamounts();
    edge->set_startedgesize(size_of(stamps[i].before));
    edge->set_endedgesize(size_of(stamps[i].after));
  }
  set_weights(*params->mutable_weights(), *kernel.values);
  params->set_hasbias(has_bias);
  if (has_bias) set_weights(*params->mutable_bias(), *kernel.bias);
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

/// By whole factors, or to sizes that are known. What lies between pixels counts from the first of
/// them, from corner to corner, or, from version 5 on, from the middle of each.
Result<void> CoreMlLowering::resize(const Node& node) {
  VISAVIS_TRY(how, resizing_of(survey_, node));
  if (how.axes.size() != 4 || how.axes[0].changes() || how.axes[1].changes())
    return refuse(node, "of other than pictures");
  const auto pixels = std::span(how.axes).subspan(2);
  const auto is_like = [&](graph::Coordinates coordinates) {
    return std::ranges::all_of(pixels, [&](const graph::ResizeAxis& axis) {
      return how.is_like(axis, coordinates, graph::Nearest::kFloor);
    });
  };
  const bool by_factors = std::ranges::all_of(
      pixels, [](const graph::ResizeAxis& axis) { return axis.in > 0 && axis.out % axis.in == 0; });
  const bool starts = is_like(graph::Coordinates::kAsymmetric);
  const bool corners = how.linear && is_like(graph::Coordinates::kAlignCorners);
  const bool middles = how.linear && is_like(graph::Coordinates::kHalfPixel);
  if (!starts && !corners && !middles) return refuse(node, "with pixels in other places");
  if (by_factors) {
    constexpr std::int32_t kPlacesPixels = 5;  // iOS 14, macOS 11
    auto* params = layer(node).mutable_upsample();
    for (const graph::ResizeAxis& axis : pixels)
      params->add_scalingfactor(size_of(axis.out / axis.in));
    params->set_mode(how.linear ? 1 : 0);
    if (starts) return {};
    params->set_linearupsamplemode(corners ? 1 : 2);
    version_ = std::max(version_, kPlacesPixels);
    return {};
  }
  const bool is_one =
      std::ranges::any_of(pixels, [](const graph::ResizeAxis& axis) { return axis.out < 2; });
  if (!how.linear || survey_.sizes_are_free() || is_one || (!starts && !corners))
    return refuse(node, "by other than whole factors");
  auto* params = layer(node).mutable_resizebilinear();
  for (const graph::ResizeAxis& axis : pixels) params->add_targetsize(size_of(axis.out));
  params->mutable_mode()->set_samplingmethod(starts ? 2 : 0);
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

/// Gemm and MatMul
Result<void> CoreMlLowering::dense(const Node& node) {
  VISAVIS_TRY(dense, dense_of(survey_, node));
  const std::size_t rank = survey_.shape(node.inputs[0]).size();
  if (rank != 2 && rank != 3) return refuse(node, "of other than rows");
  auto* params = layer(node).mutable_innerproduct();
  params->set_inputchannels(size_of(dense.inputs));
  params->set_outputchannels(size_of(dense.outputs));
  set_weights(*params->mutable_weights(), dense.weights);
  params->set_hasbias(!dense.bias.empty());
  if (!dense.bias.empty()) set_weights(*params->mutable_bias(), dense.bias);
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
  if (node.op == "Min") added.mutable_minbroadcastable();
  if (node.op == "Pow") added.mutable_powbroadcastable();
  return {};
}

/// Core ML's channels are axis -3: rows get two more axes for the time being.
Result<coreml::NeuralNetworkLayer*> CoreMlLowering::by_channel(const Node& node) {
  const std::size_t rank = survey_.shape(node.inputs[0]).size();
  if (rank == 4) return &layer(node);
  if (rank != 2) return refuse(node, "of other than pictures and rows");
  const std::string wide = between(node);
  const std::string value = between(node);
  auto* more = layer(wide, {node.inputs[0]}).mutable_expanddims();
  Layer& made = layer(value, {wide});
  auto* fewer = layer(node.outputs[0], {value}).mutable_squeeze();
  for (const std::int64_t axis : {2, 3}) {
    more->add_axes(axis);
    fewer->add_axes(axis);
  }
  return &made;
}

Result<void> CoreMlLowering::batch_norm(const Node& node) {
  for (std::size_t i = 1; i < 5; ++i)
    if (survey_.floats(node, i) == nullptr) return refuse(node, "computed statistics");
  VISAVIS_TRY(made, by_channel(node));
  auto* params = made->mutable_batchnorm();
  params->set_channels(survey_.floats(node, 1)->size());
  params->set_epsilon(node.get_or("epsilon", 1e-5F));
  set_weights(*params->mutable_gamma(), *survey_.floats(node, 1));
  set_weights(*params->mutable_beta(), *survey_.floats(node, 2));
  set_weights(*params->mutable_mean(), *survey_.floats(node, 3));
  set_weights(*params->mutable_variance(), *survey_.floats(node, 4));
  return {};
}

Result<void> CoreMlLowering::prelu(const Node& node) {
  VISAVIS_TRY(slopes, slopes_of(survey_, node));
  VISAVIS_TRY(made, by_channel(node));
  set_weights(*made->mutable_activation()->mutable_prelu()->mutable_alpha(), *slopes);
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
  VISAVIS_TRY(bounds, bounds_of(survey_, node));
  auto* params = layer(node).mutable_clip();
  params->set_minval(std::max(bounds.first, -kMost));
  params->set_maxval(std::min(bounds.second, kMost));
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
  VISAVIS_TRY(axis, softmax_axis(survey_, node));
  layer(node).mutable_softmaxnd()->set_axis(static_cast<std::int64_t>(axis));
  return {};
}

Result<void> CoreMlLowering::concat(const Node& node) {
  VISAVIS_TRY(axis, concat_axis(survey_, node));
  if (node.inputs.size() == 1) return identity(node);
  layer(node.outputs[0], node.inputs).mutable_concatnd()->set_axis(static_cast<std::int64_t>(axis));
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
  if (y.size() < 2 || x.size() < 2 || y.front() != x.front() || survey_.varies(node.outputs[0]))
    return refuse(node, "that does not keep the samples apart");
  reshape_samples(node, node.inputs[0], x, y);
  return {};
}

Result<void> CoreMlLowering::transpose(const Node& node) {
  auto* params = layer(node).mutable_transpose();
  for (const std::int64_t axis : order_of(survey_, node)) params->add_axes(size_of(axis));
  return {};
}

Result<void> CoreMlLowering::slice(const Node& node) {
  VISAVIS_TRY(range, range_of(survey_, node));
  const Shape& x = survey_.shape(node.inputs[0]);
  auto* params = layer(node).mutable_slicestatic();
  for (std::size_t axis = 0; axis < x.size(); ++axis) {
    params->add_beginids(range.from[axis]);
    params->add_beginmasks(range.from[axis] == 0);
    params->add_endids(range.to[axis]);
    params->add_endmasks(range.to[axis] == x[axis]);
    params->add_strides(1);
    params->add_squeezemasks(false);
  }
  return {};
}

Result<void> CoreMlLowering::split(const Node& node) {
  VISAVIS_TRY(axis, split_axis(survey_, node));
  Layer& added = layer(node);
  for (std::size_t i = 1; i < node.outputs.size(); ++i) added.add_output(node.outputs[i]);
  auto* params = added.mutable_splitnd();
  params->set_axis(static_cast<std::int64_t>(axis));
  params->set_numsplits(node.outputs.size());
  for (const std::string& output : node.outputs)
    params->add_splitsizes(size_of(survey_.shape(output)[axis]));
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
  VISAVIS_TRY(axes, reduced_axes(survey_, node));
  auto* params = layer(node).mutable_reducemean();
  for (const std::size_t axis : axes) params->add_axes(static_cast<std::int64_t>(axis));
  params->set_keepdims(node.get_or<std::int64_t>("keepdims", 1) != 0);
  return {};
}

}  // namespace visavis::modelkit
