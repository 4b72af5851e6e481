#pragma once

/// What all rules for operators of TensorFlow Lite share: how they refuse, and the file's constants
/// as numbers.

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "tflite.hpp"

namespace visavis::modelkit::lite {

constexpr std::string_view kSpeaker = "the TensorFlow Lite importer does not know ";

/// kUnsupported, with what is not known.
[[nodiscard]] std::unexpected<Error> unsupported(const std::string& what);

/// Exactly `count`, and one output.
inline bool has_inputs(const LiteOperator& op, std::size_t count) {
  return op.inputs.size() == count && op.outputs.size() == 1;
}

inline bool is_steps(const LiteTensor& tensor) {
  return tensor.type == "int8" || tensor.type == "uint8";
}

/// A constant of places or sizes.
[[nodiscard]] Result<Shape> ints(const LiteTensor& tensor);

/// A constant of reals, also one that is stored as halves or steps.
[[nodiscard]] Result<std::vector<float>> floats(const LiteTensor& tensor);

/// Where reals are made of a constant, they are that constant: weights in 16 bits are stored so.
[[nodiscard]] LiteModel with_constants(LiteModel model);

}  // namespace visavis::modelkit::lite
