#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "channels_first.hpp"
#include "tensorflow_converter.hpp"
#include "tensorflow_values.hpp"

namespace visavis::modelkit::tf {

Result<Converter::Format> Converter::format_of(const Call& call) {
  const std::string format = call.text("data_format", "NHWC");
  if (format == "NHWC") return Format{};
  if (format == "NCHW") return Format{.channels_first = true, .height = 2, .width = 3};
  return needs("pictures as NHWC or NCHW");
}

Result<ChannelsFirst::Window> Converter::window_of(const Call& call, const Format& format) {
  const auto steps = [&](std::string_view name) -> Result<std::pair<std::int64_t, std::int64_t>> {
    const Shape list = call.list(name);
    if (list.empty()) return std::pair<std::int64_t, std::int64_t>(1, 1);
    if (list.size() != 4) return needs(std::string(name) + " for four axes");
    for (std::size_t i = 0; i < 4; ++i)
      if (i != format.height && i != format.width && list[i] != 1)
        return needs(std::string(name) + " of height and width only");
    return std::pair(list[format.height], list[format.width]);
  };
  ChannelsFirst::Window window;
  VISAVIS_TRY(strides, steps("strides"));
  VISAVIS_TRY(dilations, steps("dilations"));
  VISAVIS_TRY(kernel, steps("ksize"));
  std::tie(window.stride_h, window.stride_w) = strides;
  std::tie(window.dilation_h, window.dilation_w) = dilations;
  std::tie(window.kernel_h, window.kernel_w) = kernel;
  const std::string padding = call.text("padding", "");
  if (padding == "SAME") window.padding = ChannelsFirst::Padding::kSame;
  if (padding == "EXPLICIT") {
    const Shape pads = call.list("explicit_paddings");
    if (pads.size() != 8) return needs("paddings for four axes");
    window.padding = ChannelsFirst::Padding::kExplicit;
    window.top = pads[2 * format.height];
    window.bottom = pads[2 * format.height + 1];
    window.left = pads[2 * format.width];
    window.right = pads[2 * format.width + 1];
  } else if (padding != "SAME" && padding != "VALID") {
    return needs("padding that is SAME, VALID or EXPLICIT");
  }
  return window;
}

Result<Id> Converter::turned(Id x, const Format& format) {
  return format.channels_first ? network_.transpose(x, {0, 2, 3, 1}) : Result<Id>(x);
}

Result<Value> Converter::turned_back(Id x, const Format& format) {
  if (!format.channels_first) return x;
  VISAVIS_TRY(turned, network_.transpose(x, {0, 3, 1, 2}));
  return turned;
}

Result<Constant> Converter::weights(const Call& call, std::size_t i) {
  VISAVIS_TRY(id, call.floats(i));
  const Constant* found = network_.constant_of(id);
  if (found == nullptr) return needs("weights that are constant");
  return *found;
}

Result<Value> Converter::convolution(const Call& call) {
  VISAVIS_TRY(format, format_of(call));
  VISAVIS_TRY(window, window_of(call, format));
  VISAVIS_TRY(kernel, weights(call, 1));
  if (kernel.shape.size() != 4) return needs("a kernel of four dimensions");
  if (!call.inputs.empty() && std::holds_alternative<Spread>(call.inputs[0])) {
    VISAVIS_TRY(moved, permuted(kernel, {3, 2, 0, 1}));
    return spread_kernel(call, format, window, std::move(moved), 1);
  }
  VISAVIS_TRY(given, call.floats(0));
  VISAVIS_TRY(x, turned(given, format));
  // TensorFlow's groups follow from the channels (of pictures and of the kernel).
  const Shape& shape = network_.shape(x);
  const std::int64_t channels = shape.size() == 4 ? shape[3] : -1;
  const std::int64_t in = kernel.shape[2];
  const std::int64_t groups =
      channels > 0 && in > 0 && channels % in == 0 ? channels / in : std::int64_t{1};
  VISAVIS_TRY(moved, permuted(kernel, {3, 2, 0, 1}));
  VISAVIS_TRY(y, network_.convolution(call.name(), x, std::move(moved), {}, groups, window));
  return turned_back(y, format);
}

/// [height, width, in, multiplier]: output in · multiplier + m is of channel in.
Result<Value> Converter::depthwise(const Call& call) {
  VISAVIS_TRY(format, format_of(call));
  VISAVIS_TRY(window, window_of(call, format));
  VISAVIS_TRY(kernel, weights(call, 1));
  if (kernel.shape.size() != 4) return needs("a kernel of four dimensions");
  VISAVIS_TRY(moved, permuted(kernel, {2, 3, 0, 1}));
  const std::int64_t groups = moved.shape[0];
  moved.shape = {moved.shape[0] * moved.shape[1], 1, moved.shape[2], moved.shape[3]};
  if (!call.inputs.empty() && std::holds_alternative<Spread>(call.inputs[0]))
    return spread_kernel(call, format, window, std::move(moved), groups);
  VISAVIS_TRY(given, call.floats(0));
  VISAVIS_TRY(x, turned(given, format));
  VISAVIS_TRY(y, network_.convolution(call.name(), x, std::move(moved), {}, groups, window));
  return turned_back(y, format);
}

TensorflowGraph::Port Converter::origin(TensorflowGraph::Port port) const {
  const auto hands_on = [](std::string_view op) {
    return op == "_Call" || op == "_Argument" || op == "Identity";
  };
  for (const auto* node = &graph_.nodes()[port.node]; hands_on(node->op);
       node = &graph_.nodes()[port.node]) {
    const std::size_t input = node->op == "_Call" ? port.output : 0;
    if (input >= node->inputs.size()) break;
    port = node->inputs[input];
  }
  return port;
}

std::optional<Converter::Multiple> Converter::multiple_of(TensorflowGraph::Port port, Id x,
                                                          std::size_t axis) const {
  constexpr std::int64_t kMost = 4096;
  const auto number = [&](const TensorflowGraph::Port& from) -> std::optional<std::int64_t> {
    const auto value = value_at(from);
    const auto* found = value ? std::get_if<Integers>(&*value) : nullptr;
    if (found == nullptr || found->values.size() != 1) return std::nullopt;
    const std::int64_t n = found->values[0];
    return n < 0 || n > kMost ? std::nullopt : std::optional(n);  // nor the sizes that are unknown
  };
  Multiple out;
  constexpr int kMostSteps = 8;
  for (int step = 0; step < kMostSteps; ++step) {
    port = origin(port);
    const TensorflowGraph::Node& node = graph_.nodes()[port.node];
    if (node.op == "StridedSlice") {
      if (node.inputs.size() != 4 || number(node.inputs[1]) != static_cast<std::int64_t>(axis))
        return std::nullopt;
      const TensorflowGraph::Node& shape = graph_.nodes()[origin(node.inputs[0]).node];
      if (shape.op != "Shape" || shape.inputs.size() != 1) return std::nullopt;
      const auto of = value_at(shape.inputs[0]);
      const Id* id = of ? std::get_if<Id>(&*of) : nullptr;
      return id != nullptr && *id == x ? std::optional(out) : std::nullopt;
    }
    const bool adds = node.op == "Add" || node.op == "AddV2";
    if ((node.op != "Mul" && node.op != "Sub" && !adds) || node.inputs.size() != 2)
      return std::nullopt;
    const auto left = number(node.inputs[0]);
    const auto right = number(node.inputs[1]);
    if (left.has_value() == right.has_value() || (node.op == "Sub" && left)) return std::nullopt;
    const std::int64_t n = left ? *left : *right;
    if (node.op == "Mul")
      out.times *= n;
    else
      out.more += adds ? out.times * n : -out.times * n;
    if (out.times > kMost || std::abs(out.more) > kMost) return std::nullopt;
    port = node.inputs[left ? 1 : 0];
  }
  return std::nullopt;
}

Result<std::int64_t> Converter::transposed_size(const Call& call, Id x, std::size_t place,
                                                std::size_t axis, std::int64_t kernel,
                                                std::int64_t stride, bool same) const {
  VISAVIS_TRY(sizes, call.integers(0));
  const std::int64_t size = sizes.values[place];
  if (size > 0) return size;
  const TensorflowGraph::Node& list = graph_.nodes()[origin(call.node.inputs[0]).node];
  if (size == kUnknownSize && list.op == "Pack" && place < list.inputs.size()) {
    const auto found = multiple_of(list.inputs[place], x, axis);
    const std::int64_t more = same ? 0 : std::max<std::int64_t>(kernel - stride, 0);
    if (found && found->times == stride && found->more == more) return -1;
  }
  return needs("a height and a width that are known, or as many steps as its input's");
}

Result<Value> Converter::transposed(const Call& call) {
  VISAVIS_TRY(format, format_of(call));
  VISAVIS_TRY(window, window_of(call, format));
  if (window.padding == ChannelsFirst::Padding::kExplicit)
    return needs("padding that is SAME or VALID");
  VISAVIS_TRY(sizes, call.integers(0));
  VISAVIS_TRY(kernel, weights(call, 1));
  VISAVIS_TRY(given, call.floats(2));
  if (kernel.shape.size() != 4) return needs("a kernel of four dimensions");
  VISAVIS_TRY(x, turned(given, format));
  // Of the whole result, or of its height and width alone.
  const std::size_t first = sizes.values.size() == 4 ? format.height : 0;
  if (sizes.values.size() != 4 && sizes.values.size() != 2) return needs("a height and a width");
  const bool same = window.padding == ChannelsFirst::Padding::kSame;
  VISAVIS_TRY(height, transposed_size(call, given, first, format.height, kernel.shape[0],
                                      window.stride_h, same));
  VISAVIS_TRY(width, transposed_size(call, given, first + 1, format.width, kernel.shape[1],
                                     window.stride_w, same));
  const Shape size = {height, width};
  VISAVIS_TRY(moved, permuted(kernel, {3, 2, 0, 1}));  // [height, width, out, in]
  VISAVIS_TRY(y,
              network_.transposed_convolution(call.name(), x, std::move(moved), {}, window, size));
  return turned_back(y, format);
}

Result<Value> Converter::space_to_batch(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(block, call.numbers(1));
  VISAVIS_TRY(pads, call.numbers(2));
  if (network_.shape(x).size() != 4 || block.size() != 2 || pads.size() != 4)
    return needs("pictures, and blocks of rows and columns");
  return Spread{.x = x, .block = std::move(block), .pads = std::move(pads)};
}

Result<Value> Converter::spread_kernel(const Call& call, const Format& format,
                                       const ChannelsFirst::Window& window, Constant kernel,
                                       std::int64_t groups) {
  auto spread = std::get<Spread>(call.inputs[0]);
  const bool plain = window.stride_h == 1 && window.stride_w == 1 && window.dilation_h == 1 &&
                     window.dilation_w == 1 && window.padding == ChannelsFirst::Padding::kValid;
  if (spread.kernel || format.channels_first || !plain)
    return needs("steps of 1 and padding VALID between SpaceToBatchND and BatchToSpaceND");
  spread.kernel = std::move(kernel);
  spread.groups = groups;
  return spread;
}

/// A convolution of samples whose pixels are apart is one with a dilation. What is cut off behind
/// it is padding that there need not be before it.
Result<Value> Converter::batch_to_space(const Call& call) {
  const auto* spread = call.inputs.empty() ? nullptr : std::get_if<Spread>(&call.inputs[0]);
  if (spread == nullptr || !spread->kernel)
    return needs("a convolution alone between SpaceToBatchND and it");
  VISAVIS_TRY(block, call.numbers(1));
  VISAVIS_TRY(crops, call.numbers(2));
  if (block != spread->block || crops.size() != 4) return needs("the blocks of SpaceToBatchND");
  Shape pads = spread->pads;
  for (std::size_t i = 0; i < pads.size(); ++i) {
    if (crops[i] < 0 || pads[i] < crops[i]) return needs("to cut off padding only");
    pads[i] -= crops[i];
  }
  const ChannelsFirst::Window window{.padding = ChannelsFirst::Padding::kExplicit,
                                     .dilation_h = block[0],
                                     .dilation_w = block[1],
                                     .top = pads[0],
                                     .bottom = pads[1],
                                     .left = pads[2],
                                     .right = pads[3]};
  VISAVIS_TRY(
      y, network_.convolution(call.name(), spread->x, *spread->kernel, {}, spread->groups, window));
  return y;
}

Result<Value> Converter::bias_add(const Call& call) {
  VISAVIS_TRY(format, format_of(call));
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(bias, call.floats(1));
  if (format.channels_first && network_.shape(bias).size() == 1) {
    VISAVIS_TRY(raised,
                network_.reshape(call.name() + ".bias", bias, {network_.shape(bias)[0], 1, 1}));
    bias = raised;
  }
  VISAVIS_TRY(sum, network_.binary("Add", call.name(), x, bias));
  return sum;
}

Result<Value> Converter::fused_batch_norm(const Call& call) {
  if (call.flag("is_training", true)) return needs("to be outside of training");
  VISAVIS_TRY(format, format_of(call));
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(scale, weights(call, 1));
  VISAVIS_TRY(shift, weights(call, 2));
  VISAVIS_TRY(mean, weights(call, 3));
  VISAVIS_TRY(variance, weights(call, 4));
  const std::size_t rank = network_.shape(x).size();
  const std::size_t axis = format.channels_first ? 1 : rank - 1;
  VISAVIS_TRY(y, network_.batch_normalization(call.name(), x,
                                              {.scale = std::move(scale),
                                               .shift = std::move(shift),
                                               .mean = std::move(mean),
                                               .variance = std::move(variance)},
                                              double{call.real("epsilon", 1e-4F)}, axis));
  return y;
}

Result<Value> Converter::pool(const Call& call) {
  VISAVIS_TRY(format, format_of(call));
  VISAVIS_TRY(window, window_of(call, format));
  VISAVIS_TRY(given, call.floats(0));
  VISAVIS_TRY(x, turned(given, format));
  VISAVIS_TRY(y, call.node.op == "MaxPool" ? network_.max_pool(call.name(), x, window)
                                           : network_.average_pool(call.name(), x, window));
  return turned_back(y, format);
}

Result<Value> Converter::resize(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(size, call.numbers(1));
  VISAVIS_TRY(y, network_.resize(call.name(), x, size,
                                 {.linear = call.node.op == "ResizeBilinear",
                                  .align_corners = call.flag("align_corners"),
                                  .half_pixel_centers = call.flag("half_pixel_centers")}));
  return y;
}

Result<Value> Converter::product(const Call& call) {
  VISAVIS_TRY(x, call.floats(0));
  VISAVIS_TRY(by, call.floats(1));
  const auto turned = [&](Id matrix) -> Result<Id> {
    const std::size_t rank = network_.shape(matrix).size();
    if (rank < 2) return needs("matrices");
    std::vector<std::size_t> order(rank);
    std::iota(order.begin(), order.end(), 0);
    std::swap(order[rank - 2], order[rank - 1]);
    return network_.transpose(matrix, order);
  };
  if (call.flag("transpose_a") || call.flag("adj_x")) {
    VISAVIS_TRY(made, turned(x));
    x = made;
  }
  if (call.flag("transpose_b") || call.flag("adj_y")) {
    VISAVIS_TRY(made, turned(by));
    by = made;
  }
  VISAVIS_TRY(y, network_.product(call.name(), x, by));
  return y;
}

}  // namespace visavis::modelkit::tf
