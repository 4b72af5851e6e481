#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/graph/shapes.hpp>

#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"
#include "visavis/graph/resize.hpp"

namespace visavis::graph {
namespace {

using Ints = std::vector<std::int64_t>;

std::unexpected<Error> wrong(const Node& node, std::string_view what) {
  return fail(
      ErrorCode::kInvalidArgument,
      node.op + (node.name.empty() ? "" : " \"" + node.name + "\"") + ": " + std::string(what));
}

/// A dimension that counts from the end if it is negative.
Result<std::size_t> axis_of(const Node& node, std::int64_t axis, std::size_t rank) {
  const auto found = axis_among(axis, rank);
  if (!found) return wrong(node, "an axis beyond the shape");
  return *found;
}

Result<Shape> broadcast(const Node& node, const Shape& a, const Shape& b) {
  Shape out(std::max(a.size(), b.size()), 1);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::int64_t x = i < a.size() ? a[a.size() - 1 - i] : 1;
    const std::int64_t y = i < b.size() ? b[b.size() - 1 - i] : 1;
    if (x != y && x != 1 && y != 1) return wrong(node, "shapes that do not go together");
    out[out.size() - 1 - i] = x == 1 ? y : x;
  }
  return out;
}

/// How a window of convolution or pooling moves along one axis.
struct Axis {
  std::int64_t size;
  std::int64_t kernel;
  std::int64_t stride;
  std::int64_t dilation;
  std::int64_t before;  ///< Padding at the beginning …
  std::int64_t after;   ///< … and at the end.
  bool up = false;      ///< A window that hangs over counts, unless it begins in the padding.

  [[nodiscard]] std::optional<std::int64_t> out() const {
    const std::int64_t reach = dilation * (kernel - 1) + 1;
    const std::int64_t room = size + before + after - reach;
    if (room < 0) return std::nullopt;
    const std::int64_t steps = up ? (room + stride - 1) / stride : room / stride;
    return up && steps * stride >= size + before ? steps : steps + 1;
  }
};

/// That are computed beforehand, all together.
constexpr std::size_t kMostNumbers = std::size_t{1} << 24;
constexpr std::int64_t kMost = std::int64_t{1} << 30;

bool are_steps(std::span<const std::int64_t> values) {
  return std::ranges::all_of(values, [](std::int64_t n) { return n >= 1 && n <= kMost; });
}

class Inference {
 public:
  Inference(const Graph& graph, const Evaluate& evaluate) : graph_(graph), evaluate_(evaluate) {}

  Result<Shapes> run(std::span<const Shape> inputs) && {
    VISAVIS_CHECK(infer(inputs));
    return std::move(shapes_);
  }

  Result<void> infer(std::span<const Shape> inputs) {
    if (inputs.size() != graph_.inputs.size())
      return fail(ErrorCode::kInvalidArgument, "there are " + std::to_string(graph_.inputs.size()) +
                                                   " inputs, not " + std::to_string(inputs.size()));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      VISAVIS_CHECK(element_count(inputs[i]));
      shapes_[graph_.inputs[i].name] = inputs[i];
    }
    for (const Tensor& tensor : graph_.initializers) know(tensor.name, &tensor);
    for (const Node& node : graph_.nodes) VISAVIS_CHECK(visit(node));
    return {};
  }

  /// What is known of a value beforehand; null if nothing is.
  [[nodiscard]] const Tensor* constant(const std::string& name) const {
    const auto found = constants_.find(name);
    return found == constants_.end() ? nullptr : found->second;
  }

 private:
  void know(const std::string& name, const Tensor* tensor) {
    constants_[name] = tensor;
    shapes_[name] = tensor->shape;
  }

  Result<void> keep(const Node& node, std::size_t output, Shape shape) {
    if (output >= node.outputs.size() || node.outputs[output].empty()) return {};
    VISAVIS_CHECK(element_count(shape));
    shapes_[node.outputs[output]] = std::move(shape);
    return {};
  }

