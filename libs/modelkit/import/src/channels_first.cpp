#include "channels_first.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <numeric>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/onnx.hpp>
#include <visavis/graph/passes.hpp>

#include "arithmetic.hpp"
#include "builder.hpp"
#include "fold_layers.hpp"

namespace visavis::modelkit {
namespace {

using Order = std::vector<std::size_t>;
using Attributes = std::vector<std::pair<std::string, graph::Attribute>>;

constexpr std::int64_t kFree = -1;
/// Numbers computed beforehand, all together: more would be a small file that becomes a large one.
constexpr std::size_t kMostFolded = std::size_t{1} << 24;
/// Of a window's kernel, stride and dilation.
constexpr std::int64_t kMostSteps = 4096;
/// Of a picture's side and of padding, so that no sum overflows.
constexpr std::int64_t kMostSide = std::int64_t{1} << 28;

std::unexpected<Error> unsupported(const std::string& what) {
  return fail(ErrorCode::kUnsupported, what);
}

Order identity(std::size_t rank) {
  Order order(rank);
  std::iota(order.begin(), order.end(), 0);
  return order;
}

const Order& picture_order() {
  static const Order order = {0, 3, 1, 2};
  return order;
}

/// Where each axis of the original lies.
Order inverse(const Order& order) {
  Order out(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) out[order[i]] = i;
  return out;
}

bool is_permutation(const Order& order, std::size_t rank) {
  return order.size() == rank && std::ranges::is_permutation(order, identity(rank));
}

Shape in_order_of(const Shape& shape, const Order& order) {
  Shape out;
  for (const std::size_t axis : order) out.push_back(shape[axis]);
  return out;
}

bool is_known(std::span<const std::int64_t> shape) {
  return std::ranges::all_of(shape, [](std::int64_t n) { return n >= 0; });
}

/// A shape whose free dimensions may be anything.
Result<void> check_shape(Shape shape) {
  for (std::int64_t& n : shape)
    if (n == kFree) n = 1;
  const auto count = graph::element_count(shape);
  if (!count) return unsupported("a tensor of another size: " + count.error().message);
  return {};
}

Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank) {
  const auto size = static_cast<std::int64_t>(rank);
  if (axis < -size || axis >= size) return unsupported("an axis that its input has");
  return static_cast<std::size_t>(axis < 0 ? axis + size : axis);
}

/// TensorFlow's SAME for one axis: padding before and behind.
std::pair<std::int64_t, std::int64_t> same_padding(std::int64_t size, std::int64_t kernel,
                                                   std::int64_t stride, std::int64_t dilation) {
  const std::int64_t outputs = (size + stride - 1) / stride;
  const std::int64_t reach = (kernel - 1) * dilation + 1;
  const std::int64_t total = std::max<std::int64_t>((outputs - 1) * stride + reach - size, 0);
  return {total / 2, total - total / 2};
}

/// Of two dimensions that meet each other.
Result<std::int64_t> broadcast(std::int64_t a, std::int64_t b) {
  if (a == b || b == 1) return a;
  if (a == 1) return b;
  if (a == kFree) return b;
  if (b == kFree) return a;
  return unsupported("operands whose shapes go together");
}

Result<Shape> broadcast(const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    VISAVIS_TRY(n, broadcast(x, y));
    out[out.size() - 1 - i] = n;
  }
  return out;
}

/// How far apart neighbours along each of the result's axes lie in a value that is stretched to it.
std::vector<std::size_t> strides_of(const Shape& shape, std::size_t rank) {
  std::vector<std::size_t> strides(rank, 0);
  std::size_t step = 1;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    const auto n = static_cast<std::size_t>(shape[shape.size() - 1 - i]);
    if (n != 1) strides[rank - 1 - i] = step;
    step *= n;
  }
  return strides;
}

/// Counts through a shape, and where two values of other strides lie meanwhile.
template <class Visit>
void for_each_index(const Shape& shape, const std::vector<std::size_t>& a,
                    const std::vector<std::size_t>& b, std::size_t count, const Visit& visit) {
  std::vector<std::int64_t> index(shape.size(), 0);
  std::size_t at_a = 0;
  std::size_t at_b = 0;
  for (std::size_t i = 0; i < count; ++i) {
    visit(i, at_a, at_b);
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      at_a += a[axis];
      at_b += b[axis];
      if (++index[axis] < shape[axis]) break;
      at_a -= a[axis] * static_cast<std::size_t>(shape[axis]);
      at_b -= b[axis] * static_cast<std::size_t>(shape[axis]);
      index[axis] = 0;
    }
  }
}

