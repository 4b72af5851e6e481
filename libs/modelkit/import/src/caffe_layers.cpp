#include "caffe_layers.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "caffe_net.hpp"
#include "caffe_text.hpp"
#include "caffe_weights.hpp"
#include "caffe_windows.hpp"

namespace visavis::modelkit {
namespace {

using Values = Result<std::vector<CaffeValue>>;

std::string about(const CaffeCall& call) {
  return "the layer \"" + call.layer.name + "\" (" + call.layer.type + "): ";
}

std::unexpected<Error> unsupported(const CaffeCall& call, std::string_view what) {
  return fail(ErrorCode::kUnsupported, about(call) + std::string(what));
}

std::unexpected<Error> malformed(const CaffeCall& call, std::string_view what) {
  return fail(ErrorCode::kDecodeFailed, about(call) + std::string(what));
}

std::int64_t product(const Shape& shape, std::size_t begin, std::size_t end) {
  std::int64_t out = 1;
  for (std::size_t i = begin; i < end; ++i) out *= shape[i];
  return out;
}

Result<const CaffeValue*> only_input(const CaffeCall& call) {
  if (call.inputs.size() != 1) return malformed(call, "it has not exactly one input");
  return &call.inputs[0];
}

Result<const std::string*> only_name(const CaffeCall& call) {
  if (call.names.size() != 1) return malformed(call, "it has not exactly one output");
  return &call.names[0];
}

/// An axis may count from the end.
Result<std::size_t> axis_of(const CaffeCall& call, std::int64_t axis, const Shape& shape) {
  const auto rank = std::ssize(shape);
  if (axis < -rank || axis >= rank) return malformed(call, "an axis beyond the shape");
  return static_cast<std::size_t>(axis < 0 ? axis + rank : axis);
}

std::vector<CaffeValue> one(std::string name, Shape shape) {
  std::vector<CaffeValue> out;
  out.push_back({.name = std::move(name), .shape = std::move(shape)});
  return out;
}

/// The blobs of a layer that has `count` of them.
Result<const std::vector<CaffeBlob>*> blobs_of(const CaffeCall& call, const CaffeLayer& layer,
                                               std::size_t count) {
  const auto found = call.weights.find(layer.name);
  if (found == call.weights.end())
    return fail(ErrorCode::kModelMismatch,
                "the caffemodel has no weights for the layer \"" + layer.name + "\"");
  if (found->second.size() != count)
    return fail(ErrorCode::kModelMismatch, "the caffemodel has " +
                                               std::to_string(found->second.size()) +
                                               " blobs for the layer \"" + layer.name +
                                               "\", which wants " + std::to_string(count));
  return &found->second;
}

Result<void> check_count(const CaffeCall& call, const CaffeBlob& blob, const Shape& wanted) {
  const auto count = graph::element_count(wanted);
  if (count && *count == blob.values.size()) return {};
  return fail(ErrorCode::kModelMismatch,
              about(call) + "the caffemodel's weights are for another shape");
}

Constant constant(std::string name, Shape shape, std::vector<float> values) {
  return {.name = std::move(name), .shape = std::move(shape), .values = std::move(values)};
}

Constant scalar(std::string name, double value) {
  return constant(std::move(name), {}, {static_cast<float>(value)});
}

/// The shape in which a number for each channel meets [n, channels, …].
Shape per_channel(std::int64_t channels, std::size_t rank) {
  Shape shape(rank - 1, 1);
  shape.front() = channels;
  return shape;
}

/// What a convolution and a deconvolution say of themselves.
struct Convolved {
  const CaffeValue* x = nullptr;
  std::string name;
  std::int64_t outputs = 0;
  std::int64_t groups = 1;
  bool has_bias = true;
  CaffeWindow window;
};

/// @param depthwise  whether each channel is a group unless the file says otherwise
Result<Convolved> read_convolved(CaffeCall& call, bool depthwise) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("convolution_param"));
  parameters->pass_over({"weight_filler", "bias_filler", "engine", "force_nd_im2col"});
  VISAVIS_TRY(axis, parameters->integer("axis", 1));
  if (x->shape.size() != 4 || axis != 1)
    return unsupported(call, "a convolution of other than pictures");
  VISAVIS_TRY(outputs, parameters->integer("num_output", 0));
  VISAVIS_TRY(has_bias, parameters->boolean("bias_term", true));
  VISAVIS_TRY(window, read_caffe_window(*parameters, WindowOf::kConvolution));
  const std::int64_t channels = x->shape[1];
  VISAVIS_TRY(groups, parameters->integer("group", depthwise ? channels : 1));
  if (outputs < 1 || groups < 1 || channels % groups != 0 || outputs % groups != 0)
    return malformed(call, "numbers of channels and groups that do not go together");
  return Convolved{.x = x,
                   .name = *name,
                   .outputs = outputs,
                   .groups = groups,
                   .has_bias = has_bias,
                   .window = window};
}

