#include "caffe_operators.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "caffe_writer.hpp"
#include "survey.hpp"

namespace visavis::modelkit {
namespace {

std::string text(std::int64_t n) { return std::to_string(n); }

std::int64_t product(const Shape& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::int64_t{1}, std::multiplies<>());
}

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

struct CaffeLowering::Rule {
  std::string_view op;
  Done (CaffeLowering::*add)(const Node&);
};

const std::vector<CaffeLowering::Rule>& CaffeLowering::rules() {
  static const std::vector<Rule> all = {
      {"Abs", &CaffeLowering::plain},
      {"Add", &CaffeLowering::binary},
      {"AveragePool", &CaffeLowering::pool},
      {"BatchNormalization", &CaffeLowering::batch_norm},
      {"Clip", &CaffeLowering::clip},
      {"Concat", &CaffeLowering::concat},
      {"Conv", &CaffeLowering::convolution},
      {"ConvTranspose", &CaffeLowering::transposed},
      {"Div", &CaffeLowering::binary},
      {"Dropout", &CaffeLowering::alias},
      {"Elu", &CaffeLowering::plain},
      {"Exp", &CaffeLowering::plain},
      {"Flatten", &CaffeLowering::reshape},
      {"Gemm", &CaffeLowering::dense},
      {"GlobalAveragePool", &CaffeLowering::global_pool},
      {"GlobalMaxPool", &CaffeLowering::global_pool},
      {"HardSigmoid", &CaffeLowering::hard_sigmoid},
      {"HardSwish", &CaffeLowering::hard_sigmoid},
      {"Identity", &CaffeLowering::alias},
      {"LeakyRelu", &CaffeLowering::plain},
      {"Log", &CaffeLowering::plain},
      {"MatMul", &CaffeLowering::dense},
      {"Max", &CaffeLowering::binary},
      {"MaxPool", &CaffeLowering::pool},
      {"Mul", &CaffeLowering::binary},
      {"Neg", &CaffeLowering::plain},
      {"PRelu", &CaffeLowering::prelu},
      {"Pad", &CaffeLowering::pad},
      {"Pow", &CaffeLowering::binary},
      {"ReduceMean", &CaffeLowering::reduce},
      {"Relu", &CaffeLowering::plain},
      {"Reshape", &CaffeLowering::reshape},
      {"Sigmoid", &CaffeLowering::plain},
      {"Slice", &CaffeLowering::slice},
      {"Softmax", &CaffeLowering::softmax},
      {"Split", &CaffeLowering::split},
      {"Sqrt", &CaffeLowering::plain},
      {"Squeeze", &CaffeLowering::reshape},
      {"Sub", &CaffeLowering::binary},
      {"Tanh", &CaffeLowering::plain},
      {"Transpose", &CaffeLowering::transpose},
      {"Unsqueeze", &CaffeLowering::reshape},
  };
  return all;
}

std::set<std::string_view> caffe_operators() {
  std::set<std::string_view> out;
  for (const CaffeLowering::Rule& rule : CaffeLowering::rules()) out.insert(rule.op);
  return out;
}

Result<void> CaffeLowering::add(const Node& node) {
  const auto rule = std::ranges::find(rules(), node.op, &Rule::op);
  if (rule == rules().end()) return refuse(node, "no layer");
  if (survey_.is_constant(node.inputs.front()) && node.op != "Sub" && node.op != "Div" &&
      node.op != "Add" && node.op != "Mul" && node.op != "Max")
    return refuse(node, "of a constant");
  return (this->*rule->add)(node);
}

std::string CaffeLowering::top(const std::string& value) const {
  return late_.contains(value) ? value + ":value" : value;
}

std::string CaffeLowering::bottom(const Node& node, std::size_t input) const {
  const auto found = aliases_.find(node.inputs[input]);
  return found == aliases_.end() ? top(node.inputs[input]) : found->second;
}

std::string CaffeLowering::between(const Node& node) {
  return node.outputs[0] + ":" + std::to_string(++count_);
}

std::string CaffeLowering::layer(const std::string& type, const std::string& bottom,
                                 const std::string& top, const std::string& parameters,
                                 Fields fields, std::vector<CaffeTensor> blobs) {
  writer_.layer({.type = type,
                 .name = top,
                 .bottoms = {bottom},
                 .tops = {top},
                 .parameters = parameters,
                 .fields = std::move(fields),
                 .blobs = std::move(blobs)});
  return top;
}

void CaffeLowering::add_late_output(const std::string& name) {
  const auto found = aliases_.find(name);
  layer("Split", found == aliases_.end() ? top(name) : found->second, name);
}

std::string CaffeLowering::power(const std::string& x, const std::string& top, float exponent,
                                 float scale, float shift) {
  return layer(
      "Power", x, top, "power_param",
      {{"power", shortest(exponent)}, {"scale", shortest(scale)}, {"shift", shortest(shift)}});
}

std::string CaffeLowering::at_least(const Node& node, const std::string& x, const std::string& top,
                                    float low) {
  if (low == 0) return layer("ReLU", x, top);
  const std::string above = power(x, between(node), 1, 1, -low);
  return power(layer("ReLU", above, between(node)), top, 1, 1, low);
}

std::string CaffeLowering::at_most(const Node& node, const std::string& x, const std::string& top,
                                   float high) {
  const std::string below = power(x, between(node), 1, -1, high);
  return power(layer("ReLU", below, between(node)), top, 1, -1, high);
}

std::string CaffeLowering::scale(const std::string& x, const std::string& top, std::size_t axis,
                                 std::vector<std::int64_t> shape, std::vector<float> factors,
                                 std::vector<float> shifts) {
  Fields fields = {{"axis", std::to_string(axis)}, {"num_axes", std::to_string(shape.size())}};
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = shape, .values = std::move(factors)});
  if (!shifts.empty()) {
    fields.emplace_back("bias_term", "true");
    blobs.push_back({.shape = std::move(shape), .values = std::move(shifts)});
  }
  return layer("Scale", x, top, "scale_param", std::move(fields), std::move(blobs));
}