using Unary = float (*)(float);

Unary unary_function(std::string_view op) {
  struct Entry {
    std::string_view op;
    Unary compute;
  };
  static constexpr auto kTable =
      std::to_array<Entry>({{"Abs", [](float x) { return std::abs(x); }},
                            {"Elu", [](float x) { return x < 0 ? std::expm1(x) : x; }},
                            {"Exp", [](float x) { return std::exp(x); }},
                            {"Log", [](float x) { return std::log(x); }},
                            {"Neg", [](float x) { return -x; }},
                            {"Relu", [](float x) { return std::max(x, 0.F); }},
                            {"Sigmoid", [](float x) { return 1 / (1 + std::exp(-x)); }},
                            {"Sqrt", [](float x) { return std::sqrt(x); }},
                            {"Tanh", [](float x) { return std::tanh(x); }}});
  const auto* found = std::ranges::find(kTable, op, &Entry::op);
  return found == kTable.end() ? nullptr : found->compute;
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

Result<ChannelsFirst::Id> ChannelsFirst::batch_normalization(const std::string& name, Id x,
                                                             const BatchNormalization& given,
                                                             double epsilon, std::size_t axis) {
  const std::size_t channels = given.scale.values.size();
  for (const Constant* each : {&given.shift, &given.mean, &given.variance})
    if (each->values.size() != channels) return unsupported("one number for each channel");
  if (axis >= values_[x].shape.size()) return unsupported("an axis that its input has");
  Shape shape(values_[x].shape.size() - axis, 1);
  shape[0] = static_cast<std::int64_t>(channels);
  Constant factor{.name = name + ".scale", .shape = shape, .values = {}};
  Constant summand{.name = name + ".shift", .shape = shape, .values = {}};
  for (std::size_t c = 0; c < channels; ++c) {
    const double scale =
        double{given.scale.values[c]} / std::sqrt(double{given.variance.values[c]} + epsilon);
    factor.values.push_back(static_cast<float>(scale));
    summand.values.push_back(
        static_cast<float>(double{given.shift.values[c]} - double{given.mean.values[c]} * scale));
  }
  VISAVIS_TRY(scale, constant(std::move(factor)));
  VISAVIS_TRY(shift, constant(std::move(summand)));
  VISAVIS_TRY(product, binary("Mul", name + ".scaled", x, scale));
  return binary("Add", name, product, shift);
}

Result<ChannelsFirst::Id> ChannelsFirst::unary(std::string_view op, const std::string& name, Id x) {
  const Unary compute = unary_function(op);
  if (compute == nullptr) return unsupported("the operator " + std::string(op));
  if (const Constant* given = constant_of(x)) {
    Constant out = *given;
    out.name = name;
    std::ranges::transform(out.values, out.values.begin(), compute);
    return folded(std::move(out));
  }
  const std::string made = fresh(name);
  node(op, made, {values_[x].name}, {});
  return add(made, values_[x].shape, values_[x].order);
}

Result<ChannelsFirst::Id> ChannelsFirst::clip(const std::string& name, Id x,
                                              std::optional<float> low, std::optional<float> high) {
  if (const Constant* given = constant_of(x)) {
    Constant out = *given;
    out.name = name;
    for (float& value : out.values) {
      if (low) value = std::max(value, *low);
      if (high) value = std::min(value, *high);
    }
    return folded(std::move(out));
  }
  const std::string made = fresh(name);
  std::vector<std::string> inputs = {values_[x].name};
  inputs.push_back(low ? initializer(name + ".least", {}, std::vector{*low}) : "");
  if (high) inputs.push_back(initializer(name + ".most", {}, std::vector{*high}));
  node("Clip", made, std::move(inputs), {});
  return add(made, values_[x].shape, values_[x].order);
}

Result<ChannelsFirst::Id> ChannelsFirst::leaky_relu(const std::string& name, Id x, float slope) {
  if (values_[x].constant) return unsupported("an input that is computed from the network's");
  const std::string made = fresh(name);
  node("LeakyRelu", made, {values_[x].name}, {{"alpha", slope}});
  return add(made, values_[x].shape, values_[x].order);
}

Result<ChannelsFirst::Id> ChannelsFirst::prelu(const std::string& name, Id x, Id slopes) {
  const Value given = values_[x];
  if (given.constant || !values_[slopes].constant) return unsupported("slopes that are constant");
  VISAVIS_TRY(shape, broadcast(given.shape, values_[slopes].shape));
  if (shape != given.shape) return unsupported("slopes for its input");
  VISAVIS_TRY(factor, operand(slopes, given.shape.size(), given.order));
  const std::string made = fresh(name);
  node("PRelu", made, {given.name, std::move(factor)}, {});
  return add(made, given.shape, given.order);
}

/// max(a, b) = b + relu(a − b), min(a, b) = b − relu(b − a).
Result<ChannelsFirst::Id> ChannelsFirst::extreme(bool most, const std::string& name, Id a, Id b) {
  for (const auto& [constant, other] : {std::pair(a, b), std::pair(b, a)}) {
    const Constant* bound = constant_of(constant);
    if (bound == nullptr || bound->values.size() != 1 || values_[other].constant ||
        bound->shape.size() > values_[other].shape.size())
      continue;
    const float limit = bound->values[0];
    return most ? clip(name, other, limit, std::nullopt) : clip(name, other, std::nullopt, limit);
  }
  VISAVIS_TRY(difference, binary("Sub", name + ".difference", most ? a : b, most ? b : a));
  VISAVIS_TRY(positive, unary("Relu", name + ".positive", difference));
  return binary(most ? "Add" : "Sub", name, b, positive);
}

Result<ChannelsFirst::Id> ChannelsFirst::binary(std::string_view op, const std::string& name, Id a,
                                                Id b) {
  const Binary compute = binary_function(op);
  if (compute == nullptr) return unsupported("the operator " + std::string(op));
  VISAVIS_TRY(shape, broadcast(values_[a].shape, values_[b].shape));
  const Constant* left = constant_of(a);
  const Constant* right = constant_of(b);
  if (left != nullptr && right != nullptr) {
    const auto count = graph::element_count(shape);
    if (!count || *count > kMostFolded) return unsupported("constants of another size");
    Constant out{.name = name, .shape = shape, .values = std::vector<float>(*count)};
    for_each_index(shape, strides_of(left->shape, shape.size()),
                   strides_of(right->shape, shape.size()), *count,
                   [&](std::size_t i, std::size_t at_a, std::size_t at_b) {
                     out.values[i] = compute(left->values[at_a], right->values[at_b]);
                   });
    return folded(std::move(out));
  }
  if (op == "Max" || op == "Min") return extreme(op == "Max", name, a, b);
  // A constant for a certain number of samples would fix the batch.
  for (const Id each : {a, b}) {
    const Shape& other = values_[each == a ? b : a].shape;
    if (!other.empty() && other[0] == kFree && shape[0] != kFree)
      return unsupported("operands that do not tell samples apart");
  }
  VISAVIS_CHECK(check_shape(shape));
  const Id leading = left != nullptr ? b
                     : right == nullptr && values_[a].order != values_[b].order &&
                             values_[b].order == picture_order()
                         ? b
                         : a;
  const Order order = values_[leading].order;
  if (order.size() != shape.size()) return unsupported("operands of one rank");
  VISAVIS_TRY(first, operand(a, shape.size(), order));
  VISAVIS_TRY(second, operand(b, shape.size(), order));
  const std::string made = fresh(name);
  node(op, made, {std::move(first), std::move(second)}, {});
  return add(made, std::move(shape), order);
}

Result<ChannelsFirst::Id> ChannelsFirst::mean(const std::string& name, Id x, const Shape& axes,
                                              bool keeps) {
  if (axes.empty()) return x;
  const Value given = values_[x];
  if (given.constant) return unsupported("an input that is computed from the network's");
  const std::size_t rank = given.shape.size();
  std::vector<bool> gone(rank, false);
  for (const std::int64_t n : axes) {
    VISAVIS_TRY(axis, axis_of(n, rank));
    gone[axis] = true;
  }
  if (gone[0] && given.shape[0] == kFree) return unsupported("axes that do not mix samples");
  Shape shape;
  std::vector<std::size_t> renumbered(rank, 0);
  for (std::size_t axis = 0; axis < rank; ++axis) {
    renumbered[axis] = shape.size();
    if (!gone[axis]) shape.push_back(given.shape[axis]);
    if (gone[axis] && keeps) shape.push_back(1);
  }
  Order order;
  Shape physical;
  for (std::size_t i = 0; i < rank; ++i) {
    if (gone[given.order[i]]) physical.push_back(static_cast<std::int64_t>(i));
    if (keeps || !gone[given.order[i]])
      order.push_back(keeps ? given.order[i] : renumbered[given.order[i]]);
  }
  const std::string made = fresh(name);
  if (given.order == picture_order() && physical == Shape{2, 3}) {
    const std::string pooled = keeps ? made : fresh(name + ".pooled");
    node("GlobalAveragePool", pooled, {given.name}, {});
    if (!keeps) node("Flatten", made, {pooled}, {{"axis", std::int64_t{1}}});
  } else {
    node("ReduceMean", made, {given.name},
         {{"axes", std::move(physical)}, {"keepdims", std::int64_t{keeps ? 1 : 0}}});
  }
  return add(made, std::move(shape), std::move(order));
}

Result<ChannelsFirst::Id> ChannelsFirst::largest(const std::string& name, Id x, const Shape& axes,
                                                 bool keeps) {
  std::vector<std::size_t> known;
  for (const std::int64_t n : axes) {
    VISAVIS_TRY(axis, axis_of(n, values_[x].shape.size()));
    known.push_back(axis);
  }
  std::ranges::sort(known);
  if (known != std::vector<std::size_t>{1, 2}) return unsupported("height and width as its axes");
  VISAVIS_TRY(from, picture(x));
  const Shape shape = {values_[x].shape[0], 1, 1, values_[x].shape[3]};
  const std::string made = fresh(name);
  node("GlobalMaxPool", made, {std::move(from)}, {});
  const Id most = add(made, shape, picture_order());
  if (keeps) return most;
  return reshape(name + ".row", most, {shape[0] < 0 ? kBatch : shape[0], shape[3]});
}

Result<ChannelsFirst::Id> ChannelsFirst::scaled(const std::string& name, Id x, float factor) {
  VISAVIS_TRY(by, constant({.name = name + ".factor", .shape = {}, .values = {factor}}));
  return binary("Mul", name, x, by);
}

/// The mean, times how many there are: an operator that every engine has.
Result<ChannelsFirst::Id> ChannelsFirst::sum(const std::string& name, Id x, const Shape& axes,
                                             bool keeps) {
  if (axes.empty()) return x;
  const Shape shape = values_[x].shape;
  std::vector<bool> seen(shape.size(), false);
  std::int64_t count = 1;
  for (const std::int64_t n : axes) {
    VISAVIS_TRY(axis, axis_of(n, shape.size()));
    if (seen[axis]) continue;
    seen[axis] = true;
    if (shape[axis] == kFree) return unsupported("a sum of so many numbers as are known");
    if (shape[axis] > kMostSide / std::max<std::int64_t>(count, 1))
      return unsupported("a sum of fewer numbers");
    count *= shape[axis];
  }
  VISAVIS_TRY(middle, mean(name + ".mean", x, axes, keeps));
  return scaled(name, middle, static_cast<float>(count));
}

Result<ChannelsFirst::Id> ChannelsFirst::softmax(const std::string& name, Id x, std::int64_t axis) {
  const Value given = values_[x];
  if (given.constant) return unsupported("an input that is computed from the network's");
  VISAVIS_TRY(along, axis_of(axis, given.shape.size()));
  const auto physical = static_cast<std::int64_t>(inverse(given.order)[along]);
  const std::string made = fresh(name);
  node("Softmax", made, {given.name}, {{"axis", physical}});
  return add(made, given.shape, given.order);
}

/// Constants, one behind the other.
Result<ChannelsFirst::Id> ChannelsFirst::joined(const std::vector<Id>& parts, std::size_t along) {
  Constant out = {
      .name = values_[parts[0]].constant->name, .shape = values_[parts[0]].shape, .values = {}};
  out.shape[along] = 0;
  std::int64_t all = 0;
  for (const Id part : parts) {
    Shape shape = values_[part].shape;
    if (shape.size() != out.shape.size()) return unsupported("parts of one rank");
    all += std::exchange(shape[along], 0);
    if (all > kMostSide || shape != out.shape) return unsupported("parts whose shapes go together");
  }
  out.shape[along] = all;
  const auto count = graph::element_count(out.shape);
  if (!count) return unsupported("a tensor of another size: " + count.error().message);
  const auto split = out.shape.begin() + static_cast<std::ptrdiff_t>(along);
  std::size_t outer = 1;
  for (auto n = out.shape.begin(); n != split; ++n) outer *= static_cast<std::size_t>(*n);
  out.values.reserve(*count);
  for (std::size_t i = 0; i < outer; ++i)
    for (const Id part : parts) {
      const std::vector<float>& from = values_[part].constant->values;
      const auto each = static_cast<std::ptrdiff_t>(from.size() / outer);
      const auto begin = from.begin() + static_cast<std::ptrdiff_t>(i) * each;
      out.values.insert(out.values.end(), begin, begin + each);
    }
  return folded(std::move(out));
}

/// So many from `begin` on of a constant.
Result<ChannelsFirst::Id> ChannelsFirst::cut(Id x, const Shape& begin, const Shape& size) {
  const Constant& given = *values_[x].constant;
  Constant out = {.name = given.name, .shape = given.shape, .values = {}};
  std::vector<std::size_t> steps(given.shape.size(), 1);
  for (std::size_t i = given.shape.size(); i-- > 1;)
    steps[i - 1] = steps[i] * static_cast<std::size_t>(given.shape[i]);
  std::size_t first = 0;
  for (std::size_t i = 0; i < given.shape.size(); ++i) {
    if (begin[i] < 0 || begin[i] > given.shape[i] || size[i] < -1 ||
        size[i] > given.shape[i] - begin[i])
      return unsupported("a part that its input has");
    out.shape[i] = size[i] < 0 ? given.shape[i] - begin[i] : size[i];
    first += steps[i] * static_cast<std::size_t>(begin[i]);
  }
  VISAVIS_TRY(count, graph::element_count(out.shape));
  out.values.resize(count);
  for_each_index(out.shape, steps, steps, count, [&](std::size_t i, std::size_t from, std::size_t) {
    out.values[i] = given.values[first + from];
  });
  return folded(std::move(out));
}

Result<ChannelsFirst::Id> ChannelsFirst::concat(const std::string& name,
                                                const std::vector<Id>& parts, std::int64_t axis) {
  if (parts.empty()) return unsupported("at least one part");
  if (parts.size() == 1) return parts[0];
  const Value first = values_[parts[0]];
  VISAVIS_TRY(along, axis_of(axis, first.shape.size()));
  if (std::ranges::all_of(parts, [&](Id part) { return values_[part].constant.has_value(); }))
    return joined(parts, along);
  Shape shape = first.shape;
  shape[along] = 0;
  std::vector<std::string> inputs;
  for (const Id part : parts) {
    const Value given = values_[part];
    if (given.constant) return unsupported("parts that are computed from the network's input");
    if (given.shape.size() != shape.size()) return unsupported("parts of one rank");
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (i == along) continue;
      if (shape[i] == kFree) shape[i] = given.shape[i];
      if (given.shape[i] != shape[i] && given.shape[i] != kFree)
        return unsupported("parts whose shapes go together");
    }
    const bool open = shape[along] == kFree || given.shape[along] == kFree;
    shape[along] = open ? kFree : shape[along] + given.shape[along];
    VISAVIS_TRY(input, in_order(part, first.order));
    inputs.push_back(std::move(input));
  }
  if (along == 0 && first.shape[0] == kFree) return unsupported("an axis that is not the batch");
  VISAVIS_CHECK(check_shape(shape));
  const auto physical = static_cast<std::int64_t>(inverse(first.order)[along]);
  const std::string made = fresh(name);
  node("Concat", made, std::move(inputs), {{"axis", physical}});
  return add(made, std::move(shape), first.order);
}

