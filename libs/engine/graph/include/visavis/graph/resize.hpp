#pragma once

/// What ONNX's Resize (operator sets 10 to 25) and Upsample (7 to 9) compute: which numbers of the
/// input each number of the result is made of. By the operator specification
/// (https://onnx.ai/onnx/operators/onnx__Resize.html); places are computed in float32, as engines
/// compute them.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::graph {

/// Which place of the input belongs to a place x of the result; s is the scale.
enum class Coordinates : std::uint8_t {
  kAsymmetric,        ///< x / s
  kHalfPixel,         ///< (x + .5) / s − .5
  kPytorchHalfPixel,  ///< the same, but 0 where the result has one place
  kAlignCorners,      ///< x (in − 1) / (out − 1), and 0 where the result has one place
  kTfHalfPixel        ///< (x + .5) / s, "tf_half_pixel_for_nn"
};

/// Which number is the nearest to a place.
enum class Nearest : std::uint8_t {
  kFloor,
  kCeil,
  kPreferFloor,  ///< Rounded, halves down.
  kPreferCeil,   ///< Rounded, halves up.
  /// Of Upsample and of Resize in operator set 10, whose specification does not say: down where the
  /// result is larger, up where it is smaller, as ONNX Runtime and OpenVINO ("simple") have it.
  kSimple
};

struct ResizeAxis {
  std::int64_t in = 0;
  std::int64_t out = 0;
  float scale = 1;  ///< As given, or out / in.

  [[nodiscard]] bool changes() const noexcept { return in != out || scale != 1; }
};

/// Two neighbours along an axis, and how much the second counts.
struct ResizeTap {
  std::int64_t first = 0;
  std::int64_t second = 0;
  float weight = 0;

  friend bool operator==(const ResizeTap&, const ResizeTap&) = default;
};

struct Resizing {
  bool linear = false;  ///< Else the nearest number.
  Coordinates coordinates = Coordinates::kHalfPixel;
  Nearest nearest = Nearest::kPreferFloor;
  std::vector<ResizeAxis> axes{};  ///< One for each of the input's.

  [[nodiscard]] Shape shape() const;  ///< Of the result.
  /// What place `at` of the result is made of along an axis; of the nearest number the weight is 0.
  [[nodiscard]] ResizeTap tap(const ResizeAxis& axis, std::int64_t at) const;
  /// Whether it takes the same numbers along an axis as another way of placing them would, whose
  /// scale is out / in. Places may be off by a millionth of the axis, for they are rounded.
  [[nodiscard]] bool is_like(const ResizeAxis& axis, Coordinates coordinates,
                             Nearest nearest) const;
};

/// The scale by which `in` numbers become `out`, if float32 holds it exactly: with others a size
/// can come out too small, and a place beside the number that it should be on.
/// @pre in and out from 1 to 2^24
[[nodiscard]] std::optional<float> exact_scale(std::int64_t in, std::int64_t out);

/// The inputs of a node that say how large its result is; an attribute may instead.
struct ResizeInputs {
  std::optional<std::size_t> scales;
  std::optional<std::size_t> sizes;
};
[[nodiscard]] ResizeInputs resize_inputs(const Node& node, std::int64_t opset);

/// The axes that `scales` or `sizes` are of.
/// @return kInvalidArgument for axes that the input does not have, or twice.
[[nodiscard]] Result<std::vector<std::size_t>> resize_axes(const Node& node, std::size_t rank);

/// @param x  the shape of the input
/// @param scales, sizes  what the inputs hold; empty if they are not there
/// @return kUnsupported for cubic, for antialiasing and crops, and for an aspect ratio that is to
/// be kept; kInvalidArgument for numbers that do not go with `x`.
[[nodiscard]] Result<Resizing> resizing_of(const Node& node, std::int64_t opset, const Shape& x,
                                           std::span<const float> scales,
                                           std::span<const std::int64_t> sizes);

}  // namespace visavis::graph
