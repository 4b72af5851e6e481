// ConvTranspose, number by number, and Conv, as the product of the weights with a matrix whose
// columns are the input under each window (K. Chellapilla et al., High Performance Convolutional
// Neural Networks for Document Processing, 2006, section 3), built a panel at a time. Depthwise
// layers have too few rows for that and run directly.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "kernel.hpp"
#include "matrix.hpp"
#include "value.hpp"
#include "window.hpp"

namespace visavis::runtime::reference {
namespace {

struct Layer {
  std::array<Window, 2> windows;
  std::size_t samples;
  std::size_t groups;
  std::size_t in_channels;   ///< Of one group.
  std::size_t out_channels;  ///< Of one group.

  [[nodiscard]] std::size_t in_pixels() const {
    return static_cast<std::size_t>(windows[0].input * windows[1].input);
  }
  [[nodiscard]] std::size_t out_pixels() const {
    return static_cast<std::size_t>(windows[0].output * windows[1].output);
  }
  [[nodiscard]] std::size_t taps() const {
    return static_cast<std::size_t>(windows[0].kernel * windows[1].kernel);
  }
};

Result<Layer> layer_of(const Call& call, const Shape& x, const Shape& w) {
  if (x.size() != 4 || w.size() != 4) return call.unsupported("only images (tensors of rank 4)");
  const std::int64_t groups = call.integer("group", 1);
  if (groups < 1 || x[1] != w[1] * groups || w[0] % groups != 0)
    return call.wrong("the weights do not fit the input's channels");
  VISAVIS_TRY(axes, windows(call, x, {w[2], w[3]}));
  return Layer{.windows = axes,
               .samples = static_cast<std::size_t>(x[0]),
               .groups = static_cast<std::size_t>(groups),
               .in_channels = static_cast<std::size_t>(w[1]),
               .out_channels = static_cast<std::size_t>(w[0] / groups)};
}

/// Copies what lies under one tap of the window, for outputs [x0, x1) of one row.
void copy_row(const Window& axis, const float* row, std::int64_t tap, Range columns, float* to) {
  const Range valid = inside(axis, tap);
  const std::int64_t begin = std::clamp(valid.begin, columns.begin, columns.end);
  const std::int64_t end = std::clamp(valid.end, begin, columns.end);
  std::fill(to, to + (begin - columns.begin), 0.F);
  const float* from = row + axis.position(begin, tap);
  float* out = to + (begin - columns.begin);
  if (axis.stride == 1)
    std::copy(from, from + (end - begin), out);
  else
    for (std::int64_t i = 0; i < end - begin; ++i) out[i] = from[i * axis.stride];
  std::fill(to + (end - columns.begin), to + (columns.end - columns.begin), 0.F);
}

/// One row of the panel: one tap of one channel, for the output pixels [first, first + count).
void fill_row(const Layer& layer, const float* channel, std::int64_t ky, std::int64_t kx,
              std::size_t first, std::size_t count, float* to) {
  const auto& [rows, columns] = layer.windows;
  auto pixel = static_cast<std::int64_t>(first);
  const auto last = static_cast<std::int64_t>(first + count);
  while (pixel < last) {
    const std::int64_t y = pixel / columns.output;
    const std::int64_t x = pixel % columns.output;
    const std::int64_t run = std::min(columns.output - x, last - pixel);
    const std::int64_t row = rows.position(y, ky);
    if (row < 0 || row >= rows.input)
      std::fill(to, to + run, 0.F);
    else
      copy_row(columns, channel + row * columns.input, kx, {.begin = x, .end = x + run}, to);
    to += run;
    pixel += run;
  }
}

void fill_panel(const Layer& layer, const float* image, std::size_t first, std::size_t count,
                Panel& panel) {
  std::size_t row = 0;
  for (std::size_t c = 0; c < layer.in_channels; ++c)
    for (std::int64_t ky = 0; ky < layer.windows[0].kernel; ++ky)
      for (std::int64_t kx = 0; kx < layer.windows[1].kernel; ++kx)
        fill_row(layer, image + c * layer.in_pixels(), ky, kx, first, count, panel.row(row++));
}

/// One group of one sample. The outputs hold the bias already.
void convolve(const Layer& layer, const float* image, const float* weights, float* out) {
  const std::size_t depth = layer.in_channels * layer.taps();
  const std::size_t pixels = layer.out_pixels();
  const std::size_t width = panel_columns(depth, pixels);
  Panel panel(depth, width);
  const Matrix left{.data = weights, .rows = layer.out_channels, .columns = depth, .stride = depth};
  for (std::size_t first = 0; first < pixels; first += width) {
    const std::size_t count = std::min(width, pixels - first);
    fill_panel(layer, image, first, count, panel);
    multiply_add(left, panel, count, out + first, pixels);
  }
}

/// One tap of a depthwise window over the whole channel.
void add_tap(const Layer& layer, const float* channel, float weight, std::int64_t ky,
             std::int64_t kx, float* out) {
  const auto& [rows, columns] = layer.windows;
  const Range ys = inside(rows, ky);
  const Range xs = inside(columns, kx);
  const std::int64_t count = xs.end - xs.begin;
  if (count <= 0) return;
  for (std::int64_t y = ys.begin; y < ys.end; ++y) {
    const float* from =
        channel + rows.position(y, ky) * columns.input + columns.position(xs.begin, kx);
    float* to = out + y * columns.output + xs.begin;
    if (columns.stride == 1)
      for (std::int64_t i = 0; i < count; ++i) to[i] += weight * from[i];
    else
      for (std::int64_t i = 0; i < count; ++i) to[i] += weight * from[i * columns.stride];
  }
}

/// A group with one input channel.
void convolve_depthwise(const Layer& layer, const float* channel, const float* weights,
                        float* out) {
  for (std::size_t m = 0; m < layer.out_channels; ++m, out += layer.out_pixels())
    for (std::int64_t ky = 0; ky < layer.windows[0].kernel; ++ky)
      for (std::int64_t kx = 0; kx < layer.windows[1].kernel; ++kx)
        add_tap(layer, channel, *weights++, ky, kx, out);
}

void fill_bias(std::span<const float> bias, std::size_t pixels, std::span<float> out) {
  for (std::size_t plane = 0; plane * pixels < out.size(); ++plane)
    std::ranges::fill(out.subspan(plane * pixels, pixels), bias[plane % bias.size()]);
}

void run_layer(const Layer& layer, std::span<const float> x, std::span<const float> w,
               std::span<float> out) {
  const bool depthwise = layer.in_channels == 1 && layer.groups > 1;
  const std::size_t in_step = layer.in_channels * layer.in_pixels();
  const std::size_t w_step = layer.out_channels * layer.in_channels * layer.taps();
  const std::size_t out_step = layer.out_channels * layer.out_pixels();
  for (std::size_t i = 0; i < layer.samples * layer.groups; ++i) {
    const float* weights = w.data() + i % layer.groups * w_step;
    const auto step = depthwise ? convolve_depthwise : convolve;
    step(layer, x.data() + i * in_step, weights, out.data() + i * out_step);
  }
}

Outputs conv(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(w, call.floats(1));
  VISAVIS_TRY(layer, layer_of(call, call.inputs[0]->shape, call.inputs[1]->shape));
  const Shape& weights = call.inputs[1]->shape;
  Value out{.shape = {call.inputs[0]->shape[0], weights[0], layer.windows[0].output,
                      layer.windows[1].output},
            .data = {}};
  VISAVIS_TRY(count, call.count(out.shape));
  Floats values(count);
  if (call.has(2)) {
    VISAVIS_TRY(bias, call.floats(2));
    if (bias.size() != static_cast<std::size_t>(weights[0]))
      return call.wrong("the bias does not fit the weights");
    fill_bias(bias, layer.out_pixels(), values);
  }
  run_layer(layer, x, w, values);
  out.data = std::move(values);
  return one(std::move(out));
}

/// One axis of a transposed convolution.
struct Stamp {
  std::int64_t input = 0;
  std::int64_t kernel = 1;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t pad_begin = 0;
  std::int64_t output = 0;

