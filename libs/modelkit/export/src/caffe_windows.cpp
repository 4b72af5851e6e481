/// Convolutions and poolings as Caffe's layers.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "caffe_operators.hpp"
#include "caffe_writer.hpp"
#include "survey.hpp"

namespace visavis::modelkit {
namespace {

/// pooling_layer.cpp, Reshape: how many windows Caffe lays along an axis.
std::int64_t caffe_count(const WindowAxis& axis, std::int64_t pad, bool any_pad) {
  const std::int64_t room = axis.size + 2 * pad - axis.kernel;
  std::int64_t count = (room >= 0 ? (room + axis.stride - 1) / axis.stride : 0) + 1;
  if (any_pad && (count - 1) * axis.stride >= axis.size + pad) --count;
  return count;
}

/// Caffe's windows among which those of an ONNX pooling are.
struct CaffePool {
  Shape pads;  ///< Of height and width.
  Shape size;  ///< Of all that Caffe gives …
  Shape from;  ///< … and where in it the wanted part begins.
};

/// A padding in front may be wider by whole steps: the windows before the wanted ones are cut off.
std::optional<CaffePool> caffe_pool(const std::vector<WindowAxis>& windows, const Shape& out) {
  CaffePool pool{.pads = {0, 0}, .size = out, .from = Shape(4, 0)};
  for (std::size_t i = 0; i < 2; ++i) {
    const WindowAxis& axis = windows[i];
    std::int64_t pad = axis.before;
    const auto skipped = [&] { return (pad - axis.before) / axis.stride; };
    while (pad < axis.kernel && caffe_count(axis, pad, true) - skipped() < axis.out)
      pad += axis.stride;
    if (pad >= axis.kernel) return std::nullopt;
    pool.pads[i] = pad;
    pool.from[2 + i] = skipped();
  }
  const bool any_pad = pool.pads[0] > 0 || pool.pads[1] > 0;
  for (std::size_t i = 0; i < 2; ++i)
    pool.size[2 + i] = caffe_count(windows[i], pool.pads[i], any_pad);
  return pool;
}

CaffeFields pooling_fields(const std::string& kind, const std::vector<WindowAxis>& windows,
                           const Shape& pads) {
  return {{"pool", kind},
          {"kernel_h", text(windows[0].kernel)},
          {"kernel_w", text(windows[1].kernel)},
          {"stride_h", text(windows[0].stride)},
          {"stride_w", text(windows[1].stride)},
          {"pad_h", text(pads[0])},
          {"pad_w", text(pads[1])}};
}

Shape sum(Shape a, const Shape& b) {
  std::ranges::transform(a, b, a.begin(), std::plus<>());
  return a;
}

/// The kernel with zeros in front of its rows and columns: [n, c, h, w] to [n, c, h + rows, w +
/// columns].
std::vector<float> with_zeros_before(const std::vector<float>& kernel, const Shape& shape,
                                     std::int64_t rows, std::int64_t columns) {
  const auto height = static_cast<std::size_t>(shape[2] + rows);
  const auto width = static_cast<std::size_t>(shape[3] + columns);
  const auto old_width = static_cast<std::size_t>(shape[3]);
  const auto old_height = static_cast<std::size_t>(shape[2]);
  const std::size_t planes = kernel.size() / (old_width * old_height);
  std::vector<float> out(planes * height * width, 0.F);
  for (std::size_t p = 0; p < planes; ++p)
    for (std::size_t y = 0; y < old_height; ++y)
      for (std::size_t x = 0; x < old_width; ++x)
        out[(p * height + y + static_cast<std::size_t>(rows)) * width + x +
            static_cast<std::size_t>(columns)] = kernel[(p * old_height + y) * old_width + x];
  return out;
}

}  // namespace

Result<void> CaffeLowering::convolution(const Node& node) {
  VISAVIS_TRY(kernel, kernel_of(survey_, node));
  const bool has_bias = kernel.bias != nullptr;
  Shape shape = kernel.shape;
  const auto windows = survey_.windows(node, {shape[2], shape[3]});
  if (!windows) return refuse(node, "windows that depend on the size");
  Shape zeros = {0, 0};
  Shape pads = {0, 0};
  Shape counts = survey_.shape(node.outputs[0]);
  for (std::size_t i = 0; i < 2; ++i) {
    const WindowAxis& axis = (*windows)[i];
    pads[i] = std::max(axis.before, axis.after);
    const std::int64_t missing = pads[i] - axis.before;
    if (missing % axis.dilation != 0) return refuse(node, "a padding that differs by half a step");
    zeros[i] = missing / axis.dilation;
    const std::int64_t reach = axis.dilation * (axis.kernel + zeros[i] - 1) + 1;
    counts[2 + i] = (axis.size + 2 * pads[i] - reach) / axis.stride + 1;
  }
  const bool cuts = counts != survey_.shape(node.outputs[0]);
  if (cuts && survey_.sizes_are_free()) return refuse(node, "uneven padding at any size");
  std::vector<float> weights = with_zeros_before(*kernel.values, shape, zeros[0], zeros[1]);
  shape[2] += zeros[0];
  shape[3] += zeros[1];
  Fields fields = {{"num_output", text(shape[0])},
                   {"bias_term", has_bias ? "true" : "false"},
                   {"group", text(node.get_or<std::int64_t>("group", 1))},
                   {"kernel_h", text(shape[2])},
                   {"kernel_w", text(shape[3])},
                   {"stride_h", text((*windows)[0].stride)},
                   {"stride_w", text((*windows)[1].stride)},
                   {"pad_h", text(pads[0])},
                   {"pad_w", text(pads[1])}};
  if ((*windows)[0].dilation != 1 || (*windows)[1].dilation != 1)
    for (const WindowAxis& axis : *windows) fields.emplace_back("dilation", text(axis.dilation));
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = shape, .values = std::move(weights)});
  if (has_bias) blobs.push_back({.shape = {shape[0]}, .values = *kernel.bias});
  const std::string result = top(node.outputs[0]);
  const std::string made = layer("Convolution", bottom(node, 0), cuts ? between(node) : result,
                                 "convolution_param", std::move(fields), std::move(blobs));
  if (cuts) cut_all(node, made, result, counts, {0, 0, 0, 0}, survey_.shape(node.outputs[0]));
  return {};
}

