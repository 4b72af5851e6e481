#include "survey.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>
#include <visavis/graph/shapes.hpp>
#include <visavis/import/sizes.hpp>
#include <visavis/runtime/engine.hpp>
#include <visavis/runtime/evaluate.hpp>

namespace visavis::modelkit {

Result<Survey> Survey::of(const graph::Graph& graph, std::int64_t free_size) {
  Survey survey(graph);
  survey.batch_is_free_ = std::ranges::any_of(graph.inputs, [](const graph::ValueInfo& input) {
    return !input.shape.empty() && input.shape[0] < 0;
  });
  const std::vector<Shape> inputs = input_shapes(graph, free_size);
  const std::vector<Shape> larger = input_shapes(graph, 2 * free_size);
  survey.sizes_are_free_ = inputs != larger;
  VISAVIS_TRY(engine, runtime::find_engine("reference"));
  const graph::Evaluate evaluate = runtime::evaluate_with(*engine);
  VISAVIS_TRY(shapes, graph::infer_shapes(graph, inputs, evaluate));
  survey.shapes_ = std::move(shapes);
  if (survey.sizes_are_free_) {
    VISAVIS_TRY(others, graph::infer_shapes(graph, larger, evaluate));
    survey.others_ = std::move(others);
  }
  for (const graph::Node& node : graph.nodes)
    for (const std::string& input : node.inputs) ++survey.uses_[input];
  return survey;
}

const std::vector<float>* Survey::floats(const graph::Node& node, std::size_t input) const {
  if (!has(node, input)) return nullptr;
  const graph::Tensor* tensor = graph_->initializer(node.inputs[input]);
  return tensor == nullptr ? nullptr : std::get_if<std::vector<float>>(&tensor->values);
}

std::optional<std::vector<std::int64_t>> Survey::integers(const graph::Node& node,
                                                          std::string_view attribute,
                                                          std::size_t input) const {
  using Ints = std::vector<std::int64_t>;
  if (const graph::Attribute* found = node.find(attribute)) {
    const auto* ints = std::get_if<Ints>(found);
    return ints == nullptr ? std::nullopt : std::optional<Ints>(*ints);
  }
  if (!has(node, input)) return std::nullopt;
  const graph::Tensor* tensor = graph_->initializer(node.inputs[input]);
  if (tensor == nullptr) return std::nullopt;
  if (const auto* wide = std::get_if<Ints>(&tensor->values)) return *wide;
  if (const auto* narrow = std::get_if<std::vector<std::int32_t>>(&tensor->values))
    return Ints(narrow->begin(), narrow->end());
  return std::nullopt;
}

std::size_t Survey::uses(const std::string& value) const {
  const auto found = uses_.find(value);
  return found == uses_.end() ? 0 : found->second;
}

bool Survey::is_output(std::string_view value) const {
  return std::ranges::find(graph_->outputs, value, &graph::ValueInfo::name) !=
         graph_->outputs.end();
}

std::optional<std::vector<WindowAxis>> Survey::windows(const graph::Node& node,
                                                       const Shape& kernel) const {
  const Shape& x = shape(node.inputs[0]);
  const Shape& y = shape(node.outputs[0]);
  if (x.size() != 4 || y.size() != 4 || kernel.size() != 2) return std::nullopt;
  const auto strides = node.get_or("strides", Shape{1, 1});
  const auto dilations = node.get_or("dilations", Shape{1, 1});
  const auto pads = node.get_or("pads", Shape{0, 0, 0, 0});
  const auto automatic = node.get_or<std::string>("auto_pad", "NOTSET");
  if (strides.size() != 2 || dilations.size() != 2 || pads.size() != 4) return std::nullopt;
  std::vector<WindowAxis> axes;
  for (std::size_t i = 0; i < 2; ++i) {
    WindowAxis axis{.size = x[2 + i],
                    .out = y[2 + i],
                    .kernel = kernel[i],
                    .stride = strides[i],
                    .dilation = dilations[i],
                    .before = pads[i],
                    .after = pads[2 + i]};
    if (automatic != "NOTSET") axis.before = axis.after = 0;
    if (automatic == "SAME_UPPER" || automatic == "SAME_LOWER") {
      if (sizes_are_free_) return std::nullopt;
      const std::int64_t reach = axis.dilation * (axis.kernel - 1) + 1;
      const std::int64_t all =
          std::max<std::int64_t>((axis.out - 1) * axis.stride + reach - axis.size, 0);
      axis.before = automatic == "SAME_UPPER" ? all / 2 : all - all / 2;
      axis.after = all - axis.before;
    }
    axes.push_back(axis);
  }
  return axes;
}

std::int64_t usual_size(const graph::Graph& graph) {
  constexpr std::int64_t kLeast = 48;
  const auto engine = runtime::find_engine("reference");
  if (!engine) return kLeast;
  return fitting_size(graph, kLeast, runtime::evaluate_with(**engine)).value_or(kLeast);
}

std::int64_t least_size(const graph::Graph& graph, std::int64_t fitting) {
  std::int64_t size = 1;
  while (size < fitting && !Survey::of(graph, size)) ++size;
  return size;
}

std::unexpected<Error> refuse(const graph::Node& node, std::string_view why) {
  return fail(ErrorCode::kUnsupported, node.op + " (" + std::string(why) + ")");
}

Result<std::size_t> axis_of(const graph::Node& node, std::int64_t axis, std::size_t rank) {
  const auto found = graph::axis_among(axis, rank);
  if (!found) return refuse(node, "an axis beyond the shape");
  return *found;
}

namespace {

std::vector<float> turned(const std::vector<float>& matrix, std::size_t rows) {
  const std::size_t columns = matrix.size() / rows;
  std::vector<float> out(matrix.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = matrix[r * columns + c];
  return out;
}

}  // namespace

Result<Dense> dense_of(const Survey& survey, const graph::Node& node) {
  const std::vector<float>* given = survey.floats(node, 1);
  const std::vector<float>* addend = survey.floats(node, 2);
  const bool is_gemm = node.op == "Gemm";
  const Shape& shape = survey.shape(node.inputs[1]);
  if (given == nullptr || shape.size() != 2 || (survey.has(node, 2) && addend == nullptr))
    return refuse(node, "other than of rows with constant weights");
  if (is_gemm && node.get_or<std::int64_t>("transA", 0) != 0) return refuse(node, "a turned input");
  const bool is_turned = is_gemm && node.get_or<std::int64_t>("transB", 0) != 0;
  Dense dense{.inputs = shape[is_turned ? 1 : 0],
              .outputs = shape[is_turned ? 0 : 1],
              .weights = is_turned ? *given : turned(*given, static_cast<std::size_t>(shape[0])),
              .bias = {}};
  if (!is_gemm) return dense;
  for (float& weight : dense.weights) weight *= node.get_or("alpha", 1.F);
  if (addend == nullptr) return dense;
  const auto count = static_cast<std::size_t>(dense.outputs);
  const bool is_single = addend->size() == 1;
  if (!is_single &&
      (addend->size() != count || survey.shape(node.inputs[2]).back() != dense.outputs))
    return refuse(node, "a summand for each row");
  for (std::size_t i = 0; i < count; ++i)
    dense.bias.push_back((*addend)[is_single ? 0 : i] * node.get_or("beta", 1.F));
  return dense;
}

Result<std::pair<float, float>> bounds_of(const Survey& survey, const graph::Node& node) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  constexpr float kMost = std::numeric_limits<float>::max();
  std::pair<float, float> bounds = {node.get_or("min", -kInfinity), node.get_or("max", kInfinity)};
  for (std::size_t i = 1; i < 3; ++i) {
    if (!survey.has(node, i)) continue;
    const std::vector<float>* bound = survey.floats(node, i);
    if (bound == nullptr || bound->size() != 1) return refuse(node, "computed bounds");
    (i == 1 ? bounds.first : bounds.second) = bound->front();
  }
  if (bounds.first == -kMost) bounds.first = -kInfinity;
  if (bounds.second == kMost) bounds.second = kInfinity;
  return bounds;
}

Result<std::size_t> softmax_axis(const Survey& survey, const graph::Node& node) {
  const Shape& x = survey.shape(node.inputs[0]);
  const bool old = survey.graph().opset < 13;  // where all behind the axis is one
  VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", old ? 1 : -1), x.size()));
  for (std::size_t i = axis + 1; old && i < x.size(); ++i)
    if (x[i] != 1) return refuse(node, "over several axes");
  return axis;
}

Result<std::size_t> concat_axis(const Survey& survey, const graph::Node& node) {
  VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", 1),
                            survey.shape(node.outputs[0]).size()));
  if (axis == 0) return refuse(node, "of samples");
  for (const std::string& input : node.inputs)
    if (survey.is_constant(input)) return refuse(node, "with a constant");
  return axis;
}

