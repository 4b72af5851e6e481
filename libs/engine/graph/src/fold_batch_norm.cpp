#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
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

using Floats = std::vector<float>;

/// y = scale * x + shift, per channel.
struct Affine {
  Floats scale;
  Floats shift;
};

class Folder {
 public:
  explicit Folder(Graph graph) : graph_(std::move(graph)) {
    for (const Node& node : graph_.nodes)
      for (const std::string& input : node.inputs) ++uses_[input];
    for (const ValueInfo& output : graph_.outputs) ++uses_[output.name];
  }

  Graph run() && {
    std::vector<Node> kept;
    std::unordered_map<std::string, std::size_t> made;  // value -> index in kept
    for (Node& node : graph_.nodes) {
      const auto before = node.inputs.empty() ? made.end() : made.find(node.inputs.front());
      if (before != made.end() && fold(node, kept[before->second])) {
        made[kept[before->second].outputs.front()] = before->second;
        continue;
      }
      for (const std::string& output : node.outputs) made[output] = kept.size();
      kept.push_back(std::move(node));
    }
    graph_.nodes = std::move(kept);
    return remove_unused(std::move(graph_));
  }

 private:
  [[nodiscard]] const Floats* floats(const Node& node, std::size_t input) const {
    if (input >= node.inputs.size()) return nullptr;
    const Tensor* tensor = graph_.initializer(node.inputs[input]);
    return tensor == nullptr ? nullptr : std::get_if<Floats>(&tensor->values);
  }

  /// Of a normalisation in inference whose numbers are constants.
  [[nodiscard]] std::optional<Affine> affine_of(const Node& node) const {
    const Floats* gamma = floats(node, 1);
    const Floats* beta = floats(node, 2);
    const Floats* mean = floats(node, 3);
    const Floats* variance = floats(node, 4);
    if (gamma == nullptr || beta == nullptr || mean == nullptr || variance == nullptr) return {};
    const std::size_t channels = gamma->size();
    if (beta->size() != channels || mean->size() != channels || variance->size() != channels)
      return {};
    const double epsilon = node.get_or("epsilon", 1e-5F);
    Affine affine{.scale = Floats(channels), .shift = Floats(channels)};
    for (std::size_t c = 0; c < channels; ++c) {
      const double scale = (*gamma)[c] / std::sqrt((*variance)[c] + epsilon);
      affine.scale[c] = static_cast<float>(scale);
      affine.shift[c] = static_cast<float>((*beta)[c] - (*mean)[c] * scale);
    }
    return affine;
  }

  bool fold(const Node& norm, Node& before) {
    if (norm.op != "BatchNormalization" || norm.outputs.size() != 1) return false;
    if (norm.get_or<std::int64_t>("training_mode", 0) != 0) return false;
    if (before.outputs.size() != 1 || uses_[before.outputs.front()] != 1) return false;
    if (before.op != "Conv" && !is_plain_gemm(before)) return false;
    const auto affine = affine_of(norm);
    const Floats* weights = floats(before, 1);
    const bool has_bias = before.inputs.size() > 2 && !before.inputs[2].empty();
    const Floats* bias = floats(before, 2);
    if (!affine || weights == nullptr || (has_bias && bias == nullptr)) return false;
    const std::size_t channels = affine->scale.size();
    const Tensor* shaped = graph_.initializer(before.inputs[1]);
    if (channels == 0 || shaped->shape.empty() ||
        shaped->shape[0] != static_cast<std::int64_t>(channels))
      return false;
    if (has_bias && bias->size() != channels) return false;

    Tensor scaled{.name = fresh(norm.outputs.front() + "_weight"),
                  .shape = shaped->shape,
                  .values = *weights};
    Tensor shifted{.name = fresh(norm.outputs.front() + "_bias"),
                   .shape = {static_cast<std::int64_t>(channels)},
                   .values = affine->shift};
    auto& products = std::get<Floats>(scaled.values);
    auto& shifts = std::get<Floats>(shifted.values);
    const std::size_t per_channel = products.size() / channels;
    for (std::size_t i = 0; i < products.size(); ++i) products[i] *= affine->scale[i / per_channel];
    for (std::size_t c = 0; has_bias && c < channels; ++c)
      shifts[c] += (*bias)[c] * affine->scale[c];

    before.inputs = {before.inputs[0], scaled.name, shifted.name};
    before.outputs = norm.outputs;
    graph_.initializers.push_back(std::move(scaled));
    graph_.initializers.push_back(std::move(shifted));
    return true;
  }

  /// x * weightsᵀ + bias: a channel has a row of the weights.
  static bool is_plain_gemm(const Node& node) {
    return node.op == "Gemm" && node.get_or<std::int64_t>("transA", 0) == 0 &&
           node.get_or<std::int64_t>("transB", 0) == 1 && node.get_or("alpha", 1.F) == 1.F &&
           node.get_or("beta", 1.F) == 1.F;
  }

  [[nodiscard]] std::string fresh(std::string name) const {
    const auto is_taken = [&] {
      return uses_.contains(name) || graph_.initializer(name) != nullptr;
    };
    while (is_taken()) name += "_";
    return name;
  }

  Graph graph_;
  std::unordered_map<std::string, std::size_t> uses_;
};

}  // namespace

Graph fold_batch_norm(Graph graph) { return Folder(std::move(graph)).run(); }

}  // namespace visavis::graph