Values convolution(CaffeCall& call) {
  VISAVIS_TRY(read, read_convolved(call, call.layer.type != "Convolution"));
  const auto& [x, name, outputs, groups, has_bias, window] = read;
  const std::int64_t channels = x->shape[1];
  const Shape weights = {outputs, channels / groups, window.rows.kernel, window.columns.kernel};
  VISAVIS_TRY(blobs, blobs_of(call, call.layer, has_bias ? 2 : 1));
  VISAVIS_CHECK(check_count(call, (*blobs)[0], weights));
  if (has_bias) VISAVIS_CHECK(check_count(call, (*blobs)[1], {outputs}));
  const std::int64_t height = convolved(window.rows, x->shape[2]);
  const std::int64_t width = convolved(window.columns, x->shape[3]);
  if (height < 1 || width < 1) return malformed(call, "a kernel larger than its input");
  std::vector<float> bias =
      has_bias ? (*blobs)[1].values : std::vector<float>(static_cast<std::size_t>(outputs), 0.F);
  call.builder.convolution(name, x->name, constant(name + ".weight", weights, (*blobs)[0].values),
                           constant(name + ".bias", {outputs}, std::move(bias)),
                           {.groups = groups,
                            .stride_h = window.rows.stride,
                            .stride_w = window.columns.stride,
                            .dilation_h = window.rows.dilation,
                            .dilation_w = window.columns.dilation,
                            .pad_top = window.rows.pad,
                            .pad_left = window.columns.pad,
                            .pad_bottom = window.rows.pad,
                            .pad_right = window.columns.pad});
  return one(name, {x->shape[0], outputs, height, width});
}

/// deconv_layer.cpp: stride · (in − 1) + reach − 2 · pad numbers; weights: in, out / groups, …
Values deconvolution(CaffeCall& call) {
  VISAVIS_TRY(read, read_convolved(call, false));
  const auto& [x, name, outputs, groups, has_bias, window] = read;
  const std::int64_t channels = x->shape[1];
  const Shape weights = {channels, outputs / groups, window.rows.kernel, window.columns.kernel};
  VISAVIS_TRY(blobs, blobs_of(call, call.layer, has_bias ? 2 : 1));
  VISAVIS_CHECK(check_count(call, (*blobs)[0], weights));
  if (has_bias) VISAVIS_CHECK(check_count(call, (*blobs)[1], {outputs}));
  const std::int64_t height = deconvolved(window.rows, x->shape[2]);
  const std::int64_t width = deconvolved(window.columns, x->shape[3]);
  if (height < 1 || width < 1) return malformed(call, "a padding larger than the output");
  std::vector<std::string> inputs = {
      x->name, call.builder.constant(constant(name + ".weight", weights, (*blobs)[0].values))};
  if (has_bias)
    inputs.push_back(
        call.builder.constant(constant(name + ".bias", {outputs}, (*blobs)[1].values)));
  const auto pair = [&](std::int64_t CaffeAxis::* side) {
    return Shape{window.rows.*side, window.columns.*side};
  };
  const Shape pads = pair(&CaffeAxis::pad);
  call.builder.node("ConvTranspose", name, std::move(inputs),
                    {{"dilations", pair(&CaffeAxis::dilation)},
                     {"group", groups},
                     {"kernel_shape", pair(&CaffeAxis::kernel)},
                     {"pads", Shape{pads[0], pads[1], pads[0], pads[1]}},
                     {"strides", pair(&CaffeAxis::stride)}});
  return one(name, {x->shape[0], outputs, height, width});
}

Values inner_product(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("inner_product_param"));
  parameters->pass_over({"weight_filler", "bias_filler", "engine"});
  VISAVIS_TRY(outputs, parameters->integer("num_output", 0));
  VISAVIS_TRY(has_bias, parameters->boolean("bias_term", true));
  VISAVIS_TRY(turned, parameters->boolean("transpose", false));
  VISAVIS_TRY(given_axis, parameters->integer("axis", 1));
  VISAVIS_TRY(axis, axis_of(call, given_axis, x->shape));
  if (axis != 1) return unsupported(call, "an axis other than 1");
  const std::int64_t inputs = product(x->shape, 1, x->shape.size());
  if (outputs < 1) return malformed(call, "it has no outputs");
  const Shape weights = turned ? Shape{inputs, outputs} : Shape{outputs, inputs};
  VISAVIS_TRY(blobs, blobs_of(call, call.layer, has_bias ? 2 : 1));
  VISAVIS_CHECK(check_count(call, (*blobs)[0], weights));
  if (has_bias) VISAVIS_CHECK(check_count(call, (*blobs)[1], {outputs}));
  std::string rows = x->name;
  if (x->shape.size() != 2) rows = call.builder.flatten(*name + ".rows", rows);
  std::vector<float> bias =
      has_bias ? (*blobs)[1].values : std::vector<float>(static_cast<std::size_t>(outputs), 0.F);
  std::vector<std::string> operands = {
      rows, call.builder.constant(constant(*name + ".weight", weights, (*blobs)[0].values)),
      call.builder.constant(constant(*name + ".bias", {outputs}, std::move(bias)))};
  call.builder.node("Gemm", *name, std::move(operands), {{"transB", std::int64_t{turned ? 0 : 1}}});
  return one(*name, {x->shape[0], outputs});
}