/// The shape with kBatch and -1 where the batch and what is not known stand, and no other -1.
Result<Shape> ChannelsFirst::filled(const Value& x, Shape shape) const {
  if (shape.size() > graph::kMaxRank) return unsupported("a shape of at most 8 dimensions");
  for (const std::int64_t n : shape)
    if (n < kBatch || n > graph::kMaxElements) return unsupported("a shape within bounds");
  if (std::ranges::count(shape, kFree) > 1) return unsupported("a shape with one open dimension");
  const bool batched = !x.constant && !x.shape.empty() && x.shape[0] == kFree;
  const Shape inner(x.shape.begin() + (batched ? 1 : 0), x.shape.end());
  const auto product = [](std::span<const std::int64_t> dims) {
    std::int64_t all = 1;
    for (const std::int64_t n : dims) all = std::min(all * std::max<std::int64_t>(n, 0), kMostSide);
    return all;
  };
  const bool known = is_known(inner);
  const std::int64_t each = product(inner);
  if (batched) {
    if (shape.empty()) return unsupported("a shape with a batch");
    const Shape rest(shape.begin() + 1, shape.end());
    const bool fits = is_known(rest) ? known && product(rest) == each : true;
    if (shape[0] == kFree && known && is_known(rest) && fits) shape[0] = kBatch;
    if (shape[0] == declared_batch_ && fits) shape[0] = kBatch;
    if (shape[0] != kBatch) return unsupported("a shape that keeps samples apart");
  }
  const Shape rest(shape.begin() + (batched ? 1 : 0), shape.end());
  if (std::ranges::find(rest, kBatch) != rest.end())
    return unsupported("a shape whose first dimension alone is the batch");
  const auto open = std::ranges::find(shape, kFree);
  if (open == shape.end()) {
    if (!known || product(rest) != each) return unsupported("a shape for its input's numbers");
    return shape;
  }
  if (!known) return shape;
  std::int64_t others = 1;
  for (const std::int64_t n : rest)
    if (n != kFree) others = std::min(others * n, kMostSide);
  if (others < 1 || each % others != 0) return unsupported("a shape for its input's numbers");
  *open = each / others;
  return shape;
}