/// Caffe cuts off as much in front as behind; what differs is cut off afterwards.
Result<void> CaffeLowering::transposed(const Node& node) {
  VISAVIS_TRY(kernel, kernel_of(survey_, node));
  const bool has_bias = kernel.bias != nullptr;
  const Shape& shape = kernel.shape;
  VISAVIS_TRY(stamps, stamps_of(survey_, node));
  Shape pads = {0, 0};
  Shape size = survey_.shape(node.outputs[0]);
  Shape from(4, 0);
  for (std::size_t i = 0; i < 2; ++i) {
    const StampAxis& axis = stamps[i];
    if (axis.after < 0) return refuse(node, "an output that no window reaches");
    pads[i] = std::min(axis.before, axis.after);
    from[2 + i] = axis.before - pads[i];
    size[2 + i] += axis.before + axis.after - 2 * pads[i];
  }
  const bool cuts = size != survey_.shape(node.outputs[0]);
  if (cuts && survey_.sizes_are_free()) return refuse(node, "uneven padding at any size");
  const auto groups = node.get_or<std::int64_t>("group", 1);
  Fields fields = {{"num_output", text(shape[1] * groups)},
                   {"bias_term", has_bias ? "true" : "false"},
                   {"group", text(groups)},
                   {"kernel_h", text(shape[2])},
                   {"kernel_w", text(shape[3])},
                   {"stride_h", text(stamps[0].stride)},
                   {"stride_w", text(stamps[1].stride)},
                   {"pad_h", text(pads[0])},
                   {"pad_w", text(pads[1])}};
  if (stamps[0].dilation != 1 || stamps[1].dilation != 1)
    for (const StampAxis& axis : stamps) fields.emplace_back("dilation", text(axis.dilation));
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = shape, .values = *kernel.values});
  if (has_bias) blobs.push_back({.shape = {shape[1] * groups}, .values = *kernel.bias});
  const std::string result = top(node.outputs[0]);
  const std::string made = layer("Deconvolution", bottom(node, 0), cuts ? between(node) : result,
                                 "convolution_param", std::move(fields), std::move(blobs));
  if (cuts) cut_all(node, made, result, size, from, sum(from, survey_.shape(node.outputs[0])));
  return {};
}

