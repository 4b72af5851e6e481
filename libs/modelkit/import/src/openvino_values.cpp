#include "openvino_values.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <visavis/core/result.hpp>
#include <visavis/graph/shapes.hpp>

#include "builder.hpp"

namespace visavis::modelkit::ir {
namespace {

template <class T>
std::optional<T> number_in(std::string_view text) {
  const std::size_t first = text.find_first_not_of(' ');
  if (first == std::string_view::npos) return std::nullopt;
  text = text.substr(first, text.find_last_not_of(' ') - first + 1);
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// "1, 2"
std::optional<Shape> list_in(std::string_view text) {
  Shape out;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    const auto number = number_in<std::int64_t>(text.substr(0, comma));
    if (!number || std::abs(*number) > kMostNumber) return std::nullopt;
    out.push_back(*number);
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return out;
}

}  // namespace

std::unexpected<Error> needs(const std::string& what) {
  return fail(ErrorCode::kUnsupported, what);
}

std::unexpected<Error> malformed(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed OpenVINO IR: " + what);
}

bool Call::flag(std::string_view key, bool otherwise) const {
  const std::string_view value = text(key, otherwise ? "true" : "false");
  return value == "true" || value == "1";
}

Result<double> Call::real(std::string_view key) const {
  const auto value = number_in<double>(text(key, ""));
  if (!value) return needs("a number " + std::string(key));
  return *value;
}

Result<std::int64_t> Call::integer(std::string_view key, std::string_view otherwise) const {
  const auto value = number_in<std::int64_t>(text(key, otherwise));
  if (!value || std::abs(*value) > kMostNumber) return needs("a whole number " + std::string(key));
  return *value;
}

Result<Shape> Call::list(std::string_view key) const {
  auto value = list_in(text(key, ""));
  if (!value) return needs("whole numbers " + std::string(key));
  return *std::move(value);
}

Result<Numbers> Call::numbers(std::size_t i) const {
  if (!has(i)) return needs("more inputs");
  if (const Numbers* found = std::get_if<Numbers>(&inputs[i])) return *found;
  return needs("constant numbers as its input " + std::to_string(i));
}

Result<float> Call::scalar(std::size_t i) const {
  VISAVIS_TRY(found, numbers(i));
  if (found->values.size() != 1) return needs("a single number as its input " + std::to_string(i));
  return found->values[0];
}

Result<Integers> Call::integers(std::size_t i) const {
  if (!has(i)) return needs("more inputs");
  if (const Integers* found = std::get_if<Integers>(&inputs[i])) return *found;
  return needs("whole numbers that are known as its input " + std::to_string(i));
}

Result<Shape> Call::known(std::size_t i) const {
  VISAVIS_TRY(found, integers(i));
  if (found.values.size() > kMostIntegers) return needs("fewer whole numbers");
  if (std::ranges::any_of(found.values, is_open))
    return needs("whole numbers that do not depend on free sizes");
  return found.values;
}

Result<std::int64_t> Call::one(std::size_t i) const {
  VISAVIS_TRY(found, known(i));
  if (found.size() != 1) return needs("one whole number as its input " + std::to_string(i));
  return found[0];
}

bool Call::is_of_integers() const {
  return !inputs.empty() && std::ranges::all_of(inputs, [](const Value& value) {
    return std::holds_alternative<Integers>(value);
  });
}

Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
  const auto found = graph::axis_among(axis, rank);
  if (!found) return needs("an axis that its input has");
  return *found;
}

Result<Shape> axes_of(const Shape& given, std::size_t rank) {
  Shape out;
  for (const std::int64_t n : given) {
    VISAVIS_TRY(axis, axis_of(n, rank));
    out.push_back(static_cast<std::int64_t>(axis));
  }
  std::ranges::sort(out);
  if (out.empty() || std::ranges::adjacent_find(out) != out.end())
    return needs("axes that are different");
  return out;
}

std::size_t rank_of(const Value& value) {
  if (const Computed* computed = std::get_if<Computed>(&value)) return computed->shape.size();
  if (const Numbers* numbers = std::get_if<Numbers>(&value)) return (*numbers)->shape.size();
  return 0;
}

std::optional<Shape> stretched(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return std::nullopt;
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

std::size_t place_in(const Shape& operand, const Shape& result, std::size_t i) {
  std::size_t at = 0;
  std::size_t step = 1;
  for (std::size_t k = 0; k < result.size(); ++k) {
    const auto size = static_cast<std::size_t>(result[result.size() - 1 - k]);
    const std::size_t index = i % size;
    i /= size;
    if (k >= operand.size()) continue;
    const auto its = static_cast<std::size_t>(operand[operand.size() - 1 - k]);
    if (its != 1) at += index * step;
    step *= its;
  }
  return at;
}

std::int64_t combined(std::string_view op, std::int64_t a, std::int64_t b) {
  if (op == "Mul" && b == 1) return a;
  if (op == "Mul" && a == 1) return b;
  if (is_open(a) || is_open(b)) return kUnknown;
  if (std::max(std::abs(a), std::abs(b)) > kMostNumber) return kUnknown;
  if (op == "Mul") return a * b;
  if (op == "Sub") return a - b;
  if (op == "Max") return std::max(a, b);
  if (op == "Min") return std::min(a, b);
  if (op == "Div") {
    if (b == 0) return kUnknown;
    return a / b - (a % b != 0 && (a < 0) != (b < 0) ? 1 : 0);
  }
  return op == "Add" ? a + b : kUnknown;
}

bool keeps_samples(const Call& call) {
  static constexpr auto kMoving = std::to_array<std::string_view>(
      {"Concat", "Gather", "Pad", "ReduceL2", "ReduceMax", "ReduceMean", "ReduceSum", "Reshape",
       "Slice", "Squeeze", "StridedSlice", "Transpose", "Unsqueeze"});
  if (std::ranges::find(kMoving, call.layer.type) != kMoving.end()) return false;
  const Computed* x = nullptr;
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    const Computed* other = call.computed(i);
    if (other != nullptr && !other->batched) return false;
    if (other != nullptr) x = other;
  }
  const Shape shape = call.declared();
  return x != nullptr && shape.size() == x->shape.size() && !shape.empty() && shape[0] < 0;
}

Result<Values> with_samples(Result<Values> made, bool kept) {
  if (made)
    for (Value& value : *made)
      if (Computed* computed = std::get_if<Computed>(&value)) computed->batched = kept;
  return made;
}

}  // namespace visavis::modelkit::ir
