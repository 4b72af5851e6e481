#include "pairing.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/graph/graph.hpp>

namespace visavis::modelkit {
namespace {

// Operators whose first output is always of floating point; the others also compute shapes.
constexpr auto kLayers = std::to_array<std::string_view>(
    {"AveragePool", "BatchNormalization", "Conv", "ConvTranspose", "Elu", "Gemm",
     "GlobalAveragePool", "HardSwish", "LeakyRelu", "LpNormalization", "MatMul", "MaxPool", "PRelu",
     "Relu", "Sigmoid", "Softmax", "Tanh"});

// Those that every form of a network has as many of.
constexpr auto kProducts =
    std::to_array<std::string_view>({"Conv", "ConvTranspose", "Gemm", "MatMul"});

// What may be multiplied into a product before it.
constexpr auto kAffine =
    std::to_array<std::string_view>({"Add", "BatchNormalization", "Div", "Mul", "Sub"});

template <std::size_t kCount>
bool is_one_of(const std::array<std::string_view, kCount>& ops, std::string_view op) {
  return std::ranges::find(ops, op) != ops.end();
}

/// A layer and where it stands.
struct Layer {
  std::string op;
  std::size_t depth = 0;  ///< Products on the longest way from an input to it, itself among them.
  std::size_t rank = 0;   ///< So many of the same operator come before it.
  std::string value;      ///< What it makes, with what is multiplied and added to it.
  std::size_t place = 0;  ///< In the order of the nodes.
};

bool is_product(const Layer& layer) { return is_one_of(kProducts, layer.op); }

class Layers {
 public:
  explicit Layers(const graph::Graph& graph) {
    for (const graph::Tensor& tensor : graph.initializers) constants_.insert(tensor.name);
    for (const graph::ValueInfo& output : graph.outputs) ++uses_[output.name];
    for (const graph::Node& node : graph.nodes) {
      if (node.op == "Constant" && !node.outputs.empty()) constants_.insert(node.outputs.front());
      for (const std::string& input : node.inputs) {
        ++uses_[input];
        readers_[input] = &node;
      }
    }
    std::map<std::string_view, std::size_t> depths;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) add(graph.nodes[i], i, depths);
  }

  [[nodiscard]] const std::vector<Layer>& products() const noexcept { return products_; }
  [[nodiscard]] const std::map<std::string_view, Layer>& by_name() const noexcept { return named_; }
  [[nodiscard]] std::size_t count(std::string_view op) const {
    const auto found = counts_.find(op);
    return found == counts_.end() ? 0 : found->second;
  }

 private:
  void add(const graph::Node& node, std::size_t place,
           std::map<std::string_view, std::size_t>& depths) {
    if (node.outputs.empty()) return;
    std::size_t depth = is_one_of(kProducts, node.op) ? 1 : 0;
    std::size_t before = 0;
    for (const std::string& input : node.inputs)
      if (const auto found = depths.find(input); found != depths.end())
        before = std::max(before, found->second);
    depth += before;
    for (const std::string& output : node.outputs) depths[output] = depth;
    if (!is_one_of(kLayers, node.op)) return;
    Layer layer{.op = node.op,
                .depth = depth,
                .rank = counts_[node.op]++,
                .value = node.outputs.front(),
                .place = place};
    if (is_product(layer)) {
      layer.value = completed(layer.value);
      products_.push_back(layer);
    }
    named_.emplace(node.outputs.front(), std::move(layer));
  }

  /// The value with all constants multiplied and added, while nobody reads it otherwise.
  [[nodiscard]] std::string completed(std::string value) const {
    // Each step goes to another node, unless the graph has a circle.
    for (std::size_t steps = 0; steps < readers_.size(); ++steps) {
      const auto reader = readers_.find(value);
      if (reader == readers_.end() || uses_.at(value) != 1) break;
      const graph::Node& node = *reader->second;
      if (!is_one_of(kAffine, node.op) || node.outputs.empty()) break;
      const bool of_constants = std::ranges::all_of(node.inputs, [&](const std::string& input) {
        return input == value || constants_.contains(input);
      });
      if (!of_constants) break;
      value = node.outputs.front();
    }
    return value;
  }

