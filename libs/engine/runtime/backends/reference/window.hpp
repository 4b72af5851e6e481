#pragma once

/// Where a window of a convolution or a pooling stands: the arithmetic of kernel, stride, dilation
/// and padding that both share.

#include <array>
#include <cstddef>
#include <cstdint>
#include <visavis/core/result.hpp>

#include "kernel.hpp"

namespace visavis::runtime::reference {

/// One spatial axis.
struct Window {
  std::int64_t input = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t pad_begin = 0;
  std::int64_t pad_end = 0;
  std::int64_t output = 0;

  /// The input position under element `k` of the window at output `o`; may lie in the padding.
  [[nodiscard]] std::int64_t position(std::int64_t o, std::int64_t k) const noexcept {
    return o * stride - pad_begin + k * dilation;
  }
};

/// A range [begin, end).
struct Range {
  std::int64_t begin;
  std::int64_t end;
};

/// The outputs for which element `k` of the window lies on the input.
[[nodiscard]] Range inside(const Window& window, std::int64_t k) noexcept;

/// Rows and columns, from the attributes kernel_shape, strides, dilations, pads, auto_pad,
/// ceil_mode.
/// @param input  the shape of a batch of images, NCHW.
/// @param kernel  height and width.
[[nodiscard]] Result<std::array<Window, 2>> windows(const Call& call, const Shape& input,
                                                    std::array<std::int64_t, 2> kernel);

}  // namespace visavis::runtime::reference
