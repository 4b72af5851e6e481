#pragma once

/// Enumerations of onnx.proto, by the specification's numbers.

#include <cstdint>

namespace visavis::graph {

/// TensorProto.DataType
enum OnnxType : std::int32_t {
  kOnnxFloat = 1,
  kOnnxUint8 = 2,
  kOnnxInt8 = 3,
  kOnnxInt32 = 6,
  kOnnxInt64 = 7,
  kOnnxFloat16 = 10,
};

/// AttributeProto.AttributeType
enum OnnxAttribute : std::int32_t {
  kAttributeUndefined = 0,
  kAttributeFloat = 1,
  kAttributeInt = 2,
  kAttributeString = 3,
  kAttributeTensor = 4,
  kAttributeFloats = 6,
  kAttributeInts = 7,
  kAttributeStrings = 8,
};

/// TensorProto.DataLocation
inline constexpr std::int32_t kExternal = 1;

/// The newest operator set of the default domain that is known.
inline constexpr std::int64_t kMaxOpset = 25;

}  // namespace visavis::graph
