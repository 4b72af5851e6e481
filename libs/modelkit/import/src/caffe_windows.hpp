#pragma once

/// How Caffe's convolutions and poolings move their windows, and poolings with exactly these
/// windows in ONNX.

#include <cstdint>
#include <string>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "caffe_text.hpp"

namespace visavis::modelkit {

/// Along one axis.
struct CaffeAxis {
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t pad = 0;  ///< On either side.
  std::int64_t dilation = 1;
};

struct CaffeWindow {
  CaffeAxis rows;
  CaffeAxis columns;
};

enum class WindowOf : std::uint8_t { kConvolution, kPooling };

/// From kernel_size, kernel_h and kernel_w and so on. @return kDecodeFailed for what Caffe refuses.
[[nodiscard]] Result<CaffeWindow> read_caffe_window(CaffeText& parameters, WindowOf of);

/// Whether a window that begins inside and hangs over counts: Caffe's default.
[[nodiscard]] Result<bool> rounds_up(CaffeText& pooling_parameters);

/// The number of windows of a convolution; below 1 if the kernel is larger than the input.
[[nodiscard]] std::int64_t convolved(const CaffeAxis& axis, std::int64_t size);

/// The size that a deconvolution makes of one; below 1 if its padding takes all.
[[nodiscard]] std::int64_t deconvolved(const CaffeAxis& axis, std::int64_t size);

/// The windows of a pooling along one axis.
struct Pooled {
  std::int64_t count = 0;
  std::int64_t after = 0;  ///< So far the last one reaches beyond the input.
  /// By how much smaller than the kernel the last window is for an average: it ends where the
  /// padding does.
  std::int64_t cut = 0;
  bool makes_sense = false;  ///< Each window meets the input.
};

/// pooling_layer.cpp, LayerSetUp and Reshape: the count is rounded up, and then (only if there is a
/// padding) a last window that begins behind the input and its first padding does not count.
[[nodiscard]] Pooled pooled(const CaffeAxis& axis, std::int64_t size, bool up, bool clips);

std::string max_pool(Builder& builder, const std::string& name, const std::string& x,
                     const CaffeWindow& window, const Pooled& rows, const Pooled& columns);
std::string max_pool_of_any_size(Builder& builder, const std::string& name, const std::string& x,
                                 const CaffeWindow& window, bool up);
/// The padding counts, but not what lies behind it.
std::string average_pool(Builder& builder, const std::string& name, const std::string& x,
                         const CaffeWindow& window, const Pooled& rows, const Pooled& columns);

/// Whether a pooling layer is such that max_pool_of_any_size gives the same.
[[nodiscard]] Result<bool> keeps_pooling_free(CaffeText& layer);
/// Whether a Scale layer is one of channels.
[[nodiscard]] Result<bool> keeps_scale_free(CaffeText& layer);

}  // namespace visavis::modelkit
