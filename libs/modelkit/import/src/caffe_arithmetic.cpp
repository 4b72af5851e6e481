/// Caffe's layers that compute number by number or along axes.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "caffe_layers.hpp"
#include "caffe_net.hpp"
#include "caffe_rules.hpp"
#include "caffe_text.hpp"
#include "caffe_weights.hpp"

namespace visavis::modelkit::cf {
namespace {

Constant scalar(std::string name, double value) {
  return constant(std::move(name), {}, {static_cast<float>(value)});
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

/// The shape in which a number for each channel meets [n, channels, …].
Shape per_channel(std::int64_t channels, std::size_t rank) {
  Shape shape(rank - 1, 1);
  shape.front() = channels;
  return shape;
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

Result<void> check_same_shapes(const CaffeCall& call) {
  if (call.inputs.size() < 2) return malformed(call, "it has fewer than two inputs");
  for (const CaffeValue& input : call.inputs)
    if (input.shape != call.inputs[0].shape) return malformed(call, "inputs of different shapes");
  return {};
}

/// An operator of one input without parameters.
Values plain(CaffeCall& call, const char* op) {
  VISAVIS_TRY(x, only_input(call));
  VISAVIS_TRY(name, only_name(call));
  for (const char* field : {"sigmoid_param", "tanh_param"}) {
    VISAVIS_TRY(parameters, call.layer.parameters(field));
    parameters->pass_over({"engine"});
  }
  call.builder.node(op, *name, {x->name}, {});
  return one(*name, x->shape);
}

}  // namespace

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

Values absolute(CaffeCall& call) { return plain(call, "Abs"); }
Values sigmoid(CaffeCall& call) { return plain(call, "Sigmoid"); }
Values tanh(CaffeCall& call) { return plain(call, "Tanh"); }

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

}  // namespace visavis::modelkit::cf