std::string CaffeLowering::cut(const Node& node, const std::string& x, const std::string& top,
                               std::size_t axis, std::int64_t size, std::int64_t from,
                               std::int64_t to) {
  // OpenCV takes a layer's name for that of its first blob.
  const std::string part = from > 0 ? between(node) : top;
  CaffeWriter::Layer slice{.type = "Slice",
                           .name = part,
                           .bottoms = {x},
                           .tops = {},
                           .parameters = "slice_param",
                           .fields = {{"axis", std::to_string(axis)}}};
  std::vector<std::string> rest;
  if (from > 0) {
    slice.fields.emplace_back("slice_point", text(from));
    rest.push_back(between(node));
    slice.tops.push_back(rest.back());
  }
  slice.tops.push_back(part);
  if (to < size) {
    slice.fields.emplace_back("slice_point", text(to));
    rest.push_back(between(node));
    slice.tops.push_back(rest.back());
  }
  writer_.layer(std::move(slice));
  writer_.layer({.type = "Silence", .name = between(node), .bottoms = std::move(rest), .tops = {}});
  if (part != top) layer("Split", part, top);
  return top;
}

std::string CaffeLowering::cut_all(const Node& node, const std::string& x, const std::string& top,
                                   const Shape& size, const Shape& from, const Shape& to) {
  std::vector<std::size_t> axes;
  for (std::size_t axis = 0; axis < size.size(); ++axis)
    if (from[axis] > 0 || to[axis] < size[axis]) axes.push_back(axis);
  if (axes.empty()) return layer("Split", x, top);
  std::string value = x;
  for (const std::size_t axis : axes)
    value = cut(node, value, axis == axes.back() ? top : between(node), axis, size[axis],
                from[axis], to[axis]);
  return value;
}

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

