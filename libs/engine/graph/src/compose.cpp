#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>

#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

using Names = std::vector<std::string>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;

/// Take operands of several shapes.
constexpr auto kStretching = std::to_array<std::string_view>({"Add", "Div", "Mul", "Sub"});

/// Groups of channels and channels of a group change places.
bool is_exchange(const Node& node) {
  constexpr auto kOrder = std::to_array<std::int64_t>({0, 2, 1, 3, 4});
  const Attribute* order = node.op == "Transpose" ? node.find("perm") : nullptr;
  const auto* axes = order == nullptr ? nullptr : std::get_if<Shape>(order);
  return axes != nullptr && std::ranges::equal(*axes, kOrder);
}

class Composer {
 public:
  Composer(const Graph& given, const Shapes& shapes, const Shapes& others)
      : given_(given), shapes_(shapes), others_(others) {
    made_ = given;
    made_.nodes.clear();
    for (const ValueInfo& input : given.inputs) names_.insert(input.name);
    for (const Tensor& tensor : given.initializers) names_.insert(tensor.name);
    for (const Node& node : given.nodes) {
      names_.insert(node.outputs.begin(), node.outputs.end());
      if (!node.outputs.empty()) makers_[node.outputs[0]] = &node;
      if (node.op == "Expand") expanded_.insert(node.outputs[0]);
    }
  }

  Graph run() && {
    for (const Node& given : given_.nodes) {
      Node node = given;
      for (std::string& input : node.inputs)
        if (const auto found = instead_.find(input); found != instead_.end()) input = found->second;
      if (!compose(node)) made_.nodes.push_back(std::move(node));
    }
    return remove_unused(std::move(made_));
  }

 private:
  /// @return false if the node is to stay as it is
  bool compose(const Node& node) {
    if (node.op == "ReduceL2" || node.op == "ReduceSum") return reduction(node);
    if (node.op == "LpNormalization") return normalization(node);
    if (node.op == "ReduceMax") return largest_of_planes(node);
    if (node.op == "Sum") return chain(node, "Add");
    if (node.inputs.size() != 2 && (node.op == "Max" || node.op == "Min"))
      return chain(node, node.op);
    if (node.op == "Concat" && node.inputs.size() == 1) return chain(node, node.op);
    if (node.op == "Expand") return expand(node);
    if (node.op == "Reshape") return shuffle(node);
    return false;
  }

  /// The node that made a value if it is of that kind; else null.
  [[nodiscard]] const Node* maker(const std::string& value, std::string_view op) const {
    const auto found = makers_.find(value);
    return found != makers_.end() && found->second->op == op ? found->second : nullptr;
  }

  /// Channels of pictures of any size that are laid out as groups, turned and put back: numbers at
  /// other places, which says the same without a size.
  bool shuffle(const Node& node) {
    const Node* turned = maker(node.inputs[0], "Transpose");
    const Node* groups = turned == nullptr ? nullptr : maker(turned->inputs[0], "Reshape");
    if (groups == nullptr || !is_exchange(*turned)) return false;
    const std::string& x = groups->inputs[0];
    const Shape& from = shapes_.at(x);
    if (from.size() != 4 || from == others_.at(x)) return false;
    const auto fits = [&](const Shapes& shapes) {
      const Shape& whole = shapes.at(x);
      const Shape& parts = shapes.at(groups->outputs[0]);
      return shapes.at(node.outputs[0]) == whole && parts.size() == 5 && parts[0] == whole[0] &&
             parts[1] * parts[2] == whole[1] && parts[3] == whole[2] && parts[4] == whole[3];
    };
    const Shape& parts = shapes_.at(groups->outputs[0]);
    if (!fits(shapes_) || !fits(others_) || parts[1] != others_.at(groups->outputs[0])[1])
      return false;
    Shape places;
    for (std::int64_t i = 0; i < from[1]; ++i)
      places.push_back(i % parts[1] * parts[2] + i / parts[1]);
    const std::string name = fresh(node.outputs[0] + ".places");
    made_.initializers.push_back({.name = name, .shape = {from[1]}, .values = std::move(places)});
    const auto instead = instead_.find(x);
    add("Gather", node.outputs[0], {instead == instead_.end() ? x : instead->second, name},
        {{"axis", std::int64_t{1}}});
    return true;
  }

