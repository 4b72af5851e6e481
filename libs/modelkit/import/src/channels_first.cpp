#include "channels_first.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/graph/resize.hpp>

#include "builder.hpp"
#include "channels_first_axes.hpp"
#include "fold_layers.hpp"

namespace visavis::modelkit {
namespace {

/// Of a picture's side: what float32 counts exactly.
constexpr std::int64_t kMostResized = std::int64_t{1} << 24;

using Attributes = std::vector<std::pair<std::string, graph::Attribute>>;

/// TensorFlow's SAME for one axis: padding before and behind.
std::pair<std::int64_t, std::int64_t> same_padding(std::int64_t size, std::int64_t kernel,
                                                   std::int64_t stride, std::int64_t dilation) {
  const std::int64_t outputs = (size + stride - 1) / stride;
  const std::int64_t reach = (kernel - 1) * dilation + 1;
  const std::int64_t total = std::max<std::int64_t>((outputs - 1) * stride + reach - size, 0);
  return {total / 2, total - total / 2};
}

}  // namespace

Result<Constant> permuted(const Constant& given, const std::vector<std::size_t>& order) {
  if (!is_permutation(order, given.shape.size()))
    return fail(ErrorCode::kInvalidArgument, "an order that is no permutation");
  Constant out{.name = given.name, .shape = in_order_of(given.shape, order), .values = {}};
  if (order == identity(order.size())) {
    out.values = given.values;
    return out;
  }
  std::vector<std::size_t> strides(order.size(), 1);
  for (std::size_t i = order.size(); i-- > 1;)
    strides[i - 1] = strides[i] * static_cast<std::size_t>(given.shape[i]);
  std::vector<std::size_t> moved;
  for (const std::size_t axis : order) moved.push_back(strides[axis]);
  out.values.resize(given.values.size());
  for_each_index(
      out.shape, moved, moved, out.values.size(),
      [&](std::size_t i, std::size_t from, std::size_t) { out.values[i] = given.values[from]; });
  return out;
}

ChannelsFirst::Id ChannelsFirst::add(std::string name, Shape shape, Order order) {
  values_.push_back({.name = std::move(name),
                     .shape = std::move(shape),
                     .order = std::move(order),
                     .constant = std::nullopt,
                     .as = {}});
  return values_.size() - 1;
}

std::string ChannelsFirst::initializer(const std::string& name, graph::Shape shape,
                                       graph::Tensor::Values values) {
  std::string made = fresh(name);
  graph_.initializers.push_back(
      {.name = made, .shape = std::move(shape), .values = std::move(values)});
  return made;
}

void ChannelsFirst::node(std::string_view op, const std::string& name,
                         std::vector<std::string> inputs, Attributes attributes) {
  graph_.nodes.push_back({.op = std::string(op),
                          .name = name,
                          .inputs = std::move(inputs),
                          .outputs = {name},
                          .attributes = std::move(attributes)});
}

Result<ChannelsFirst::Id> ChannelsFirst::input(const std::string& name, const Shape& shape) {
  if (shape.empty() || shape.size() > graph::kMaxRank)
    return unsupported("an input of 1 to 8 dimensions");
  VISAVIS_CHECK(check_shape(shape));
  if (shape[0] > 0) declared_batch_ = shape[0];
  Shape free = shape;
  free[0] = kFree;
  const Order order = free.size() == 4 ? picture_order() : identity(free.size());
  std::string made = fresh(name);
  graph_.inputs.push_back({.name = made, .shape = in_order_of(free, order)});
  return add(std::move(made), std::move(free), order);
}

Result<ChannelsFirst::Id> ChannelsFirst::constant(Constant given) {
  const auto count = graph::element_count(given.shape);
  if (!count || *count != given.values.size())
    return fail(ErrorCode::kDecodeFailed, "a constant whose size is not what its shape says");
  const Id id = add({}, given.shape, identity(given.shape.size()));
  values_[id].constant = std::move(given);
  return id;
}

const Constant* ChannelsFirst::constant_of(Id value) const {
  const auto& constant = values_[value].constant;
  return constant ? &*constant : nullptr;
}

Result<ChannelsFirst::Id> ChannelsFirst::folded(Constant constant) {
  folded_ += constant.values.size();
  if (folded_ > kMostFolded)
    return fail(ErrorCode::kResourceExhausted, "too many numbers are computed from constants");
  return this->constant(std::move(constant));
}

/// The name of the value with its axes in that order, for which a Transpose is written if need be.
Result<std::string> ChannelsFirst::in_order(Id value, const Order& order) {
  Value& given = values_[value];
  if (!given.constant && given.order == order) return given.name;
  if (const auto found = given.as.find(order); found != given.as.end()) return found->second;
  std::string made;
  if (given.constant) {
    VISAVIS_TRY(moved, permuted(*given.constant, order));
    made = initializer(moved.name, std::move(moved.shape), std::move(moved.values));
  } else {
    const Order where = inverse(given.order);
    Shape permutation;
    for (const std::size_t axis : order)
      permutation.push_back(static_cast<std::int64_t>(where[axis]));
    made = fresh(given.name + ".transposed");
    node("Transpose", made, {given.name}, {{"perm", std::move(permutation)}});
  }
  given.as[order] = made;
  return made;
}

/// Of an operator that stretches its operands. Leading dimensions of 1 are not written.
Result<std::string> ChannelsFirst::operand(Id value, std::size_t rank, const Order& order) {
  const Value& given = values_[value];
  if (!given.constant) {
    if (given.shape.size() != rank) return unsupported("operands of one rank");
    return in_order(value, order);
  }
  if (given.shape.size() > rank) return unsupported("operands of one rank");
  Constant full = *given.constant;
  full.shape.insert(full.shape.begin(), rank - full.shape.size(), 1);
  VISAVIS_TRY(moved, permuted(full, order));
  const auto first = std::ranges::find_if(moved.shape, [](std::int64_t n) { return n != 1; });
  moved.shape.erase(moved.shape.begin(), first);
  return initializer(moved.name, std::move(moved.shape), std::move(moved.values));
}

Result<std::string> ChannelsFirst::picture(Id x) {
  if (values_[x].constant) return unsupported("an input that is computed from the network's");
  if (values_[x].shape.size() != 4) return unsupported("an input of four dimensions");
  return in_order(x, picture_order());
}

Result<void> ChannelsFirst::output(const std::string& name, Id value) {
  const Value& given = values_[value];
  if (given.constant) return unsupported("an output that depends on an input");
  const Order order = given.shape.size() == 4 ? picture_order() : identity(given.shape.size());
  Shape shape = in_order_of(given.shape, order);
  VISAVIS_TRY(made, in_order(value, order));
  graph_.outputs.push_back({.name = made, .shape = std::move(shape)});
  renamed_.emplace_back(made, name);
  return {};
}

Result<ChannelsFirst::Id> ChannelsFirst::windowed(std::string_view op, const std::string& name,
                                                  std::vector<std::string> inputs, Id x,
                                                  const Window& window, std::int64_t channels,
                                                  Attributes attributes) {
  for (const std::int64_t n : {window.kernel_h, window.kernel_w, window.stride_h, window.stride_w,
                               window.dilation_h, window.dilation_w})
    if (n < 1 || n > kMostSteps) return unsupported("windows and steps of 1 to 4096");
  for (const std::int64_t n : {window.top, window.bottom, window.left, window.right})
    if (n < 0 || n > kMostSteps) return unsupported("a padding of at most 4096");
  const Shape& from = values_[x].shape;
  struct Axis {
    std::int64_t size, kernel, stride, dilation, before, behind;
  };
  std::array<Axis, 2> axes = {
      {{from[1], window.kernel_h, window.stride_h, window.dilation_h, window.top, window.bottom},
       {from[2], window.kernel_w, window.stride_w, window.dilation_w, window.left, window.right}}};
  const bool same = window.padding == Padding::kSame;
  const bool open = std::ranges::any_of(axes, [](const Axis& axis) { return axis.size == kFree; });
  Shape shape = {from[0], kFree, kFree, channels};
  for (std::size_t i = 0; i < 2; ++i) {
    Axis& axis = axes[i];
    if (window.padding != Padding::kExplicit) axis.before = axis.behind = 0;
    if (axis.size == kFree) continue;
    if (same)
      std::tie(axis.before, axis.behind) =
          same_padding(axis.size, axis.kernel, axis.stride, axis.dilation);
    const std::int64_t room =
        axis.size + axis.before + axis.behind - (axis.kernel - 1) * axis.dilation - 1;
    if (room < 0) return unsupported("an input at least as large as its window");
    shape[i + 1] = room / axis.stride + 1;
  }
  if (op == "Conv" || window.dilation_h != 1 || window.dilation_w != 1)
    attributes.emplace_back("dilations", Shape{window.dilation_h, window.dilation_w});
  attributes.emplace_back("kernel_shape", Shape{window.kernel_h, window.kernel_w});
  if (same && open)
    attributes.emplace_back("auto_pad", std::string("SAME_UPPER"));
  else
    attributes.emplace_back("pads",
                            Shape{axes[0].before, axes[1].before, axes[0].behind, axes[1].behind});
  attributes.emplace_back("strides", Shape{window.stride_h, window.stride_w});
  // The same network gives the same bytes whoever imports it.
  std::ranges::sort(attributes, {}, &std::pair<std::string, graph::Attribute>::first);
  VISAVIS_CHECK(check_shape(shape));
  const std::string made = fresh(name);
  node(op, made, std::move(inputs), std::move(attributes));
  return add(made, std::move(shape), picture_order());
}

Result<ChannelsFirst::Id> ChannelsFirst::convolution(const std::string& name, Id x, Constant kernel,
                                                     std::vector<float> bias, std::int64_t groups,
                                                     const Window& window) {
  VISAVIS_TRY(from, picture(x));
  const auto count = graph::element_count(kernel.shape);
  if (kernel.shape.size() != 4 || !count || *count != kernel.values.size())
    return unsupported("a kernel of four dimensions");
  const std::int64_t out = kernel.shape[0];
  const std::int64_t in = kernel.shape[1];
  if (out < 1 || in < 1 || groups < 1 || out % groups != 0 || in > kMostSide / groups)
    return unsupported("a kernel with channels");
  std::int64_t& channels = values_[x].shape[3];
  if (channels == kFree) {
    channels = in * groups;
    for (graph::ValueInfo& input : graph_.inputs)
      if (input.name == from) input.shape[1] = channels;
  }
  if (channels != in * groups) return unsupported("a kernel for its input's channels");
  if (!bias.empty() && static_cast<std::int64_t>(bias.size()) != out)
    return unsupported("one bias for each channel");
  Window moving = window;
  moving.kernel_h = kernel.shape[2];
  moving.kernel_w = kernel.shape[3];
  std::vector<std::string> inputs = {
      std::move(from),
      initializer(name + ".weight", std::move(kernel.shape), std::move(kernel.values))};
  if (!bias.empty()) inputs.push_back(initializer(name + ".bias", {out}, std::move(bias)));
  return windowed("Conv", name, std::move(inputs), x, moving, out, {{"group", groups}});
}

Result<ChannelsFirst::Id> ChannelsFirst::transposed_convolution(const std::string& name, Id x,
                                                                Constant kernel,
                                                                std::vector<float> bias,
                                                                const Window& window,
                                                                const Shape& size) {
  VISAVIS_TRY(from, picture(x));
  const auto count = graph::element_count(kernel.shape);
  if (kernel.shape.size() != 4 || !count || *count != kernel.values.size() || *count == 0)
    return unsupported("a kernel of four dimensions");
  const Shape given = values_[x].shape;
  if (given[3] != kernel.shape[0]) return unsupported("a kernel for its input's channels");
  const std::int64_t out = kernel.shape[1];
  if (!bias.empty() && static_cast<std::int64_t>(bias.size()) != out)
    return unsupported("one bias for each channel");
  if (size.size() != 2) return unsupported("a height and a width");
  if (window.dilation_h != 1 || window.dilation_w != 1) return unsupported("no dilation");
  const Shape strides = {window.stride_h, window.stride_w};
  Shape pads(4, 0);
  Shape more(2, 0);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t in = given[i + 1];
    const std::int64_t side = kernel.shape[i + 2];
    const std::int64_t stride = strides[i];
    const bool open = in == kFree && size[i] == kFree;
    if ((!open && (in < 1 || size[i] < 1)) || size[i] > kMostSide || side > kMostSteps ||
        stride < 1 || stride > kMostSteps || in > kMostSide / stride)
      return unsupported("an input and a result of known size, and steps of 1 to 4096");
    const bool same = window.padding == Padding::kSame;
    // What hangs over, and what the last window does not reach.
    const std::int64_t over = !open  ? (in - 1) * stride + side - size[i]
                              : same ? side - stride
                                     : std::min<std::int64_t>(side - stride, 0);
    if (over <= -stride || (same ? over >= side : over > 0))
      return unsupported("a size whose windows are as many as its input's numbers");
    pads[i] = std::max<std::int64_t>(over, 0) / 2;
    pads[i + 2] = std::max<std::int64_t>(over, 0) - pads[i];
    more[i] = std::max<std::int64_t>(-over, 0);
  }
  Shape shape = {given[0], size[0], size[1], out};
  VISAVIS_CHECK(check_shape(shape));
  Attributes attributes = {{"kernel_shape", Shape{kernel.shape[2], kernel.shape[3]}}};
  if (more != Shape{0, 0}) attributes.emplace_back("output_padding", more);
  attributes.emplace_back("pads", std::move(pads));
  attributes.emplace_back("strides", strides);
  std::vector<std::string> inputs = {
      std::move(from),
      initializer(name + ".weight", std::move(kernel.shape), std::move(kernel.values))};
  if (!bias.empty()) inputs.push_back(initializer(name + ".bias", {out}, std::move(bias)));
  const std::string made = fresh(name);
  node("ConvTranspose", made, std::move(inputs), std::move(attributes));
  return add(made, std::move(shape), picture_order());
}

