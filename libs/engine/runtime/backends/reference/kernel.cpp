#include "kernel.hpp"

#include <cstddef>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/shapes.hpp>

#include "value.hpp"

namespace visavis::runtime::reference {

std::unexpected<Error> Call::wrong(std::string_view what) const {
  return fail(ErrorCode::kInvalidArgument, node.op + ": " + std::string(what));
}

std::unexpected<Error> Call::unsupported(std::string_view what) const {
  return fail(ErrorCode::kUnsupported, node.op + ": " + std::string(what));
}

Result<const Value*> Call::value(std::size_t input) const {
  if (!has(input)) return wrong("input " + std::to_string(input) + " is missing");
  return inputs[input];
}

Result<std::span<const float>> Call::floats(std::size_t input) const {
  VISAVIS_TRY(given, value(input));
  const auto* held = std::get_if<Floats>(&given->data);
  if (held == nullptr) return wrong("input " + std::to_string(input) + " is not float32");
  return std::span<const float>(*held);
}

Result<std::span<const std::int64_t>> Call::ints(std::size_t input) const {
  VISAVIS_TRY(given, value(input));
  const auto* held = std::get_if<Ints>(&given->data);
  if (held == nullptr) return wrong("input " + std::to_string(input) + " is not int64");
  return std::span<const std::int64_t>(*held);
}

std::int64_t Call::integer(std::string_view attribute, std::int64_t otherwise) const {
  return node.get_or<std::int64_t>(attribute, otherwise);
}

float Call::real(std::string_view attribute, float otherwise) const {
  return node.get_or<float>(attribute, otherwise);
}

Result<Ints> Call::list(std::string_view attribute, std::size_t input) const {
  if (node.find(attribute) != nullptr) return node.get_or<Ints>(attribute, {});
  if (!has(input)) return Ints{};
  VISAVIS_TRY(given, ints(input));
  return Ints(given.begin(), given.end());
}

Result<std::size_t> Call::axis(std::int64_t axis, std::size_t rank) const {
  const auto found = graph::axis_among(axis, rank);
  if (!found)
    return wrong("axis " + std::to_string(axis) + " of a tensor of rank " + std::to_string(rank));
  return *found;
}

Result<std::size_t> Call::count(const Shape& shape) const {
  const auto counted = graph::element_count(shape);
  if (!counted) return wrong(counted.error().message);
  if (*counted > max_elements)
    return fail(ErrorCode::kResourceExhausted,
                node.op + ": the output is too large, " + std::to_string(*counted) +
                    " numbers where there is room for " + std::to_string(max_elements));
  return *counted;
}

Outputs one(Value value) {
  std::vector<Value> outputs;
  outputs.push_back(std::move(value));
  return outputs;
}

const Operator* find_operator(std::string_view name) noexcept {
  for (const auto& family :
       {convolution_operators(), elementwise_operators(), normalization_operators(),
        pooling_operators(), product_operators(), quantization_operators(), reduction_operators(),
        resizing_operators(), selection_operators(), shape_operators()})
    for (const Operator& each : family)
      if (each.name == name) return &each;
  return nullptr;
}

}  // namespace visavis::runtime::reference
