#pragma once

/// One operator of a channels-last network as TensorFlow Lite has it.

#include <flatbuffers/flatbuffers.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "tflite_generated.h"

namespace visavis::tflite {

struct Code {
  schema::BuiltinOperator op;
  int version = 1;       ///< Of the operator in float …
  int int8_version = 1;  ///< … and in int8 (TensorFlow Lite's op_version.cc).
};

/// @return null if there is no such operator
[[nodiscard]] const Code* code_of(std::string_view op) noexcept;

/// The version of a known operator that has what the node asks for.
[[nodiscard]] int version_of(const graph::Node& node, bool is_int8) noexcept;

struct Options {
  schema::BuiltinOptions type = schema::BuiltinOptions::NONE;
  flatbuffers::Offset<void> table;
};

[[nodiscard]] Options options_of(flatbuffers::FlatBufferBuilder& builder, const graph::Node& node);

}  // namespace visavis::tflite
