#pragma once

/// A TensorFlow graph with its functions put in their places, as far as some outputs need it.
/// Where it is in the flow: GraphDef -> TensorflowGraph -> tensorflow_to_onnx.
///
/// The network is run, not trained: every boolean placeholder (`phase_train`) is false, a Switch
/// hands on at its living side only, and a Merge takes what lives.

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::tensorflow {
class GraphDef;
class NodeDef;
class FunctionDef;
class AttrValue;
}  // namespace visavis::tensorflow

namespace visavis::modelkit {

/// An attribute of a node; null if it has none of that name.
[[nodiscard]] const tensorflow::AttrValue* attribute(const tensorflow::NodeDef& node,
                                                     std::string_view name);

class TensorflowGraph {
 public:
  /// An output of a node.
  struct Port {
    std::size_t node = 0;
    std::size_t output = 0;
  };
  struct Scope;  ///< The graph itself, or one call of a function.
  struct Node {
    const tensorflow::NodeDef* def = nullptr;
    /// "_Input"; "_Argument": of a function, hands on; "_Call": output i is input i.
    std::string_view op;
    std::string name;  ///< With those of the calls around it.
    const Scope* scope = nullptr;
    bool expanded = false;  ///< Its inputs are known.
    std::vector<Port> inputs;
    std::vector<std::size_t> controls;  ///< Nodes that run before it.
    bool dead = false;                  ///< Never runs.
    std::size_t alive = 0;              ///< Of a Switch: its output; of a Merge: its input.
  };

  /// What `wanted` ("node", "node:1") needs, in an order in which it can run. Nodes called as `fed`
  /// become inputs, "_Input", whatever they were. `graph` must outlive it.
  /// @return kDecodeFailed for inputs and functions that are not there; kUnsupported for loops and
  /// for a Switch whose side depends on the pictures; kResourceExhausted for too many nodes or
  /// calls in each other.
  [[nodiscard]] static Result<TensorflowGraph> read(const tensorflow::GraphDef& graph,
                                                    std::span<const std::string> wanted,
                                                    std::span<const std::string> fed);

  TensorflowGraph(TensorflowGraph&&) noexcept;
  TensorflowGraph& operator=(TensorflowGraph&&) noexcept;
  ~TensorflowGraph();

  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<Port>& outputs() const { return outputs_; }
  /// The nodes that the outputs need, each behind those it reads.
  [[nodiscard]] const std::vector<std::size_t>& order() const { return order_; }

 private:
  TensorflowGraph() = default;

  using Nodes = std::span<const tensorflow::NodeDef* const>;
  Result<void> add_scope(Nodes nodes, Scope& scope);
  Result<std::optional<Port>> port_of(const Scope& scope, std::string_view input) const;
  Result<void> expand(std::size_t index);
  Result<void> call(std::size_t index, std::string_view function, std::span<const Port> arguments);
  Result<std::vector<std::size_t>> sorted(bool with_controls);
  [[nodiscard]] std::vector<std::size_t> read_by(std::size_t index, bool with_controls) const;
  /// By node and output; nothing for one that is not known, or not yet.
  using Truths = std::map<std::pair<std::size_t, std::size_t>, std::optional<bool>>;
  [[nodiscard]] std::optional<bool> truth(Port port);
  std::optional<bool> truth_among(Port port, int depth, Truths& known);
  std::optional<bool> found_truth(Port port, int depth, Truths& known);
  [[nodiscard]] bool is_dead(Port port) const;
  Result<void> find_dead(std::span<const std::size_t> order);

  std::vector<Node> nodes_;
  std::vector<std::unique_ptr<Scope>> scopes_;
  std::unordered_map<std::string_view, const tensorflow::FunctionDef*> functions_;
  std::vector<Port> outputs_;
  std::vector<std::size_t> order_;
  std::size_t asked_ = 0;  ///< How many booleans were looked at.
};

}  // namespace visavis::modelkit