Result<std::size_t> split_axis(const Survey& survey, const graph::Node& node) {
  VISAVIS_TRY(axis, axis_of(node, node.get_or<std::int64_t>("axis", 0),
                            survey.shape(node.inputs[0]).size()));
  if (axis == 0 || survey.varies(node.inputs[0], axis))
    return refuse(node, "of samples, or at any size");
  if (std::ranges::find(node.outputs, "") != node.outputs.end())
    return refuse(node, "whose outputs have no names");
  return axis;
}

Result<Range> range_of(const Survey& survey, const graph::Node& node) {
  const Shape& x = survey.shape(node.inputs[0]);
  const auto starts = survey.integers(node, "starts", 1);
  const auto ends = survey.integers(node, "ends", 2);
  auto axes = survey.integers(node, "axes", 3);
  const auto steps = survey.integers(node, "steps", 4);
  if (!starts || !ends) return refuse(node, "at places that are computed");
  if (!axes) {
    axes = Shape(starts->size());
    std::iota(axes->begin(), axes->end(), 0);
  }
  constexpr std::int64_t kBeyond = std::numeric_limits<std::int32_t>::max();
  Range range{.from = Shape(x.size(), 0), .to = x};
  for (std::size_t i = 0; i < starts->size(); ++i) {
    VISAVIS_TRY(axis, axis_of(node, (*axes)[i], x.size()));
    if (steps && (*steps)[i] != 1) return refuse(node, "in other steps than 1");
    const auto place = [size = x[axis]](std::int64_t at) {
      return std::clamp<std::int64_t>(at < 0 ? std::max(at, -size) + size : at, 0, size);
    };
    range.from[axis] = place((*starts)[i]);
    range.to[axis] = place((*ends)[i]);
    if (range.from[axis] >= range.to[axis]) return refuse(node, "of nothing");
    const bool is_whole = range.from[axis] == 0 && (*ends)[i] >= kBeyond;
    if (survey.varies(node.inputs[0], axis) && !is_whole)
      return refuse(node, "of a free dimension");
  }
  if (range.from[0] != 0 || range.to[0] != x[0]) return refuse(node, "of samples");
  return range;
}