Result<ChannelsFirst::Id> ChannelsFirst::reshape(const std::string& name, Id x, Shape shape) {
  const Value given = values_[x];
  if (given.shape.empty() && !given.constant) return unsupported("an input with dimensions");
  VISAVIS_TRY(target, filled(given, std::move(shape)));
  if (given.constant) {
    Constant out = *given.constant;
    out.shape = std::move(target);
    return constant(std::move(out));
  }
  Shape result = target;
  for (std::int64_t& n : result)
    if (n == kBatch) n = kFree;
  if (result == given.shape && is_known(std::span(result).subspan(1))) return x;

  // What has one size only may lie anywhere.
  std::vector<std::size_t> moving;
  for (const std::size_t axis : given.order)
    if (given.shape[axis] != 1) moving.push_back(axis);
  const bool lies_right = std::ranges::is_sorted(moving) && given.order[0] == 0;
  VISAVIS_TRY(from, in_order(x, lies_right ? given.order : identity(given.shape.size())));

  const bool is_point = target.size() == 4 && target[1] == 1 && target[2] == 1;
  Order order = is_point ? picture_order() : identity(target.size());
  Shape physical = in_order_of(target, order);
  for (std::int64_t& n : physical)
    if (n == kBatch) n = 0;
  const std::string made = fresh(name);
  if (target.size() == 2 && target[0] == kBatch && given.shape.size() > 1) {
    node("Flatten", made, {std::move(from)}, {{"axis", std::int64_t{1}}});
  } else {
    const auto rank = static_cast<std::int64_t>(physical.size());
    const std::string dims = initializer(name + ".shape", {rank}, std::move(physical));
    node("Reshape", made, {std::move(from), dims}, {});
  }
  return add(made, std::move(result), std::move(order));
}

