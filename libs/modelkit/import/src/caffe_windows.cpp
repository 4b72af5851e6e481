#include "caffe_windows.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "caffe_text.hpp"

namespace visavis::modelkit {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 20;

std::unexpected<Error> malformed(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed prototxt: " + what);
}

struct Pair {
  std::int64_t rows;
  std::int64_t columns;
};

/// `kernel_size: 3`, or two of them, or `kernel_h: 3 kernel_w: 1`.
Result<Pair> read_pair(CaffeText& parameters, const std::string& both, const std::string& stem,
                       std::int64_t otherwise) {
  VISAVIS_TRY(given, parameters.integers(both));
  const bool apart = parameters.has(stem + "_h") || parameters.has(stem + "_w");
  if (given.size() > 2 || (apart && !given.empty()))
    return malformed(both + " is given more often than there are axes");
  Pair pair{.rows = otherwise, .columns = otherwise};
  if (!given.empty()) pair = {.rows = given.front(), .columns = given.back()};
  VISAVIS_TRY(rows, parameters.integer(stem + "_h", pair.rows));
  VISAVIS_TRY(columns, parameters.integer(stem + "_w", pair.columns));
  return Pair{.rows = rows, .columns = columns};
}

bool is_valid(const CaffeAxis& axis) {
  for (const std::int64_t n : {axis.kernel, axis.stride, axis.dilation})
    if (n < 1 || n > kMost) return false;
  return axis.pad >= 0 && axis.pad <= kMost;
}

std::int64_t reach(const CaffeAxis& axis) { return axis.dilation * (axis.kernel - 1) + 1; }

std::int64_t divide_up(std::int64_t a, std::int64_t b) {
  return a >= 0 ? (a + b - 1) / b : -(-a / b);
}

}  // namespace

Result<CaffeWindow> read_caffe_window(CaffeText& parameters, WindowOf of) {
  VISAVIS_TRY(kernel, read_pair(parameters, "kernel_size", "kernel", 0));
  VISAVIS_TRY(stride, read_pair(parameters, "stride", "stride", 1));
  VISAVIS_TRY(pad, read_pair(parameters, "pad", "pad", 0));
  Pair dilation{.rows = 1, .columns = 1};
  if (of == WindowOf::kConvolution) {
    VISAVIS_TRY(given, read_pair(parameters, "dilation", "dilation", 1));
    dilation = given;
  }
  const CaffeWindow window{.rows = {.kernel = kernel.rows,
                                    .stride = stride.rows,
                                    .pad = pad.rows,
                                    .dilation = dilation.rows},
                           .columns = {.kernel = kernel.columns,
                                       .stride = stride.columns,
                                       .pad = pad.columns,
                                       .dilation = dilation.columns}};
  for (const CaffeAxis& axis : {window.rows, window.columns}) {
    if (!is_valid(axis)) return malformed("a kernel, stride, padding or dilation out of range");
    if (of == WindowOf::kPooling && axis.pad >= axis.kernel)
      return malformed("a pooling's padding is not smaller than its kernel");
  }
  return window;
}

Result<bool> rounds_up(CaffeText& pooling_parameters) {
  VISAVIS_TRY(up, pooling_parameters.boolean("ceil_mode", true));
  VISAVIS_TRY(modes, pooling_parameters.words("round_mode"));
  for (const std::string& mode : modes) {
    up = mode == "CEIL" || mode == "0";
    if (!up && mode != "FLOOR" && mode != "1")
      return malformed("round_mode is neither CEIL nor FLOOR");
  }
  return up;
}

std::int64_t convolved(const CaffeAxis& axis, std::int64_t size) {
  const std::int64_t room = size + 2 * axis.pad - reach(axis);
  return room < 0 ? 0 : room / axis.stride + 1;
}

std::int64_t deconvolved(const CaffeAxis& axis, std::int64_t size) {
  return size < 1 ? 0 : axis.stride * (size - 1) + reach(axis) - 2 * axis.pad;
}

