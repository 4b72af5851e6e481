#include <algorithm>
#include <cstddef>
#include <ranges>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

/// An operator that hands its first input on as it is. Dropout does so outside of training, and
/// its mask is never wanted there.
bool hands_on(const Node& node) {
  const bool one =
      std::ranges::count_if(node.outputs, [](const auto& o) { return !o.empty(); }) == 1;
  return one && !node.outputs.front().empty() && (node.op == "Identity" || node.op == "Dropout");
}

class Names {
 public:
  explicit Names(const Graph& graph) {
    for (const ValueInfo& output : graph.outputs) outputs_.insert(output.name);
  }

  /// Takes the node out if something else can stand for its output.
  bool skip(const Node& node) {
    const std::string& output = node.outputs.front();
    if (!hands_on(node) || outputs_.contains(output)) return false;
    instead_[output] = node.inputs.front();
    return true;
  }

  void rename(std::string& name) const {
    const auto found = instead_.find(name);
    if (found != instead_.end()) name = found->second;
  }

 private:
  std::unordered_set<std::string_view> outputs_;
  std::unordered_map<std::string, std::string> instead_;
};

}  // namespace

Graph remove_unused(Graph graph) {
  Names names(graph);
  std::vector<Node> nodes;
  for (Node& node : graph.nodes) {
    for (std::string& input : node.inputs) names.rename(input);
    if (!names.skip(node)) nodes.push_back(std::move(node));
  }

  std::unordered_set<std::string> wanted;
  for (const ValueInfo& output : graph.outputs) wanted.insert(output.name);
  std::vector<Node> kept;
  for (Node& node : std::views::reverse(nodes)) {
    const auto is_wanted = [&](const std::string& output) { return wanted.contains(output); };
    if (std::ranges::none_of(node.outputs, is_wanted)) continue;
    wanted.insert(node.inputs.begin(), node.inputs.end());
    kept.push_back(std::move(node));
  }
  std::ranges::reverse(kept);
  graph.nodes = std::move(kept);
  std::erase_if(graph.initializers,
                [&](const Tensor& tensor) { return !wanted.contains(tensor.name); });
  return graph;
}

}  // namespace visavis::graph