Result<void> CaffeLowering::pool(const Node& node) {
  const auto windows = survey_.windows(node, node.get_or("kernel_shape", Shape{}));
  if (!windows || node.outputs.size() != 1) return refuse(node, "of other than pictures");
  const bool up = node.get_or<std::int64_t>("ceil_mode", 0) != 0;
  for (const WindowAxis& axis : *windows) {
    if (axis.dilation != 1) return refuse(node, "dilated");
    const bool any_size = axis.before == axis.after && axis.kernel >= axis.stride &&
                          (axis.stride == 1 || (up && axis.before == 0));
    if (survey_.sizes_are_free() && !any_size) return refuse(node, "rounded down at any size");
  }
  if (node.op == "AveragePool") return average_pool(node, *windows);
  const Shape& out = survey_.shape(node.outputs[0]);
  const auto pool = caffe_pool(*windows, out);
  if (!pool) return refuse(node, "windows outside of the picture");
  const bool cuts = pool->size != out;
  const std::string result = top(node.outputs[0]);
  const std::string made = layer("Pooling", bottom(node, 0), cuts ? between(node) : result,
                                 "pooling_param", pooling_fields("MAX", *windows, pool->pads));
  if (cuts) cut_all(node, made, result, pool->size, pool->from, sum(pool->from, out));
  return {};
}

/// Caffe divides by the window as far as the padding reaches; what ONNX divides by otherwise is
/// made good afterwards, row by row and column by column.
Result<void> CaffeLowering::average_pool(const Node& node, const std::vector<WindowAxis>& windows) {
  const bool counts_pads = node.get_or<std::int64_t>("count_include_pad", 0) != 0;
  const Shape& out = survey_.shape(node.outputs[0]);
  const auto pool = caffe_pool(windows, out);
  if (!pool) return refuse(node, "windows outside of the picture");
  if (survey_.sizes_are_free()) return refuse(node, "at any size");
  std::vector<std::vector<float>> factors(2);
  std::vector<std::size_t> uneven;
  for (std::size_t i = 0; i < 2; ++i) {
    const WindowAxis& axis = windows[i];
    for (std::int64_t w = 0; w < axis.out; ++w) {
      const std::int64_t begin = w * axis.stride - axis.before;
      const std::int64_t end = begin + axis.kernel;
      if (counts_pads && end > axis.size + axis.after)
        return refuse(node, "windows that hang over");
      const std::int64_t theirs = std::min(end, axis.size + pool->pads[i]) - begin;
      const std::int64_t ours =
          counts_pads ? axis.kernel : std::min(end, axis.size) - std::max<std::int64_t>(begin, 0);
      if (ours < 1) return refuse(node, "windows outside of the picture");
      factors[i].push_back(
          static_cast<float>(static_cast<double>(theirs) / static_cast<double>(ours)));
    }
    if (std::ranges::any_of(factors[i], [](float f) { return f != 1; })) uneven.push_back(i);
  }
  const bool cuts = pool->size != out;
  const std::string result = top(node.outputs[0]);
  std::string value =
      layer("Pooling", bottom(node, 0), cuts || !uneven.empty() ? between(node) : result,
            "pooling_param", pooling_fields("AVE", windows, pool->pads));
  if (cuts)
    value = cut_all(node, value, uneven.empty() ? result : between(node), pool->size, pool->from,
                    sum(pool->from, out));
  for (const std::size_t i : uneven)
    value = scale(value, i == uneven.back() ? result : between(node), 2 + i, {windows[i].out},
                  factors[i], {});
  return {};
}

Result<void> CaffeLowering::global_pool(const Node& node) {
  if (survey_.shape(node.inputs[0]).size() != 4) return refuse(node, "of other than pictures");
  if (survey_.sizes_are_free()) return refuse(node, "of whole pictures of any size");
  layer("Pooling", bottom(node, 0), top(node.outputs[0]), "pooling_param",
        {{"pool", node.op == "GlobalMaxPool" ? "MAX" : "AVE"}, {"global_pooling", "true"}});
  return {};
}

}  // namespace visavis::modelkit
