#include "fold_layers.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>

namespace visavis::modelkit {
namespace {

using Floats = std::vector<float>;

/// The negative part of x, times a factor.
struct NegativePart {
  std::string x;
  graph::Shape shape;  ///< Of the factors.
  Floats factors;
};

class Folder {
 public:
  explicit Folder(graph::Graph graph) : graph_(std::move(graph)) {
    for (std::size_t i = 0; i < graph_.initializers.size(); ++i)
      constants_[graph_.initializers[i].name] = i;
    for (const graph::Node& node : graph_.nodes)
      for (const std::string& input : node.inputs) ++uses_[input];
    for (const graph::ValueInfo& output : graph_.outputs) ++uses_[output.name];
  }

  graph::Graph run() && {
    std::vector<graph::Node> given = std::move(graph_.nodes);
    for (graph::Node& node : given) {
      if (fold_channels(node)) continue;
      make_prelu(node);
      for (const std::string& output : node.outputs) made_[output] = kept_.size();
      kept_.push_back(std::move(node));
    }
    graph_.nodes = std::move(kept_);
    return graph::remove_unused(std::move(graph_));
  }

 private:
  [[nodiscard]] const graph::Tensor* constant(const std::string& name) const {
    const auto found = constants_.find(name);
    if (found == constants_.end()) return nullptr;
    const graph::Tensor& tensor = graph_.initializers[found->second];
    return std::holds_alternative<Floats>(tensor.values) ? &tensor : nullptr;
  }

  [[nodiscard]] Floats* floats(const std::string& name) {
    const auto found = constants_.find(name);
    return found == constants_.end()
               ? nullptr
               : std::get_if<Floats>(&graph_.initializers[found->second].values);
  }

  [[nodiscard]] const graph::Node* source(const std::string& name, std::string_view op,
                                          std::size_t inputs) const {
    const auto found = made_.find(name);
    if (found == made_.end()) return nullptr;
    const graph::Node& node = kept_[found->second];
    return node.op == op && node.inputs.size() >= inputs ? &node : nullptr;
  }

  /// The constant of a node with another operand, and which input it is.
  struct Operand {
    const graph::Tensor* constant;
    std::size_t other;
  };
  [[nodiscard]] std::optional<Operand> operand(const graph::Node& node) const {
    if (node.inputs.size() != 2) return std::nullopt;
    for (const std::size_t i : {1U, 0U})
      if (const graph::Tensor* found = constant(node.inputs[i]))
        return Operand{.constant = found, .other = 1 - i};
    return std::nullopt;
  }

  /// One number for each of a layer's channels.
  static std::optional<Floats> per_channel(const graph::Tensor& tensor, std::size_t channels,
                                           std::size_t behind) {
    const auto& values = std::get<Floats>(tensor.values);
    if (values.size() == 1) return Floats(channels, values[0]);
    graph::Shape expected = {static_cast<std::int64_t>(channels)};
    expected.insert(expected.end(), behind, 1);
    if (tensor.shape != expected) return std::nullopt;
    return values;
  }

  bool fold_channels(const graph::Node& node) {
    const bool is_product = node.op == "Mul";
    if (!is_product && node.op != "Add" && node.op != "Sub") return false;
    const std::optional<Operand> found = operand(node);
    if (!found || (node.op == "Sub" && found->other != 0)) return false;
    const std::string& x = node.inputs[found->other];
    const auto layer = made_.find(x);
    if (layer == made_.end() || uses_[x] != 1) return false;
    graph::Node& before = kept_[layer->second];
    const bool is_convolution = before.op == "Conv";
    if ((!is_convolution && before.op != "Gemm") || before.inputs.size() < 2) return false;
    const graph::Tensor* weights = constant(before.inputs[1]);
    if (weights == nullptr || weights->shape.empty() || uses_[before.inputs[1]] != 1) return false;
    const auto channels = static_cast<std::size_t>(weights->shape[0]);
    if (channels == 0 || found->constant->shape.size() > (is_convolution ? 4U : 2U)) return false;
    std::optional<Floats> numbers = per_channel(*found->constant, channels, is_convolution ? 2 : 0);
    if (!numbers) return false;
    if (node.op == "Sub")
      for (float& number : *numbers) number = -number;
    if (before.inputs.size() == 2 && !is_product) add_bias(before, channels);
    if (before.inputs.size() > 2 &&
        (floats(before.inputs[2]) == nullptr || uses_[before.inputs[2]] != 1))
      return false;
    if (is_product)
      multiply(before, *numbers);
    else
      add(before, *numbers);
    const std::size_t place = layer->second;
    before.outputs = node.outputs;
    before.name = node.name;
    made_[node.outputs[0]] = place;
    return true;
  }

  void add_bias(graph::Node& layer, std::size_t channels) {
    std::string name = layer.outputs[0] + ".bias";
    while (constants_.contains(name) || uses_.contains(name)) name += "_";
    constants_[name] = graph_.initializers.size();
    graph_.initializers.push_back({.name = name,
                                   .shape = {static_cast<std::int64_t>(channels)},
                                   .values = Floats(channels, 0.F)});
    uses_[name] = 1;
    layer.inputs.push_back(name);
  }