Result<ChannelsFirst::Id> ChannelsFirst::max_pool(const std::string& name, Id x,
                                                  const Window& window) {
  VISAVIS_TRY(from, picture(x));
  if (window.padding == Padding::kExplicit) return unsupported("padding that is SAME or VALID");
  return windowed("MaxPool", name, {std::move(from)}, x, window, values_[x].shape[3], {});
}

Result<ChannelsFirst::Id> ChannelsFirst::average_pool(const std::string& name, Id x,
                                                      const Window& window) {
  VISAVIS_TRY(from, picture(x));
  if (window.padding == Padding::kExplicit) return unsupported("padding that is SAME or VALID");
  return windowed("AveragePool", name, {std::move(from)}, x, window, values_[x].shape[3], {});
}

Result<ChannelsFirst::Id> ChannelsFirst::resize(const std::string& name, Id x, const Shape& size,
                                                const Resizing& how) {
  VISAVIS_TRY(from, picture(x));
  if (how.align_corners && how.half_pixel_centers) return unsupported("either corners or centres");
  if (size.size() != 2) return unsupported("a height and a width");
  Shape shape = values_[x].shape;
  std::vector<float> scales = {1, 1};
  bool exact = true;
  for (std::size_t i = 0; i < 2; ++i) {
    const std::int64_t in = shape[i + 1];
    if (in < 1 || in > kMostResized)
      return unsupported("an input whose height and width are known");
    if (size[i] < 1 || size[i] > kMostResized) return unsupported("a size of 1 to 2^24");
    const auto scale = graph::exact_scale(in, size[i]);
    exact = exact && scale;
    scales.push_back(scale.value_or(0));
    shape[i + 1] = size[i];
  }
  VISAVIS_CHECK(check_shape(shape));
  const std::string coordinates = how.align_corners        ? "align_corners"
                                  : how.half_pixel_centers ? "half_pixel"
                                                           : "asymmetric";
  Attributes attributes = {{"coordinate_transformation_mode", coordinates},
                           {"mode", std::string(how.linear ? "linear" : "nearest")}};
  // (x + .5) · in / out rounded down is half a pixel less rounded to the nearest, halves up.
  const bool rounds = how.align_corners || how.half_pixel_centers;
  if (!how.linear)
    attributes.emplace_back("nearest_mode", std::string(rounds ? "round_prefer_ceil" : "floor"));
  std::vector<std::string> inputs = {from, ""};
  if (exact) {
    inputs.push_back(initializer(name + ".scales", {4}, std::move(scales)));
  } else {
    // Samples and channels are as many as there are.
    const std::string all = fresh(name + ".shape");
    node("Shape", all, {from}, {});
    const std::string kept = fresh(name + ".kept");
    node("Gather", kept, {all, initializer(name + ".places", {2}, Shape{0, 1})}, {});
    const std::string sizes = fresh(name + ".sizes");
    node("Concat", sizes, {kept, initializer(name + ".size", {2}, size)},
         {{"axis", std::int64_t{0}}});
    inputs.insert(inputs.end(), {"", sizes});
  }
  const std::string made = fresh(name);
  node("Resize", made, std::move(inputs), std::move(attributes));
  return add(made, std::move(shape), picture_order());
}

