#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

struct Range {
  float low = 0;
  float high = 0;
};

template <class T>
Range range_of(float scale, T zero) {
  const auto number = [&](T step) { return static_cast<float>(int{step} - int{zero}) * scale; };
  return {.low = number(std::numeric_limits<T>::min()),
          .high = number(std::numeric_limits<T>::max())};
}

class Dropping {
 public:
  explicit Dropping(Graph graph) : graph_(std::move(graph)) {
    for (std::size_t i = 0; i < graph_.initializers.size(); ++i)
      constants_.emplace(graph_.initializers[i].name, i);
    for (const ValueInfo& output : graph_.outputs) outputs_.insert(output.name);
    for (Node& node : graph_.nodes)
      for (const std::string& input : node.inputs) readers_[input].push_back(&node);
  }

  Graph run() && {
    for (Node& node : graph_.nodes)
      if (node.op == "QuantizeLinear") drop(node);
    return remove_unused(std::move(graph_));
  }

 private:
  [[nodiscard]] const Tensor* constant(const Node& node, std::size_t input) const {
    if (input >= node.inputs.size()) return nullptr;
    const auto found = constants_.find(node.inputs[input]);
    return found == constants_.end() ? nullptr : &graph_.initializers[found->second];
  }

  /// Of one scale and zero point, both constant.
  [[nodiscard]] std::optional<Range> range_of_steps(const Node& node) const {
    const Tensor* scale = constant(node, 1);
    if (scale == nullptr || scale->size() != 1) return std::nullopt;
    const auto* scales = std::get_if<std::vector<float>>(&scale->values);
    if (scales == nullptr) return std::nullopt;
    if (node.inputs.size() < 3 || node.inputs[2].empty())
      return range_of(scales->front(), std::uint8_t{0});
    const Tensor* zero = constant(node, 2);
    if (zero == nullptr || zero->size() != 1) return std::nullopt;
    if (const auto* zeros = std::get_if<std::vector<std::int8_t>>(&zero->values))
      return range_of(scales->front(), zeros->front());
    if (const auto* zeros = std::get_if<std::vector<std::uint8_t>>(&zero->values))
      return range_of(scales->front(), zeros->front());
    return std::nullopt;
  }

  /// Whether it gives back what these steps mean.
  [[nodiscard]] bool undoes(const Node& reader, const Range& range) const {
    if (reader.op != "DequantizeLinear") return false;
    const auto own = range_of_steps(reader);
    return own && own->low == range.low && own->high == range.high;
  }

  void drop(Node& node) {
    const auto range = range_of_steps(node);
    if (!range || constants_.contains(node.inputs[0]) || outputs_.contains(node.outputs[0])) return;
    const std::vector<Node*>& readers = readers_[node.outputs[0]];
    if (!std::ranges::all_of(readers, [&](const Node* one) { return undoes(*one, *range); }))
      return;
    for (Node* reader : readers)
      *reader = {.op = "Identity",
                 .name = reader->name,
                 .inputs = {node.outputs[0]},
                 .outputs = reader->outputs,
                 .attributes = {}};
    node.op = "Clip";
    node.attributes.clear();
    node.inputs.resize(1);
    if (graph_.opset < 11) {
      node.attributes = {{"min", range->low}, {"max", range->high}};
      return;
    }
    node.inputs.push_back(number(node.outputs[0] + ".low", range->low));
    node.inputs.push_back(number(node.outputs[0] + ".high", range->high));
  }

  std::string number(std::string name, float value) {
    while (constants_.contains(name) || readers_.contains(name)) name += "_";
    constants_.emplace(name, graph_.initializers.size());
    graph_.initializers.push_back({.name = name, .shape = {}, .values = std::vector<float>{value}});
    return name;
  }

  Graph graph_;
  std::unordered_map<std::string, std::size_t> constants_;  ///< Places of the initializers.
  std::unordered_set<std::string> outputs_;
  std::unordered_map<std::string, std::vector<Node*>> readers_;
};

}  // namespace

Graph drop_roundings(Graph graph) { return Dropping(std::move(graph)).run(); }

}  // namespace visavis::graph