  /// Where the input's number i adds element k of its window; may lie outside of the output.
  [[nodiscard]] std::int64_t position(std::int64_t i, std::int64_t k) const noexcept {
    return i * stride - pad_begin + k * dilation;
  }
};

/// From the attributes strides, dilations, pads, auto_pad, output_padding and output_shape.
Result<std::array<Stamp, 2>> stamps(const Call& call, const Shape& x, const Shape& w) {
  constexpr std::int64_t kMost = std::int64_t{1} << 30;
  const auto list = [&](std::string_view name, const Ints& otherwise) {
    return call.node.get_or(name, otherwise);
  };
  const Ints strides = list("strides", {1, 1});
  const Ints dilations = list("dilations", {1, 1});
  const Ints pads = list("pads", {0, 0, 0, 0});
  const Ints more = list("output_padding", {0, 0});
  const Ints wanted = list("output_shape", {});
  const auto automatic = call.node.get_or<std::string>("auto_pad", "NOTSET");
  if (strides.size() != 2 || dilations.size() != 2 || pads.size() != 4 || more.size() != 2 ||
      (!wanted.empty() && wanted.size() != 2))
    return call.wrong("attributes for other than two axes");
  std::array<Stamp, 2> out;
  for (std::size_t i = 0; i < 2; ++i) {
    Stamp& axis = out[i];
    axis = {.input = x[2 + i], .kernel = w[2 + i], .stride = strides[i], .dilation = dilations[i]};
    for (const std::int64_t n : {axis.input, axis.kernel, axis.stride, axis.dilation})
      if (n < 1 || n > kMost) return call.wrong("an input, a kernel or steps out of range");
    if (std::min({pads[i], pads[2 + i], more[i]}) < 0 ||
        std::max({pads[i], pads[2 + i], more[i]}) > kMost)
      return call.wrong("a padding out of range");
    const std::int64_t whole =
        axis.stride * (axis.input - 1) + more[i] + axis.dilation * (axis.kernel - 1) + 1;
    const bool same = automatic.starts_with("SAME_");
    if (same || !wanted.empty()) {
      // The padding follows from the size; what is odd goes to the end, or to the begin.
      axis.output = wanted.empty() ? axis.input * axis.stride : wanted[i];
      const std::int64_t all = std::max<std::int64_t>(whole - axis.output, 0);
      axis.pad_begin = automatic == "SAME_UPPER" ? all / 2 : all - all / 2;
    } else {
      const bool given = automatic == "NOTSET";
      axis.pad_begin = given ? pads[i] : 0;
      axis.output = whole - axis.pad_begin - (given ? pads[2 + i] : 0);
    }
    if (axis.output < 1 || axis.output > kMost) return call.wrong("an output out of range");
  }
  return out;
}

/// Adds one channel of the input, times one plane of the weights, to one channel of the output.
void add_stamps(const std::array<Stamp, 2>& axes, const float* from, const float* weights,
                float* to) {
  const auto& [rows, columns] = axes;
  for (std::int64_t ky = 0; ky < rows.kernel; ++ky)
    for (std::int64_t kx = 0; kx < columns.kernel; ++kx) {
      const float weight = weights[ky * columns.kernel + kx];
      for (std::int64_t y = 0; y < rows.input; ++y) {
        const std::int64_t row = rows.position(y, ky);
        if (row < 0 || row >= rows.output) continue;
        for (std::int64_t x = 0; x < columns.input; ++x) {
          const std::int64_t column = columns.position(x, kx);
          if (column >= 0 && column < columns.output)
            to[row * columns.output + column] += weight * from[y * columns.input + x];
        }
      }
    }
}

/// Weights: in, out / groups, height, width.
Outputs conv_transpose(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(w, call.floats(1));
  const Shape& from = call.inputs[0]->shape;
  const Shape& weights = call.inputs[1]->shape;
  if (from.size() != 4 || weights.size() != 4)
    return call.unsupported("only images (tensors of rank 4)");
  const std::int64_t groups = call.integer("group", 1);
  if (groups < 1 || from[1] != weights[0] || from[1] % groups != 0 ||
      weights[1] > graph::kMaxElements / groups)
    return call.wrong("the weights do not fit the input's channels");
  VISAVIS_TRY(axes, stamps(call, from, weights));
  Value out{.shape = {from[0], weights[1] * groups, axes[0].output, axes[1].output}, .data = {}};
  VISAVIS_TRY(count, call.count(out.shape));
  Floats values(count);
  const auto in_pixels = static_cast<std::size_t>(from[2] * from[3]);
  const auto out_pixels = static_cast<std::size_t>(axes[0].output * axes[1].output);
  if (call.has(2)) {
    VISAVIS_TRY(bias, call.floats(2));
    if (bias.size() != static_cast<std::size_t>(out.shape[1]))
      return call.wrong("the bias does not fit the weights");
    fill_bias(bias, out_pixels, values);
  }
  const auto channels = static_cast<std::size_t>(from[1]);
  const auto group_in = channels / static_cast<std::size_t>(groups);
  const auto group_out = static_cast<std::size_t>(weights[1]);
  const auto taps = static_cast<std::size_t>(weights[2] * weights[3]);
  for (std::size_t n = 0; n < static_cast<std::size_t>(from[0]); ++n)
    for (std::size_t i = 0; i < channels; ++i)
      for (std::size_t o = 0; o < group_out; ++o) {
        const std::size_t channel =
            n * static_cast<std::size_t>(out.shape[1]) + i / group_in * group_out + o;
        add_stamps(axes, x.data() + (n * channels + i) * in_pixels,
                   w.data() + (i * group_out + o) * taps, values.data() + channel * out_pixels);
      }
  out.data = std::move(values);
  return one(std::move(out));
}

constexpr auto kOperators =
    std::to_array<Operator>({{"Conv", conv, 2, 3}, {"ConvTranspose", conv_transpose, 2, 3}});

}  // namespace

std::span<const Operator> convolution_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
