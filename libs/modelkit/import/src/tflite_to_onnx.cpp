/// The table of TensorFlow Lite's operators, and the way through a network.

#include "tflite_to_onnx.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "channels_first.hpp"
#include "tflite.hpp"
#include "tflite_converter.hpp"
#include "tflite_patterns.hpp"
#include "tflite_values.hpp"

namespace visavis::modelkit {
namespace lite {
namespace {

constexpr const char* kEmbedding = "embedding";

}  // namespace

Converter::Converter(const LiteModel& model)
    : model_(with_constants(model)), patterns_(patterns_of(model_)), ids_(model.tensors.size()) {}

Result<std::vector<std::byte>> Converter::run() && {
  VISAVIS_CHECK(check_operators());
  VISAVIS_CHECK(inputs());
  for (std::size_t i = 0; i < model_.operators.size(); ++i) {
    if (patterns_.absorbed.contains(i)) continue;
    const LiteOperator& op = model_.operators[i];
    auto converted = convert(i);
    if (!converted && converted.error().message.starts_with(kSpeaker))
      return std::unexpected(std::move(converted).error());
    if (!converted)
      return fail(converted.error().code, op.name + " needs " + converted.error().message);
  }
  VISAVIS_CHECK(outputs());
  return std::move(out_).finish_onnx();
}

const Converter::Row* Converter::rule_of(std::string_view name) {
  static constexpr auto kRules = std::to_array<Row>(
      {{"CONV_2D", &Converter::convolution, 2, false, "conv"},
       {"DEPTHWISE_CONV_2D", &Converter::convolution, 2, false, "conv"},
       {"TRANSPOSE_CONV", &Converter::transposed, 3, false, "deconv"},
       {"BATCH_TO_SPACE_ND", &Converter::spread, 3, false, "conv"},
       {"FULLY_CONNECTED", &Converter::dense, 2, false, "dense"},
       {"BATCH_MATMUL", &Converter::product, 2, false, "product"},
       {"MAX_POOL_2D", &Converter::pool, 1, true, "pool"},
       {"AVERAGE_POOL_2D", &Converter::pool, 1, false, "pool"},
       {"RESIZE_BILINEAR", &Converter::resize, 2, false, "resize"},
       {"RESIZE_NEAREST_NEIGHBOR", &Converter::resize, 2, true, "resize"},
       {"ADD", &Converter::binary, 2, false, "add"},
       {"SUB", &Converter::binary, 2, false, "sub"},
       {"MUL", &Converter::binary, 2, false, "mul"},
       {"DIV", &Converter::binary, 2, false, "div"},
       {"MAXIMUM", &Converter::binary, 2, false, "max"},
       {"MINIMUM", &Converter::binary, 2, false, "min"},
       {"POW", &Converter::binary, 2, false, "pow"},
       {"SQUARED_DIFFERENCE", &Converter::squared_difference, 2, false, "square"},
       {"SQUARE", &Converter::square, 1, false, "square"},
       {"RELU", &Converter::unary, 1, false, "relu"},
       {"RELU6", &Converter::clipped, 1, false, "relu"},
       {"RELU_N1_TO_1", &Converter::clipped, 1, false, "relu"},
       {"LOGISTIC", &Converter::unary, 1, false, "sigmoid"},
       {"TANH", &Converter::unary, 1, false, "tanh"},
       {"ELU", &Converter::unary, 1, false, "elu"},
       {"EXP", &Converter::unary, 1, false, "exp"},
       {"LOG", &Converter::unary, 1, false, "log"},
       {"NEG", &Converter::unary, 1, false, "neg"},
       {"ABS", &Converter::unary, 1, false, "abs"},
       {"SQRT", &Converter::unary, 1, false, "sqrt"},
       {"RSQRT", &Converter::reciprocal_root, 1, false, "rsqrt"},
       {"HARD_SWISH", &Converter::hard_swish, 1, false, "hard_swish"},
       {"GELU", &Converter::gelu, 1, false, "gelu"},
       {"LEAKY_RELU", &Converter::leaky_relu, 1, false, "relu"},
       {"PRELU", &Converter::prelu, 2, false, "prelu"},
       {"SOFTMAX", &Converter::softmax, 1, false, "softmax"},
       {"L2_NORMALIZATION", &Converter::unit_length, 1, false, "unit"},
       {"MEAN", &Converter::reduce, 2, false, "mean"},
       {"SUM", &Converter::reduce, 2, false, "sum"},
       {"REDUCE_MAX", &Converter::reduce, 2, false, "largest"},
       {"RESHAPE", &Converter::reshape, 1, true, "flat"},
       {"SQUEEZE", &Converter::reshape, 1, true, "flat"},
       {"EXPAND_DIMS", &Converter::reshape, 1, true, "flat"},
       {"TRANSPOSE", &Converter::transpose, 2, true, "rows"},
       {"PAD", &Converter::pad, 2, true, "pad"},
       {"PADV2", &Converter::pad, 3, true, "pad"},
       {"GATHER", &Converter::gather, 2, true, "gather"},
       {"SLICE", &Converter::slice, 3, true, "slice"},
       {"STRIDED_SLICE", &Converter::strided_slice, 4, true, "slice"},
       {"CONCATENATION", &Converter::concat, 1, true, "concat"},
       {"QUANTIZE", &Converter::same, 1, false, "steps"},
       {"DEQUANTIZE", &Converter::same, 1, true, "reals"}});
  const auto* found = std::ranges::find(kRules, name, &Row::name);
  return found == kRules.end() ? nullptr : found;
}

Result<void> Converter::check_operators() const {
  std::set<std::string> unknown;
  for (std::size_t i = 0; i < model_.operators.size(); ++i)
    if (!patterns_.absorbed.contains(i) && rule_of(model_.operators[i].name) == nullptr)
      unknown.insert(model_.operators[i].name);
  if (unknown.empty()) return {};
  std::string text;
  for (const std::string& name : unknown) text += (text.empty() ? "" : ", ") + name;
  return unsupported((unknown.size() == 1 ? "the operator " : "the operators ") + text);
}

Result<void> Converter::inputs() {
  for (std::size_t i = 0; i < model_.inputs.size(); ++i) {
    const LiteTensor& input = model_.tensors[model_.inputs[i]];
    if (input.type != "float32" && !is_steps(input))
      return unsupported("an input of type " + input.type);
    const std::string name = model_.inputs.size() == 1 ? "input" : "input" + std::to_string(i + 1);
    VISAVIS_TRY(id, out_.input(given_name(model_.inputs[i], name), input.shape));
    // Reals are handed in, and what the file wants to be handed is made of them here.
    if (is_steps(input)) {
      name_ = fresh("steps");
      VISAVIS_TRY(steps, rounded(input, id));
      id = steps;
    }
    ids_[model_.inputs[i]] = id;
  }
  return {};
}

Result<void> Converter::outputs() {
  for (std::size_t i = 0; i < model_.outputs.size(); ++i) {
    const std::size_t t = model_.outputs[i];
    if (!ids_[t]) return unsupported("an output that nothing computes");
    const std::string name = "output" + std::to_string(i + 1);
    VISAVIS_CHECK(out_.output(given_name(t, is_row(t) ? kEmbedding : name), *ids_[t]));
  }
  return {};
}

Result<void> Converter::convert(std::size_t index) {
  const LiteOperator& op = model_.operators[index];
  if (op.outputs.size() != 1) return unsupported(op.name + " with several outputs");
  const Row& row = *rule_of(op.name);
  if (op.inputs.size() < row.inputs) return unsupported(op.name + " without its inputs");
  name_ = is_embedding(op) ? kEmbedding : fresh(patterns_.prelus[index] ? "prelu" : row.stem);
  Result<Id> made = patterns_.prelus[index]      ? prelu_of(*patterns_.prelus[index])
                    : patterns_.spreads[index]   ? spread_of(*patterns_.spreads[index], op)
                    : patterns_.softmaxes[index] ? softmax_of(*patterns_.softmaxes[index])
                                                 : (this->*row.rule)(op);
  if (!made) return std::unexpected(std::move(made).error());
  made = activated(op, *made);
  if (!made) return std::unexpected(std::move(made).error());
  const LiteTensor& output = model_.tensors[op.outputs[0]];
  if (is_steps(output) && !row.moves_only) {
    made = rounded(output, *made);
    if (!made) return std::unexpected(std::move(made).error());
  }
  ids_[op.outputs[0]] = *made;
  return {};
}

std::string Converter::given_name(std::size_t tensor, const std::string& otherwise) const {
  const auto found = model_.names.find(tensor);
  return found == model_.names.end() ? otherwise : found->second;
}

bool Converter::is_row(std::size_t tensor) const {
  return model_.outputs == std::vector{tensor} && model_.tensors[tensor].shape.size() == 2;
}

bool Converter::is_embedding(const LiteOperator& op) const {
  return op.name == "RESHAPE" && is_row(op.outputs[0]);
}

Result<Id> Converter::value(std::size_t tensor) {
  if (ids_[tensor]) return *ids_[tensor];
  const LiteTensor& given = model_.tensors[tensor];
  if (!given.is_constant()) return unsupported("an input that nothing computes");
  VISAVIS_TRY(values, floats(given));
  VISAVIS_TRY(id,
              out_.constant(
                  {.name = name_ + ".weight", .shape = given.shape, .values = std::move(values)}));
  ids_[tensor] = id;
  return id;
}

Result<Id> Converter::activated(const LiteOperator& op, Id x) {
  const std::string name = name_ + ".relu";
  switch (op.activation) {
    case LiteActivation::kNone:
      return x;
    case LiteActivation::kRelu:
      return out_.unary("Relu", name, x);
    case LiteActivation::kReluN1To1:
      return out_.clip(name, x, -1.F, 1.F);
    case LiteActivation::kRelu6:
      return out_.clip(name, x, 0.F, 6.F);
    case LiteActivation::kTanh:
      return out_.unary("Tanh", name_ + ".tanh", x);
    case LiteActivation::kOther:
      break;
  }
  return unsupported("the activation of " + op.name);
}

Result<Id> Converter::rounded(const LiteTensor& as, Id x) {
  if (as.steps.scales.size() != 1 || !(as.steps.scales[0] > 0))
    return unsupported("computed steps without one scale for all");
  const std::int64_t zero = as.steps.zeros[0];
  const std::int64_t least = as.type == "int8" ? -128 : 0;
  if (zero < least || zero > least + 255) return unsupported("a zero point that is no step");
  return out_.rounded(name_ + ".steps", x, as.steps.scales[0], zero, as.type == "int8");
}

}  // namespace lite

Result<std::vector<std::byte>> tflite_to_onnx(const LiteModel& model) {
  return lite::Converter(model).run();
}

}  // namespace visavis::modelkit
