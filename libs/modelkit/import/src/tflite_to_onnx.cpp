#include "tflite_to_onnx.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <expected>
#include <iterator>
#include <map>
#include <numbers>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "channels_first.hpp"
#include "tflite.hpp"

namespace visavis::modelkit {
namespace {

const std::string kSpeaker = "the TensorFlow Lite importer does not know ";

std::unexpected<Error> unsupported(const std::string& what) {
  return fail(ErrorCode::kUnsupported, kSpeaker + what);
}

template <class T>
std::vector<T> values_of(const LiteTensor& tensor) {
  std::vector<T> values(tensor.bytes.size() / sizeof(T));
  std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
  return values;
}

/// A constant of places or sizes.
Result<Shape> ints(const LiteTensor& tensor) {
  if (tensor.is_constant()) {
    if (tensor.type == "int64") return values_of<std::int64_t>(tensor);
    if (tensor.type == "int32") {
      const auto small = values_of<std::int32_t>(tensor);
      return Shape(small.begin(), small.end());
    }
  }
  return unsupported("sizes that are computed");
}

/// TensorFlow of that time wrote PReLU as relu(x) + a · (x − |x|), which for x < 0 is 2a · x.
struct Prelu {
  std::size_t x;
  std::size_t factor;                 ///< The tensor a.
  std::array<std::size_t, 4> inside;  ///< The operators that it replaces, apart from the sum.
};

/// Where tensors come from and go to.
class Wiring {
 public:
  explicit Wiring(const LiteModel& model)
      : model_(model), source_(model.tensors.size()), uses_(model.tensors.size(), 0) {
    for (std::size_t i = 0; i < model.operators.size(); ++i) {
      for (const std::size_t t : model.operators[i].outputs) source_[t] = i;
      for (const std::size_t t : model.operators[i].inputs) ++uses_[t];
    }
    for (const std::size_t t : model.outputs) ++uses_[t];
  }

  /// The operator of that kind that makes `tensor` for so many uses only, as it is.
  [[nodiscard]] std::optional<std::size_t> only_source(std::size_t tensor, std::string_view name,
                                                       int uses = 1) const {
    const std::optional<std::size_t> op = activated_source(tensor, name, uses);
    const bool fits = op && model_.operators[*op].activation == LiteActivation::kNone;
    return fits ? op : std::nullopt;
  }

  /// The same, with whatever activation.
  [[nodiscard]] std::optional<std::size_t> activated_source(std::size_t tensor,
                                                            std::string_view name,
                                                            int uses = 1) const {
    const std::optional<std::size_t> op = source_[tensor];
    const bool fits = op && uses_[tensor] == uses && model_.operators[*op].name == name;
    return fits ? op : std::nullopt;
  }

  [[nodiscard]] std::optional<std::size_t> source(std::size_t tensor) const {
    return source_[tensor];
  }
  [[nodiscard]] int uses(std::size_t tensor) const { return uses_[tensor]; }

