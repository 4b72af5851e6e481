#pragma once

/// Tensors inside the reference engine.

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>
#include <vector>
#include <visavis/graph/graph.hpp>

namespace visavis::runtime::reference {

using graph::Shape;
using Floats = std::vector<float>;
using Ints = std::vector<std::int64_t>;

/// Row-major. Networks compute in float32; int64 carries shapes and indices; the others are the
/// integers of quantised networks, which only QuantizeLinear and DequantizeLinear compute with.
struct Value {
  Shape shape;
  std::variant<Floats, Ints, std::vector<std::int32_t>, std::vector<std::int8_t>,
               std::vector<std::uint8_t>>
      data;

  [[nodiscard]] std::size_t size() const noexcept {
    return std::visit([](const auto& held) { return held.size(); }, data);
  }
};

/// The product of dimensions that were checked before.
[[nodiscard]] inline std::size_t product(std::span<const std::int64_t> shape) noexcept {
  std::size_t count = 1;
  for (const std::int64_t n : shape) count *= static_cast<std::size_t>(n);
  return count;
}

}  // namespace visavis::runtime::reference