/// A convolution of one pixel with the unit matrix, whose padding is the zeros.
Result<void> CaffeLowering::pad(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  const Shape& y = survey_.shape(node.outputs[0]);
  const auto pads = survey_.integers(node, "pads", 1);
  const std::vector<float>* value = survey_.floats(node, 2);
  const bool zeros = node.get_or<std::string>("mode", "constant") == "constant" &&
                     node.get_or("value", 0.F) == 0 &&
                     (survey_.has(node, 2) ? value != nullptr && *value == std::vector{0.F} : true);
  if (!zeros || !pads || x.size() != 4 || pads->size() != 8 || (*pads)[0] != 0 || (*pads)[4] != 0)
    return refuse(node, "with other than zeros around pictures");
  if (std::ranges::any_of(*pads, [](std::int64_t n) { return n < 0; }))
    return refuse(node, "by less than nothing");
  const bool spatial = (*pads)[2] + (*pads)[3] + (*pads)[6] + (*pads)[7] > 0;
  if (spatial && survey_.sizes_are_free()) return refuse(node, "at any size");
  const std::int64_t rows = std::max((*pads)[2], (*pads)[6]);
  const std::int64_t columns = std::max((*pads)[3], (*pads)[7]);
  const bool grouped = y[1] == x[1];
  std::vector<float> unit;
  if (grouped) {
    unit.assign(static_cast<std::size_t>(x[1]), 1.F);
  } else {
    unit.assign(static_cast<std::size_t>(y[1] * x[1]), 0.F);
    for (std::int64_t c = 0; c < x[1]; ++c)
      unit[static_cast<std::size_t>(((*pads)[1] + c) * x[1] + c)] = 1;
  }
  const Shape size = {y[0], y[1], x[2] + 2 * rows, x[3] + 2 * columns};
  const std::string result = top(node.outputs[0]);
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = {y[1], grouped ? 1 : x[1], 1, 1}, .values = std::move(unit)});
  const std::string made =
      layer("Convolution", bottom(node, 0), size == y ? result : between(node), "convolution_param",
            {{"num_output", text(y[1])},
             {"bias_term", "false"},
             {"group", text(grouped ? x[1] : 1)},
             {"kernel_size", "1"},
             {"pad_h", text(rows)},
             {"pad_w", text(columns)}},
            std::move(blobs));
  if (size == y) return {};
  const Shape from = {0, 0, rows - (*pads)[2], columns - (*pads)[3]};
  cut_all(node, made, result, size, from, {y[0], y[1], from[2] + y[2], from[3] + y[3]});
  return {};
}

/// Gemm and MatMul
Result<void> CaffeLowering::dense(const Node& node) {
  VISAVIS_TRY(dense, dense_of(survey_, node));
  if (survey_.shape(node.inputs[0]).size() != 2) return refuse(node, "of other than rows");
  const bool has_bias = !dense.bias.empty();
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = {dense.outputs, dense.inputs}, .values = std::move(dense.weights)});
  if (has_bias) blobs.push_back({.shape = {dense.outputs}, .values = std::move(dense.bias)});
  layer("InnerProduct", bottom(node, 0), top(node.outputs[0]), "inner_product_param",
        {{"num_output", text(dense.outputs)}, {"bias_term", has_bias ? "true" : "false"}},
        std::move(blobs));
  return {};
}

Result<void> CaffeLowering::binary(const Node& node) {
  if (node.inputs.size() != 2) return refuse(node, "of other than two inputs");
  const bool first = survey_.is_constant(node.inputs[0]);
  const bool second = survey_.is_constant(node.inputs[1]);
  if (first && second) return refuse(node, "of constants");
  if (!first && !second) return of_two(node);
  const std::size_t constant = first ? 0 : 1;
  const std::vector<float>* values = survey_.floats(node, constant);
  if (values == nullptr) return refuse(node, "with numbers that are not float32");
  if (survey_.shape(node.outputs[0]) != survey_.shape(node.inputs[1 - constant]))
    return refuse(node, "that stretches its input");
  if (values->size() == 1) return with_number(node, values->front(), first);
  return with_tensor(node, constant);
}

