#pragma once

/// Weights of an ONNX model that lie in files beside it. The keys are the specification's
/// (https://onnx.ai/onnx/repo-docs/ExternalData.html): location, offset, length.

#include <onnx.pb.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <visavis/core/result.hpp>

#include "visavis/graph/onnx.hpp"

namespace visavis::graph {

[[nodiscard]] bool is_external(const onnx::TensorProto& tensor);

/// The file that a tensor lies in.
/// @return kDecodeFailed as external_files.
[[nodiscard]] Result<std::string> location_of(const onnx::TensorProto& tensor);

/// Hands out the bytes of tensors, within limits.
class ExternalData {
 public:
  explicit ExternalData(std::span<const OnnxData> files) : files_(files) {}

  /// @param size  of the tensor, in bytes
  /// @return kDecodeFailed for a file that is not there, and for other places or lengths than the
  /// file and the shape have; kResourceExhausted for more than 2 GiB in all.
  [[nodiscard]] Result<std::span<const std::byte>> bytes_of(const onnx::TensorProto& tensor,
                                                            std::uint64_t size);

 private:
  std::span<const OnnxData> files_;
  std::uint64_t left_ = std::uint64_t{2} << 30U;  ///< Several tensors may name the same bytes.
};

}  // namespace visavis::graph