/// What a Scale layer with weights of its own multiplies by and adds.
struct Affine {
  std::size_t axis;  ///< Where the weights' shape begins in the input's.
  Shape shape;
  std::vector<float> factors;
  std::vector<float> shifts;  ///< Empty without a bias.
};

Result<Affine> read_scale(const CaffeCall& call, CaffeLayer& layer, const Shape& x) {
  VISAVIS_TRY(parameters, layer.parameters("scale_param"));
  parameters->pass_over({"filler", "bias_filler"});
  VISAVIS_TRY(given_axis, parameters->integer("axis", 1));
  VISAVIS_TRY(axes, parameters->integer("num_axes", 1));
  VISAVIS_TRY(has_bias, parameters->boolean("bias_term", false));
  VISAVIS_TRY(axis, axis_of(call, given_axis, x));
  const auto most = static_cast<std::int64_t>(x.size() - axis);
  if (axes < -1 || axes > most) return malformed(call, "more axes than the input has");
  const auto end = axis + static_cast<std::size_t>(axes == -1 ? most : axes);
  Affine out{.axis = axis,
             .shape = {x.begin() + static_cast<std::ptrdiff_t>(axis),
                       x.begin() + static_cast<std::ptrdiff_t>(end)},
             .factors = {},
             .shifts = {}};
  if (axis == 0 && end > 0) return unsupported(call, "weights along the batch");
  VISAVIS_TRY(blobs, blobs_of(call, layer, has_bias ? 2 : 1));
  for (const CaffeBlob& blob : *blobs) VISAVIS_CHECK(check_count(call, blob, out.shape));
  out.factors = (*blobs)[0].values;
  if (has_bias) out.shifts = (*blobs)[1].values;
  return out;
}

/// An operator with a constant whose shape begins at an axis.
std::string with_constant(CaffeCall& call, const char* op, const std::string& name,
                          const std::string& x, const Affine& affine, std::size_t rank,
                          std::vector<float> values) {
  Shape shape = affine.shape;
  shape.resize(rank - affine.axis, 1);
  const std::string held =
      call.builder.constant(constant(name + ".values", std::move(shape), std::move(values)));
  return call.builder.node(op, name, {x, held}, {});
}

/// Of two inputs: the second is stretched over the axes that it lacks.
Values scale_by_input(CaffeCall& call, const char* op, std::string_view field) {
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters(field));
  VISAVIS_TRY(given_axis, parameters->integer("axis", 1));
  VISAVIS_TRY(has_bias, parameters->boolean("bias_term", false));
  parameters->pass_over({"num_axes", "filler", "bias_filler"});
  if (has_bias) return unsupported(call, "a bias beside a second input");
  const CaffeValue& x = call.inputs[0];
  const CaffeValue& other = call.inputs[1];
  VISAVIS_TRY(axis, axis_of(call, given_axis, x.shape));
  if (axis + other.shape.size() > x.shape.size() ||
      !std::equal(other.shape.begin(), other.shape.end(),
                  x.shape.begin() + static_cast<std::ptrdiff_t>(axis)))
    return malformed(call, "inputs that do not go together");
  if (axis != 0) return unsupported(call, "a second input without a batch");
  Shape wide = other.shape;
  wide.resize(x.shape.size(), 1);
  std::string operand = other.name;
  if (wide != other.shape) {
    wide.front() = 0;
    operand =
        call.builder.node("Reshape", *name + ".wide",
                          {operand, call.builder.integers(*name + ".shape", std::move(wide))}, {});
  }
  call.builder.node(op, *name, {x.name, operand}, {});
  return one(*name, x.shape);
}

Values scale(CaffeCall& call) {
  if (call.inputs.size() == 2) return scale_by_input(call, "Mul", "scale_param");
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(affine, read_scale(call, call.layer, x->shape));
  const bool has_bias = !affine.shifts.empty();
  const std::string scaled = with_constant(call, "Mul", has_bias ? *name + ".scaled" : *name,
                                           x->name, affine, x->shape.size(), affine.factors);
  if (has_bias) with_constant(call, "Add", *name, scaled, affine, x->shape.size(), affine.shifts);
  return one(*name, x->shape);
}

Values bias(CaffeCall& call) {
  if (call.inputs.size() == 2) return scale_by_input(call, "Add", "bias_param");
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("bias_param"));
  parameters->pass_over({"filler"});
  VISAVIS_TRY(axis, parameters->integer("axis", 1));
  VISAVIS_TRY(axes, parameters->integer("num_axes", 1));
  if (axis != 1 || axes != 1 || x->shape.size() < 2)
    return unsupported(call, "a bias of other than channels");
  VISAVIS_TRY(blobs, blobs_of(call, call.layer, 1));
  VISAVIS_CHECK(check_count(call, (*blobs)[0], {x->shape[1]}));
  with_constant(call, "Add", *name, x->name,
                {.axis = 1, .shape = {x->shape[1]}, .factors = {}, .shifts = {}}, x->shape.size(),
                (*blobs)[0].values);
  return one(*name, x->shape);
}

