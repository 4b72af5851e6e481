#pragma once

/// A TensorFlow Lite file, verified and turned into plain values: no index below is out of range.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

/// real = scale · (step − zero), with one of each or one for each index along an axis.
struct LiteSteps {
  std::vector<float> scales;  ///< Empty: the tensor holds no steps.
  std::vector<std::int64_t> zeros;
  std::size_t axis = 0;
};

struct LiteTensor {
  std::string name;
  std::string type;  ///< "float32", …
  std::vector<std::int64_t>
      shape;  ///< NHWC where it is a picture; -1 for what is declared as free.
  std::span<const std::byte> bytes;  ///< Of a constant; empty for what is computed.
  LiteSteps steps;

  [[nodiscard]] bool is_constant() const noexcept { return !bytes.empty(); }
};

enum class LiteActivation : std::uint8_t { kNone, kRelu, kReluN1To1, kRelu6, kTanh, kOther };

struct LiteWindow {
  bool same_padding = false;  ///< TensorFlow's SAME: the odd pixel goes to the end.
  std::int64_t height = 1;    ///< Of a pool.
  std::int64_t width = 1;
  std::int64_t stride_w = 1;
  std::int64_t stride_h = 1;
  std::int64_t dilation_w = 1;
  std::int64_t dilation_h = 1;
};

struct LiteOperator {
  std::string name;  ///< "CONV_2D", …
  std::vector<std::size_t> inputs;
  std::vector<std::size_t> outputs;
  std::optional<LiteWindow> window;  ///< Of a convolution and a pool.
  LiteActivation activation = LiteActivation::kNone;
  std::int64_t axis = 0;       ///< Of CONCATENATION and GATHER.
  bool keeps_axes = false;     ///< Of MEAN and its like.
  float alpha = 0;             ///< Of LEAKY_RELU.
  float beta = 1;              ///< Of SOFTMAX.
  bool align_corners = false;  ///< Of RESIZE_BILINEAR and RESIZE_NEAREST_NEIGHBOR.
  bool half_pixel_centers = false;
  bool approximate = false;  ///< Of GELU.
  bool turns_first = false;  ///< Of BATCH_MATMUL: the last two axes of a factor change places.
  bool turns_second = false;
  /// Of STRIDED_SLICE: bit i, whether axis i has no begin, no end; what else there is.
  std::int32_t open_begins = 0;
  std::int32_t open_ends = 0;
  bool other_masks = false;
};

struct LiteModel {
  std::string description;
  std::vector<LiteTensor> tensors;
  std::vector<std::size_t> inputs;
  std::vector<std::size_t> outputs;
  std::map<std::size_t, std::string> names;  ///< Of inputs and outputs, in the first signature.
  std::vector<LiteOperator> operators;       ///< In the order they run.
};

/// Reads the first subgraph.
/// @pre `bytes` outlive the result and start at a multiple of 16, as allocated memory does.
/// @return kDecodeFailed for what is no such file or damaged.
[[nodiscard]] Result<LiteModel> read_tflite(std::span<const std::byte> bytes);

}  // namespace visavis::modelkit