  [[nodiscard]] std::int64_t from_front(std::int64_t axis, const std::string& x) const {
    return axis < 0 ? axis + static_cast<std::int64_t>(shapes_.at(x).size()) : axis;
  }

  /// In ascending order, each once; none if they are not constant, or all are meant.
  [[nodiscard]] Shape reduced_axes(const Node& node) const {
    Shape axes = node.get_or("axes", Shape{});
    if (node.inputs.size() > 1)
      if (const Tensor* tensor = given_.initializer(node.inputs[1]))
        if (const auto* values = std::get_if<std::vector<std::int64_t>>(&tensor->values))
          axes = *values;
    for (std::int64_t& axis : axes) axis = from_front(axis, node.inputs[0]);
    std::ranges::sort(axes);
    const auto [first, last] = std::ranges::unique(axes);
    axes.erase(first, last);
    return axes;
  }

  /// What a reduction is over.
  struct Reduced {
    Shape axes;
    float count = 1;
    bool keeps = true;
  };

  /// Samples stay apart, and the count is the same whatever the picture's size.
  [[nodiscard]] bool fits(const std::string& x, Reduced& reduced) const {
    double count = 1;
    for (const std::int64_t axis : reduced.axes) {
      const auto at = static_cast<std::size_t>(axis);
      if (axis == 0 || shapes_.at(x)[at] != others_.at(x)[at]) return false;
      count *= static_cast<double>(shapes_.at(x)[at]);
    }
    reduced.count = static_cast<float>(count);
    return count > 0 && !reduced.axes.empty();
  }

  bool reduction(const Node& node) {
    const std::string& x = node.inputs[0];
    Reduced reduced{.axes = reduced_axes(node),
                    .keeps = node.get_or<std::int64_t>("keepdims", 1) != 0};
    if (!fits(x, reduced)) return false;
    if (node.op == "ReduceSum") {
      sum(node.outputs[0], node.outputs[0], node.inputs[0], reduced);
      return true;
    }
    const std::string& name = node.outputs[0];
    const std::string squares =
        add("Mul", fresh(name + ".squares"), {node.inputs[0], node.inputs[0]});
    const std::string all = sum(fresh(name + ".sum"), name, squares, reduced);
    add("Sqrt", name, {all});
    return true;
  }

  bool normalization(const Node& node) {
    const std::string& x = node.inputs[0];
    const auto p = node.get_or<std::int64_t>("p", 2);
    if (p != 1 && p != 2) return false;
    Reduced reduced{.axes = {from_front(node.get_or<std::int64_t>("axis", -1), x)}};
    if (!fits(x, reduced)) return false;
    const std::string& name = node.outputs[0];
    const std::string& from = node.inputs[0];
    const std::string parts = p == 2 ? add("Mul", fresh(name + ".squares"), {from, from})
                                     : add("Abs", fresh(name + ".magnitudes"), {from});
    std::string length = sum(fresh(name + ".sum"), name, parts, reduced);
    if (p == 2) length = add("Sqrt", fresh(name + ".length"), {length});
    // What has no length stays zero.
    constexpr float kLeast = 1e-12F;
    const std::string bounded = fresh(name + ".bounded");
    if (given_.opset < 11)
      add("Clip", bounded, {length}, {{"min", kLeast}});
    else
      add("Clip", bounded, {length, constant(fresh(name + ".least"), {}, kLeast)});
    add("Div", name, {from, bounded});
    return true;
  }

  bool largest_of_planes(const Node& node) {
    if (shapes_.at(node.inputs[0]).size() != 4 || reduced_axes(node) != Shape{2, 3}) return false;
    const std::string& name = node.outputs[0];
    if (node.get_or<std::int64_t>("keepdims", 1) != 0) {
      add("GlobalMaxPool", name, {node.inputs[0]});
      return true;
    }
    const std::string planes = add("GlobalMaxPool", fresh(name + ".planes"), {node.inputs[0]});
    add("Flatten", name, {planes}, {{"axis", std::int64_t{1}}});
    return true;
  }