Result<void> CaffeLowering::with_number(const Node& node, float number, bool number_first) {
  const std::string x = bottom(node, number_first ? 1 : 0);
  const std::string result = top(node.outputs[0]);
  if (node.op == "Add") {
    power(x, result, 1, 1, number);
  } else if (node.op == "Sub") {
    power(x, result, 1, number_first ? -1.F : 1.F, number_first ? number : -number);
  } else if (node.op == "Mul") {
    power(x, result, 1, number, 0);
  } else if (node.op == "Max") {
    at_least(node, x, result, number);
  } else if (node.op == "Div" && number != 0) {
    power(x, result, number_first ? -1.F : 1.F, 1 / number, 0);
  } else if (node.op == "Pow" && !number_first) {
    power(x, result, number, 1, 0);
  } else {
    return refuse(node, "with that number");
  }
  return {};
}

/// By a Scale layer along the axes from the first to the last that the constant has.
Result<void> CaffeLowering::with_tensor(const Node& node, std::size_t constant) {
  const Shape& x = survey_.shape(node.inputs[1 - constant]);
  Shape wide = survey_.shape(node.inputs[constant]);
  wide.insert(wide.begin(), x.size() - wide.size(), 1);
  const auto is_long = [](std::int64_t n) { return n != 1; };
  const auto begin = std::ranges::find_if(wide, is_long);
  const auto end = std::ranges::find_if(wide.rbegin(), wide.rend(), is_long).base();
  const auto axis = static_cast<std::size_t>(begin - wide.begin());
  const Shape shape(begin, end);
  if (axis == 0) return refuse(node, "with numbers for each sample");
  if (!std::equal(shape.begin(), shape.end(), x.begin() + static_cast<std::ptrdiff_t>(axis)))
    return refuse(node, "with numbers that are stretched within");
  for (std::size_t i = std::max<std::size_t>(axis, 2); i < axis + shape.size(); ++i)
    if (survey_.sizes_are_free() && x.size() == 4) return refuse(node, "with numbers at any size");
  std::vector<float> values = *survey_.floats(node, constant);
  const std::string given = bottom(node, 1 - constant);
  const std::string result = top(node.outputs[0]);
  const std::vector<float> ones(values.size(), 1.F);
  const std::vector<float> minus(values.size(), -1.F);
  if (node.op == "Add") {
    scale(given, result, axis, shape, ones, std::move(values));
  } else if (node.op == "Sub" && constant == 1) {
    for (float& value : values) value = -value;
    scale(given, result, axis, shape, ones, std::move(values));
  } else if (node.op == "Sub") {
    scale(given, result, axis, shape, minus, std::move(values));
  } else if (node.op == "Mul") {
    scale(given, result, axis, shape, std::move(values), {});
  } else if (node.op == "Div" && constant == 0) {
    scale(power(given, between(node), -1, 1, 0), result, axis, shape, std::move(values), {});
  } else if (node.op == "Div" && std::ranges::find(values, 0.F) == values.end()) {
    for (float& value : values) value = 1 / value;
    scale(given, result, axis, shape, std::move(values), {});
  } else {
    return refuse(node, "with these numbers");
  }
  return {};
}

/// Numbers for each channel of each sample, N×C×1×1: a Scale or Bias layer of two bottoms, the
/// second N×C, multiplies or adds along the axes that it has.
Result<void> CaffeLowering::with_channels(const Node& node, std::size_t channels) {
  if (survey_.sizes_are_free()) return refuse(node, "with numbers for each channel at any size");
  const bool adds = node.op == "Add" || node.op == "Sub";
  if (!adds && node.op != "Mul" && node.op != "Div") return refuse(node, "of different shapes");
  std::string x = bottom(node, 1 - channels);
  std::string factors = layer("Flatten", bottom(node, channels), between(node));
  // What is subtracted turns its sign, what divides becomes its reciprocal.
  std::string& second = channels == 1 ? factors : x;
  if (node.op == "Sub") second = power(second, between(node), 1, -1, 0);
  if (node.op == "Div") second = power(second, between(node), -1, 1, 0);
  const std::string result = top(node.outputs[0]);
  writer_.layer({.type = adds ? "Bias" : "Scale",
                 .name = result,
                 .bottoms = {std::move(x), std::move(factors)},
                 .tops = {result},
                 .parameters = adds ? "bias_param" : "scale_param",
                 .fields = {{"axis", "0"}}});
  return {};
}