  void multiply(const graph::Node& layer, const Floats& factors) {
    Floats& weights = *floats(layer.inputs[1]);
    const std::size_t each = weights.size() / factors.size();
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] *= factors[i / each];
    if (layer.inputs.size() < 3) return;
    Floats& bias = *floats(layer.inputs[2]);
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] *= factors[i];
  }

  void add(const graph::Node& layer, const Floats& numbers) {
    Floats& bias = *floats(layer.inputs[2]);
    for (std::size_t i = 0; i < bias.size(); ++i) bias[i] += numbers[i];
  }

  /// Follows constant factors and signs from `name` to what they multiply.
  [[nodiscard]] std::optional<NegativePart> negative_part(std::string name) const {
    NegativePart out{.x = {}, .shape = {}, .factors = {1}};
    constexpr int kMostFactors = 8;
    for (int i = 0; i < kMostFactors; ++i) {
      if (const graph::Node* sign = source(name, "Neg", 1)) {
        for (float& factor : out.factors) factor = -factor;
        name = sign->inputs[0];
        continue;
      }
      const graph::Node* product = source(name, "Mul", 2);
      if (product == nullptr) break;
      const std::optional<Operand> found = operand(*product);
      if (!found || !multiply(out, *found->constant)) return std::nullopt;
      name = product->inputs[found->other];
    }
    const float times = core(name, out.x);
    if (times == 0) return std::nullopt;
    for (float& factor : out.factors) factor *= times;
    return out;
  }

  static bool multiply(NegativePart& part, const graph::Tensor& constant) {
    const auto& values = std::get<Floats>(constant.values);
    if (part.factors.size() == 1) {
      const float before = part.factors[0];
      part.factors = values;
      part.shape = constant.shape;
      for (float& factor : part.factors) factor *= before;
      return !values.empty();
    }
    if (values.size() != 1 && constant.shape != part.shape) return false;
    for (std::size_t i = 0; i < part.factors.size(); ++i)
      part.factors[i] *= values.size() == 1 ? values[0] : values[i];
    return true;
  }

  /// How often the value is min(x, 0); 0 if it is something else.
  float core(const std::string& name, std::string& x) const {
    if (const graph::Node* difference = source(name, "Sub", 2)) {
      const graph::Node* size = source(difference->inputs[1], "Abs", 1);
      if (size == nullptr || size->inputs[0] != difference->inputs[0]) return 0;
      x = difference->inputs[0];
      return 2;
    }
    if (const graph::Node* relu = source(name, "Relu", 1)) {
      const graph::Node* sign = source(relu->inputs[0], "Neg", 1);
      if (sign == nullptr) return 0;
      x = sign->inputs[0];
      return -1;
    }
    if (const graph::Node* clip = source(name, "Clip", 3)) {
      const graph::Tensor* most = constant(clip->inputs[2]);
      if (!clip->inputs[1].empty() || most == nullptr ||
          std::get<Floats>(most->values) != Floats{0})
        return 0;
      x = clip->inputs[0];
      return 1;
    }
    return 0;
  }

  /// The x of relu(x), also where it is written as max(x, 0).
  [[nodiscard]] const std::string* positive_part(const std::string& name) const {
    if (const graph::Node* relu = source(name, "Relu", 1)) return &relu->inputs[0];
    const graph::Node* clip = source(name, "Clip", 2);
    if (clip == nullptr || clip->inputs.size() > 2) return nullptr;
    const graph::Tensor* least = constant(clip->inputs[1]);
    const bool is_relu = least != nullptr && std::get<Floats>(least->values) == Floats{0};
    return is_relu ? &clip->inputs[0] : nullptr;
  }

  void make_prelu(graph::Node& node) {
    const bool is_sum = node.op == "Add";
    if ((!is_sum && node.op != "Sub") || node.inputs.size() != 2) return;
    for (const std::size_t i : {0U, 1U}) {
      if (i == 1 && !is_sum) return;
      const std::string* x = positive_part(node.inputs[i]);
      if (x == nullptr) continue;
      std::optional<NegativePart> part = negative_part(node.inputs[1 - i]);
      if (!part || part->x != *x) continue;
      if (!is_sum)
        for (float& factor : part->factors) factor = -factor;
      std::string name = node.outputs[0] + ".slope";
      while (constants_.contains(name) || uses_.contains(name)) name += "_";
      constants_[name] = graph_.initializers.size();
      graph_.initializers.push_back(
          {.name = name, .shape = std::move(part->shape), .values = std::move(part->factors)});
      node.op = "PRelu";
      node.inputs = {*x, name};
      return;
    }
  }

  graph::Graph graph_;
  std::vector<graph::Node> kept_;
  std::unordered_map<std::string, std::size_t> constants_;
  std::unordered_map<std::string, std::size_t> uses_;
  std::unordered_map<std::string, std::size_t> made_;  ///< Value -> index in kept_.
};

}  // namespace

graph::Graph fold_layers(graph::Graph graph) { return Folder(std::move(graph)).run(); }

}  // namespace visavis::modelkit
