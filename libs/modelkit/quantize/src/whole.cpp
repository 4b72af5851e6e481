#include "visavis/quantize/whole.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "visavis/quantize/ranges.hpp"

namespace visavis::modelkit {
namespace {

struct Row {
  std::string_view op;
  bool keeps_steps = false;  ///< Its numbers are some of its input's.
};
constexpr auto kOperators = std::to_array<Row>({{"Conv"},
                                                {"Gemm"},
                                                {"MatMul"},
                                                {"Add"},
                                                {"Sub"},
                                                {"Mul"},
                                                {"PRelu"},
                                                {"LeakyRelu"},
                                                {"Relu"},
                                                {"GlobalAveragePool"},
                                                {"ReduceMean"},
                                                {"MaxPool", true},
                                                {"AveragePool", true},
                                                {"Reshape", true},
                                                {"Flatten", true},
                                                {"Transpose", true}});

const Row* row_of(const graph::Node& node) {
  const auto* found = std::ranges::find(kOperators, node.op, &Row::op);
  return found == kOperators.end() ? nullptr : found;
}

/// The names of the constants that steps have.
struct Names {
  std::string scale;
  std::string zero;
};

class Rounding {
 public:
  Rounding(graph::Graph graph, const Ranges& ranges) : graph_(std::move(graph)), ranges_(ranges) {
    for (const graph::Node& node : graph_.nodes)
      if (node.op == "QuantizeLinear") quantized_[node.inputs[0]] = node.outputs[0];
  }

  Result<graph::Graph> run() && {
    std::vector<graph::Node> nodes = std::exchange(graph_.nodes, {});
    for (graph::Node& node : nodes) {
      if (node.op == "QuantizeLinear") {
        share_steps(node);
      } else if (node.op == "DequantizeLinear") {
        follow(node);
      } else {
        for (std::string& input : node.inputs) input = real(input);
        remember(node);
      }
      const Row* row = row_of(node);
      const std::string made = node.outputs.front();
      graph_.nodes.push_back(std::move(node));
      if (row != nullptr && !quantized_.contains(made)) add(made);
    }
    for (graph::ValueInfo& output : graph_.outputs) rename_output(output);
    VISAVIS_CHECK(graph::validate(graph_));
    return std::move(graph_);
  }

 private:
  /// Where `value` is read: as what its steps mean, once it has any.
  [[nodiscard]] std::string real(const std::string& value) const {
    const auto found = reals_.find(value);
    return found == reals_.end() ? value : found->second;
  }

  /// An operator that keeps steps has those of what it reads.
  void remember(const graph::Node& node) {
    const Row* row = row_of(node);
    if (row == nullptr || !row->keeps_steps) return;
    const auto found = steps_.find(node.inputs[0]);
    if (found != steps_.end()) kept_steps_[node.outputs[0]] = found->second;
  }

  void share_steps(graph::Node& node) {
    const auto found = kept_steps_.find(node.inputs[0]);
    if (found == kept_steps_.end()) return;
    node.inputs[1] = found->second.scale;
    node.inputs[2] = found->second.zero;
    shared_[node.outputs[0]] = found->second;
  }

  /// A DequantizeLinear that was there: of weights, or of a value.
  void follow(graph::Node& node) {
    if (const auto found = shared_.find(node.inputs[0]); found != shared_.end()) {
      node.inputs[1] = found->second.scale;
      node.inputs[2] = found->second.zero;
    }
    if (node.inputs.size() < 3) return;
    steps_[node.outputs[0]] = {.scale = node.inputs[1], .zero = node.inputs[2]};
    for (const auto& [value, steps] : quantized_)
      if (steps == node.inputs[0]) reals_[value] = node.outputs[0];
  }

  void add(const std::string& value) {
    Names names{.scale = value + "_scale", .zero = value + "_zero"};
    if (const auto found = kept_steps_.find(value); found != kept_steps_.end()) {
      names = found->second;
    } else {
      const auto range = ranges_.find(value);
      if (range == ranges_.end()) return;
      const Steps steps = steps_of({.low = range->second.low, .high = range->second.high});
      graph_.initializers.push_back(
          {.name = names.scale, .shape = {}, .values = std::vector<float>{steps.scale}});
      graph_.initializers.push_back(
          {.name = names.zero, .shape = {}, .values = std::vector<std::uint8_t>{steps.zero}});
    }
    const std::string steps = value + "_q";
    const std::string meaning = value + "_dq";
    graph_.nodes.push_back({.op = "QuantizeLinear",
                            .name = {},
                            .inputs = {value, names.scale, names.zero},
                            .outputs = {steps},
                            .attributes = {}});
    graph_.nodes.push_back({.op = "DequantizeLinear",
                            .name = {},
                            .inputs = {steps, names.scale, names.zero},
                            .outputs = {meaning},
                            .attributes = {}});
    quantized_[value] = steps;
    reals_[value] = meaning;
    steps_[meaning] = names;
  }

  /// An output is what its steps mean, under the name that it had.
  void rename_output(const graph::ValueInfo& output) {
    const std::string meaning = real(output.name);
    if (meaning == output.name) return;
    const std::string before = output.name + "_real";
    for (graph::Node& node : graph_.nodes)
      for (auto* list : {&node.inputs, &node.outputs})
        for (std::string& name : *list) {
          if (name == output.name) {
            name = before;
          } else if (name == meaning) {
            name = output.name;
          }
        }
  }

  graph::Graph graph_;
  const Ranges& ranges_;
  std::map<std::string, std::string, std::less<>> quantized_;  ///< Value to its steps.
  std::map<std::string, std::string, std::less<>> reals_;      ///< Value to what its steps mean.
  std::map<std::string, Names, std::less<>> steps_;            ///< Of what steps mean.
  std::map<std::string, Names, std::less<>> kept_steps_;       ///< Of results, by their operator.
  std::map<std::string, Names, std::less<>> shared_;           ///< Of steps that were there.
};

}  // namespace

std::vector<std::string> results_of(const graph::Graph& graph) {
  std::vector<std::string> results;
  for (const graph::Node& node : graph.nodes) {
    const Row* row = row_of(node);
    if (row != nullptr && !row->keeps_steps) results.push_back(node.outputs.front());
  }
  return results;
}

Result<graph::Graph> round_results(graph::Graph quantized, const Ranges& ranges) {
  return Rounding(std::move(quantized), ranges).run();
}

}  // namespace visavis::modelkit