Result<void> CaffeLowering::of_two(const Node& node) {
  const Shape& shape = survey_.shape(node.outputs[0]);
  if (shape.size() == 4)
    for (std::size_t i = 0; i < 2; ++i)
      if (survey_.shape(node.inputs[1 - i]) == shape && survey_.shape(node.inputs[i]) != shape &&
          survey_.shape(node.inputs[i]) == Shape{shape[0], shape[1], 1, 1})
        return with_channels(node, i);
  std::vector<std::string> bottoms = {bottom(node, 0), bottom(node, 1)};
  for (std::size_t i = 0; i < 2; ++i) {
    const Shape& x = survey_.shape(node.inputs[i]);
    if (x == shape) continue;
    // A number for each row, repeated by a product with ones.
    if (x.size() != 2 || shape.size() != 2 || x[1] != 1 || x[0] != shape[0])
      return refuse(node, "of different shapes");
    std::vector<CaffeTensor> blobs;
    blobs.push_back({.shape = {shape[1], 1},
                     .values = std::vector<float>(static_cast<std::size_t>(shape[1]), 1.F)});
    bottoms[i] = layer("InnerProduct", bottoms[i], between(node), "inner_product_param",
                       {{"num_output", text(shape[1])}, {"bias_term", "false"}}, std::move(blobs));
  }
  Fields fields;
  if (node.op == "Add") {
    fields = {{"operation", "SUM"}};
  } else if (node.op == "Sub") {
    fields = {{"operation", "SUM"}, {"coeff", "1"}, {"coeff", "-1"}};
  } else if (node.op == "Mul") {
    fields = {{"operation", "PROD"}};
  } else if (node.op == "Max") {
    fields = {{"operation", "MAX"}};
  } else if (node.op == "Div") {
    fields = {{"operation", "PROD"}};
    bottoms[1] = power(bottoms[1], between(node), -1, 1, 0);
  } else {
    return refuse(node, "of two computed values");
  }
  const std::string result = top(node.outputs[0]);
  writer_.layer({.type = "Eltwise",
                 .name = result,
                 .bottoms = std::move(bottoms),
                 .tops = {result},
                 .parameters = "eltwise_param",
                 .fields = std::move(fields)});
  return {};
}

/// BatchNorm has no affine part, so that a Scale layer follows.
Result<void> CaffeLowering::batch_norm(const Node& node) {
  for (std::size_t i = 1; i < 5; ++i)
    if (survey_.floats(node, i) == nullptr) return refuse(node, "computed statistics");
  const auto channels = static_cast<std::int64_t>(survey_.floats(node, 1)->size());
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = {channels}, .values = *survey_.floats(node, 3)});
  blobs.push_back({.shape = {channels}, .values = *survey_.floats(node, 4)});
  blobs.push_back({.shape = {1}, .values = {1.F}});
  const std::string normal =
      layer("BatchNorm", bottom(node, 0), between(node), "batch_norm_param",
            {{"use_global_stats", "true"}, {"eps", shortest(node.get_or("epsilon", 1e-5F))}},
            std::move(blobs));
  scale(normal, top(node.outputs[0]), 1, {channels}, *survey_.floats(node, 1),
        *survey_.floats(node, 2));
  return {};
}