Result<ChannelsFirst::Id> ChannelsFirst::transpose(Id x, const std::vector<std::size_t>& order) {
  const Value given = values_[x];
  if (!is_permutation(order, given.shape.size())) return unsupported("an order of all axes");
  if (given.constant) {
    VISAVIS_TRY(moved, permuted(*given.constant, order));
    return folded(std::move(moved));
  }
  if (given.shape[0] == kFree && order[0] != 0) return unsupported("an order with the batch first");
  const Order where = inverse(order);
  Order lies;
  for (const std::size_t axis : given.order) lies.push_back(where[axis]);
  return add(given.name, in_order_of(given.shape, order), std::move(lies));
}

Result<ChannelsFirst::Id> ChannelsFirst::pad(const std::string& name, Id x, const Shape& before,
                                             const Shape& behind, float value) {
  const Value given = values_[x];
  const std::size_t rank = given.shape.size();
  if (given.constant) return unsupported("an input that is computed from the network's");
  if (before.size() != rank || behind.size() != rank) return unsupported("pads for every axis");
  Shape shape = given.shape;
  for (std::size_t i = 0; i < rank; ++i) {
    if (before[i] < 0 || behind[i] < 0 || before[i] > kMostSteps || behind[i] > kMostSteps)
      return unsupported("a padding of at most 4096");
    if (shape[i] != kFree) shape[i] += before[i] + behind[i];
  }
  if (given.shape[0] == kFree && before[0] + behind[0] != 0)
    return unsupported("a padding that adds no samples");
  VISAVIS_CHECK(check_shape(shape));
  Shape pads = in_order_of(before, given.order);
  const Shape ends = in_order_of(behind, given.order);
  pads.insert(pads.end(), ends.begin(), ends.end());
  const auto count = static_cast<std::int64_t>(pads.size());
  std::vector<std::string> inputs = {given.name,
                                     initializer(name + ".pads", {count}, std::move(pads))};
  if (value != 0) inputs.push_back(initializer(name + ".value", {}, std::vector{value}));
  const std::string made = fresh(name);
  node("Pad", made, std::move(inputs), {});
  return add(made, std::move(shape), given.order);
}

