#include "visavis/quantize/equalize.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/quantize/observe.hpp>

namespace visavis::modelkit {
namespace {

using Floats = std::vector<float>;

/// A channel of nearly nothing is not blown up beyond 2 to this.
constexpr int kMostExponent = 9;

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

/// How often each channel's peak can be doubled without passing the largest one.
std::vector<std::uint8_t> doublings(std::span<const float> peaks) {
  const float most = std::ranges::max(peaks);
  std::vector<std::uint8_t> exponents(peaks.size());
  for (std::size_t c = 0; c < peaks.size(); ++c)
    for (float peak = 2 * peaks[c]; peak > 0 && peak <= most && exponents[c] < kMostExponent;
         peak *= 2)
      ++exponents[c];
  return exponents;
}

/// The constants of a convolution and of the depthwise one behind it; nothing if they are shared.
struct Pair {
  Floats* before;
  Floats* bias;  ///< Null without one.
  Floats* after;
};

std::optional<Pair> pair_at(graph::Graph& graph, const Wiring& wiring, const graph::Node& second) {
  if (!is_depthwise(graph, second)) return std::nullopt;
  const graph::Node* first = convolution_before(wiring, second);
  if (first == nullptr) return std::nullopt;
  const bool has_bias = first->inputs.size() > 2 && !first->inputs[2].empty();
  const Pair pair{.before = own_floats(graph, wiring, *first, 1),
                  .bias = has_bias ? own_floats(graph, wiring, *first, 2) : nullptr,
                  .after = own_floats(graph, wiring, second, 1)};
  if (pair.before == nullptr || pair.after == nullptr || has_bias != (pair.bias != nullptr))
    return std::nullopt;
  return pair;
}

std::size_t channels_of(const graph::Graph& graph, const graph::Node& depthwise) {
  return static_cast<std::size_t>(graph.initializer(depthwise.inputs[1])->shape[0]);
}

}  // namespace

Equalising equalising_of(const graph::Graph& graph, const Observations& observations) {
  graph::Graph own = graph;  // looked at, not changed
  const Wiring wiring(own);
  Equalising equalising;
  for (const graph::Node& second : own.nodes) {
    const auto observed =
        second.inputs.empty() ? observations.end() : observations.find(second.inputs[0]);
    if (observed == observations.end() || !pair_at(own, wiring, second)) continue;
    const std::vector<float>& peaks = observed->second.channel_peaks;
    if (peaks.size() == channels_of(own, second))
      equalising.emplace(second.outputs.front(), doublings(peaks));
  }
  return equalising;
}

Result<graph::Graph> equalize(graph::Graph graph, const Equalising& equalising) {
  const Wiring wiring(graph);
  std::size_t done = 0;
  for (const graph::Node& second : graph.nodes) {
    const auto wanted = equalising.find(second.outputs.front());
    if (wanted == equalising.end()) continue;
    const auto pair = pair_at(graph, wiring, second);
    if (!pair || wanted->second.size() != channels_of(graph, second)) break;
    Floats factors;
    for (const std::uint8_t exponent : wanted->second) factors.push_back(std::ldexp(1.F, exponent));
    multiply(*pair->before, factors);
    if (pair->bias != nullptr) multiply(*pair->bias, factors);
    for (float& factor : factors) factor = 1 / factor;
    multiply(*pair->after, factors);
    ++done;
  }
  if (done < equalising.size())
    return fail(ErrorCode::kModelMismatch,
                "the int8 recipe scales channels that this network has not");
  return graph;
}

}  // namespace visavis::modelkit
