#pragma once

/// A TensorFlow Lite file, verified and turned into plain values: no index below is out of range.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

struct LiteTensor {
  std::string name;
  std::string type;                  ///< "float32", …
  std::vector<std::int64_t> shape;   ///< NHWC where it is a picture.
  std::span<const std::byte> bytes;  ///< Of a constant; empty for what is computed.

  [[nodiscard]] bool is_constant() const noexcept { return !bytes.empty(); }
};

enum class LiteActivation : std::uint8_t { kNone, kRelu, kOther };

struct LiteConvolution {
  bool same_padding = false;  ///< TensorFlow's SAME: the odd pixel goes to the end.
  std::int64_t stride_w = 1;
  std::int64_t stride_h = 1;
  std::int64_t dilation_w = 1;
  std::int64_t dilation_h = 1;
  std::int64_t depth_multiplier = 1;
};

struct LiteOperator {
  std::string name;  ///< "CONV_2D", …
  std::vector<std::size_t> inputs;
  std::vector<std::size_t> outputs;
  std::optional<LiteConvolution> convolution;
  LiteActivation activation = LiteActivation::kNone;
};

struct LiteModel {
  std::string description;
  std::vector<LiteTensor> tensors;
  std::vector<std::size_t> inputs;
  std::vector<std::size_t> outputs;
  std::vector<LiteOperator> operators;  ///< In the order they run.
};

/// Reads the first subgraph.
/// @pre `bytes` outlive the result and start at a multiple of 16, as allocated memory does.
/// @return kDecodeFailed for what is no such file or damaged.
[[nodiscard]] Result<LiteModel> read_tflite(std::span<const std::byte> bytes);

}  // namespace visavis::modelkit
