#include "activations.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/graph/channels_last.hpp>
#include <visavis/graph/graph.hpp>

namespace visavis::tflite {
namespace {

constexpr auto kCarriers =
    std::to_array<std::string_view>({"Conv", "DepthwiseConv", "FullyConnected", "Add", "Sub", "Mul",
                                     "Div", "MaxPool", "AveragePool"});

}  // namespace

graph::ChannelsLast fuse_activations(graph::ChannelsLast network) {
  std::map<std::string, int, std::less<>> reads;
  for (const graph::Node& node : network.graph.nodes)
    for (const std::string& input : node.inputs) ++reads[input];
  for (const graph::ValueInfo& output : network.graph.outputs) ++reads[output.name];
  std::vector<graph::Node> kept;
  std::map<std::string, std::size_t, std::less<>> made;  // value -> index in kept
  for (graph::Node& node : network.graph.nodes) {
    const bool limits = node.op == "Relu" || node.op == "Relu6";
    const auto before = limits ? made.find(node.inputs[0]) : made.end();
    if (before != made.end() && reads[node.inputs[0]] == 1) {
      graph::Node& carrier = kept[before->second];
      if (std::ranges::find(kCarriers, carrier.op) != kCarriers.end() &&
          carrier.find("activation") == nullptr) {
        carrier.attributes.emplace_back("activation", node.op);
        carrier.outputs = node.outputs;
        made[node.outputs[0]] = before->second;
        continue;
      }
    }
    for (const std::string& output : node.outputs) made[output] = kept.size();
    kept.push_back(std::move(node));
  }
  network.graph.nodes = std::move(kept);
  return network;
}

}  // namespace visavis::tflite