  Result<void> visit(const Node& node) {
    if (node.op == "Shape") return keep_shape(node);
    if (is_constant(node)) {
      // Who evaluates may be less strict than whoever relies on shapes.
      if (const Rule* rule = rule_of(node.op)) {
        const auto shape = (this->*rule->apply)(node);
        if (!shape && shape.error().code == ErrorCode::kInvalidArgument)
          return std::unexpected(shape.error());
      }
      return compute(node);
    }
    if (node.op == "Split") return split(node);
    VISAVIS_TRY(shape, shape_of(node));
    return keep(node, 0, std::move(shape));
  }

  Result<void> keep_shape(const Node& node) {
    if (node.find("start") != nullptr || node.find("end") != nullptr)
      return fail(ErrorCode::kUnsupported, "Shape of some dimensions only");
    VISAVIS_TRY(shape, input(node, 0));
    remember({.name = node.outputs.front(),
              .shape = {static_cast<std::int64_t>(shape->size())},
              .values = *shape});
    return {};
  }

  [[nodiscard]] bool is_constant(const Node& node) const {
    return std::ranges::all_of(node.inputs, [&](const std::string& name) {
      return name.empty() || constants_.contains(name);
    });
  }

  /// One node alone, whose inputs are known.
  Result<void> compute(const Node& node) {
    Graph alone{.name = "constant",
                .opset = graph_.opset,
                .inputs = {},
                .outputs = {},
                .initializers = {},
                .nodes = {node}};
    for (const std::string& output : node.outputs)
      if (!output.empty()) alone.outputs.push_back({.name = output, .shape = {}});
    for (const std::string& name : node.inputs)
      if (!name.empty() && alone.initializer(name) == nullptr)
        alone.initializers.push_back(*constants_.at(name));
    VISAVIS_TRY(values, evaluate_(alone, {}));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i].name = alone.outputs[i].name;
      numbers_ += values[i].size();
      if (numbers_ > kMostNumbers)
        return fail(ErrorCode::kResourceExhausted, "shapes are computed from too many numbers");
      remember(std::move(values[i]));
    }
    return {};
  }

  void remember(Tensor computed) {
    computed_.push_back(std::make_unique<Tensor>(std::move(computed)));
    know(computed_.back()->name, computed_.back().get());
  }

  Result<const Shape*> input(const Node& node, std::size_t i) const {
    if (i >= node.inputs.size() || node.inputs[i].empty()) return wrong(node, "too few inputs");
    const auto found = shapes_.find(node.inputs[i]);
    if (found != shapes_.end()) return &found->second;
    return fail(ErrorCode::kUnsupported, node.op + ": it reads a second output of an operator");
  }

  [[nodiscard]] bool has(const Node& node, std::size_t i) const {
    return i < node.inputs.size() && !node.inputs[i].empty();
  }

  /// Numbers that older opsets have as an attribute and newer ones as an input.
  Result<std::optional<Ints>> numbers(const Node& node, std::string_view attribute,
                                      std::size_t i) const {
    if (const Attribute* found = node.find(attribute)) {
      const auto* ints = std::get_if<Ints>(found);
      if (ints == nullptr) return wrong(node, "an attribute of another type");
      return *ints;
    }
    if (!has(node, i)) return std::nullopt;
    const auto found = constants_.find(node.inputs[i]);
    if (found == constants_.end())
      return fail(ErrorCode::kUnsupported,
                  node.op + ": its " + std::string(attribute) + " depend on the input's numbers");
    if (const auto* wide = std::get_if<Ints>(&found->second->values)) return *wide;
    if (const auto* narrow = std::get_if<std::vector<std::int32_t>>(&found->second->values))
      return Ints(narrow->begin(), narrow->end());
    return wrong(node, "numbers that are no integers");
  }

  struct Rule {
    std::string_view op;
    Result<Shape> (Inference::*apply)(const Node&) const;
  };

  /// @return null if there is none
  static const Rule* rule_of(std::string_view op) {
    static constexpr auto kRules = std::to_array<Rule>({
        {"Abs", &Inference::same},
        {"Add", &Inference::both},
        {"AveragePool", &Inference::pool},
        {"BatchNormalization", &Inference::by_channel},
        {"Cast", &Inference::same},
        {"Clip", &Inference::same},
        {"Concat", &Inference::concat},
        {"Conv", &Inference::convolution},
        {"ConvTranspose", &Inference::transposed},
        {"DequantizeLinear", &Inference::stepped},
        {"Div", &Inference::both},
        {"Dropout", &Inference::same},
        {"Elu", &Inference::same},
        {"Erf", &Inference::same},
        {"Exp", &Inference::same},
        {"Expand", &Inference::expand},
        {"Flatten", &Inference::flatten},
        {"Gather", &Inference::gather},
        {"Gemm", &Inference::gemm},
        {"GlobalAveragePool", &Inference::global_pool},
        {"GlobalMaxPool", &Inference::global_pool},
        {"HardSigmoid", &Inference::same},
        {"HardSwish", &Inference::same},
        {"Identity", &Inference::same},
        {"InstanceNormalization", &Inference::by_channel},
        {"LayerNormalization", &Inference::by_layer},
        {"LeakyRelu", &Inference::same},
        {"Log", &Inference::same},
        {"LpNormalization", &Inference::along},
        {"MatMul", &Inference::matmul},
        {"Max", &Inference::all},
        {"MaxPool", &Inference::pool},
        {"Min", &Inference::all},
        {"Mul", &Inference::both},
        {"Neg", &Inference::same},
        {"PRelu", &Inference::sloped},
        {"Pad", &Inference::pad},
        {"Pow", &Inference::both},
        {"QuantizeLinear", &Inference::stepped},
        {"ReduceL2", &Inference::reduce},
        {"ReduceMax", &Inference::reduce},
        {"ReduceMean", &Inference::reduce},
        {"ReduceMin", &Inference::reduce},
        {"ReduceSum", &Inference::reduce},
        {"Relu", &Inference::same},
        {"Reshape", &Inference::reshape},
        {"Resize", &Inference::resize},
        {"Sigmoid", &Inference::same},
        {"Slice", &Inference::slice},
        {"Softmax", &Inference::along},
        {"Sqrt", &Inference::same},
        {"Squeeze", &Inference::squeeze},
        {"Sub", &Inference::both},
        {"Sum", &Inference::all},
        {"Tanh", &Inference::same},
        {"Transpose", &Inference::transpose},
        {"Unsqueeze", &Inference::unsqueeze},
        {"Upsample", &Inference::resize},
    });
    const auto* rule = std::ranges::find(kRules, op, &Rule::op);
    return rule == kRules.end() ? nullptr : rule;
  }

  Result<Shape> shape_of(const Node& node) const {
    const Rule* rule = rule_of(node.op);
    if (rule == nullptr) return unknown(node);
    return (this->*rule->apply)(node);
  }

  /// Names the operators without a rule that follow, too, unless they read constants alone.
  std::unexpected<Error> unknown(const Node& first) const {
    std::set<std::string> all = {first.op};
    for (const Node& node : graph_.nodes)
      if (!is_constant(node) && node.op != "Shape" && node.op != "Split" &&
          rule_of(node.op) == nullptr)
        all.insert(node.op);
    std::string names;
    for (const std::string& op : all) names += (names.empty() ? "" : ", ") + op;
    return fail(
        ErrorCode::kUnsupported,
        "the shape of what " + names + (all.size() > 1 ? " give" : " gives") + " is not known");
  }

  Result<Shape> same(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    return *x;
  }

  /// One number for each channel in each of the inputs behind the first.
  Result<Shape> by_channel(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    if (x->size() < 2) return wrong(node, "an input of too low a rank");
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      VISAVIS_TRY(parameters, input(node, i));
      if (*parameters != Shape{(*x)[1]}) return wrong(node, "parameters for other channels");
    }
    return *x;
  }

  Result<Shape> by_layer(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_CHECK(axis_of(node, node.get_or<std::int64_t>("axis", -1), x->size()));
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      if (!has(node, i)) continue;
      VISAVIS_TRY(parameters, input(node, i));
      VISAVIS_TRY(out, broadcast(node, *x, *parameters));
      if (out != *x) return wrong(node, "parameters for another shape");
    }
    return *x;
  }

  Result<Shape> along(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    const bool is_old_softmax = node.op == "Softmax" && graph_.opset < 13;
    VISAVIS_CHECK(
        axis_of(node, node.get_or<std::int64_t>("axis", is_old_softmax ? 1 : -1), x->size()));
    return *x;
  }

  /// One scale and zero point, or one of each for each place of an axis.
  Result<Shape> stepped(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(scales, input(node, 1));
    if (scales->size() > 1)
      return fail(ErrorCode::kUnsupported, node.op + " with scales of several axes");
    VISAVIS_TRY(count, element_count(*scales));
    if (has(node, 2)) {
      VISAVIS_TRY(zeros, input(node, 2));
      VISAVIS_TRY(zero_count, element_count(*zeros));
      if (zero_count != count) return wrong(node, "not as many zero points as scales");
    }
    if (count == 1) return *x;
    VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", 1), x->size()));
    if ((*x)[axis] != static_cast<std::int64_t>(count))
      return wrong(node, "scales for another shape");
    return *x;
  }

  Result<Shape> both(const Node& node) const {
    VISAVIS_TRY(a, input(node, 0));
    VISAVIS_TRY(b, input(node, 1));
    return broadcast(node, *a, *b);
  }

  Result<Shape> all(const Node& node) const {
    VISAVIS_TRY(first, input(node, 0));
    Shape out = *first;
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      VISAVIS_TRY(next, input(node, i));
      VISAVIS_TRY(met, broadcast(node, out, *next));
      out = std::move(met);
    }
    return out;
  }

  Result<Shape> expand(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(target, numbers(node, "shape", 1));
    if (!target) return wrong(node, "too few inputs");
    VISAVIS_CHECK(element_count(*target));
    return broadcast(node, *x, *target);
  }

  /// Slopes are stretched to the input, never the input to them.
  Result<Shape> sloped(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(out, both(node));
    if (out != *x) return wrong(node, "more slopes than the input has numbers");
    return out;
  }

  Result<Shape> convolution(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(weights, input(node, 1));
    if (x->size() < 3 || weights->size() != x->size())
      return wrong(node, "weights of another rank");
    const auto groups = node.get_or<std::int64_t>("group", 1);
    if (groups < 1 || (*weights)[1] < 1 || (*weights)[1] != (*x)[1] / groups ||
        (*x)[1] % groups != 0 || (*weights)[0] < 1 || (*weights)[0] % groups != 0)
      return wrong(node, "weights for other channels");
    VISAVIS_CHECK(check_bias(node, (*weights)[0]));
    return windowed(node, *x, {weights->begin() + 2, weights->end()}, (*weights)[0]);
  }

  /// Of a convolution.
  Result<void> check_bias(const Node& node, std::int64_t channels) const {
    if (!has(node, 2)) return {};
    VISAVIS_TRY(bias, input(node, 2));
    if (*bias != Shape{channels}) return wrong(node, "a bias for other channels");
    return {};
  }

  /// ONNX: stride · (in − 1) + output_padding + the window's reach − pads, or what output_shape
  /// says.
  Result<Shape> transposed(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(weights, input(node, 1));
    if (x->size() < 3 || weights->size() != x->size())
      return wrong(node, "weights of another rank");
    const auto groups = node.get_or<std::int64_t>("group", 1);
    if (groups < 1 || groups > kMaxElements || (*weights)[0] < 1 || (*weights)[0] != (*x)[1] ||
        (*x)[1] % groups != 0 || (*weights)[1] < 1 || (*weights)[1] > kMaxElements / groups)
      return wrong(node, "weights for other channels");
    VISAVIS_CHECK(check_bias(node, (*weights)[1] * groups));
    const std::size_t axes = x->size() - 2;
    const auto strides = node.get_or("strides", Ints(axes, 1));
    const auto dilations = node.get_or("dilations", Ints(axes, 1));
    const auto pads = node.get_or("pads", Ints(2 * axes, 0));
    const auto more = node.get_or("output_padding", Ints(axes, 0));
    const auto automatic = node.get_or<std::string>("auto_pad", "NOTSET");
    const bool same = automatic.starts_with("SAME_");
    if (strides.size() != axes || dilations.size() != axes || pads.size() != 2 * axes ||
        more.size() != axes || !are_steps(strides) || !are_steps(dilations))
      return wrong(node, "windows that do not fit the input's rank");
    Shape out = {(*x)[0], (*weights)[1] * groups};
    if (const auto given = node.get_or("output_shape", Ints{}); !given.empty()) {
      if (given.size() != axes) return wrong(node, "an output_shape of another rank");
      out.insert(out.end(), given.begin(), given.end());
      return out;
    }
    for (std::size_t a = 0; a < axes; ++a) {
      const std::int64_t size = (*x)[2 + a];
      const std::int64_t kernel = (*weights)[2 + a];
      const bool padded = automatic == "NOTSET";
      const std::int64_t before = padded ? pads[a] : 0;
      const std::int64_t after = padded ? pads[axes + a] : 0;
      if (std::min({before, after, more[a]}) < 0 || std::max({before, after, more[a]}) > kMost ||
          size < 1 || kernel < 1)
        return wrong(node, "a padding beyond all limits, or an empty input");
      const std::int64_t whole =
          strides[a] * (size - 1) + more[a] + (kernel - 1) * dilations[a] + 1 - before - after;
      out.push_back(same ? size * strides[a] : whole);
      if (out.back() < 1) return wrong(node, "a padding larger than the output");
    }
    return out;
  }

  Result<Shape> pool(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    if (x->size() < 3) return wrong(node, "an input of too low a rank");
    return windowed(node, *x, node.get_or("kernel_shape", Ints{}), (*x)[1]);
  }

  Result<Shape> windowed(const Node& node, const Shape& x, const Ints& kernel,
                         std::int64_t channels) const {
    const std::size_t axes = x.size() - 2;
    const auto strides = node.get_or("strides", Ints(axes, 1));
    const auto dilations = node.get_or("dilations", Ints(axes, 1));
    const auto pads = node.get_or("pads", Ints(2 * axes, 0));
    const auto automatic = node.get_or<std::string>("auto_pad", "NOTSET");
    const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
    if (!same && automatic != "NOTSET" && automatic != "VALID")
      return wrong(node, "a padding that ONNX does not know");
    const bool fits = kernel.size() == axes && strides.size() == axes && dilations.size() == axes &&
                      pads.size() == 2 * axes && are_steps(kernel) && are_steps(strides) &&
                      are_steps(dilations);
    if (!fits) return wrong(node, "windows that do not fit the input's rank");
    Shape out = {x[0], channels};
    for (std::size_t a = 0; a < axes; ++a) {
      const bool given = automatic == "NOTSET";
      const std::int64_t before = given ? pads[a] : 0;
      const std::int64_t after = given ? pads[axes + a] : 0;
      if (std::min(before, after) < 0 || std::max(before, after) > kMost)
        return wrong(node, "a padding beyond all limits");
      Axis axis{.size = x[2 + a],
                .kernel = kernel[a],
                .stride = strides[a],
                .dilation = dilations[a],
                .before = before,
                .after = after,
                .up = node.get_or<std::int64_t>("ceil_mode", 0) != 0};
      if (same) {
        out.push_back((axis.size + axis.stride - 1) / axis.stride);
        continue;
      }
      const auto size = axis.out();
      if (!size) return wrong(node, "a window larger than the input");
      out.push_back(*size);
    }
    return out;
  }

  Result<Shape> global_pool(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    if (x->size() < 3) return wrong(node, "an input of too low a rank");
    Shape out(x->size(), 1);
    out[0] = (*x)[0];
    out[1] = (*x)[1];
    return out;
  }

  Result<Shape> gemm(const Node& node) const {
    VISAVIS_TRY(a, input(node, 0));
    VISAVIS_TRY(b, input(node, 1));
    if (a->size() != 2 || b->size() != 2) return wrong(node, "inputs that are no matrices");
    const bool turn_a = node.get_or<std::int64_t>("transA", 0) != 0;
    const bool turn_b = node.get_or<std::int64_t>("transB", 0) != 0;
    if ((*a)[turn_a ? 0 : 1] != (*b)[turn_b ? 1 : 0])
      return wrong(node, "matrices that do not go together");
    Shape out{(*a)[turn_a ? 1 : 0], (*b)[turn_b ? 0 : 1]};
    if (has(node, 2)) {
      VISAVIS_TRY(bias, input(node, 2));
      VISAVIS_TRY(met, broadcast(node, out, *bias));
      if (met != out) return wrong(node, "a bias for another shape");
    }
    return out;
  }

  Result<Shape> matmul(const Node& node) const {
    VISAVIS_TRY(a, input(node, 0));
    VISAVIS_TRY(b, input(node, 1));
    if (a->size() < 2 || b->size() < 2)
      return fail(ErrorCode::kUnsupported, "MatMul with a vector");
    if (a->back() != (*b)[b->size() - 2]) return wrong(node, "matrices that do not go together");
    VISAVIS_TRY(out, broadcast(node, {a->begin(), a->end() - 2}, {b->begin(), b->end() - 2}));
    out.push_back((*a)[a->size() - 2]);
    out.push_back(b->back());
    return out;
  }

  Result<Shape> flatten(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    const auto rank = static_cast<std::int64_t>(x->size());
    auto axis = node.get_or<std::int64_t>("axis", 1);
    if (axis < 0) axis += rank;
    if (axis < 0 || axis > rank) return wrong(node, "an axis beyond the shape");
    const auto middle = x->begin() + axis;
    const auto times = std::multiplies<std::int64_t>();
    return Shape{std::accumulate(x->begin(), middle, std::int64_t{1}, times),
                 std::accumulate(middle, x->end(), std::int64_t{1}, times)};
  }

  Result<Shape> reshape(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(given, numbers(node, "shape", 1));
    if (!given) return wrong(node, "too few inputs");
    VISAVIS_TRY(count, element_count(*x));
    const bool zero_is_zero = node.get_or<std::int64_t>("allowzero", 0) != 0;
    Shape out = *std::move(given);
    std::optional<std::size_t> open;
    std::int64_t known = 1;
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (out[i] == 0 && !zero_is_zero) {
        if (i >= x->size()) return wrong(node, "a dimension that the input does not have");
        out[i] = (*x)[i];
      }
      if (out[i] == -1 && !open) {
        open = i;
        continue;
      }
      if (out[i] < 0 || out[i] > kMaxElements) return wrong(node, "a dimension out of range");
      known = std::min(known * out[i], kMaxElements + 1);
    }
    const auto all = static_cast<std::int64_t>(count);
    if (open) {
      if (known == 0 || all % known != 0) return wrong(node, "a shape of another size");
      out[*open] = all / known;
    } else if (known != all) {
      return wrong(node, "a shape of another size");
    }
    return out;
  }

  Result<Shape> transpose(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    Ints order(x->size());
    std::iota(order.rbegin(), order.rend(), 0);
    order = node.get_or("perm", order);
    if (order.size() != x->size()) return wrong(node, "a permutation of another rank");
    Shape out;
    std::vector<bool> taken(order.size(), false);
    for (const std::int64_t n : order) {
      VISAVIS_TRY(axis, axis_of(node, n, x->size()));
      if (n < 0 || taken[axis]) return wrong(node, "no permutation of the axes");
      taken[axis] = true;
      out.push_back((*x)[axis]);
    }
    return out;
  }

  Result<Shape> concat(const Node& node) const {
    VISAVIS_TRY(first, input(node, 0));
    VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", 0), first->size()));
    Shape out = *first;
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      VISAVIS_TRY(next, input(node, i));
      if (next->size() != out.size()) return wrong(node, "inputs of several ranks");
      for (std::size_t a = 0; a < out.size(); ++a)
        if (a != axis && (*next)[a] != out[a]) return wrong(node, "inputs that do not go together");
      out[axis] += (*next)[axis];
    }
    return out;
  }

  Result<Shape> pad(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(pads, numbers(node, "pads", 1));
    if (has(node, 3)) return fail(ErrorCode::kUnsupported, "Pad of some axes only");
    if (!pads || pads->size() != 2 * x->size()) return wrong(node, "pads of another rank");
    Shape out = *x;
    for (std::size_t a = 0; a < out.size(); ++a) {
      const std::int64_t before = (*pads)[a];
      const std::int64_t after = (*pads)[out.size() + a];
      if (std::max(before, after) > kMost || std::min(before, after) < -kMost)
        return wrong(node, "a padding beyond all limits");
      out[a] += before + after;
    }
    return out;
  }

  Result<Shape> slice(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(starts, numbers(node, "starts", 1));
    VISAVIS_TRY(ends, numbers(node, "ends", 2));
    VISAVIS_TRY(axes, numbers(node, "axes", 3));
    VISAVIS_TRY(steps, numbers(node, "steps", 4));
    if (!starts || !ends || starts->size() != ends->size())
      return wrong(node, "starts and ends that do not go together");
    if (!axes) {
      axes = Ints(starts->size());
      std::iota(axes->begin(), axes->end(), 0);
    }
    if (!steps) steps = Ints(starts->size(), 1);
    if (axes->size() != starts->size() || steps->size() != starts->size())
      return wrong(node, "axes and starts that do not go together");
    Shape out = *x;
    for (std::size_t i = 0; i < starts->size(); ++i) {
      VISAVIS_TRY(axis, axis_of(node, (*axes)[i], x->size()));
      const std::int64_t size = (*x)[axis];
      const std::int64_t step = (*steps)[i];
      if (step == 0 || step > kMost || step < -kMost) return wrong(node, "a step out of range");
      const auto place = [&](std::int64_t at) {
        const std::int64_t from_start = at < 0 ? std::max(at, -size - 1) + size : at;
        return step > 0 ? std::clamp<std::int64_t>(from_start, 0, size)
                        : std::clamp<std::int64_t>(from_start, -1, size - 1);
      };
      const std::int64_t way = place((*ends)[i]) - place((*starts)[i]);
      const std::int64_t sign = step > 0 ? 1 : -1;
      out[axis] = std::max<std::int64_t>((way + step - sign) / step, 0);
    }
    return out;
  }

  Result<void> split(const Node& node) {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", 0), x->size()));
    VISAVIS_TRY(sizes, numbers(node, "split", 1));
    const auto parts = static_cast<std::int64_t>(node.outputs.size());
    if (!sizes) {
      if ((*x)[axis] % parts != 0) return wrong(node, "parts that are not equal");
      sizes = Ints(node.outputs.size(), (*x)[axis] / parts);
    }
    if (sizes->size() != node.outputs.size()) return wrong(node, "sizes for other outputs");
    const Shape whole = *x;
    for (std::size_t i = 0; i < sizes->size(); ++i) {
      Shape part = whole;
      part[axis] = (*sizes)[i];
      VISAVIS_CHECK(keep(node, i, std::move(part)));
    }
    return {};
  }

  Result<Shape> gather(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(indices, input(node, 1));
    VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", 0), x->size()));
    const auto at = x->begin() + static_cast<std::ptrdiff_t>(axis);
    Shape out(x->begin(), at);
    out.insert(out.end(), indices->begin(), indices->end());
    out.insert(out.end(), at + 1, x->end());
    return out;
  }

  Result<Shape> resize(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    const ResizeInputs places = resize_inputs(node, graph_.opset);
    std::vector<float> scales;
    std::optional<Ints> sizes;
    if (places.scales) {
      const auto found = constants_.find(node.inputs[*places.scales]);
      const auto* floats = found == constants_.end()
                               ? nullptr
                               : std::get_if<std::vector<float>>(&found->second->values);
      if (floats == nullptr)
        return fail(ErrorCode::kUnsupported, node.op + ": its scales are no constant of float32");
      scales = *floats;
    }
    if (places.sizes) {
      VISAVIS_TRY(given, numbers(node, "sizes", *places.sizes));
      sizes = std::move(given);
    }
    VISAVIS_TRY(how, resizing_of(node, graph_.opset, *x, scales, sizes.value_or(Ints{})));
    return how.shape();
  }

  Result<Shape> reduce(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(axes, numbers(node, "axes", 1));
    const bool keeps = node.get_or<std::int64_t>("keepdims", 1) != 0;
    const bool is_all =
        (!axes || axes->empty()) && node.get_or<std::int64_t>("noop_with_empty_axes", 0) == 0;
    std::vector<bool> reduced(x->size(), is_all);
    for (const std::int64_t n : axes.value_or(Ints{})) {
      VISAVIS_TRY(axis, axis_of(node, n, x->size()));
      reduced[axis] = true;
    }
    Shape out;
    for (std::size_t a = 0; a < x->size(); ++a) {
      if (!reduced[a]) out.push_back((*x)[a]);
      if (reduced[a] && keeps) out.push_back(1);
    }
    return out;
  }

  Result<Shape> squeeze(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(axes, numbers(node, "axes", 1));
    std::vector<bool> gone(x->size(), false);
    for (std::size_t a = 0; !axes && a < x->size(); ++a) gone[a] = (*x)[a] == 1;
    for (const std::int64_t n : axes.value_or(Ints{})) {
      VISAVIS_TRY(axis, axis_of(node, n, x->size()));
      if ((*x)[axis] != 1) return wrong(node, "an axis that is not 1");
      gone[axis] = true;
    }
    Shape out;
    for (std::size_t a = 0; a < x->size(); ++a)
      if (!gone[a]) out.push_back((*x)[a]);
    return out;
  }

  Result<Shape> unsqueeze(const Node& node) const {
    VISAVIS_TRY(x, input(node, 0));
    VISAVIS_TRY(axes, numbers(node, "axes", 1));
    if (!axes) return wrong(node, "too few inputs");
    const std::size_t rank = x->size() + axes->size();
    std::vector<bool> fresh(rank, false);
    for (const std::int64_t n : *axes) {
      VISAVIS_TRY(axis, axis_of(node, n, rank));
      if (fresh[axis]) return wrong(node, "an axis named twice");
      fresh[axis] = true;
    }
    Shape out;
    auto next = x->begin();
    for (std::size_t a = 0; a < rank; ++a) out.push_back(fresh[a] ? 1 : *next++);
    return out;
  }

  const Graph& graph_;
  const Evaluate& evaluate_;
  Shapes shapes_;
  std::unordered_map<std::string, const Tensor*> constants_;
  std::size_t numbers_ = 0;
  std::vector<std::unique_ptr<Tensor>> computed_;  ///< Does not move.
};

}  // namespace

