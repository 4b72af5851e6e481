#pragma once

/// A network as data: the one form between a file format and an engine. Operators carry their ONNX
/// names and meanings at the graph's opset; nothing here computes.
/// Data flow: file -> import / read_onnx -> Graph -> passes -> write_onnx -> Engine::load.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::graph {

/// Row-major; no dimension is negative; empty for a scalar.
using Shape = std::vector<std::int64_t>;

enum class ElementType : std::uint8_t { kFloat32, kFloat16, kUint8, kInt8, kInt32, kInt64 };

[[nodiscard]] std::string_view to_string(ElementType type) noexcept;  ///< "float32", …

/// IEEE 754 binary16 by its bits, which core/half.hpp reads and writes.
struct Half {
  std::uint16_t bits = 0;

  friend bool operator==(const Half&, const Half&) = default;
};

/// A constant: a weight, or the numbers that steer an operator.
struct Tensor {
  using Values =
      std::variant<std::vector<float>, std::vector<std::int64_t>, std::vector<std::int32_t>,
                   std::vector<std::int8_t>, std::vector<std::uint8_t>, std::vector<Half>>;
  std::string name;  ///< Empty inside an attribute.
  Shape shape;
  Values values;

  [[nodiscard]] ElementType type() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept;  ///< Number of values held.
};

/// The alternatives are ONNX's FLOAT, INT, STRING, FLOATS, INTS, STRINGS and TENSOR.
using Attribute = std::variant<float, std::int64_t, std::string, std::vector<float>,
                               std::vector<std::int64_t>, std::vector<std::string>, Tensor>;

/// One operator. An empty input name stands for an optional input that is left out.
struct Node {
  std::string op;    ///< ONNX operator type, e.g. "Conv".
  std::string name;  ///< For messages only; may be empty.
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<std::pair<std::string, Attribute>> attributes;

  [[nodiscard]] const Attribute* find(std::string_view attribute) const noexcept;

  /// The attribute's value, or `otherwise` if it is absent or of another type.
  template <class T>
  [[nodiscard]] T get_or(std::string_view attribute, const T& otherwise) const {
    const Attribute* found = find(attribute);
    const T* value = found == nullptr ? nullptr : std::get_if<T>(found);
    return value == nullptr ? otherwise : *value;
  }
};

/// An input or output of the whole graph.
struct ValueInfo {
  std::string name;
  ElementType type = ElementType::kFloat32;
  std::vector<std::int64_t> shape;  ///< -1 marks a dimension chosen at run time.
};

/// Nodes stand in an order in which they can run: each reads only what stands before it.
struct Graph {
  std::string name;
  std::int64_t opset = 13;  ///< Of the default ONNX domain.
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
  std::vector<Tensor> initializers;
  std::vector<Node> nodes;

  [[nodiscard]] const Tensor* initializer(std::string_view tensor) const noexcept;
};

/// Limits that hold for every valid graph.
inline constexpr std::size_t kMaxRank = 8;
inline constexpr std::size_t kMaxNodes = 100'000;
inline constexpr std::int64_t kMaxElements = std::int64_t{1}
                                             << 28;  ///< Of one tensor: 1 GiB of floats.

/// The number of elements of a shape.
/// @return kInvalidArgument for a negative dimension, a rank above kMaxRank or more than
/// kMaxElements elements.
[[nodiscard]] Result<std::size_t> element_count(std::span<const std::int64_t> shape);

/// Checks what every reader of a graph may rely on: each name is defined once and before its use,
/// each output exists, each tensor holds as many values as its shape says, opset in 1..25, the
/// limits above.
/// @return kInvalidArgument with one sentence.
[[nodiscard]] Result<void> validate(const Graph& graph);

}  // namespace visavis::graph