Result<ChannelsFirst::Id> ChannelsFirst::product(const std::string& name, Id x, Id weights) {
  const Value given = values_[x];
  const Value by = values_[weights];
  if (!by.constant && !given.constant) return computed_product(name, x, weights);
  if (given.constant) return unsupported("an input that is computed from the network's");
  if (given.shape.size() != 2 || by.shape.size() != 2) return unsupported("two matrices");
  const std::int64_t inner = given.shape[1];
  if (inner != by.shape[0] && inner != kFree) return unsupported("matrices that go together");
  if (!by.constant) return unsupported("constant weights");
  VISAVIS_TRY(from, in_order(x, identity(2)));
  const Shape shape = {given.shape[0], by.shape[1]};
  VISAVIS_TRY(turned, permuted(*by.constant, {1, 0}));
  const std::string made = fresh(name);
  std::string matrix =
      initializer(name + ".weight", std::move(turned.shape), std::move(turned.values));
  node("Gemm", made, {std::move(from), std::move(matrix)}, {{"transB", std::int64_t{1}}});
  return add(made, shape, identity(2));
}

/// Of the last two axes, for each sample and whatever else lies before them.
Result<ChannelsFirst::Id> ChannelsFirst::computed_product(const std::string& name, Id a, Id b) {
  const Value left = values_[a];
  const Value right = values_[b];
  const std::size_t rank = left.shape.size();
  if (rank < 3 || right.shape.size() != rank) return unsupported("two stacks of matrices");
  const auto meet = [](std::int64_t m, std::int64_t n) {
    return m == n || m == kFree || n == kFree;
  };
  if (!meet(left.shape[rank - 1], right.shape[rank - 2]))
    return unsupported("matrices that go together");
  Shape shape = left.shape;
  shape[rank - 1] = right.shape[rank - 1];
  for (std::size_t i = 0; i + 2 < rank; ++i) {
    if (!meet(left.shape[i], right.shape[i])) return unsupported("stacks of one size");
    if (shape[i] == kFree) shape[i] = right.shape[i];
  }
  VISAVIS_CHECK(check_shape(shape));
  VISAVIS_TRY(first, in_order(a, identity(rank)));
  VISAVIS_TRY(second, in_order(b, identity(rank)));
  const std::string made = fresh(name);
  node("MatMul", made, {std::move(first), std::move(second)}, {});
  return add(made, std::move(shape), identity(rank));
}

