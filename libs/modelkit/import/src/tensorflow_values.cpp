#include "tensorflow_values.hpp"

#include <tensorflow.pb.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "bundle.hpp"
#include "tensorflow_graph.hpp"

namespace visavis::modelkit::tf {

std::unexpected<Error> needs(const std::string& what) {
  return fail(ErrorCode::kUnsupported, what);
}

bool is_float(std::int32_t type) {
  const auto known = static_cast<TensorflowType>(type);
  return known == TensorflowType::kFloat || known == TensorflowType::kDouble ||
         known == TensorflowType::kHalf;
}

bool is_integer(std::int32_t type) {
  const auto known = static_cast<TensorflowType>(type);
  return known == TensorflowType::kInt32 || known == TensorflowType::kInt64 ||
         known == TensorflowType::kBool;
}

const tensorflow::AttrValue* Call::find(std::string_view name) const {
  return node.def == nullptr ? nullptr : attribute(*node.def, name);
}

std::string Call::text(std::string_view name, std::string_view otherwise) const {
  const auto* found = find(name);
  return found == nullptr ? std::string(otherwise) : found->s();
}

bool Call::flag(std::string_view name, bool otherwise) const {
  const auto* found = find(name);
  return found == nullptr ? otherwise : found->b();
}

std::int64_t Call::integer(std::string_view name, std::int64_t otherwise) const {
  const auto* found = find(name);
  return found == nullptr ? otherwise : found->i();
}

float Call::real(std::string_view name, float otherwise) const {
  const auto* found = find(name);
  return found == nullptr ? otherwise : found->f();
}

Shape Call::list(std::string_view name) const {
  const auto* found = find(name);
  return found == nullptr ? Shape{} : Shape(found->list().i().begin(), found->list().i().end());
}

std::int32_t Call::type(std::string_view name) const {
  const auto* found = find(name);
  return found == nullptr ? 0 : found->type();
}

Result<Id> Call::floats(std::size_t i) const {
  if (i >= inputs.size()) return needs("more inputs");
  if (const Id* id = std::get_if<Id>(&inputs[i])) return *id;
  return needs("float32 numbers as its input " + std::to_string(i));
}

Result<Integers> Call::integers(std::size_t i) const {
  if (i >= inputs.size()) return needs("more inputs");
  if (const Integers* found = std::get_if<Integers>(&inputs[i])) return *found;
  return needs("integers that are known as its input " + std::to_string(i));
}

Result<std::vector<std::int64_t>> Call::numbers(std::size_t i) const {
  VISAVIS_TRY(found, integers(i));
  for (const std::int64_t n : found.values)
    if (n == kBatchSize || n == kUnknownSize) return needs("numbers that do not depend on sizes");
  return found.values;
}

Result<std::int64_t> Call::number(std::size_t i) const {
  VISAVIS_TRY(found, numbers(i));
  if (found.size() != 1) return needs("one number as its input " + std::to_string(i));
  return found[0];
}

bool Call::is_of_integers() const {
  return !inputs.empty() && std::ranges::all_of(inputs, [](const Value& value) {
    return std::holds_alternative<Integers>(value);
  });
}

std::int64_t combined(std::string_view op, std::int64_t a, std::int64_t b) {
  const auto is_size = [](std::int64_t n) { return n == kBatchSize || n == kUnknownSize; };
  if (op == "Mul" && b == 1) return a;
  if (op == "Mul" && a == 1) return b;
  if (is_size(a) || is_size(b)) return kUnknownSize;
  constexpr std::int64_t kMost = std::int64_t{1} << 31U;
  if (std::max(std::abs(a), std::abs(b)) > kMost) return kUnknownSize;
  if (op == "Mul") return a * b;
  if (op == "Sub") return a - b;
  if (op == "Maximum") return std::max(a, b);
  if (op == "Minimum") return std::min(a, b);
  if (op == "FloorMod") return b == 0 ? kUnknownSize : ((a % b) + b) % b;
  if (op == "FloorDiv" || op == "RealDiv") {
    if (b == 0) return kUnknownSize;
    const std::int64_t whole = a / b;
    return a % b != 0 && (a < 0) != (b < 0) ? whole - 1 : whole;
  }
  return a + b;
}

}  // namespace visavis::modelkit::tf
