/// Layers of TensorFlow Lite that have weights or windows.

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "channels_first.hpp"
#include "tflite.hpp"
#include "tflite_converter.hpp"
#include "tflite_patterns.hpp"
#include "tflite_values.hpp"

namespace visavis::modelkit::lite {
namespace {

Result<ChannelsFirst::Window> window_of(const LiteOperator& op) {
  if (!op.window) return unsupported(op.name + " without options");
  const LiteWindow& given = *op.window;
  return ChannelsFirst::Window{.padding = given.same_padding ? ChannelsFirst::Padding::kSame
                                                             : ChannelsFirst::Padding::kValid,
                               .kernel_h = given.height,
                               .kernel_w = given.width,
                               .stride_h = given.stride_h,
                               .stride_w = given.stride_w,
                               .dilation_h = given.dilation_h,
                               .dilation_w = given.dilation_w};
}

}  // namespace

Result<std::vector<float>> Converter::bias_of(const LiteOperator& op) {
  if (op.inputs.size() < 3) return std::vector<float>();
  return floats(tensor(op, 2));
}

Result<Id> Converter::convolution(const LiteOperator& op) {
  VISAVIS_TRY(window, window_of(op));
  return convolve(op, op.inputs[0], window);
}

Result<Id> Converter::spread(const LiteOperator&) {
  return unsupported("BATCH_TO_SPACE_ND without a convolution alone before it");
}

/// What is cut off behind the convolution is padding that there need not be before it.
Result<Id> Converter::spread_of(const Spread& found, const LiteOperator& behind) {
  const LiteOperator& before = model_.operators[found.before];
  const LiteOperator& inside = model_.operators[found.inside];
  VISAVIS_TRY(window, window_of(inside));
  VISAVIS_TRY(block, ints(tensor(before, 1)));
  VISAVIS_TRY(pads, ints(tensor(before, 2)));
  VISAVIS_TRY(again, ints(tensor(behind, 1)));
  VISAVIS_TRY(crops, ints(tensor(behind, 2)));
  const bool plain = window.padding == ChannelsFirst::Padding::kValid && window.stride_h == 1 &&
                     window.stride_w == 1 && window.dilation_h == 1 && window.dilation_w == 1;
  if (!plain || block != again || block.size() != 2 || pads.size() != 4 || crops.size() != 4)
    return unsupported("BATCH_TO_SPACE_ND of other than a convolution in steps of 1");
  for (std::size_t i = 0; i < pads.size(); ++i) {
    if (crops[i] < 0 || pads[i] < crops[i])
      return unsupported("BATCH_TO_SPACE_ND that cuts off more than padding");
    pads[i] -= crops[i];
  }
  window.padding = ChannelsFirst::Padding::kExplicit;
  window.dilation_h = block[0];
  window.dilation_w = block[1];
  window.top = pads[0];
  window.bottom = pads[1];
  window.left = pads[2];
  window.right = pads[3];
  VISAVIS_TRY(y, convolve(inside, before.inputs[0], window));
  return activated(inside, y);
}

/// The kernel: out, h, w, in; height and width as the result has them.
Result<Id> Converter::transposed(const LiteOperator& op) {
  VISAVIS_TRY(window, window_of(op));
  VISAVIS_TRY(x, value(op.inputs[2]));
  const LiteTensor& stored = tensor(op, 1);
  VISAVIS_TRY(values, floats(stored));
  std::vector<float> bias;
  if (op.inputs.size() > 3) {
    VISAVIS_TRY(given, floats(tensor(op, 3)));
    bias = std::move(given);
  }
  VISAVIS_TRY(turned, permuted({.name = {}, .shape = stored.shape, .values = std::move(values)},
                               stored.shape.size() == 4 ? std::vector<std::size_t>{3, 0, 1, 2}
                                                        : std::vector<std::size_t>{}));
  Shape shape = model_.tensors[op.outputs[0]].shape;
  if (tensor(op, 0).is_constant()) {
    VISAVIS_TRY(given, ints(tensor(op, 0)));
    shape = std::move(given);
  }
  if (shape.size() != 4) return unsupported("a result that is no picture");
  return out_.transposed_convolution(name_, x, std::move(turned), std::move(bias), window,
                                     {shape[1], shape[2]});
}

/// Kernels: out, h, w, in, or 1, h, w, out for each channel by itself.
Result<Id> Converter::convolve(const LiteOperator& op, std::size_t input,
                               const ChannelsFirst::Window& window) {
  VISAVIS_TRY(x, value(input));
  const LiteTensor& stored = tensor(op, 1);
  VISAVIS_TRY(values, floats(stored));
  VISAVIS_TRY(bias, bias_of(op));
  if (stored.shape.size() != 4) return unsupported("a kernel of other than four dimensions");
  const bool depthwise = op.name == "DEPTHWISE_CONV_2D";
  Constant kernel{.name = {}, .shape = stored.shape, .values = std::move(values)};
  VISAVIS_TRY(turned, permuted(kernel, depthwise ? std::vector<std::size_t>{3, 0, 1, 2}
                                                 : std::vector<std::size_t>{0, 3, 1, 2}));
  const Shape& from = out_.shape(x);
  if (from.size() != 4) return unsupported("a convolution of other than pictures");
  const std::int64_t in = stored.shape[3];
  std::int64_t groups = 1;
  if (depthwise) {
    groups = from[3];
  } else if (from[3] > 0 && in > 0 && from[3] % in == 0) {
    groups = from[3] / in;
  }
  return out_.convolution(name_, x, std::move(turned), std::move(bias), groups, window);
}

Result<Id> Converter::dense(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  VISAVIS_TRY(values, floats(tensor(op, 1)));
  VISAVIS_TRY(bias, bias_of(op));
  const Shape& shape = tensor(op, 1).shape;
  if (shape.size() != 2) return unsupported("a matrix of other than two dimensions");
  if (out_.shape(x).size() != 2) {
    VISAVIS_TRY(rows, out_.reshape(name_ + ".rows", x, {ChannelsFirst::kBatch, shape[1]}));
    x = rows;
  }
  VISAVIS_TRY(
      turned,
      permuted({.name = name_ + ".weight", .shape = shape, .values = std::move(values)}, {1, 0}));
  VISAVIS_TRY(weights, out_.constant(std::move(turned)));
  VISAVIS_TRY(y, out_.product(name_, x, weights));
  if (bias.empty()) return y;
  const auto count = static_cast<std::int64_t>(bias.size());
  VISAVIS_TRY(
      shift, out_.constant({.name = name_ + ".bias", .shape = {count}, .values = std::move(bias)}));
  return out_.binary("Add", name_ + ".sum", y, shift);
}

/// Of two computed stacks of matrices.
Result<Id> Converter::product(const LiteOperator& op) {
  VISAVIS_TRY(a, value(op.inputs[0]));
  VISAVIS_TRY(b, value(op.inputs[1]));
  for (const auto& [turns, factor] : {std::pair(op.turns_first, &a), {op.turns_second, &b}}) {
    if (!turns) continue;
    const std::size_t rank = out_.shape(*factor).size();
    if (rank < 2) return unsupported("BATCH_MATMUL of other than matrices");
    std::vector<std::size_t> order(rank);
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[rank - 2], order[rank - 1]);
    VISAVIS_TRY(turned, out_.transpose(*factor, order));
    *factor = turned;
  }
  return out_.product(name_, a, b);
}

Result<Id> Converter::pool(const LiteOperator& op) {
  VISAVIS_TRY(window, window_of(op));
  VISAVIS_TRY(x, value(op.inputs[0]));
  return op.name == "MAX_POOL_2D" ? out_.max_pool(name_, x, window)
                                  : out_.average_pool(name_, x, window);
}

Result<Id> Converter::resize(const LiteOperator& op) {
  VISAVIS_TRY(x, value(op.inputs[0]));
  VISAVIS_TRY(size, ints(tensor(op, 1)));
  return out_.resize(name_, x, size,
                     {.linear = op.name == "RESIZE_BILINEAR",
                      .align_corners = op.align_corners,
                      .half_pixel_centers = op.half_pixel_centers});
}

}  // namespace visavis::modelkit::lite
