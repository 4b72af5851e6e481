#include "visavis/import/costs.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>

#include "visavis/import/sizes.hpp"

namespace visavis::modelkit {
namespace {

std::uint64_t count(const graph::Shape& shape) {
  std::uint64_t product = 1;
  for (const std::int64_t n : shape) product *= static_cast<std::uint64_t>(n);
  return product;
}

/// None for an output that nobody wants.
graph::Shape shape_of(const std::string& value, const graph::Shapes& shapes) {
  const auto found = shapes.find(value);
  return found == shapes.end() ? graph::Shape{} : found->second;
}

std::uint64_t multiply_adds_of(const graph::Node& node, const graph::Shapes& shapes) {
  const std::uint64_t out = count(shape_of(node.outputs.front(), shapes));
  if (node.op == "Conv") {
    const graph::Shape& weights = shapes.at(node.inputs[1]);
    return out * count({weights.begin() + 1, weights.end()});  // in / groups, height, width
  }
  if (node.op == "ConvTranspose") {  // each number of the input meets all windows
    const graph::Shape& weights = shapes.at(node.inputs[1]);
    return count(shapes.at(node.inputs[0])) * count({weights.begin() + 1, weights.end()});
  }
  if (node.op != "Gemm" && node.op != "MatMul") return 0;
  const graph::Shape& a = shapes.at(node.inputs.front());
  const bool turned = node.get_or<std::int64_t>("transA", 0) != 0;
  return out * static_cast<std::uint64_t>(turned ? a.front() : a.back());
}

class Costing {
 public:
  Costing(const graph::Graph& graph, const graph::Shapes& shapes)
      : graph_(graph), shapes_(shapes) {}

  Costs run() {
    for (const graph::Node& node : graph_.nodes) {
      costs_.layers.push_back(layer_of(node));
      costs_.multiply_adds += costs_.layers.back().multiply_adds;
      for (const std::string& output : node.outputs) made_by_[output] = costs_.layers.size() - 1;
    }
    costs_.peak_bytes = peak_bytes();
    return std::move(costs_);
  }

 private:
  LayerCost layer_of(const graph::Node& node) const {
    LayerCost layer{.name = node.outputs.front(),
                    .op = node.op,
                    .shape = shape_of(node.outputs.front(), shapes_),
                    .multiply_adds = multiply_adds_of(node, shapes_),
                    .parameters = 0,
                    .sources = {}};
    for (const std::string& input : node.inputs) {
      if (const graph::Tensor* constant = graph_.initializer(input))
        layer.parameters += constant->size();
      const auto source = made_by_.find(input);
      if (source != made_by_.end()) layer.sources.push_back(source->second);
    }
    return layer;
  }

  std::uint64_t peak_bytes() const {
    std::unordered_map<std::string, std::size_t> last_use;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i)
      for (const std::string& input : graph_.nodes[i].inputs) last_use[input] = i;
    for (const auto& output : graph_.outputs) last_use[output.name] = graph_.nodes.size();

    const auto bytes = [&](const std::string& name) {
      const auto found = shapes_.find(name);
      return found == shapes_.end() ? 0 : count(found->second) * sizeof(float);
    };
    std::uint64_t alive = 0;
    for (const auto& input : graph_.inputs) alive += bytes(input.name);
    std::uint64_t peak = alive;
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const graph::Node& node = graph_.nodes[i];
      for (const std::string& output : node.outputs) alive += bytes(output);
      peak = std::max(peak, alive);
      std::vector<std::string> ended = node.inputs;
      ended.insert(ended.end(), node.outputs.begin(), node.outputs.end());
      std::ranges::sort(ended);
      const auto twice = std::ranges::unique(ended);
      ended.erase(twice.begin(), twice.end());
      for (const std::string& name : ended) {
        const auto used = last_use.find(name);
        const bool lives_on = used != last_use.end() && used->second > i;
        if (!lives_on && graph_.initializer(name) == nullptr) alive -= bytes(name);
      }
    }
    return peak;
  }

  const graph::Graph& graph_;
  const graph::Shapes& shapes_;
  Costs costs_;
  std::unordered_map<std::string, std::size_t> made_by_;
};

}  // namespace

Result<Costs> costs_of(const graph::Graph& graph, std::int64_t free_size,
                       const graph::Evaluate& evaluate) {
  VISAVIS_TRY(shapes, graph::infer_shapes(graph, input_shapes(graph, free_size), evaluate));
  return Costing(graph, shapes).run();
}

}  // namespace visavis::modelkit