/// Mean and variance are sums, which the third blob divides (batch_norm_layer.cpp); no affine part.
Values batch_norm(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("batch_norm_param"));
  parameters->pass_over({"moving_average_fraction", "engine"});
  VISAVIS_TRY(global, parameters->boolean("use_global_stats", true));
  if (!global) return unsupported(call, "statistics of the batch that is just computed");
  VISAVIS_TRY(epsilon, parameters->number("eps", 1e-5));
  if (x->shape.size() < 2) return unsupported(call, "an input without channels");
  const std::int64_t channels = x->shape[1];
  VISAVIS_TRY(blobs, blobs_of(call, call.layer, 3));
  VISAVIS_CHECK(check_count(call, (*blobs)[0], {channels}));
  VISAVIS_CHECK(check_count(call, (*blobs)[1], {channels}));
  VISAVIS_CHECK(check_count(call, (*blobs)[2], {1}));
  const float sums = (*blobs)[2].values[0];
  const float factor = sums == 0 ? 0 : 1 / sums;
  const auto divided = [&](std::vector<float> values) {
    for (float& value : values) value *= factor;
    return values;
  };
  const auto count = static_cast<std::size_t>(channels);
  Affine affine{
      .axis = 1, .shape = {channels}, .factors = std::vector<float>(count, 1.F), .shifts = {}};
  if (call.scale != nullptr) {
    VISAVIS_TRY(given, read_scale(call, *call.scale, x->shape));
    if (given.axis != 1 || given.shape.size() != 1)
      return unsupported(call, "a Scale layer behind it that is not of channels");
    affine = std::move(given);
  }
  if (affine.shifts.empty()) affine.shifts.assign(count, 0.F);
  call.builder.batch_normalization(
      *name, x->name,
      {.scale = constant(*name + ".scale", {channels}, std::move(affine.factors)),
       .shift = constant(*name + ".shift", {channels}, std::move(affine.shifts)),
       .mean = constant(*name + ".mean", {channels}, divided((*blobs)[0].values)),
       .variance = constant(*name + ".variance", {channels}, divided((*blobs)[1].values))},
      static_cast<float>(epsilon));
  return one(*name, x->shape);
}

Values pooling(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  if (x->shape.size() != 4) return unsupported(call, "an input that is no picture");
  VISAVIS_TRY(parameters, call.layer.parameters("pooling_param"));
  parameters->pass_over({"engine"});
  VISAVIS_TRY(kind, parameters->word("pool", "MAX"));
  const bool is_max = kind == "MAX" || kind == "0";
  if (!is_max && kind != "AVE" && kind != "1")
    return unsupported(call, "pooling other than MAX and AVE");
  VISAVIS_TRY(global, parameters->boolean("global_pooling", false));
  if (global) {
    call.builder.node(is_max ? "GlobalMaxPool" : "GlobalAveragePool", *name, {x->name}, {});
    return one(*name, {x->shape[0], x->shape[1], 1, 1});
  }
  VISAVIS_TRY(window, read_caffe_window(*parameters, WindowOf::kPooling));
  VISAVIS_TRY(up, rounds_up(*parameters));
  const bool clips = window.rows.pad > 0 || window.columns.pad > 0;
  const Pooled rows = pooled(window.rows, x->shape[2], up, clips);
  const Pooled columns = pooled(window.columns, x->shape[3], up, clips);
  if (!rows.makes_sense || !columns.makes_sense)
    return unsupported(call, "a window that does not meet its input");
  constexpr std::int64_t kMostCut = 65'536;  // each gets a number of its own
  for (const Pooled& axis : {rows, columns})
    if (!is_max && axis.cut > 0 && axis.count > kMostCut)
      return unsupported(call, "averages of so large a picture");
  if (call.free_sizes)
    max_pool_of_any_size(call.builder, *name, x->name, window, up);
  else if (is_max)
    max_pool(call.builder, *name, x->name, window, rows, columns);
  else
    average_pool(call.builder, *name, x->name, window, rows, columns);
  return one(*name, {x->shape[0], x->shape[1], rows.count, columns.count});
}

Values relu(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("relu_param"));
  parameters->pass_over({"engine"});
  VISAVIS_TRY(slope, parameters->number("negative_slope", 0));
  if (slope == 0)
    call.builder.relu(*name, x->name);
  else
    call.builder.node("LeakyRelu", *name, {x->name}, {{"alpha", static_cast<float>(slope)}});
  return one(*name, x->shape);
}

Values prelu(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("prelu_param"));
  parameters->pass_over({"filler"});
  VISAVIS_TRY(shared, parameters->boolean("channel_shared", false));
  if (x->shape.size() < 2) return unsupported(call, "an input without channels");
  const std::int64_t slopes = shared ? 1 : x->shape[1];
  VISAVIS_TRY(blobs, blobs_of(call, call.layer, 1));
  VISAVIS_CHECK(check_count(call, (*blobs)[0], {slopes}));
  call.builder.prelu(
      *name, x->name,
      constant(*name + ".slopes", per_channel(slopes, x->shape.size()), (*blobs)[0].values));
  return one(*name, x->shape);
}