  bool chain(const Node& node, const std::string& op) {
    std::string all = node.inputs.front();
    if (node.inputs.size() == 1) add("Identity", node.outputs[0], {all});
    const std::string part = node.outputs[0] + ".part";
    for (std::size_t i = 1; i < node.inputs.size(); ++i) {
      const bool is_last = i + 1 == node.inputs.size();
      std::string made = part;
      made += std::to_string(i);
      made = is_last ? node.outputs[0] : fresh(std::move(made));
      all = add(op, std::move(made), {all, node.inputs[i]});
    }
    return true;
  }

  bool expand(const Node& node) {
    const std::string& made = node.outputs[0];
    const Shape& shape = shapes_.at(made);
    const auto stretches = [&](const Node& reader) {
      if (std::ranges::find(kStretching, reader.op) == kStretching.end()) return false;
      const std::string& other = reader.inputs[reader.inputs[0] == made ? 1 : 0];
      // One of two that were both made larger has to stay.
      return other != made && shapes_.at(other) == shape && !expanded_.contains(other);
    };
    const bool goes =
        std::ranges::find(given_.outputs, made, &ValueInfo::name) == given_.outputs.end() &&
        std::ranges::all_of(given_.nodes, [&](const Node& reader) {
          return std::ranges::find(reader.inputs, made) == reader.inputs.end() || stretches(reader);
        });
    if (goes) instead_[made] = node.inputs[0];
    return goes;
  }

  /// The sum of x as its mean, times the count.
  std::string sum(const std::string& name, const std::string& about, const std::string& x,
                  const Reduced& reduced) {
    Names inputs = {x};
    Attributes attributes = {{"keepdims", std::int64_t{reduced.keeps ? 1 : 0}}};
    if (given_.opset < 18) {
      attributes.emplace_back("axes", reduced.axes);
    } else {
      inputs.push_back(fresh(about + ".axes"));
      const auto count = static_cast<std::int64_t>(reduced.axes.size());
      made_.initializers.push_back(
          {.name = inputs.back(), .shape = {count}, .values = reduced.axes});
    }
    const std::string mean =
        add("ReduceMean", fresh(about + ".mean"), std::move(inputs), std::move(attributes));
    return add("Mul", name, {mean, constant(fresh(about + ".count"), {1}, reduced.count)});
  }

  std::string constant(std::string name, Shape shape, float value) {
    made_.initializers.push_back({.name = name, .shape = std::move(shape), .values = {}});
    made_.initializers.back().values = std::vector<float>{value};
    return name;
  }

  std::string add(std::string op, std::string output, Names inputs, Attributes attributes = {}) {
    made_.nodes.push_back({.op = std::move(op),
                           .name = {},
                           .inputs = std::move(inputs),
                           .outputs = {output},
                           .attributes = std::move(attributes)});
    return output;
  }

  std::string fresh(std::string name) {
    while (!names_.insert(name).second) name += '_';
    return name;
  }

  const Graph& given_;
  const Shapes& shapes_;
  const Shapes& others_;
  Graph made_;
  std::set<std::string> names_;
  std::unordered_map<std::string, const Node*> makers_;
  std::set<std::string> expanded_;                        ///< What Expands make.
  std::unordered_map<std::string, std::string> instead_;  ///< Of Expands that are left out.
};

}  // namespace

bool has_composites(const Graph& graph) noexcept {
  constexpr auto kOperators = std::to_array<std::string_view>(
      {"Expand", "LpNormalization", "ReduceL2", "ReduceMax", "ReduceSum", "Sum"});
  return std::ranges::any_of(graph.nodes, [&](const Node& node) {
    return std::ranges::find(kOperators, node.op) != kOperators.end() ||
           (node.inputs.size() != 2 && (node.op == "Max" || node.op == "Min")) ||
           (node.inputs.size() == 1 && node.op == "Concat") || is_exchange(node);
  });
}

Graph compose(const Graph& graph, const Shapes& shapes, const Shapes& others) {
  return Composer(graph, shapes, others).run();
}

}  // namespace visavis::graph
