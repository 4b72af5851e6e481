// MaxPool, AveragePool and the global forms.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <visavis/core/result.hpp>

#include "kernel.hpp"
#include "value.hpp"
#include "window.hpp"

namespace visavis::runtime::reference {
namespace {

using Windows = std::array<Window, 2>;

/// The elements of a window that lie on the input.
Range taps(const Window& axis, std::int64_t output) {
  const std::int64_t start = axis.position(output, 0);
  const auto first_at_least = [&](std::int64_t position) {
    return position <= start ? 0 : (position - start + axis.dilation - 1) / axis.dilation;
  };
  return {.begin = std::min(first_at_least(0), axis.kernel),
          .end = std::min(first_at_least(axis.input), axis.kernel)};
}

/// The elements of a window that lie on the input or its padding, but not beyond.
std::int64_t padded_taps(const Window& axis, std::int64_t output) {
  const std::int64_t room = axis.input + axis.pad_end - axis.position(output, 0);
  return std::min(axis.kernel, (room + axis.dilation - 1) / axis.dilation);
}

float largest(const Windows& axes, const float* plane, std::int64_t y, std::int64_t x) {
  float most = -std::numeric_limits<float>::infinity();
  const Range rows = taps(axes[0], y);
  const Range columns = taps(axes[1], x);
  for (std::int64_t ky = rows.begin; ky < rows.end; ++ky)
    for (std::int64_t kx = columns.begin; kx < columns.end; ++kx)
      most =
          std::max(most, plane[axes[0].position(y, ky) * axes[1].input + axes[1].position(x, kx)]);
  return most;
}

float mean(const Windows& axes, const float* plane, std::int64_t y, std::int64_t x,
           bool count_padding) {
  double sum = 0;
  const Range rows = taps(axes[0], y);
  const Range columns = taps(axes[1], x);
  for (std::int64_t ky = rows.begin; ky < rows.end; ++ky)
    for (std::int64_t kx = columns.begin; kx < columns.end; ++kx)
      sum += double{plane[axes[0].position(y, ky) * axes[1].input + axes[1].position(x, kx)]};
  const std::int64_t real = (rows.end - rows.begin) * (columns.end - columns.begin);
  const std::int64_t all = padded_taps(axes[0], y) * padded_taps(axes[1], x);
  const std::int64_t count = count_padding ? all : real;
  return count == 0 ? 0.F : static_cast<float>(sum / static_cast<double>(count));
}

/// @param reduce  of a plane and an output's row and column.
template <class Reduce>
Outputs pool(const Call& call, const Reduce& reduce, const Windows& axes) {
  VISAVIS_TRY(x, call.floats(0));
  const Shape& shape = call.inputs[0]->shape;
  Shape out_shape{shape[0], shape[1], axes[0].output, axes[1].output};
  VISAVIS_TRY(count, call.count(out_shape));
  const auto pixels = static_cast<std::size_t>(axes[0].input * axes[1].input);
  Floats out;
  out.reserve(count);
  for (std::size_t plane = 0; plane * pixels < x.size(); ++plane)
    for (std::int64_t row = 0; row < axes[0].output; ++row)
      for (std::int64_t column = 0; column < axes[1].output; ++column)
        out.push_back(reduce(x.data() + plane * pixels, row, column));
  return one({.shape = std::move(out_shape), .data = std::move(out)});
}

Result<Windows> pool_windows(const Call& call) {
  VISAVIS_TRY(input, call.value(0));
  const Ints kernel = call.node.get_or<Ints>("kernel_shape", {});
  if (kernel.size() != 2) return call.unsupported("only images (tensors of rank 4)");
  return windows(call, input->shape, {kernel[0], kernel[1]});
}

Outputs max_pool(const Call& call) {
  if (call.node.outputs.size() > 1) return call.unsupported("indices as a second output");
  VISAVIS_TRY(axes, pool_windows(call));
  return pool(
      call,
      [&](const float* plane, std::int64_t y, std::int64_t x) {
        return largest(axes, plane, y, x);
      },
      axes);
}

Outputs average_pool(const Call& call) {
  VISAVIS_TRY(axes, pool_windows(call));
  const bool count_padding = call.integer("count_include_pad", 0) != 0;
  return pool(
      call,
      [&](const float* plane, std::int64_t y, std::int64_t x) {
        return mean(axes, plane, y, x, count_padding);
      },
      axes);
}

Result<Windows> whole_image(const Call& call) {
  VISAVIS_TRY(input, call.value(0));
  const Shape& shape = input->shape;
  if (shape.size() != 4) return call.unsupported("only images (tensors of rank 4)");
  if (shape[2] < 1 || shape[3] < 1) return call.wrong("the images are empty");
  Windows axes;
  for (std::size_t i = 0; i < 2; ++i) {
    axes[i].input = axes[i].kernel = shape[i + 2];
    axes[i].output = 1;
  }
  return axes;
}

Outputs global_average_pool(const Call& call) {
  VISAVIS_TRY(axes, whole_image(call));
  return pool(
      call,
      [&](const float* plane, std::int64_t y, std::int64_t x) {
        return mean(axes, plane, y, x, false);
      },
      axes);
}

Outputs global_max_pool(const Call& call) {
  VISAVIS_TRY(axes, whole_image(call));
  return pool(
      call,
      [&](const float* plane, std::int64_t y, std::int64_t x) {
        return largest(axes, plane, y, x);
      },
      axes);
}

constexpr auto kOperators =
    std::to_array<Operator>({{"AveragePool", average_pool, 1, 1},
                             {"GlobalAveragePool", global_average_pool, 1, 1},
                             {"GlobalMaxPool", global_max_pool, 1, 1},
                             {"MaxPool", max_pool, 1, 1}});

}  // namespace

std::span<const Operator> pooling_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