Result<std::vector<std::size_t>> reduced_axes(const Survey& survey, const graph::Node& node) {
  const std::size_t rank = survey.shape(node.inputs[0]).size();
  std::set<std::size_t> axes;
  for (const std::int64_t n : survey.integers(node, "axes", 1).value_or(Shape{})) {
    VISAVIS_TRY(axis, axis_of(node, n, rank));
    axes.insert(axis);
  }
  if (axes.empty() || axes.contains(0)) return refuse(node, "over samples");
  return std::vector<std::size_t>(axes.begin(), axes.end());
}

Shape order_of(const Survey& survey, const graph::Node& node) {
  Shape order(survey.shape(node.inputs[0]).size());
  std::iota(order.rbegin(), order.rend(), 0);
  return node.get_or("perm", order);
}

Result<const std::vector<float>*> slopes_of(const Survey& survey, const graph::Node& node) {
  const Shape& x = survey.shape(node.inputs[0]);
  const std::vector<float>* slopes = survey.floats(node, 1);
  if (slopes == nullptr || x.size() < 2) return refuse(node, "computed slopes");
  Shape wide = survey.shape(node.inputs[1]);
  wide.insert(wide.begin(), x.size() - wide.size(), 1);
  Shape of_channels(x.size(), 1);
  of_channels[1] = x[1];
  if (slopes->size() != 1 && wide != of_channels)
    return refuse(node, "slopes of other than channels");
  return slopes;
}

Result<Kernel> kernel_of(const Survey& survey, const graph::Node& node) {
  Kernel kernel{.values = survey.floats(node, 1),
                .bias = survey.floats(node, 2),
                .shape = survey.shape(node.inputs[1])};
  if (kernel.values == nullptr || (survey.has(node, 2) && kernel.bias == nullptr))
    return refuse(node, "computed weights");
  if (kernel.shape.size() != 4) return refuse(node, "of other than pictures");
  return kernel;
}