 private:
  const LiteModel& model_;
  std::vector<std::optional<std::size_t>> source_;
  std::vector<int> uses_;
};

bool has_inputs(const LiteOperator& op, std::size_t count) {
  return op.inputs.size() == count && op.outputs.size() == 1;
}

/// Recognises the sum of relu(x) and a · (x − |x|), in this order of the two.
std::optional<Prelu> match_prelu(const LiteModel& model, const Wiring& wiring, std::size_t positive,
                                 std::size_t negative) {
  const auto relu = wiring.only_source(positive, "RELU");
  const auto mul = wiring.only_source(negative, "MUL");
  if (!relu || !mul || !has_inputs(model.operators[*relu], 1) ||
      !has_inputs(model.operators[*mul], 2))
    return std::nullopt;
  const std::size_t x = model.operators[*relu].inputs[0];
  std::size_t factor = model.operators[*mul].inputs[0];
  std::size_t difference = model.operators[*mul].inputs[1];
  if (!model.tensors[factor].is_constant()) std::swap(factor, difference);
  const auto sub = wiring.only_source(difference, "SUB");
  if (!model.tensors[factor].is_constant() || !sub || !has_inputs(model.operators[*sub], 2))
    return std::nullopt;
  const auto abs = wiring.only_source(model.operators[*sub].inputs[1], "ABS");
  const bool same = model.operators[*sub].inputs[0] == x && abs &&
                    has_inputs(model.operators[*abs], 1) && model.operators[*abs].inputs[0] == x;
  if (!same) return std::nullopt;
  return Prelu{.x = x, .factor = factor, .inside = {*relu, *mul, *sub, *abs}};
}

/// A distribution that is written as exp(x − max(x)) / Σ exp(x − max(x)), along one axis.
struct Distribution {
  std::size_t x;
  std::int64_t axis;                  ///< From the front.
  std::array<std::size_t, 4> inside;  ///< The operators that it replaces, apart from the quotient.
};

/// The one axis along which an operator reduces tensors of that rank and keeps it, as one of 1.
std::optional<std::int64_t> only_axis(const LiteModel& model, const LiteOperator& op,
                                      std::size_t rank) {
  if (!has_inputs(op, 2) || !op.keeps_axes) return std::nullopt;
  const Result<Shape> axes = ints(model.tensors[op.inputs[1]]);
  if (!axes || axes->size() != 1) return std::nullopt;
  const auto count = static_cast<std::int64_t>(rank);
  const std::int64_t axis = axes->front() < 0 ? axes->front() + count : axes->front();
  return axis < 0 || axis >= count ? std::nullopt : std::optional(axis);
}

std::optional<Distribution> match_softmax(const LiteModel& model, const Wiring& wiring,
                                          const LiteOperator& quotient) {
  if (quotient.name != "DIV" || !has_inputs(quotient, 2)) return std::nullopt;
  const auto exp = wiring.only_source(quotient.inputs[0], "EXP", 2);
  const auto sum = wiring.only_source(quotient.inputs[1], "SUM");
  if (!exp || !sum || !has_inputs(model.operators[*exp], 1) ||
      !has_inputs(model.operators[*sum], 2) ||
      model.operators[*sum].inputs[0] != quotient.inputs[0])
    return std::nullopt;
  const auto sub = wiring.only_source(model.operators[*exp].inputs[0], "SUB");
  if (!sub || !has_inputs(model.operators[*sub], 2)) return std::nullopt;
  const std::size_t x = model.operators[*sub].inputs[0];
  const auto max = wiring.only_source(model.operators[*sub].inputs[1], "REDUCE_MAX");
  if (!max || !has_inputs(model.operators[*max], 2) || model.operators[*max].inputs[0] != x)
    return std::nullopt;
  const std::size_t rank = model.tensors[x].shape.size();
  const auto axis = only_axis(model, model.operators[*sum], rank);
  if (!axis || axis != only_axis(model, model.operators[*max], rank)) return std::nullopt;
  return Distribution{.x = x, .axis = *axis, .inside = {*exp, *sum, *sub, *max}};
}

/// A convolution of pixels that are apart: of samples that were made of them, and back.
struct Spread {
  std::size_t before;  ///< The operator SPACE_TO_BATCH_ND, …
  std::size_t inside;  ///< … and the convolution.
};

std::optional<Spread> match_spread(const LiteModel& model, const Wiring& wiring,
                                   const LiteOperator& behind) {
  if (behind.name != "BATCH_TO_SPACE_ND" || !has_inputs(behind, 3)) return std::nullopt;
  auto inside = wiring.activated_source(behind.inputs[0], "CONV_2D");
  if (!inside) inside = wiring.activated_source(behind.inputs[0], "DEPTHWISE_CONV_2D");
  if (!inside || model.operators[*inside].inputs.empty()) return std::nullopt;
  const auto before = wiring.source(model.operators[*inside].inputs[0]);
  if (!before || model.operators[*before].name != "SPACE_TO_BATCH_ND" ||
      !has_inputs(model.operators[*before], 3))
    return std::nullopt;
  return Spread{.before = *before, .inside = *inside};
}

/// What an operator computes with; sizes that are computed stand in the result's shape, too.
std::size_t first_read(const LiteOperator& op) { return op.name == "TRANSPOSE_CONV" ? 1 : 0; }
std::size_t last_read(const LiteOperator& op) {
  return op.name == "RESHAPE" ? std::min<std::size_t>(op.inputs.size(), 1) : op.inputs.size();
}

/// The operators that outputs are computed from, not counting what sizes are computed from.
std::set<std::size_t> needed(const LiteModel& model, const Wiring& wiring) {
  std::set<std::size_t> out;
  std::vector<std::size_t> wanted = model.outputs;
  while (!wanted.empty()) {
    const auto op = wiring.source(wanted.back());
    wanted.pop_back();
    if (!op || !out.insert(*op).second) continue;
    const LiteOperator& found = model.operators[*op];
    for (std::size_t i = first_read(found); i < last_read(found); ++i)
      wanted.push_back(found.inputs[i]);
  }
  return out;
}

/// What steps mean.
template <class T>
std::vector<float> reals(const LiteTensor& tensor) {
  const std::vector<T> steps = values_of<T>(tensor);
  const LiteSteps& given = tensor.steps;
  std::size_t block = 1;
  for (std::size_t i = given.axis + 1; i < tensor.shape.size(); ++i)
    block *= static_cast<std::size_t>(tensor.shape[i]);
  std::vector<float> out;
  out.reserve(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const std::size_t c =
        given.scales.size() == 1 ? 0 : i / std::max<std::size_t>(block, 1) % given.scales.size();
    out.push_back(
        static_cast<float>((static_cast<double>(steps[i]) - static_cast<double>(given.zeros[c])) *
                           double{given.scales[c]}));
  }
  return out;
}

std::vector<float> halves(const LiteTensor& tensor) {
  std::vector<float> out;
  out.reserve(tensor.bytes.size() / 2);
  std::ranges::transform(values_of<std::uint16_t>(tensor), std::back_inserter(out), from_half);
  return out;
}

/// Where reals are made of a constant, they are that constant: weights in 16 bits are stored so.
LiteModel with_constants(LiteModel model) {
  std::vector<LiteOperator> kept;
  for (LiteOperator& op : model.operators) {
    const bool of_halves = op.name == "DEQUANTIZE" && has_inputs(op, 1) &&
                           model.tensors[op.inputs[0]].type == "float16" &&
                           model.tensors[op.inputs[0]].is_constant();
    if (!of_halves) {
      kept.push_back(std::move(op));
      continue;
    }
    const LiteTensor& half = model.tensors[op.inputs[0]];
    LiteTensor& real = model.tensors[op.outputs[0]];
    real.type = half.type;
    real.shape = half.shape;
    real.bytes = half.bytes;
  }
  model.operators = std::move(kept);
  return model;
}

/// A constant of reals, also one that is stored as halves or steps.
Result<std::vector<float>> floats(const LiteTensor& tensor) {
  if (tensor.is_constant()) {
    if (tensor.type == "float32") return values_of<float>(tensor);
    if (tensor.type == "float16") return halves(tensor);
    const LiteSteps& steps = tensor.steps;
    const bool fits = steps.scales.size() == 1 ||
                      (steps.axis < tensor.shape.size() &&
                       steps.scales.size() == static_cast<std::size_t>(tensor.shape[steps.axis]));
    if (!steps.scales.empty() && fits) {
      if (tensor.type == "int8") return reals<std::int8_t>(tensor);
      if (tensor.type == "uint8") return reals<std::uint8_t>(tensor);
      if (tensor.type == "int32") return reals<std::int32_t>(tensor);
    }
  }
  return unsupported("weights that are computed or of type " + tensor.type);
}

bool is_steps(const LiteTensor& tensor) { return tensor.type == "int8" || tensor.type == "uint8"; }

class Converter {
 public:
  explicit Converter(const LiteModel& model)
      : model_(with_constants(model)), wiring_(model_), ids_(model.tensors.size()) {}

