#pragma once

/// What an operator of the reference engine looks like: a pure function from a `Call` to its
/// outputs. All follow the ONNX operator specification (https://onnx.ai/onnx/operators) for opsets
/// 7 to 25.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "value.hpp"

namespace visavis::runtime::reference {

/// One node with its inputs. Everything that a kernel reads comes through here, checked.
struct Call {
  const graph::Node& node;
  std::int64_t opset;
  std::size_t max_elements;              ///< Of one output: what is left beside the living.
  std::span<const Value* const> inputs;  ///< Null for an optional input that is left out.

  [[nodiscard]] bool has(std::size_t input) const noexcept {
    return input < inputs.size() && inputs[input] != nullptr;
  }

  /// @return kInvalidArgument "Conv: <what>".
  [[nodiscard]] std::unexpected<Error> wrong(std::string_view what) const;
  /// @return kUnsupported "Conv: <what>".
  [[nodiscard]] std::unexpected<Error> unsupported(std::string_view what) const;

  [[nodiscard]] Result<const Value*> value(std::size_t input) const;
  [[nodiscard]] Result<std::span<const float>> floats(std::size_t input) const;
  [[nodiscard]] Result<std::span<const std::int64_t>> ints(std::size_t input) const;

  [[nodiscard]] std::int64_t integer(std::string_view attribute, std::int64_t otherwise) const;
  [[nodiscard]] float real(std::string_view attribute, float otherwise) const;

  /// A list that is an attribute in old opsets and an input in new ones; empty if it is neither.
  [[nodiscard]] Result<Ints> list(std::string_view attribute, std::size_t input) const;

  /// An axis counted from the end if negative.
  /// @return kInvalidArgument unless it is in [-rank, rank).
  [[nodiscard]] Result<std::size_t> axis(std::int64_t axis, std::size_t rank) const;

  /// The number of elements of an output.
  /// @return kInvalidArgument for a negative dimension, kResourceExhausted above max_elements.
  [[nodiscard]] Result<std::size_t> count(const Shape& shape) const;
};

using Outputs = Result<std::vector<Value>>;
using Kernel = Outputs (*)(const Call&);

/// The usual case of one output.
[[nodiscard]] Outputs one(Value value);

struct Operator {
  std::string_view name;
  Kernel kernel;
  std::size_t min_inputs;
  std::size_t max_inputs;
};

/// One table per family of operators.
[[nodiscard]] std::span<const Operator> convolution_operators() noexcept;
[[nodiscard]] std::span<const Operator> elementwise_operators() noexcept;
[[nodiscard]] std::span<const Operator> normalization_operators() noexcept;
[[nodiscard]] std::span<const Operator> pooling_operators() noexcept;
[[nodiscard]] std::span<const Operator> product_operators() noexcept;
[[nodiscard]] std::span<const Operator> quantization_operators() noexcept;
[[nodiscard]] std::span<const Operator> reduction_operators() noexcept;
[[nodiscard]] std::span<const Operator> resizing_operators() noexcept;
[[nodiscard]] std::span<const Operator> selection_operators() noexcept;
[[nodiscard]] std::span<const Operator> shape_operators() noexcept;

/// @return null if the reference engine lacks the operator.
[[nodiscard]] const Operator* find_operator(std::string_view name) noexcept;

}  // namespace visavis::runtime::reference
