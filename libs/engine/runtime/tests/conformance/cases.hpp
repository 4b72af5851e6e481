#pragma once

/// What the engines are compared on: single operators with their edge cases, and whole models.

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>
#include <visavis/graph/graph.hpp>
#include <visavis/runtime/engine.hpp>

namespace visavis::runtime::conformance {

/// A model and what goes in.
struct Case {
  std::string name;
  std::vector<std::byte> onnx;
  std::vector<Tensor> inputs;
  bool in_steps = false;        ///< A whole network of 8-bit steps: see kSameInt8.
  bool may_be_refused = false;  ///< An engine may say kUnsupported, but not answer differently.
};

[[nodiscard]] std::vector<TensorView> views_of(const std::vector<Tensor>& tensors);

/// Floats in [-1, 1) from a fixed sequence, the same on every machine.
[[nodiscard]] std::vector<float> noise(std::size_t count, std::uint32_t seed);

/// Every operator that our models use, each on shapes small enough to reason about.
[[nodiscard]] std::vector<Case> operator_cases();

/// Every ONNX file in the model store, once on noise and once on a photograph where there are some.
/// Empty if the store is.
[[nodiscard]] std::vector<Case> model_cases();

/// A small network with three input channels, padding and pooling: for tests of the engines
/// themselves. Its batch is free.
[[nodiscard]] Case small_network(std::int64_t batch);

}  // namespace visavis::runtime::conformance