  Result<std::vector<std::byte>> run() {
    find_unneeded();
    find_prelus();
    find_softmaxes();
    find_spreads();
    VISAVIS_CHECK(check_operators());
    VISAVIS_CHECK(inputs());
    for (std::size_t i = 0; i < model_.operators.size(); ++i) {
      if (absorbed_.contains(i)) continue;
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

 private:
  using Id = ChannelsFirst::Id;
  using Rule = Result<Id> (Converter::*)(const LiteOperator&);
  struct Row {
    std::string_view name;
    Rule rule;
    std::size_t inputs;          ///< At least.
    bool moves_only = false;     ///< Its results are steps of what came in.
    std::string_view stem = {};  ///< Of the names of its nodes.
  };

  static constexpr const char* kEmbedding = "embedding";

  static const Row* rule_of(std::string_view name) {
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

  void find_unneeded() {
    const std::set<std::size_t> wanted = needed(model_, wiring_);
    for (std::size_t i = 0; i < model_.operators.size(); ++i)
      if (!wanted.contains(i)) absorbed_.insert(i);
  }

  void find_prelus() {
    prelus_.resize(model_.operators.size());
    for (std::size_t i = 0; i < model_.operators.size(); ++i) {
      const LiteOperator& op = model_.operators[i];
      if (op.name != "ADD" || !has_inputs(op, 2)) continue;
      std::optional<Prelu> found = match_prelu(model_, wiring_, op.inputs[0], op.inputs[1]);
      if (!found) found = match_prelu(model_, wiring_, op.inputs[1], op.inputs[0]);
      if (!found) continue;
      absorbed_.insert(found->inside.begin(), found->inside.end());
      prelus_[i] = found;
    }
  }

  void find_softmaxes() {
    softmaxes_.resize(model_.operators.size());
    for (std::size_t i = 0; i < model_.operators.size(); ++i) {
      softmaxes_[i] = match_softmax(model_, wiring_, model_.operators[i]);
      if (softmaxes_[i])
        absorbed_.insert(softmaxes_[i]->inside.begin(), softmaxes_[i]->inside.end());
    }
  }

  void find_spreads() {
    spreads_.resize(model_.operators.size());
    std::map<std::size_t, int> read;  // several convolutions may share what is before them
    for (std::size_t i = 0; i < model_.operators.size(); ++i) {
      spreads_[i] = match_spread(model_, wiring_, model_.operators[i]);
      if (!spreads_[i]) continue;
      absorbed_.insert(spreads_[i]->inside);
      ++read[spreads_[i]->before];
    }
    for (const auto& [before, count] : read)
      if (count == wiring_.uses(model_.operators[before].outputs[0])) absorbed_.insert(before);
  }

  /// All that is not understood, in one sentence.
  [[nodiscard]] Result<void> check_operators() const {
    std::set<std::string> unknown;
    for (std::size_t i = 0; i < model_.operators.size(); ++i)
      if (!absorbed_.contains(i) && rule_of(model_.operators[i].name) == nullptr)
        unknown.insert(model_.operators[i].name);
    if (unknown.empty()) return {};
    std::string text;
    for (const std::string& name : unknown) text += (text.empty() ? "" : ", ") + name;
    return unsupported((unknown.size() == 1 ? "the operator " : "the operators ") + text);
  }

  Result<void> inputs() {
    for (std::size_t i = 0; i < model_.inputs.size(); ++i) {
      const LiteTensor& input = model_.tensors[model_.inputs[i]];
      if (input.type != "float32" && !is_steps(input))
        return unsupported("an input of type " + input.type);
      const std::string name =
          model_.inputs.size() == 1 ? "input" : "input" + std::to_string(i + 1);
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

  Result<void> outputs() {
    for (std::size_t i = 0; i < model_.outputs.size(); ++i) {
      const std::size_t t = model_.outputs[i];
      if (!ids_[t]) return unsupported("an output that nothing computes");
      const std::string name = "output" + std::to_string(i + 1);
      VISAVIS_CHECK(out_.output(given_name(t, is_row(t) ? kEmbedding : name), *ids_[t]));
    }
    return {};
  }

  Result<void> convert(std::size_t index) {
    const LiteOperator& op = model_.operators[index];
    if (op.outputs.size() != 1) return unsupported(op.name + " with several outputs");
    const Row& row = *rule_of(op.name);
    if (op.inputs.size() < row.inputs) return unsupported(op.name + " without its inputs");
    name_ = is_embedding(op) ? kEmbedding : fresh(prelus_[index] ? "prelu" : row.stem);
    Result<Id> made = prelus_[index]      ? prelu_of(*prelus_[index])
                      : spreads_[index]   ? spread_of(*spreads_[index], op)
                      : softmaxes_[index] ? softmax_of(*softmaxes_[index])
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

  [[nodiscard]] std::string given_name(std::size_t tensor, const std::string& otherwise) const {
    const auto found = model_.names.find(tensor);
    return found == model_.names.end() ? otherwise : found->second;
  }

  /// The only output, and a row for each sample.
  [[nodiscard]] bool is_row(std::size_t tensor) const {
    return model_.outputs == std::vector{tensor} && model_.tensors[tensor].shape.size() == 2;
  }

  [[nodiscard]] bool is_embedding(const LiteOperator& op) const {
    return op.name == "RESHAPE" && is_row(op.outputs[0]);
  }

  /// A name of our own: those in the file are long paths, and may be there twice.
  std::string fresh(std::string_view stem) { return std::string(stem) + std::to_string(++count_); }

  /// What was computed, or a constant.
  Result<Id> value(std::size_t tensor) {
    if (ids_[tensor]) return *ids_[tensor];
    const LiteTensor& given = model_.tensors[tensor];
    if (!given.is_constant()) return unsupported("an input that nothing computes");
    VISAVIS_TRY(values, floats(given));
    VISAVIS_TRY(
        id, out_.constant(
                {.name = name_ + ".weight", .shape = given.shape, .values = std::move(values)}));
    ids_[tensor] = id;
    return id;
  }

  [[nodiscard]] const LiteTensor& tensor(const LiteOperator& op, std::size_t input) const {
    return model_.tensors[op.inputs[input]];
  }

  Result<Id> activated(const LiteOperator& op, Id x) {
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

  /// What is left of reals that become steps.
  Result<Id> rounded(const LiteTensor& as, Id x) {
    if (as.steps.scales.size() != 1 || !(as.steps.scales[0] > 0))
      return unsupported("computed steps without one scale for all");
    const std::int64_t zero = as.steps.zeros[0];
    const std::int64_t least = as.type == "int8" ? -128 : 0;
    if (zero < least || zero > least + 255) return unsupported("a zero point that is no step");
    return out_.rounded(name_ + ".steps", x, as.steps.scales[0], zero, as.type == "int8");
  }

  static Result<ChannelsFirst::Window> window_of(const LiteOperator& op) {
    if (!op.window) return unsupported(op.name + " without options");
    const LiteWindow& given = *op.window;
    return ChannelsFirst::Window{.padding = given.same_padding ? ChannelsFirst::Padding::kSame
                                                               : ChannelsFirst::Padding::kValid,
                                 .kernel_h = given.height,
                                 .kernel_w = given.width,
                                 .stride_h = given.stride_h,
                                 .stride_w = given.stride_w,
                                 .dilation_h = given.dilation_h,
                                 .dilation_w = given.dilation_w};
  }

  Result<std::vector<float>> bias_of(const LiteOperator& op) {
    if (op.inputs.size() < 3) return std::vector<float>();
    return floats(tensor(op, 2));
  }

  Result<Id> convolution(const LiteOperator& op) {
    VISAVIS_TRY(window, window_of(op));
    return convolve(op, op.inputs[0], window);
  }

  Result<Id> spread(const LiteOperator&) {
    return unsupported("BATCH_TO_SPACE_ND without a convolution alone before it");
  }

  /// What is cut off behind the convolution is padding that there need not be before it.
  Result<Id> spread_of(const Spread& found, const LiteOperator& behind) {
    const LiteOperator& before = model_.operators[found.before];
    const LiteOperator& inside = model_.operators[found.inside];
    VISAVIS_TRY(window, window_of(inside));
    VISAVIS_TRY(block, ints(tensor(before, 1)));
    VISAVIS_TRY(pads, ints(tensor(before, 2)));
    VISAVIS_TRY(again, ints(tensor(behind, 1)));
    VISAVIS_TRY(crops, ints(tensor(behind, 2)));
    const bool plain = window.padding == ChannelsFirst::Padding::kValid && window.stride_h == 1 &&
                       window.stride_w == 1 && window.dilation_h == 1 && window.dilation_w == 1;
    if (!plain || block != again || block.size() != 2 || pads.size() != 4 || crops.size() != 4)
      return unsupported("BATCH_TO_SPACE_ND of other than a convolution in steps of 1");
    for (std::size_t i = 0; i < pads.size(); ++i) {
      if (crops[i] < 0 || pads[i] < crops[i])
        return unsupported("BATCH_TO_SPACE_ND that cuts off more than padding");
      pads[i] -= crops[i];
    }
    window.padding = ChannelsFirst::Padding::kExplicit;
    window.dilation_h = block[0];
    window.dilation_w = block[1];
    window.top = pads[0];
    window.bottom = pads[1];
    window.left = pads[2];
    window.right = pads[3];
    VISAVIS_TRY(y, convolve(inside, before.inputs[0], window));
    return activated(inside, y);
  }

  /// The kernel: out, h, w, in; height and width as the result has them.
  Result<Id> transposed(const LiteOperator& op) {
    VISAVIS_TRY(window, window_of(op));
    VISAVIS_TRY(x, value(op.inputs[2]));
    const LiteTensor& stored = tensor(op, 1);
    VISAVIS_TRY(values, floats(stored));
    std::vector<float> bias;
    if (op.inputs.size() > 3) {
      VISAVIS_TRY(given, floats(tensor(op, 3)));
      bias = std::move(given);
    }
    VISAVIS_TRY(turned, permuted({.name = {}, .shape = stored.shape, .values = std::move(values)},
                                 stored.shape.size() == 4 ? std::vector<std::size_t>{3, 0, 1, 2}
                                                          : std::vector<std::size_t>{}));
    Shape shape = model_.tensors[op.outputs[0]].shape;
    if (tensor(op, 0).is_constant()) {
      VISAVIS_TRY(given, ints(tensor(op, 0)));
      shape = std::move(given);
    }
    if (shape.size() != 4) return unsupported("a result that is no picture");
    return out_.transposed_convolution(name_, x, std::move(turned), std::move(bias), window,
                                       {shape[1], shape[2]});
  }

  /// Kernels: out, h, w, in, or 1, h, w, out for each channel by itself.
  Result<Id> convolve(const LiteOperator& op, std::size_t input,
                      const ChannelsFirst::Window& window) {
    VISAVIS_TRY(x, value(input));
    const LiteTensor& stored = tensor(op, 1);
    VISAVIS_TRY(values, floats(stored));
    VISAVIS_TRY(bias, bias_of(op));
    if (stored.shape.size() != 4) return unsupported("a kernel of other than four dimensions");
    const bool depthwise = op.name == "DEPTHWISE_CONV_2D";
    Constant kernel{.name = {}, .shape = stored.shape, .values = std::move(values)};
    VISAVIS_TRY(turned, permuted(kernel, depthwise ? std::vector<std::size_t>{3, 0, 1, 2}
                                                   : std::vector<std::size_t>{0, 3, 1, 2}));
    const Shape& from = out_.shape(x);
    if (from.size() != 4) return unsupported("a convolution of other than pictures");
    const std::int64_t in = stored.shape[3];
    std::int64_t groups = 1;
    if (depthwise) {
      groups = from[3];
    } else if (from[3] > 0 && in > 0 && from[3] % in == 0) {
      groups = from[3] / in;
    }
    return out_.convolution(name_, x, std::move(turned), std::move(bias), groups, window);
  }

  Result<Id> dense(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(values, floats(tensor(op, 1)));
    VISAVIS_TRY(bias, bias_of(op));
    const Shape& shape = tensor(op, 1).shape;
    if (shape.size() != 2) return unsupported("a matrix of other than two dimensions");
    if (out_.shape(x).size() != 2) {
      VISAVIS_TRY(rows, out_.reshape(name_ + ".rows", x, {ChannelsFirst::kBatch, shape[1]}));
      x = rows;
    }
    VISAVIS_TRY(
        turned,
        permuted({.name = name_ + ".weight", .shape = shape, .values = std::move(values)}, {1, 0}));
    VISAVIS_TRY(weights, out_.constant(std::move(turned)));
    VISAVIS_TRY(y, out_.product(name_, x, weights));
    if (bias.empty()) return y;
    const auto count = static_cast<std::int64_t>(bias.size());
    VISAVIS_TRY(shift, out_.constant(
                           {.name = name_ + ".bias", .shape = {count}, .values = std::move(bias)}));
    return out_.binary("Add", name_ + ".sum", y, shift);
  }

  /// Of two computed stacks of matrices.
  Result<Id> product(const LiteOperator& op) {
    VISAVIS_TRY(a, value(op.inputs[0]));
    VISAVIS_TRY(b, value(op.inputs[1]));
    for (const auto& [turns, factor] : {std::pair(op.turns_first, &a), {op.turns_second, &b}}) {
      if (!turns) continue;
      const std::size_t rank = out_.shape(*factor).size();
      if (rank < 2) return unsupported("BATCH_MATMUL of other than matrices");
      std::vector<std::size_t> order(rank);
      std::iota(order.begin(), order.end(), 0);
      std::swap(order[rank - 2], order[rank - 1]);
      VISAVIS_TRY(turned, out_.transpose(*factor, order));
      *factor = turned;
    }
    return out_.product(name_, a, b);
  }

  Result<Id> pool(const LiteOperator& op) {
    VISAVIS_TRY(window, window_of(op));
    VISAVIS_TRY(x, value(op.inputs[0]));
    return op.name == "MAX_POOL_2D" ? out_.max_pool(name_, x, window)
                                    : out_.average_pool(name_, x, window);
  }

  Result<Id> resize(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(size, ints(tensor(op, 1)));
    return out_.resize(name_, x, size,
                       {.linear = op.name == "RESIZE_BILINEAR",
                        .align_corners = op.align_corners,
                        .half_pixel_centers = op.half_pixel_centers});
  }

  Result<Id> binary(const LiteOperator& op) {
    static constexpr auto kOps =
        std::to_array<std::pair<std::string_view, std::string_view>>({{"ADD", "Add"},
                                                                      {"SUB", "Sub"},
                                                                      {"MUL", "Mul"},
                                                                      {"DIV", "Div"},
                                                                      {"MAXIMUM", "Max"},
                                                                      {"MINIMUM", "Min"},
                                                                      {"POW", "Pow"}});
    VISAVIS_TRY(a, value(op.inputs[0]));
    VISAVIS_TRY(b, value(op.inputs[1]));
    return out_.binary(
        std::ranges::find(kOps, op.name, &std::pair<std::string_view, std::string_view>::first)
            ->second,
        name_, a, b);
  }

  Result<Id> unary(const LiteOperator& op) {
    static constexpr auto kOps =
        std::to_array<std::pair<std::string_view, std::string_view>>({{"RELU", "Relu"},
                                                                      {"LOGISTIC", "Sigmoid"},
                                                                      {"TANH", "Tanh"},
                                                                      {"ELU", "Elu"},
                                                                      {"EXP", "Exp"},
                                                                      {"LOG", "Log"},
                                                                      {"NEG", "Neg"},
                                                                      {"ABS", "Abs"},
                                                                      {"SQRT", "Sqrt"}});
    VISAVIS_TRY(x, value(op.inputs[0]));
    return out_.unary(
        std::ranges::find(kOps, op.name, &std::pair<std::string_view, std::string_view>::first)
            ->second,
        name_, x);
  }

  Result<Id> clipped(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    return op.name == "RELU6" ? out_.clip(name_, x, 0.F, 6.F) : out_.clip(name_, x, -1.F, 1.F);
  }

  Result<Id> square(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    return out_.binary("Mul", name_, x, x);
  }

  Result<Id> squared_difference(const LiteOperator& op) {
    VISAVIS_TRY(a, value(op.inputs[0]));
    VISAVIS_TRY(b, value(op.inputs[1]));
    VISAVIS_TRY(difference, out_.binary("Sub", name_ + ".difference", a, b));
    return out_.binary("Mul", name_, difference, difference);
  }

  Result<Id> number(float given) {
    return out_.constant({.name = name_ + ".number", .shape = {}, .values = {given}});
  }

  Result<Id> reciprocal_root(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(root, out_.unary("Sqrt", name_ + ".root", x));
    VISAVIS_TRY(one, number(1));
    return out_.binary("Div", name_, one, root);
  }

  /// x · relu6(x + 3) / 6
  Result<Id> hard_swish(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(three, number(3));
    VISAVIS_TRY(sixth, number(1.F / 6));
    VISAVIS_TRY(raised, out_.binary("Add", name_ + ".raised", x, three));
    VISAVIS_TRY(gate, out_.clip(name_ + ".gate", raised, 0.F, 6.F));
    VISAVIS_TRY(part, out_.binary("Mul", name_ + ".part", gate, sixth));
    return out_.binary("Mul", name_, x, part);
  }

  /// x / 2 · (1 + erf(x / √2)), or with tanh(√(2/π) · (x + .044715 x³)) for erf (D. Hendrycks and
  /// K. Gimpel, Gaussian Error Linear Units, 2016, section 2).
  Result<Id> gelu(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(factor, number(op.approximate ? std::sqrt(2 * std::numbers::inv_pi_v<float>)
                                              : std::numbers::sqrt2_v<float> / 2));
    Id inner = x;
    if (op.approximate) {
      VISAVIS_TRY(squares, out_.binary("Mul", name_ + ".squares", x, x));
      VISAVIS_TRY(cubes, out_.binary("Mul", name_ + ".cubes", squares, x));
      VISAVIS_TRY(small, number(.044715F));
      VISAVIS_TRY(part, out_.binary("Mul", name_ + ".part", cubes, small));
      VISAVIS_TRY(sum, out_.binary("Add", name_ + ".sum", x, part));
      inner = sum;
    }
    VISAVIS_TRY(scaled, out_.binary("Mul", name_ + ".scaled", inner, factor));
    VISAVIS_TRY(error, out_.unary(op.approximate ? "Tanh" : "Erf", name_ + ".erf", scaled));
    VISAVIS_TRY(one, number(1));
    VISAVIS_TRY(gate, out_.binary("Add", name_ + ".gate", error, one));
    VISAVIS_TRY(half, number(.5F));
    VISAVIS_TRY(part, out_.binary("Mul", name_ + ".half", gate, half));
    return out_.binary("Mul", name_, x, part);
  }

  Result<Id> leaky_relu(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    return out_.leaky_relu(name_, x, op.alpha);
  }

  Result<Id> prelu(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(slopes, value(op.inputs[1]));
    return out_.prelu(name_, x, slopes);
  }

  Result<Id> prelu_of(const Prelu& found) {
    VISAVIS_TRY(x, value(found.x));
    VISAVIS_TRY(slopes, floats(model_.tensors[found.factor]));
    for (float& slope : slopes) slope *= 2;
    VISAVIS_TRY(factor, out_.constant({.name = name_ + ".weight",
                                       .shape = model_.tensors[found.factor].shape,
                                       .values = std::move(slopes)}));
    return out_.prelu(name_, x, factor);
  }

  Result<Id> softmax(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    if (op.beta != 1) {
      VISAVIS_TRY(factor, number(op.beta));
      VISAVIS_TRY(scaled, out_.binary("Mul", name_ + ".scaled", x, factor));
      x = scaled;
    }
    return out_.softmax(name_, x, -1);
  }

  Result<Id> softmax_of(const Distribution& found) {
    VISAVIS_TRY(x, value(found.x));
    return out_.softmax(name_, x, found.axis);
  }

  /// x / sqrt(max(Σ x², 1e-12)) along the last axis.
  Result<Id> unit_length(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(square, out_.binary("Mul", name_ + ".square", x, x));
    VISAVIS_TRY(sum, out_.sum(name_ + ".sum", square, {-1}, true));
    VISAVIS_TRY(least, out_.clip(name_ + ".least", sum, 1e-12F, std::nullopt));
    VISAVIS_TRY(length, out_.unary("Sqrt", name_ + ".length", least));
    return out_.binary("Div", name_, x, length);
  }

  Result<Id> reduce(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(axes, ints(tensor(op, 1)));
    if (op.name == "MEAN") return out_.mean(name_, x, axes, op.keeps_axes);
    if (op.name == "REDUCE_MAX") return out_.largest(name_, x, axes, op.keeps_axes);
    return out_.sum(name_, x, axes, op.keeps_axes);
  }

  /// The shape is that of the result, whose first dimension stays free.
  Result<Id> reshape(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    Shape to = model_.tensors[op.outputs[0]].shape;
    if (op.name == "RESHAPE" && op.inputs.size() > 1 && tensor(op, 1).is_constant()) {
      VISAVIS_TRY(given, ints(tensor(op, 1)));
      to = std::move(given);
    }
    return out_.reshape(name_, x, std::move(to));
  }

  Result<Id> transpose(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(given, ints(tensor(op, 1)));
    std::vector<std::size_t> order;
    for (const std::int64_t axis : given) {
      if (axis < 0 || axis >= static_cast<std::int64_t>(given.size()))
        return unsupported("an order of axes that are not there");
      order.push_back(static_cast<std::size_t>(axis));
    }
    return out_.transpose(x, order);
  }

  Result<Id> pad(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(given, ints(tensor(op, 1)));
    float padding = 0;
    if (op.inputs.size() > 2) {
      VISAVIS_TRY(number, floats(tensor(op, 2)));
      if (number.size() == 1) padding = number[0];
    }
    if (given.size() != 2 * out_.shape(x).size()) return unsupported("a padding of other axes");
    Shape before;
    Shape behind;
    for (std::size_t i = 0; i < given.size(); i += 2) {
      before.push_back(given[i]);
      behind.push_back(given[i + 1]);
    }
    return out_.pad(name_, x, before, behind, padding);
  }

  Result<Id> gather(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(places, ints(tensor(op, 1)));
    if (tensor(op, 1).shape.size() != 1)
      return unsupported("GATHER of other than a list of places");
    return out_.gather(name_, x, places, op.axis);
  }

  Result<Id> slice(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(begin, ints(tensor(op, 1)));
    VISAVIS_TRY(size, ints(tensor(op, 2)));
    return out_.slice(name_, x, begin, size);
  }

  Result<Id> strided_slice(const LiteOperator& op) {
    VISAVIS_TRY(x, value(op.inputs[0]));
    VISAVIS_TRY(begin, ints(tensor(op, 1)));
    VISAVIS_TRY(end, ints(tensor(op, 2)));
    VISAVIS_TRY(steps, ints(tensor(op, 3)));
    const std::size_t rank = out_.shape(x).size();
    if (op.other_masks || begin.size() != rank || end.size() != rank || steps.size() != rank ||
        std::ranges::any_of(steps, [](std::int64_t n) { return n != 1; }))
      return unsupported("a slice that drops axes or numbers between");
    std::vector<std::optional<std::int64_t>> first(begin.begin(), begin.end());
    std::vector<std::optional<std::int64_t>> last(end.begin(), end.end());
    for (std::size_t i = 0; i < rank; ++i) {
      if (((op.open_begins >> i) & 1) != 0) first[i].reset();
      if (((op.open_ends >> i) & 1) != 0) last[i].reset();
    }
    return out_.between(name_, x, first, last);
  }

  Result<Id> concat(const LiteOperator& op) {
    std::vector<Id> parts;
    for (const std::size_t input : op.inputs) {
      VISAVIS_TRY(part, value(input));
      parts.push_back(part);
    }
    return out_.concat(name_, parts, op.axis);
  }

  Result<Id> same(const LiteOperator& op) { return value(op.inputs[0]); }

  LiteModel model_;
  Wiring wiring_;
  ChannelsFirst out_{"tflite"};
  std::vector<std::optional<Id>> ids_;
  std::vector<std::optional<Prelu>> prelus_;
  std::vector<std::optional<Distribution>> softmaxes_;
  std::vector<std::optional<Spread>> spreads_;
  std::set<std::size_t> absorbed_;
  std::string name_;  ///< Of the node that is being written.
  int count_ = 0;
};

}  // namespace

Result<std::vector<std::byte>> tflite_to_onnx(const LiteModel& model) {
  return Converter(model).run();
}

}  // namespace visavis::modelkit
