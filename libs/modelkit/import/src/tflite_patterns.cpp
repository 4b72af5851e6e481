/// Recognises what several operators of TensorFlow Lite compute together.

#include "tflite_patterns.hpp"

#include <algorithm>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/shapes.hpp>

#include "builder.hpp"
#include "tflite.hpp"
#include "tflite_values.hpp"

namespace visavis::modelkit::lite {
namespace {

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

std::optional<Prelu> match_prelu(const LiteModel& model, const Wiring& wiring,
                                 const LiteOperator& sum) {
  if (sum.name != "ADD" || !has_inputs(sum, 2)) return std::nullopt;
  const auto found = match_prelu(model, wiring, sum.inputs[0], sum.inputs[1]);
  return found ? found : match_prelu(model, wiring, sum.inputs[1], sum.inputs[0]);
}

/// The one axis along which an operator reduces tensors of that rank and keeps it, as one of 1.
std::optional<std::size_t> only_axis(const LiteModel& model, const LiteOperator& op,
                                     std::size_t rank) {
  if (!has_inputs(op, 2) || !op.keeps_axes) return std::nullopt;
  const Result<Shape> axes = ints(model.tensors[op.inputs[1]]);
  if (!axes || axes->size() != 1) return std::nullopt;
  return graph::axis_among(axes->front(), rank);
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

}  // namespace

Patterns patterns_of(const LiteModel& model) {
  const Wiring wiring(model);
  const std::size_t count = model.operators.size();
  Patterns out;
  out.prelus.resize(count);
  out.softmaxes.resize(count);
  out.spreads.resize(count);
  const std::set<std::size_t> wanted = needed(model, wiring);
  std::map<std::size_t, int> read;  // several convolutions may share what is before them
  for (std::size_t i = 0; i < count; ++i) {
    const LiteOperator& op = model.operators[i];
    if (!wanted.contains(i)) out.absorbed.insert(i);
    out.prelus[i] = match_prelu(model, wiring, op);
    if (const auto& found = out.prelus[i])
      out.absorbed.insert(found->inside.begin(), found->inside.end());
    out.softmaxes[i] = match_softmax(model, wiring, op);
    if (const auto& found = out.softmaxes[i])
      out.absorbed.insert(found->inside.begin(), found->inside.end());
    out.spreads[i] = match_spread(model, wiring, op);
    if (const auto& found = out.spreads[i]) {
      out.absorbed.insert(found->inside);
      ++read[found->before];
    }
  }
  for (const auto& [before, uses] : read)
    if (uses == wiring.uses(model.operators[before].outputs[0])) out.absorbed.insert(before);
  return out;
}

}  // namespace visavis::modelkit::lite