/// Operators of one input without parameters.
template <const char* kOp>
Values plain(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  for (const char* field : {"sigmoid_param", "tanh_param"}) {
    VISAVIS_TRY(parameters, call.layer.parameters(field));
    parameters->pass_over({"engine"});
  }
  call.builder.node(kOp, *name, {x->name}, {});
  return one(*name, x->shape);
}
constexpr char kSigmoid[] = "Sigmoid";
constexpr char kTanh[] = "Tanh";
constexpr char kAbs[] = "Abs";

Values elu(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("elu_param"));
  VISAVIS_TRY(alpha, parameters->number("alpha", 1));
  call.builder.node("Elu", *name, {x->name}, {{"alpha", static_cast<float>(alpha)}});
  return one(*name, x->shape);
}

Values relu6(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  const std::string low = call.builder.constant(scalar(*name + ".low", 0));
  const std::string high = call.builder.constant(scalar(*name + ".high", 6));
  call.builder.node("Clip", *name, {x->name, low, high}, {});
  return one(*name, x->shape);
}

/// One operator with a number, unless the number changes nothing.
std::string with_number(CaffeCall& call, const char* op, const std::string& name,
                        const std::string& x, double value, double neutral) {
  if (value == neutral) return x;
  const std::string held = call.builder.constant(scalar(name + ".value", value));
  return call.builder.node(op, name, {x, held}, {});
}

/// Gives what was computed the output's name.
Values named(CaffeCall& call, const std::string& name, const std::string& value, Shape shape) {
  call.builder.node("Identity", name, {value}, {});
  return one(name, std::move(shape));
}

/// (shift + scale · x)^power
Values power(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("power_param"));
  VISAVIS_TRY(exponent, parameters->number("power", 1));
  VISAVIS_TRY(factor, parameters->number("scale", 1));
  VISAVIS_TRY(shift, parameters->number("shift", 0));
  std::string value = with_number(call, "Mul", *name + ".scaled", x->name, factor, 1);
  value = with_number(call, "Add", *name + ".shifted", value, shift, 0);
  if (exponent == 2)
    value = call.builder.node("Mul", *name + ".square", {value, value}, {});
  else if (exponent == .5)
    value = call.builder.node("Sqrt", *name + ".root", {value}, {});
  else
    value = with_number(call, "Pow", *name + ".power", value, exponent, 1);
  return named(call, *name, value, x->shape);
}

/// base^(shift + scale · x); base -1 stands for e.
Values exponential(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("exp_param"));
  VISAVIS_TRY(base, parameters->number("base", -1));
  VISAVIS_TRY(factor, parameters->number("scale", 1));
  VISAVIS_TRY(shift, parameters->number("shift", 0));
  if (base != -1 && base <= 0) return malformed(call, "a base that is not above 0");
  const double log_base = base == -1 ? 1 : std::log(base);
  std::string value = with_number(call, "Mul", *name + ".scaled", x->name, factor * log_base, 1);
  value = with_number(call, "Add", *name + ".shifted", value, shift * log_base, 0);
  call.builder.node("Exp", *name, {value}, {});
  return one(*name, x->shape);
}

/// log_base(shift + scale · x); base -1 stands for e.
Values logarithm(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("log_param"));
  VISAVIS_TRY(base, parameters->number("base", -1));
  VISAVIS_TRY(factor, parameters->number("scale", 1));
  VISAVIS_TRY(shift, parameters->number("shift", 0));
  if (base != -1 && (base <= 0 || base == 1)) return malformed(call, "a base without logarithms");
  std::string value = with_number(call, "Mul", *name + ".scaled", x->name, factor, 1);
  value = with_number(call, "Add", *name + ".shifted", value, shift, 0);
  value = call.builder.node("Log", *name + ".log", {value}, {});
  value = with_number(call, "Mul", *name + ".base", value, base == -1 ? 1 : 1 / std::log(base), 1);
  return named(call, *name, value, x->shape);
}

Result<void> check_same_shapes(const CaffeCall& call) {
  if (call.inputs.size() < 2) return malformed(call, "it has fewer than two inputs");
  for (const CaffeValue& input : call.inputs)
    if (input.shape != call.inputs[0].shape) return malformed(call, "inputs of different shapes");
  return {};
}

Values eltwise(CaffeCall& call) {
  VISAVIS_CHECK(check_same_shapes(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("eltwise_param"));
  parameters->pass_over({"stable_prod_grad"});
  VISAVIS_TRY(kind, parameters->word("operation", "SUM"));
  VISAVIS_TRY(factors, parameters->numbers("coeff"));
  const bool sums = kind == "SUM" || kind == "1";
  const bool multiplies = kind == "PROD" || kind == "0";
  if (!sums && !multiplies && kind != "MAX" && kind != "2")
    return unsupported(call, "an operation other than SUM, PROD and MAX");
  if (!factors.empty() && (!sums || factors.size() != call.inputs.size()))
    return malformed(call, "it has not one coefficient for each input");
  const char* op = sums ? "Add" : multiplies ? "Mul" : "Max";
  std::string value;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const std::string suffix = "." + std::to_string(i);
    std::string term_name = *name;
    term_name.append(".term").append(suffix);
    const std::string term = with_number(call, "Mul", term_name, call.inputs[i].name,
                                         factors.empty() ? 1 : factors[i], 1);
    const bool is_last = i + 1 == call.inputs.size();
    std::string made = *name;
    if (!is_last) made.append(suffix);
    value = i == 0 ? term : call.builder.node(op, made, {value, term}, {});
  }
  return one(*name, call.inputs[0].shape);
}

