#include "visavis/quantize/equalize.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/graph/graph.hpp>
#include <visavis/quantize/observe.hpp>

namespace visavis::modelkit {
namespace {

using Floats = std::vector<float>;

/// A channel of nearly nothing is not blown up beyond this.
constexpr float kLeast = 1e-3F;

constexpr auto kHomogeneous = std::to_array<std::string_view>({"LeakyRelu", "PRelu", "Relu"});

/// Who makes and who reads each value.
class Wiring {
 public:
  explicit Wiring(const graph::Graph& graph) {
    for (const graph::Node& node : graph.nodes) {
      for (const std::string& input : node.inputs) ++readers_[input];
      for (const std::string& output : node.outputs) makers_.emplace(output, &node);
    }
    for (const graph::ValueInfo& output : graph.outputs) ++readers_[output.name];
  }

  [[nodiscard]] bool has_one_reader(const std::string& value) const {
    const auto found = readers_.find(value);
    return found != readers_.end() && found->second == 1;
  }
  /// Null for an input or a constant.
  [[nodiscard]] const graph::Node* maker(const std::string& value) const {
    const auto found = makers_.find(value);
    return found == makers_.end() ? nullptr : found->second;
  }

 private:
  std::map<std::string, std::size_t, std::less<>> readers_;
  std::map<std::string, const graph::Node*, std::less<>> makers_;
};

/// The floats of a constant that nobody else reads; null if it is none.
Floats* own_floats(graph::Graph& graph, const Wiring& wiring, const graph::Node& node,
                   std::size_t input) {
  if (input >= node.inputs.size() || !wiring.has_one_reader(node.inputs[input])) return nullptr;
  const auto found =
      std::ranges::find(graph.initializers, node.inputs[input], &graph::Tensor::name);
  return found == graph.initializers.end() ? nullptr : std::get_if<Floats>(&found->values);
}

/// One weight tensor a channel, as many outputs as inputs.
bool is_depthwise(const graph::Graph& graph, const graph::Node& node) {
  if (node.op != "Conv" || node.inputs.size() < 2) return false;
  const graph::Tensor* weights = graph.initializer(node.inputs[1]);
  return weights != nullptr && weights->shape.size() >= 3 && weights->shape[1] == 1 &&
         weights->shape[0] == node.get_or<std::int64_t>("group", 1);
}

/// The convolution that makes what a node reads; null unless nobody else reads it on the way.
const graph::Node* convolution_before(const Wiring& wiring, const graph::Node& node) {
  if (!wiring.has_one_reader(node.inputs[0])) return nullptr;
  const graph::Node* maker = wiring.maker(node.inputs[0]);
  if (maker != nullptr && std::ranges::find(kHomogeneous, maker->op) != kHomogeneous.end()) {
    if (!wiring.has_one_reader(maker->inputs[0])) return nullptr;
    maker = wiring.maker(maker->inputs[0]);
  }
  return maker != nullptr && maker->op == "Conv" ? maker : nullptr;
}

/// Multiplies each channel's share of the values.
void multiply(Floats& values, std::span<const float> factors) {
  const std::size_t each = values.size() / factors.size();
  for (std::size_t i = 0; i < values.size(); ++i) values[i] *= factors[i / each];
}

Floats factors_of(std::span<const float> peaks) {
  const float most = std::ranges::max(peaks);
  Floats factors(peaks.size(), 1);
  for (std::size_t c = 0; c < peaks.size(); ++c)
    if (peaks[c] > 0) factors[c] = std::max(peaks[c] / most, kLeast);
  return factors;
}

}  // namespace

graph::Graph equalize(graph::Graph graph, const Observations& observations) {
  const Wiring wiring(graph);
  for (const graph::Node& second : graph.nodes) {
    const auto observed =
        second.inputs.empty() ? observations.end() : observations.find(second.inputs[0]);
    if (observed == observations.end() || !is_depthwise(graph, second)) continue;
    const graph::Node* first = convolution_before(wiring, second);
    if (first == nullptr) continue;
    const bool has_bias = first->inputs.size() > 2 && !first->inputs[2].empty();
    Floats* before = own_floats(graph, wiring, *first, 1);
    Floats* bias = has_bias ? own_floats(graph, wiring, *first, 2) : nullptr;
    Floats* after = own_floats(graph, wiring, second, 1);
    const std::vector<float>& peaks = observed->second.channel_peaks;
    const bool fits =
        before != nullptr && after != nullptr && has_bias == (bias != nullptr) && !peaks.empty() &&
        static_cast<std::int64_t>(peaks.size()) == graph.initializer(second.inputs[1])->shape[0];
    if (!fits) continue;
    Floats factors = factors_of(peaks);
    multiply(*after, factors);
    for (float& factor : factors) factor = 1 / factor;
    multiply(*before, factors);
    if (bias != nullptr) multiply(*bias, factors);
  }
  return graph;
}

}  // namespace visavis::modelkit