/// With a slope for each channel even if all are the same: that is what every version reads.
Result<void> CaffeLowering::prelu(const Node& node) {
  VISAVIS_TRY(slopes, slopes_of(survey_, node));
  const std::int64_t channels = survey_.shape(node.inputs[0])[1];
  std::vector<CaffeTensor> blobs;
  blobs.push_back({.shape = {channels}, .values = *slopes});
  blobs.back().values.resize(static_cast<std::size_t>(channels), slopes->front());
  layer("PReLU", bottom(node, 0), top(node.outputs[0]), {}, {}, std::move(blobs));
  return {};
}

Result<void> CaffeLowering::plain(const Node& node) {
  const std::string x = bottom(node, 0);
  const std::string result = top(node.outputs[0]);
  if (node.op == "Relu") layer("ReLU", x, result);
  if (node.op == "LeakyRelu")
    layer("ReLU", x, result, "relu_param",
          {{"negative_slope", shortest(node.get_or("alpha", .01F))}});
  if (node.op == "Sigmoid") layer("Sigmoid", x, result);
  if (node.op == "Tanh") layer("TanH", x, result);
  if (node.op == "Abs") layer("AbsVal", x, result);
  if (node.op == "Elu")
    layer("ELU", x, result, "elu_param", {{"alpha", shortest(node.get_or("alpha", 1.F))}});
  if (node.op == "Exp") layer("Exp", x, result);
  if (node.op == "Log") layer("Log", x, result);
  if (node.op == "Neg") power(x, result, 1, -1, 0);
  if (node.op == "Sqrt") power(x, result, .5F, 1, 0);
  return {};
}

Result<void> CaffeLowering::clip(const Node& node) {
  VISAVIS_TRY(bounds, bounds_of(survey_, node));
  const bool has_low = std::isfinite(bounds.first);
  const bool has_high = std::isfinite(bounds.second);
  const std::string result = top(node.outputs[0]);
  std::string value = bottom(node, 0);
  if (has_low) value = at_least(node, value, has_high ? between(node) : result, bounds.first);
  if (has_high) value = at_most(node, value, result, bounds.second);
  if (!has_low && !has_high) layer("Split", value, result);
  return {};
}

/// max(0, min(1, αx + β)), with which HardSwish multiplies x.
Result<void> CaffeLowering::hard_sigmoid(const Node& node) {
  const bool swish = node.op == "HardSwish";
  const float alpha = swish ? 1 / 6.F : node.get_or("alpha", .2F);
  const float beta = node.get_or("beta", .5F);
  const std::string x = bottom(node, 0);
  const std::string result = top(node.outputs[0]);
  const std::string line = power(x, between(node), 1, alpha, beta);
  const std::string above = layer("ReLU", line, between(node));
  const std::string gate = at_most(node, above, swish ? between(node) : result, 1);
  if (swish)
    writer_.layer({.type = "Eltwise",
                   .name = result,
                   .bottoms = {x, gate},
                   .tops = {result},
                   .parameters = "eltwise_param",
                   .fields = {{"operation", "PROD"}}});
  return {};
}

Result<void> CaffeLowering::softmax(const Node& node) {
  VISAVIS_TRY(axis, softmax_axis(survey_, node));
  layer("Softmax", bottom(node, 0), top(node.outputs[0]), "softmax_param",
        {{"axis", std::to_string(axis)}});
  return {};
}

Result<void> CaffeLowering::concat(const Node& node) {
  VISAVIS_TRY(axis, concat_axis(survey_, node));
  std::vector<std::string> bottoms;
  for (std::size_t i = 0; i < node.inputs.size(); ++i) bottoms.push_back(bottom(node, i));
  const std::string result = top(node.outputs[0]);
  writer_.layer({.type = "Concat",
                 .name = result,
                 .bottoms = std::move(bottoms),
                 .tops = {result},
                 .parameters = "concat_param",
                 .fields = {{"axis", std::to_string(axis)}}});
  return {};
}