Result<Shapes> infer_shapes(const Graph& graph, std::span<const Shape> inputs,
                            const Evaluate& evaluate) {
  VISAVIS_CHECK(validate(graph));
  return Inference(graph, evaluate).run(inputs);
}

namespace {

bool is_same(const Tensor& a, const Tensor& b) {
  return a.shape == b.shape && a.values == b.values;
}

/// The outputs of nodes that read nothing but shapes and constants, and at least one shape.
std::unordered_set<std::string> made_of_shapes(const Graph& graph) {
  std::unordered_set<std::string> constant = {""};
  std::unordered_set<std::string> out;
  for (const Tensor& tensor : graph.initializers) constant.insert(tensor.name);
  for (const Node& node : graph.nodes) {
    const auto is_known = [&](const std::string& name) {
      return constant.contains(name) || out.contains(name);
    };
    if (node.op != "Shape" && !std::ranges::all_of(node.inputs, is_known)) continue;
    const bool reads_shapes =
        node.op == "Shape" || std::ranges::any_of(node.inputs, [&](const std::string& name) {
          return out.contains(name);
        });
    (reads_shapes ? out : constant).insert(node.outputs.begin(), node.outputs.end());
  }
  out.erase("");
  return out;
}

}  // namespace

Result<Graph> fold_shapes(Graph graph, std::span<const std::vector<Shape>> sizes,
                          const Evaluate& evaluate) {
  VISAVIS_CHECK(validate(graph));
  const std::unordered_set<std::string> candidates = made_of_shapes(graph);
  if (candidates.empty() || sizes.empty()) return graph;
  std::unordered_map<std::string, Tensor> settled;
  for (std::size_t i = 0; i < sizes.size(); ++i) {
    Inference inference(graph, evaluate);
    VISAVIS_CHECK(inference.infer(sizes[i]));
    for (const std::string& name : candidates) {
      const Tensor* value = inference.constant(name);
      if (i == 0 && value != nullptr) settled.emplace(name, *value);
      const auto found = settled.find(name);
      if (found != settled.end() && (value == nullptr || !is_same(found->second, *value)))
        settled.erase(found);
    }
  }
  std::vector<Node> rest;
  for (Node& node : graph.nodes) {
    const bool goes = std::ranges::all_of(node.outputs, [&](const std::string& name) {
      return name.empty() || settled.contains(name);
    });
    if (!goes) {
      rest.push_back(std::move(node));
      continue;
    }
    for (const std::string& name : node.outputs)
      if (!name.empty()) graph.initializers.push_back(std::move(settled.at(name)));
  }
  graph.nodes = std::move(rest);
  return remove_unused(std::move(graph));
}

}  // namespace visavis::graph
