#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/half.hpp>

#include "onnx_numbers.hpp"
#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph {
namespace {

using Floats = std::vector<float>;
using Halves = std::vector<Half>;

bool is_kernel(const Tensor& tensor) {
  return tensor.size() >= kLeastHalves &&
         std::ranges::count_if(tensor.shape, [](std::int64_t n) { return n > 1; }) >= 2;
}

/// Why these numbers cannot be halves; empty if they can.
std::string_view unfit(const Floats& values, const Halves& halves) {
  double moved = 0;
  double length = 0;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double value = values[i];
    const double half = from_half(halves[i].bits);
    if (!std::isfinite(value)) return "it holds what is no finite number";
    if (!std::isfinite(half)) return "it holds a number beyond 65504, the largest half";
    moved += (half - value) * (half - value);
    length += value * value;
  }
  if (moved > 0x1p-22 * length) return "its numbers are too small for halves";
  return {};
}

Halves rounded(const Floats& values) {
  Halves halves;
  halves.reserve(values.size());
  std::ranges::transform(values, std::back_inserter(halves),
                         [](float value) { return Half{to_half(value)}; });
  return halves;
}

Floats widened(const Halves& halves) {
  Floats values;
  values.reserve(halves.size());
  std::ranges::transform(halves, std::back_inserter(values),
                         [](Half half) { return from_half(half.bits); });
  return values;
}

class Names {
 public:
  explicit Names(const Graph& graph) {
    for (const ValueInfo& input : graph.inputs) taken_.insert(input.name);
    for (const Tensor& tensor : graph.initializers) taken_.insert(tensor.name);
    for (const Node& node : graph.nodes) taken_.insert(node.outputs.begin(), node.outputs.end());
  }

  std::string beside(const std::string& name) {
    std::string made = name + ".f16";
    while (!taken_.insert(made).second) made += "_";
    return made;
  }

 private:
  std::unordered_set<std::string> taken_;
};

/// Kernels and matrices that Constant nodes hold become initializers.
void lift_kernels(Graph& graph) {
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    const Attribute* value = node.op == "Constant" ? node.find("value") : nullptr;
    const Tensor* tensor = value == nullptr ? nullptr : std::get_if<Tensor>(value);
    if (tensor == nullptr || !std::holds_alternative<Floats>(tensor->values) ||
        !is_kernel(*tensor)) {
      kept.push_back(std::move(node));
      continue;
    }
    graph.initializers.push_back(*tensor);
    graph.initializers.back().name = node.outputs.front();
  }
  graph.nodes = std::move(kept);
}

bool widens(const Node& node) {
  return node.op == "Cast" && node.inputs.size() == 1 && node.outputs.size() == 1 &&
         node.get_or<std::int64_t>("to", 0) == kOnnxFloat;
}

}  // namespace

std::optional<std::vector<Half>> exact_halves(std::span<const float> values) {
  Halves halves;
  halves.reserve(values.size());
  for (const float value : values) {
    const Half half{to_half(value)};
    if (from_half(half.bits) != value) return std::nullopt;
    halves.push_back(half);
  }
  return halves;
}

Result<Halved> halve_weights(Graph graph) {
  constexpr std::int64_t kFirstCast = 6;  // before it, Cast had the name of a type
  if (graph.opset < kFirstCast)
    return fail(ErrorCode::kUnsupported,
                "halves need operator set 6, and this network has " + std::to_string(graph.opset));
  lift_kernels(graph);
  Names names(graph);
  Halved out;
  std::vector<Node> casts;
  for (Tensor& tensor : graph.initializers) {
    const auto* values = std::get_if<Floats>(&tensor.values);
    if (values == nullptr || !is_kernel(tensor)) continue;
    Halves halves = rounded(*values);
    if (const std::string_view reason = unfit(*values, halves); !reason.empty()) {
      out.kept.push_back({.name = tensor.name, .reason = std::string(reason)});
      continue;
    }
    ++out.tensors;
    out.numbers += halves.size();
    std::string stored = names.beside(tensor.name);
    casts.push_back({.op = "Cast",
                     .name = {},
                     .inputs = {stored},
                     .outputs = {tensor.name},
                     .attributes = {{"to", std::int64_t{kOnnxFloat}}}});
    tensor.name = std::move(stored);
    tensor.values = std::move(halves);
  }
  graph.nodes.insert(graph.nodes.begin(), std::make_move_iterator(casts.begin()),
                     std::make_move_iterator(casts.end()));
  out.graph = std::move(graph);
  return out;
}

Graph widen_halves(Graph graph) {
  if (!has_halves(graph)) return graph;
  std::unordered_map<std::string, Tensor*> halves;
  for (Tensor& tensor : graph.initializers)
    if (std::holds_alternative<Halves>(tensor.values)) halves.emplace(tensor.name, &tensor);
  // A second Cast of the same halves is no second copy: a small file must not become a large one.
  std::unordered_map<std::string, std::string> wide;
  std::vector<Tensor> made;
  std::vector<Node> kept;
  for (Node& node : graph.nodes) {
    const auto found = widens(node) ? halves.find(node.inputs[0]) : halves.end();
    if (found == halves.end()) {
      kept.push_back(std::move(node));
      continue;
    }
    const auto [first, is_first] = wide.try_emplace(node.inputs[0], node.outputs[0]);
    if (is_first) {
      made.push_back({.name = node.outputs[0],
                      .shape = found->second->shape,
                      .values = widened(std::get<Halves>(found->second->values))});
    } else {
      kept.push_back({.op = "Identity",
                      .name = {},
                      .inputs = {first->second},
                      .outputs = node.outputs,
                      .attributes = {}});
    }
  }
  graph.nodes = std::move(kept);
  std::unordered_set<std::string_view> read;
  for (const Node& node : graph.nodes) read.insert(node.inputs.begin(), node.inputs.end());
  for (const ValueInfo& output : graph.outputs) read.insert(output.name);
  std::erase_if(graph.initializers, [&](const Tensor& tensor) {
    return wide.contains(tensor.name) && !read.contains(tensor.name);
  });
  std::ranges::move(made, std::back_inserter(graph.initializers));
  return graph;
}

bool has_halves(const Graph& graph) noexcept {
  return std::ranges::any_of(graph.initializers, [](const Tensor& tensor) {
    return std::holds_alternative<Halves>(tensor.values);
  });
}

}  // namespace visavis::graph