Result<std::vector<StampAxis>> stamps_of(const Survey& survey, const graph::Node& node) {
  const Shape& x = survey.shape(node.inputs[0]);
  const Shape& y = survey.shape(node.outputs[0]);
  const Shape& kernel = survey.shape(node.inputs[1]);
  const auto strides = node.get_or("strides", Shape{1, 1});
  const auto dilations = node.get_or("dilations", Shape{1, 1});
  const auto pads = node.get_or("pads", Shape{0, 0, 0, 0});
  const auto more = node.get_or("output_padding", Shape{0, 0});
  const auto automatic = node.get_or<std::string>("auto_pad", "NOTSET");
  const bool follows = automatic.starts_with("SAME") || node.find("output_shape") != nullptr;
  if (follows && survey.sizes_are_free()) return refuse(node, "windows that depend on the size");
  std::vector<StampAxis> axes;
  for (std::size_t i = 0; i < 2; ++i) {
    StampAxis axis{.stride = strides[i], .dilation = dilations[i]};
    const std::int64_t whole =
        (x[2 + i] - 1) * axis.stride + (kernel[2 + i] - 1) * axis.dilation + 1;
    if (automatic == "NOTSET") axis.before = pads[i];
    if (follows) {
      const std::int64_t over = std::max<std::int64_t>(whole + more[i] - y[2 + i], 0);
      axis.before = automatic == "SAME_UPPER" ? over / 2 : over - over / 2;
    }
    axis.after = whole - axis.before - y[2 + i];
    axes.push_back(axis);
  }
  return axes;
}

Result<graph::Resizing> resizing_of(const Survey& survey, const graph::Node& node) {
  const std::int64_t opset = survey.graph().opset;
  const Shape& x = survey.shape(node.inputs[0]);
  const graph::ResizeInputs places = graph::resize_inputs(node, opset);
  std::vector<float> scales;
  Shape sizes;
  if (places.scales) {
    const std::vector<float>* given = survey.floats(node, *places.scales);
    if (given == nullptr) return refuse(node, "computed scales");
    scales = *given;
  }
  if (places.sizes) {
    if (survey.sizes_are_free()) return refuse(node, "to sizes at any size");
    VISAVIS_TRY(axes, graph::resize_axes(node, x.size()));
    for (const std::size_t axis : axes) sizes.push_back(survey.shape(node.outputs[0])[axis]);
  }
  return graph::resizing_of(node, opset, x, scales, sizes);
}

Result<graph::Graph> composed(graph::Graph graph) {
  if (!graph::has_composites(graph)) return graph;
  VISAVIS_TRY(survey, Survey::of(graph, usual_size(graph)));
  return graph::compose(graph, survey.shapes(), survey.others());
}

bool reads_shapes(const graph::Graph& graph) {
  return std::ranges::any_of(graph.nodes,
                             [](const graph::Node& node) { return node.op == "Shape"; });
}

std::vector<Shape> stretched_shapes(const graph::Graph& graph, std::int64_t free_size) {
  std::vector<Shape> shapes = input_shapes(graph, free_size);
  for (std::size_t i = 0; i < shapes.size(); ++i)
    for (std::size_t axis = 1; axis < shapes[i].size(); ++axis)
      if (graph.inputs[i].shape[axis] < 0)
        shapes[i][axis] = static_cast<std::int64_t>(axis) * free_size + free_size / 4 + 1;
  return shapes;
}

Result<graph::Graph> settle_shapes(graph::Graph graph) {
  if (!reads_shapes(graph)) return graph;
  VISAVIS_TRY(engine, runtime::find_engine("reference"));
  const graph::Evaluate evaluate = runtime::evaluate_with(*engine);
  const std::int64_t size = usual_size(graph);
  std::vector<std::vector<Shape>> sizes = {input_shapes(graph, size)};
  if (has_free_sizes(graph)) sizes.push_back(stretched_shapes(graph, size));
  return graph::fold_shapes(std::move(graph), sizes, evaluate);
}

std::set<std::string> other_operators(const graph::Graph& graph,
                                      const std::set<std::string_view>& known) {
  std::set<std::string> out;
  for (const graph::Node& node : graph.nodes)
    if (!known.contains(node.op)) out.insert(node.op);
  return out;
}

std::string joined(const std::set<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += (out.empty() ? "" : ", ") + part;
  return out;
}

}  // namespace visavis::modelkit