Result<ChannelsFirst::Id> ChannelsFirst::slice(const std::string& name, Id x, const Shape& begin,
                                               const Shape& size) {
  const Value given = values_[x];
  const std::size_t rank = given.shape.size();
  if (begin.size() != rank || size.size() != rank) return unsupported("a place on every axis");
  if (given.constant) return cut(x, begin, size);
  Shape shape = given.shape;
  Shape starts;
  Shape ends;
  Shape axes;
  for (std::size_t i = 0; i < rank; ++i) {
    const bool all = begin[i] == 0 && (size[i] == -1 || size[i] == shape[i]);
    if (all || (i == 0 && begin[i] == 0 && size[i] == declared_batch_)) continue;
    if (begin[i] < 0 || size[i] < -1 || shape[i] == kFree || begin[i] > shape[i] ||
        size[i] > shape[i] - begin[i])
      return unsupported("a part that its input has");
    shape[i] = size[i] == -1 ? shape[i] - begin[i] : size[i];
    starts.push_back(begin[i]);
    ends.push_back(begin[i] + shape[i]);
    axes.push_back(static_cast<std::int64_t>(inverse(given.order)[i]));
  }
  if (axes.empty()) return x;
  const auto count = static_cast<std::int64_t>(axes.size());
  std::vector<std::string> inputs = {given.name,
                                     initializer(name + ".starts", {count}, std::move(starts)),
                                     initializer(name + ".ends", {count}, std::move(ends)),
                                     initializer(name + ".axes", {count}, std::move(axes))};
  const std::string made = fresh(name);
  node("Slice", made, std::move(inputs), {});
  return add(made, std::move(shape), given.order);
}

Result<ChannelsFirst::Id> ChannelsFirst::rounded(const std::string& name, Id x, float scale,
                                                 std::int64_t zero, bool is_signed) {
  const Value given = values_[x];
  if (given.constant) return unsupported("an input that is computed from the network's");
  graph::Tensor::Values zeros = std::vector{static_cast<std::int8_t>(zero)};
  if (!is_signed) zeros = std::vector{static_cast<std::uint8_t>(zero)};
  const std::string unit = initializer(name + ".scale", {}, std::vector{scale});
  const std::string offset = initializer(name + ".zero", {}, std::move(zeros));
  const std::string steps = fresh(name + ".steps");
  node("QuantizeLinear", steps, {given.name, unit, offset}, {});
  const std::string made = fresh(name);
  node("DequantizeLinear", made, {steps, unit, offset}, {});
  return add(made, given.shape, given.order);
}

Result<ChannelsFirst::Id> ChannelsFirst::product(const std::string& name, Id x, Id weights) {
  const Value given = values_[x];
  const Value by = values_[weights];
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
