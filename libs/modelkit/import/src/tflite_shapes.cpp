/// Operators of TensorFlow Lite that move numbers and change none.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "channels_first.hpp"
#include "tflite.hpp"
#include "tflite_converter.hpp"
#include "tflite_values.hpp"

namespace visavis::modelkit::lite {

/// The shape is that of the result, whose first dimension stays free.
Result<Id> Converter::reshape(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  Shape to = model_.tensors[op.outputs[0]].shape;
  if (op.name == "RESHAPE" && op.inputs.size() > 1 && tensor(op, 1).is_constant()) {
    VISAVIS_TRY(given, ints(tensor(op, 1)));
    to = std::move(given);
  }
  return out_.reshape(name_, x, std::move(to));
}

Result<Id> Converter::transpose(const LiteOperator& op) {
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

Result<Id> Converter::pad(const LiteOperator& op) {
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

Result<Id> Converter::gather(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  VISAVIS_TRY(places, ints(tensor(op, 1)));
  if (tensor(op, 1).shape.size() != 1) return unsupported("GATHER of other than a list of places");
  return out_.gather(name_, x, places, op.axis);
}

Result<Id> Converter::slice(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  VISAVIS_TRY(begin, ints(tensor(op, 1)));
  VISAVIS_TRY(size, ints(tensor(op, 2)));
  return out_.slice(name_, x, begin, size);
}

Result<Id> Converter::strided_slice(const LiteOperator& op) {
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

Result<Id> Converter::concat(const LiteOperator& op) {
  std::vector<Id> parts;
  for (const std::size_t input : op.inputs) {
    VISAVIS_TRY(part, value(input));
    parts.push_back(part);
  }
  return out_.concat(name_, parts, op.axis);
}

Result<Id> Converter::same(const LiteOperator& op) { return value(op.inputs[0]); }

}  // namespace visavis::modelkit::lite