Result<void> CaffeLowering::reshape(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  const Shape& y = survey_.shape(node.outputs[0]);
  if (y.empty() || y.front() != x.front() || survey_.sizes_are_free())
    return refuse(node, "that does not keep the samples apart");
  const std::string result = top(node.outputs[0]);
  if (y == Shape{x.front(), product(x) / x.front()}) {
    layer("Flatten", bottom(node, 0), result);
    return {};
  }
  std::string shape = "{ dim: 0";
  for (std::size_t i = 1; i < y.size(); ++i) shape.append(" dim: ").append(text(y[i]));
  layer("Reshape", bottom(node, 0), result, "reshape_param", {{"shape", shape + " }"}});
  return {};
}

Result<void> CaffeLowering::transpose(const Node& node) {
  if (survey_.sizes_are_free()) return refuse(node, "at any size");
  Fields fields;
  for (const std::int64_t axis : order_of(survey_, node)) fields.emplace_back("order", text(axis));
  layer("Permute", bottom(node, 0), top(node.outputs[0]), "permute_param", std::move(fields));
  return {};
}

Result<void> CaffeLowering::slice(const Node& node) {
  if (survey_.sizes_are_free()) return refuse(node, "at any size");
  VISAVIS_TRY(range, range_of(survey_, node));
  cut_all(node, bottom(node, 0), top(node.outputs[0]), survey_.shape(node.inputs[0]), range.from,
          range.to);
  return {};
}

Result<void> CaffeLowering::split(const Node& node) {
  if (survey_.sizes_are_free()) return refuse(node, "at any size");
  VISAVIS_TRY(axis, split_axis(survey_, node));
  Fields fields = {{"axis", std::to_string(axis)}};
  std::vector<std::string> tops;
  std::vector<std::string> unread;
  std::int64_t at = 0;
  for (const std::string& output : node.outputs) {
    if (!tops.empty()) fields.emplace_back("slice_point", text(at));
    tops.push_back(top(output));
    if (survey_.uses(output) == 0 && !survey_.is_output(output)) unread.push_back(tops.back());
    at += survey_.shape(output)[axis];
  }
  writer_.layer({.type = "Slice",
                 .name = between(node),
                 .bottoms = {bottom(node, 0)},
                 .tops = std::move(tops),
                 .parameters = "slice_param",
                 .fields = std::move(fields)});
  if (!unread.empty())
    writer_.layer(
        {.type = "Silence", .name = between(node), .bottoms = std::move(unread), .tops = {}});
  return {};
}

/// Means of whole pictures, or of rows.
Result<void> CaffeLowering::reduce(const Node& node) {
  const Shape& x = survey_.shape(node.inputs[0]);
  VISAVIS_TRY(axes, reduced_axes(survey_, node));
  const bool keeps = node.get_or<std::int64_t>("keepdims", 1) != 0;
  const std::string result = top(node.outputs[0]);
  if (x.size() == 4 && axes == std::vector<std::size_t>{2, 3}) {
    if (survey_.sizes_are_free()) return refuse(node, "of whole pictures of any size");
    const std::string mean = layer("Pooling", bottom(node, 0), keeps ? result : between(node),
                                   "pooling_param", {{"pool", "AVE"}, {"global_pooling", "true"}});
    if (!keeps) layer("Flatten", mean, result);
    return {};
  }
  if (x.size() == 2 && keeps) {
    std::vector<CaffeTensor> blobs;
    blobs.push_back({.shape = {1, x[1]},
                     .values = std::vector<float>(static_cast<std::size_t>(x[1]),
                                                  1 / static_cast<float>(x[1]))});
    layer("InnerProduct", bottom(node, 0), result, "inner_product_param",
          {{"num_output", "1"}, {"bias_term", "false"}}, std::move(blobs));
    return {};
  }
  return refuse(node, "over other axes than height and width, or a row");
}

Result<void> CaffeLowering::alias(const Node& node) {
  if (survey_.is_output(node.outputs[0]) && !late_.contains(node.outputs[0]))
    layer("Split", bottom(node, 0), node.outputs[0]);
  else
    aliases_[node.outputs[0]] = bottom(node, 0);
  return {};
}

}  // namespace visavis::modelkit