/// `axis`, or under its old name, which counts from the front only.
Result<std::size_t> axis_or(const CaffeCall& call, CaffeText& parameters, std::string_view old) {
  VISAVIS_TRY(before, parameters.integer(old, 1));
  VISAVIS_TRY(axis, parameters.integer("axis", before));
  return axis_of(call, axis, call.inputs[0].shape);
}

Values concat(CaffeCall& call) {
  VISAVIS_TRY(name, only_name(call));
  if (call.inputs.empty()) return malformed(call, "it has no inputs");
  VISAVIS_TRY(parameters, call.layer.parameters("concat_param"));
  VISAVIS_TRY(axis, axis_or(call, *parameters, "concat_dim"));
  Shape shape = call.inputs[0].shape;
  std::vector<std::string> parts;
  shape[axis] = 0;
  for (const CaffeValue& input : call.inputs) {
    Shape others = input.shape;
    if (others.size() != shape.size()) return malformed(call, "inputs of several ranks");
    shape[axis] += others[axis];
    others[axis] = shape[axis];
    if (others != shape) return malformed(call, "inputs that do not go together");
    parts.push_back(input.name);
  }
  call.builder.node("Concat", *name, std::move(parts), {{"axis", static_cast<std::int64_t>(axis)}});
  return one(*name, shape);
}

Values softmax(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("softmax_param"));
  parameters->pass_over({"engine"});
  VISAVIS_TRY(given, parameters->integer("axis", 1));
  VISAVIS_TRY(axis, axis_of(call, given, x->shape));
  call.builder.node("Softmax", *name, {x->name}, {{"axis", static_cast<std::int64_t>(axis)}});
  return one(*name, x->shape);
}

/// To a shape that begins like the input's up to `kept`.
Values reshape_to(CaffeCall& call, Shape shape, std::size_t kept) {
  const CaffeValue& x = call.inputs[0];
  const auto wanted = graph::element_count(shape);
  if (!wanted || static_cast<std::int64_t>(*wanted) != product(x.shape, 0, x.shape.size()))
    return malformed(call, "a shape of another size");
  Shape written = shape;
  for (std::size_t i = 0; i < kept; ++i) written[i] = 0;  // as in the input
  const std::string name = call.names[0];
  call.builder.node("Reshape", name,
                    {x.name, call.builder.integers(name + ".shape", std::move(written))}, {});
  return one(name, std::move(shape));
}

Values flatten(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("flatten_param"));
  VISAVIS_TRY(given_axis, parameters->integer("axis", 1));
  VISAVIS_TRY(given_end, parameters->integer("end_axis", -1));
  VISAVIS_TRY(axis, axis_of(call, given_axis, x->shape));
  VISAVIS_TRY(end, axis_of(call, given_end, x->shape));
  if (end < axis) return malformed(call, "it ends before it begins");
  if (axis == 1 && end + 1 == x->shape.size()) {
    call.builder.flatten(*name, x->name);
    return one(*name, {x->shape[0], product(x->shape, 1, x->shape.size())});
  }
  Shape shape(x->shape.begin(), x->shape.begin() + static_cast<std::ptrdiff_t>(axis));
  shape.push_back(product(x->shape, axis, end + 1));
  shape.insert(shape.end(), x->shape.begin() + static_cast<std::ptrdiff_t>(end + 1),
               x->shape.end());
  return reshape_to(call, std::move(shape), axis);
}

Values reshape(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_CHECK(only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("reshape_param"));
  VISAVIS_TRY(wanted, parameters->message("shape"));
  Shape given;
  if (wanted != nullptr) {
    VISAVIS_TRY(dimensions, wanted->integers("dim"));
    given = std::move(dimensions);
  }
  VISAVIS_TRY(first, parameters->integer("axis", 0));
  VISAVIS_TRY(count, parameters->integer("num_axes", -1));
  const auto rank = std::ssize(x->shape);
  if (first < 0) first += rank + 1;
  const std::int64_t end = count == -1 ? rank : first + count;
  if (first < 0 || first > rank || count < -1 || end > rank || given.size() > graph::kMaxRank)
    return malformed(call, "axes beyond the shape");
  Shape shape(x->shape.begin(), x->shape.begin() + first);
  std::size_t kept = shape.size();
  std::int64_t open = -1;
  for (std::size_t i = 0; i < given.size(); ++i) {
    const std::int64_t source = first + static_cast<std::int64_t>(i);
    if (given[i] == 0 && source >= rank)
      return malformed(call, "it copies a size that is not there");
    if (given[i] == 0 && kept == shape.size()) ++kept;
    if (given[i] == -1 && open >= 0) return malformed(call, "two sizes are to be found");
    if (given[i] < -1 || given[i] > graph::kMaxElements)
      return malformed(call, "a size out of range");
    if (given[i] == -1) open = std::ssize(shape);
    shape.push_back(given[i] == 0    ? x->shape[static_cast<std::size_t>(source)]
                    : given[i] == -1 ? 1
                                     : given[i]);
  }
  shape.insert(shape.end(), x->shape.begin() + end, x->shape.end());
  if (open >= 0) {
    const auto known = graph::element_count(shape);
    const std::int64_t all = product(x->shape, 0, x->shape.size());
    if (!known || *known == 0) return malformed(call, "a size out of range");
    shape[static_cast<std::size_t>(open)] = all / static_cast<std::int64_t>(*known);
  }
  return reshape_to(call, std::move(shape), kept);
}