Pooled pooled(const CaffeAxis& axis, std::int64_t size, bool up, bool clips) {
  const std::int64_t room = size + 2 * axis.pad - axis.kernel;
  if (!up && room < 0) return {};
  Pooled out{.count = (up ? divide_up(room, axis.stride) : room / axis.stride) + 1};
  if (clips && (out.count - 1) * axis.stride >= size + axis.pad) --out.count;
  const std::int64_t end = (out.count - 1) * axis.stride - axis.pad + axis.kernel;
  out.after = std::max<std::int64_t>(end - size, 0);
  out.cut = std::max<std::int64_t>(end - (size + axis.pad), 0);
  out.makes_sense = out.count >= 1 && (out.count - 1) * axis.stride - axis.pad < size;
  return out;
}

std::string max_pool(Builder& builder, const std::string& name, const std::string& x,
                     const CaffeWindow& window, const Pooled& rows, const Pooled& columns) {
  return builder.node(
      "MaxPool", name, {x},
      {{"kernel_shape", Shape{window.rows.kernel, window.columns.kernel}},
       {"pads", Shape{window.rows.pad, window.columns.pad, rows.after, columns.after}},
       {"strides", Shape{window.rows.stride, window.columns.stride}}});
}

std::string max_pool_of_any_size(Builder& builder, const std::string& name, const std::string& x,
                                 const CaffeWindow& window, bool up) {
  return builder.node("MaxPool", name, {x},
                      {{"ceil_mode", std::int64_t{up ? 1 : 0}},
                       {"kernel_shape", Shape{window.rows.kernel, window.columns.kernel}},
                       {"strides", Shape{window.rows.stride, window.columns.stride}}});
}

namespace {

/// What makes sums over a whole kernel averages over windows of which the last may be cut.
std::string recover(Builder& builder, const std::string& name, const std::string& x,
                    const CaffeAxis& axis, const Pooled& pooled, bool is_row) {
  std::vector<float> factors(static_cast<std::size_t>(pooled.count), 1.F);
  factors.back() = static_cast<float>(static_cast<double>(axis.kernel) /
                                      static_cast<double>(axis.kernel - pooled.cut));
  const Shape shape = is_row ? Shape{pooled.count, 1} : Shape{pooled.count};
  return builder.node(
      "Mul", name,
      {x, builder.constant({.name = name + ".factors", .shape = shape, .values = factors})}, {});
}

}  // namespace

std::string average_pool(Builder& builder, const std::string& name, const std::string& x,
                         const CaffeWindow& window, const Pooled& rows, const Pooled& columns) {
  const bool cut_rows = rows.cut > 0;
  const bool cut_columns = columns.cut > 0;
  std::string value =
      builder.node("AveragePool", cut_rows || cut_columns ? name + ".whole" : name, {x},
                   {{"count_include_pad", std::int64_t{1}},
                    {"kernel_shape", Shape{window.rows.kernel, window.columns.kernel}},
                    {"pads", Shape{window.rows.pad, window.columns.pad, rows.after, columns.after}},
                    {"strides", Shape{window.rows.stride, window.columns.stride}}});
  if (cut_rows)
    value = recover(builder, cut_columns ? name + ".rows" : name, value, window.rows, rows, true);
  if (cut_columns) value = recover(builder, name, value, window.columns, columns, false);
  return value;
}

Result<bool> keeps_pooling_free(CaffeText& layer) {
  VISAVIS_TRY(parameters, layer.message("pooling_param"));
  if (parameters == nullptr) return false;
  VISAVIS_TRY(kind, parameters->word("pool", "MAX"));
  VISAVIS_TRY(global, parameters->boolean("global_pooling", false));
  if (global || (kind != "MAX" && kind != "0")) return false;
  VISAVIS_TRY(window, read_caffe_window(*parameters, WindowOf::kPooling));
  // Where a kernel is smaller than its stride, Caffe may have a window without anything in it.
  return window.rows.pad == 0 && window.columns.pad == 0 &&
         window.rows.kernel >= window.rows.stride && window.columns.kernel >= window.columns.stride;
}

Result<bool> keeps_scale_free(CaffeText& layer) {
  VISAVIS_TRY(parameters, layer.message("scale_param"));
  if (parameters == nullptr) return true;
  VISAVIS_TRY(axis, parameters->integer("axis", 1));
  VISAVIS_TRY(axes, parameters->integer("num_axes", 1));
  return axis == 1 && axes == 1;
}

}  // namespace visavis::modelkit