  std::set<std::string_view> constants_;
  std::map<std::string_view, std::size_t> uses_;
  std::map<std::string_view, const graph::Node*> readers_;  ///< The last, if there are several.
  std::map<std::string_view, std::size_t> counts_;
  std::map<std::string_view, Layer> named_;
  std::vector<Layer> products_;
};

/// "conv3" and "conv3.relu": what importers number, each in an order of its own.
bool is_numbered(std::string_view name) {
  const auto letter = [](char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
  };
  const auto digit = [](char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; };
  const auto stem = static_cast<std::size_t>(std::ranges::find_if_not(name, letter) - name.begin());
  std::size_t end = stem;
  while (end < name.size() && digit(name[end])) ++end;
  const std::string_view rest = name.substr(end);
  return stem > 0 && end > stem &&
         (rest.empty() || (rest.front() == '.' && std::ranges::all_of(rest.substr(1), letter)));
}

class Pairing {
 public:
  Pairing(const graph::Graph& source, const graph::Graph& result)
      : source_(source), result_(result) {}

  std::vector<LayerPair> run() {
    take_names();
    take_order();
    std::vector<LayerPair> pairs;
    std::set<std::string_view> ours;
    std::set<std::string_view> theirs;
    for (const auto& [place, pair] : pairs_) {
      const bool is_new = !ours.contains(pair.source) && !theirs.contains(pair.result);
      if (!is_new) continue;
      ours.insert(pair.source);
      theirs.insert(pair.result);
      pairs.push_back(pair);
    }
    return pairs;
  }

 private:
  [[nodiscard]] bool same_products() const {
    return source_.products().size() == result_.products().size();
  }

  /// Products may be one operator here and another there, and take in a normalisation.
  [[nodiscard]] static bool same_operator(const Layer& a, const Layer& b) {
    const auto linear = [](const Layer& layer) {
      return is_product(layer) || layer.op == "BatchNormalization";
    };
    return a.op == b.op || (linear(a) && linear(b));
  }

  /// As deep in both; if one form has products of its own, up to so many deeper.
  [[nodiscard]] bool same_depth(const Layer& a, const Layer& b) const {
    const auto far = [](std::size_t x, std::size_t y) { return x < y ? y - x : x - y; };
    return far(a.depth, b.depth) <= far(source_.products().size(), result_.products().size());
  }

  [[nodiscard]] bool same_rank(const Layer& a, const Layer& b) const {
    return a.op == b.op && a.rank == b.rank && source_.count(a.op) == result_.count(b.op);
  }

  /// A name is a layer's if no layer of its kind contradicts: one that stands elsewhere speaks
  /// against all.
  void take_names() {
    bool names_hold = true;
    bool numbers_hold = true;
    for (const auto& [name, ours] : source_.by_name()) {
      const auto theirs = result_.by_name().find(name);
      if (theirs == result_.by_name().end()) continue;
      if (is_numbered(name)) {
        if (!same_rank(ours, theirs->second) || !same_depth(ours, theirs->second))
          numbers_hold = false;
      } else if (same_operator(ours, theirs->second) && !same_depth(ours, theirs->second)) {
        names_hold = false;
      }
    }
    for (const auto& [name, ours] : source_.by_name()) {
      const auto theirs = result_.by_name().find(name);
      const bool holds = is_numbered(name) ? numbers_hold : names_hold;
      if (holds && theirs != result_.by_name().end() && same_operator(ours, theirs->second))
        take(ours, theirs->second);
    }
  }

  /// The products that names leave over, unless names pair others than the order does.
  void take_order() {
    const auto& ours = source_.products();
    const auto& theirs = result_.products();
    if (!same_products()) return;
    for (std::size_t i = 0; i < ours.size(); ++i) {
      if (ours[i].depth != theirs[i].depth) return;
      const auto named = pairs_.find(ours[i].place);
      if (named != pairs_.end() && named->second.result != theirs[i].value) return;
    }
    for (std::size_t i = 0; i < ours.size(); ++i) take(ours[i], theirs[i]);
  }

  void take(const Layer& ours, const Layer& theirs) {
    pairs_.try_emplace(ours.place,
                       LayerPair{.op = ours.op, .source = ours.value, .result = theirs.value});
  }

  Layers source_;
  Layers result_;
  std::map<std::size_t, LayerPair> pairs_;  ///< By the place in the source.
};

}  // namespace

std::vector<LayerPair> pair_layers(const graph::Graph& source, const graph::Graph& result) {
  return Pairing(source, result).run();
}

}  // namespace visavis::modelkit