Values permute(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("permute_param"));
  VISAVIS_TRY(order, parameters->integers("order"));
  const auto rank = std::ssize(x->shape);
  for (std::int64_t axis = 0; axis < rank; ++axis)  // the rest follows as it is
    if (std::ranges::find(order, axis) == order.end()) order.push_back(axis);
  if (std::ssize(order) != rank) return malformed(call, "an order of other axes");
  Shape shape;
  for (const std::int64_t axis : order) {
    if (axis < 0 || axis >= rank) return malformed(call, "an order of other axes");
    shape.push_back(x->shape[static_cast<std::size_t>(axis)]);
  }
  call.builder.transpose(*name, x->name, order);
  return one(*name, shape);
}

/// The first input, as large as the second from an axis on.
Values crop(CaffeCall& call) {
  VISAVIS_TRY(name, only_name(call));
  if (call.inputs.size() != 2) return malformed(call, "it has not exactly two inputs");
  const CaffeValue& x = call.inputs[0];
  const Shape& like = call.inputs[1].shape;
  VISAVIS_TRY(parameters, call.layer.parameters("crop_param"));
  VISAVIS_TRY(given_axis, parameters->integer("axis", 2));
  VISAVIS_TRY(offsets, parameters->integers("offset"));
  VISAVIS_TRY(axis, axis_of(call, given_axis, x.shape));
  const std::size_t cropped = x.shape.size() - axis;
  if (like.size() != x.shape.size()) return malformed(call, "inputs of different ranks");
  if (offsets.size() > 1 && offsets.size() != cropped)
    return malformed(call, "neither one offset nor one for each axis");
  Shape shape = x.shape;
  Shape starts;
  Shape ends;
  Shape axes;
  for (std::size_t i = 0; i < cropped; ++i) {
    const std::int64_t offset = offsets.empty() ? 0 : offsets[offsets.size() == 1 ? 0 : i];
    const std::int64_t size = like[axis + i];
    if (offset < 0 || offset > x.shape[axis + i] - size)
      return malformed(call, "it reaches beyond its input");
    shape[axis + i] = size;
    starts.push_back(offset);
    ends.push_back(offset + size);
    axes.push_back(static_cast<std::int64_t>(axis + i));
  }
  call.builder.node("Slice", *name,
                    {x.name, call.builder.integers(*name + ".starts", std::move(starts)),
                     call.builder.integers(*name + ".ends", std::move(ends)),
                     call.builder.integers(*name + ".axes", std::move(axes))},
                    {});
  return one(*name, shape);
}

/// Each part by itself: a Slice that nobody reads costs nothing.
Values slice(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(parameters, call.layer.parameters("slice_param"));
  VISAVIS_TRY(axis, axis_or(call, *parameters, "slice_dim"));
  VISAVIS_TRY(points, parameters->integers("slice_point"));
  const auto parts = std::ssize(call.names);
  const std::int64_t size = x->shape[axis];
  if (parts == 0) return malformed(call, "it has no outputs");
  if (points.empty()) {
    if (size % parts != 0) return malformed(call, "parts that are not equal");
    for (std::int64_t i = 1; i < parts; ++i) points.push_back(i * (size / parts));
  }
  if (std::ssize(points) != parts - 1)
    return malformed(call, "it has not one point less than outputs");
  points.push_back(size);
  std::vector<CaffeValue> out;
  std::int64_t start = 0;
  for (std::size_t i = 0; i < call.names.size(); ++i) {
    const std::string& name = call.names[i];
    if (points[i] <= start || points[i] > size) return malformed(call, "points that do not rise");
    Shape shape = x->shape;
    shape[axis] = points[i] - start;
    call.builder.node("Slice", name,
                      {x->name, call.builder.integers(name + ".starts", {start}),
                       call.builder.integers(name + ".ends", {points[i]}),
                       call.builder.integers(name + ".axes", {static_cast<std::int64_t>(axis)})},
                      {});
    out.push_back({.name = name, .shape = std::move(shape)});
    start = points[i];
  }
  return out;
}

/// One value under each of the names.
Values copies(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  call.layer.text->pass_over({"dropout_param"});
  std::vector<CaffeValue> out;
  for (const std::string& name : call.names) {
    call.builder.node("Identity", name, {x->name}, {});
    out.push_back({.name = name, .shape = x->shape});
  }
  return out;
}