Result<graph::Graph> ChannelsFirst::finish() && {
  graph::Graph folded = fold_layers(std::move(graph_));
  std::map<std::string, std::string> names;
  for (std::size_t i = 0; i < renamed_.size(); ++i) {
    const auto& [value, wanted] = renamed_[i];
    graph::ValueInfo& output = folded.outputs[i];
    const bool is_input =
        std::ranges::find(folded.inputs, value, &graph::ValueInfo::name) != folded.inputs.end();
    if (value == wanted && !is_input && !names.contains(value)) {
      names[value] = value;
      continue;
    }
    const std::string name = fresh(wanted);
    output.name = name;
    if (is_input || !names.try_emplace(value, name).second)
      folded.nodes.push_back({.op = "Identity",
                              .name = name,
                              .inputs = {is_input ? value : names[value]},
                              .outputs = {name},
                              .attributes = {}});
  }
  for (graph::Node& node : folded.nodes)
    for (auto* list : {&node.inputs, &node.outputs})
      for (std::string& each : *list)
        if (const auto found = names.find(each); found != names.end()) each = found->second;
  VISAVIS_CHECK(graph::validate(folded));
  return folded;
}

Result<std::vector<std::byte>> ChannelsFirst::finish_onnx() && {
  VISAVIS_TRY(graph, std::move(*this).finish());
  return graph::write_onnx(graph::flush_subnormals(std::move(graph)));
}

}  // namespace visavis::modelkit