Values silence(CaffeCall& call) {
  if (!call.names.empty()) return malformed(call, "it has an output");
  return std::vector<CaffeValue>{};
}

/// x / √(Σ x² + ε) · scale, of the SSD branch of Caffe (normalize_layer.cpp).
Values normalize(CaffeCall& call) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  VISAVIS_TRY(parameters, call.layer.parameters("norm_param"));
  parameters->pass_over({"scale_filler"});
  VISAVIS_TRY(across, parameters->boolean("across_spatial", true));
  VISAVIS_TRY(shared, parameters->boolean("channel_shared", true));
  VISAVIS_TRY(epsilon, parameters->number("eps", 1e-10));
  if (x->shape.size() < 2) return unsupported(call, "an input without channels");
  const std::int64_t channels = x->shape[1];
  VISAVIS_TRY(blobs, blobs_of(call, call.layer, 1));
  VISAVIS_CHECK(check_count(call, (*blobs)[0], {shared ? 1 : channels}));
  Shape axes(across ? x->shape.size() - 1 : 1);
  std::iota(axes.begin(), axes.end(), 1);
  const std::int64_t count = across ? product(x->shape, 1, x->shape.size()) : channels;
  Builder& builder = call.builder;
  const std::string square = builder.node("Mul", *name + ".square", {x->name, x->name}, {});
  const std::string mean = builder.node("ReduceMean", *name + ".mean", {square},
                                        {{"axes", axes}, {"keepdims", std::int64_t{1}}});
  std::string value = with_number(call, "Mul", *name + ".sum", mean, static_cast<double>(count), 1);
  value = with_number(call, "Add", *name + ".above", value, epsilon, 0);
  value = builder.node("Sqrt", *name + ".length", {value}, {});
  value = builder.node("Div", *name + ".unit", {x->name, value}, {});
  const std::string factors = builder.constant(constant(
      *name + ".scale", per_channel(shared ? 1 : channels, x->shape.size()), (*blobs)[0].values));
  builder.node("Mul", *name, {value, factors}, {});
  return one(*name, x->shape);
}

enum class Sizes : std::uint8_t { kFixed, kFree, kWindow };

struct Kind {
  std::string_view type;
  Values (*convert)(CaffeCall&);
  Sizes sizes;
};
constexpr auto kKinds = std::to_array<Kind>({
    {"AbsVal", plain<kAbs>, Sizes::kFree},
    {"BatchNorm", batch_norm, Sizes::kFree},
    {"Bias", bias, Sizes::kFixed},
    {"Concat", concat, Sizes::kFree},
    {"Convolution", convolution, Sizes::kFree},
    {"ConvolutionDepthwise", convolution, Sizes::kFree},
    {"Crop", crop, Sizes::kFixed},
    {"Deconvolution", deconvolution, Sizes::kFree},
    {"DepthwiseConvolution", convolution, Sizes::kFree},
    {"Dropout", copies, Sizes::kFree},
    {"ELU", elu, Sizes::kFree},
    {"Eltwise", eltwise, Sizes::kFree},
    {"Exp", exponential, Sizes::kFree},
    {"Flatten", flatten, Sizes::kFixed},
    {"InnerProduct", inner_product, Sizes::kFixed},
    {"Log", logarithm, Sizes::kFree},
    {"Normalize", normalize, Sizes::kFixed},
    {"PReLU", prelu, Sizes::kFree},
    {"Permute", permute, Sizes::kFixed},
    {"Pooling", pooling, Sizes::kWindow},
    {"Power", power, Sizes::kFree},
    {"ReLU", relu, Sizes::kFree},
    {"ReLU6", relu6, Sizes::kFree},
    {"Reshape", reshape, Sizes::kFixed},
    {"Scale", scale, Sizes::kFree},
    {"Sigmoid", plain<kSigmoid>, Sizes::kFree},
    {"Silence", silence, Sizes::kFree},
    {"Slice", slice, Sizes::kFixed},
    {"Softmax", softmax, Sizes::kFree},
    {"Split", copies, Sizes::kFree},
    {"TanH", plain<kTanh>, Sizes::kFree},
});

}  // namespace

bool knows_caffe_layer(std::string_view type) noexcept {
  return std::ranges::find(kKinds, type, &Kind::type) != kKinds.end();
}

Result<bool> keeps_sizes_free(const CaffeLayer& layer) {
  const auto* kind = std::ranges::find(kKinds, layer.type, &Kind::type);
  if (kind == kKinds.end()) return false;
  if (layer.type == "Scale") return keeps_scale_free(*layer.text);
  if (kind->sizes == Sizes::kWindow) return keeps_pooling_free(*layer.text);
  return kind->sizes == Sizes::kFree;
}

Values convert_caffe_layer(CaffeCall& call) {
  const auto* kind = std::ranges::find(kKinds, call.layer.type, &Kind::type);
  if (kind == kKinds.end()) return unsupported(call, "it is not known");
  return kind->convert(call);
}

}  // namespace visavis::modelkit
