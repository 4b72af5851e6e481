#include "tensorflow_graph.hpp"

#include <tensorflow.pb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "bundle.hpp"
#include "refusals.hpp"
#include "tensorflow.hpp"

namespace visavis::modelkit {

struct TensorflowGraph::Scope {
  std::string prefix;
  int depth = 0;
  bool is_function = false;
  std::unordered_map<std::string_view, std::size_t> names;
};

namespace {

constexpr int kMostDepth = 32;
constexpr std::size_t kMostName = 4096;
constexpr std::size_t kMostAsked = 10 * graph::kMaxNodes;  ///< Booleans, for all conditions.

std::unexpected<Error> malformed(const std::string& what) {
  return fail(ErrorCode::kDecodeFailed, "this is no well-formed TensorFlow graph: " + what);
}

bool one_of(std::string_view op, std::initializer_list<std::string_view> list) {
  return std::ranges::find(list, op) != list.end();
}

bool is_call(std::string_view op) {
  return one_of(op, {"PartitionedCall", "StatefulPartitionedCall"});
}

bool is_condition(std::string_view op) { return one_of(op, {"If", "StatelessIf"}); }

bool is_switch(std::string_view op) { return one_of(op, {"Switch", "RefSwitch"}); }

bool is_merge(std::string_view op) { return one_of(op, {"Merge", "RefMerge"}); }

/// Which of an operator's outputs the results of that name begin at (tensorflow/core/ops).
std::size_t first_output(std::string_view name) {
  struct Entry {
    std::string_view name;
    std::size_t place;
  };
  static constexpr auto kTable = std::to_array<Entry>({{"batch_mean", 1},
                                                       {"batch_variance", 2},
                                                       {"reserve_space_1", 3},
                                                       {"reserve_space_2", 4},
                                                       {"reserve_space_3", 5},
                                                       {"output_true", 1},
                                                       {"value_index", 1}});
  const auto* found = std::ranges::find(kTable, name, &Entry::name);
  return found == kTable.end() ? 0 : found->place;
}

std::optional<std::size_t> index_of(std::string_view digits) {
  constexpr std::size_t kMost = 1U << 20U;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value > kMost)
    return std::nullopt;
  return value;
}

/// "node", "node:1", or in a function "node:result:1".
struct Reference {
  std::string_view node;
  std::size_t output = 0;
};

std::optional<Reference> reference_of(std::string_view input, bool in_function) {
  const std::size_t colon = input.find(':');
  if (colon == std::string_view::npos) return Reference{.node = input};
  const std::string_view node = input.substr(0, colon);
  std::string_view rest = input.substr(colon + 1);
  std::size_t first = 0;
  if (in_function) {
    const std::size_t second = rest.find(':');
    first = first_output(rest.substr(0, second));
    rest = second == std::string_view::npos ? "0" : rest.substr(second + 1);
  }
  const auto index = index_of(rest);
  if (!index) return std::nullopt;
  return Reference{.node = node, .output = first + *index};
}

}  // namespace

const tensorflow::AttrValue* attribute(const tensorflow::NodeDef& node, std::string_view name) {
  for (const tensorflow::Attribute& each : node.attr())
    if (each.key() == name) return &each.value();
  return nullptr;
}

TensorflowGraph::TensorflowGraph(TensorflowGraph&&) noexcept = default;
TensorflowGraph& TensorflowGraph::operator=(TensorflowGraph&&) noexcept = default;
TensorflowGraph::~TensorflowGraph() = default;

Result<void> TensorflowGraph::add_scope(Nodes nodes, Scope& scope) {
  if (nodes_.size() + nodes.size() > graph::kMaxNodes)
    return fail(ErrorCode::kResourceExhausted, "the TensorFlow graph has too many nodes");
  for (const tensorflow::NodeDef* def : nodes) {
    if (def->name().empty() || def->name().size() > kMostName || def->op().empty())
      return malformed("a node has no name or no operator");
    if (!scope.names.emplace(def->name(), nodes_.size()).second)
      return malformed("two nodes have one name");
    nodes_.push_back({.def = def,
                      .op = def->op(),
                      .name = scope.prefix + def->name(),
                      .scope = &scope,
                      .inputs = {},
                      .controls = {}});
  }
  return {};
}

/// Nothing if it is a control input.
Result<std::optional<TensorflowGraph::Port>> TensorflowGraph::port_of(
    const Scope& scope, std::string_view input) const {
  const auto reference = reference_of(input, scope.is_function);
  const auto found = reference ? scope.names.find(reference->node) : scope.names.end();
  if (found == scope.names.end())
    return malformed("a node reads \"" + printable(input) + "\", which is not there");
  return Port{.node = found->second, .output = reference->output};
}

/// The body of a function takes the place of the call.
Result<void> TensorflowGraph::call(std::size_t index, std::string_view function,
                                   std::span<const Port> arguments) {
  const auto found = functions_.find(function);
  if (found == functions_.end())
    return malformed("it calls the function \"" + printable(function) + "\", which is not there");
  const tensorflow::FunctionDef& body = *found->second;
  const Scope& outer = *nodes_[index].scope;
  if (outer.depth + 1 > kMostDepth)
    return fail(ErrorCode::kResourceExhausted, "too many functions call each other");
  if (static_cast<std::size_t>(body.signature().input_arg_size()) != arguments.size())
    return malformed("a function is called with another number of arguments");
  Scope& scope = *scopes_.emplace_back(std::make_unique<Scope>());
  scope.prefix = nodes_[index].name + "/";
  scope.depth = outer.depth + 1;
  scope.is_function = true;
  if (scope.prefix.size() > 2 * kMostName) return malformed("a name is too long");
  for (int i = 0; i < body.signature().input_arg_size(); ++i) {
    const std::string& name = body.signature().input_arg(i).name();
    scope.names.emplace(name, nodes_.size());
    nodes_.push_back({.def = nullptr,
                      .op = "_Argument",
                      .name = scope.prefix + name,
                      .scope = &scope,
                      .expanded = true,
                      .inputs = {arguments[static_cast<std::size_t>(i)]},
                      .controls = {}});
  }
  std::vector<const tensorflow::NodeDef*> nodes;
  for (const tensorflow::NodeDef& node : body.node_def()) nodes.push_back(&node);
  VISAVIS_CHECK(add_scope(nodes, scope));
  std::vector<Port> results;
  for (const auto& result : body.signature().output_arg()) {
    const auto returned =
        std::ranges::find(body.ret(), result.name(), [](const auto& entry) { return entry.key(); });
    if (returned == body.ret().end()) return malformed("a function does not return a result");
    VISAVIS_TRY(port, port_of(scope, returned->value()));
    results.push_back(*port);
  }
  nodes_[index].op = "_Call";
  nodes_[index].inputs = std::move(results);
  return {};
}

Result<void> TensorflowGraph::expand(std::size_t index) {
  if (nodes_[index].expanded) return {};
  nodes_[index].expanded = true;
  const tensorflow::NodeDef& def = *nodes_[index].def;
  const Scope& scope = *nodes_[index].scope;
  std::vector<Port> inputs;
  for (const std::string& input : def.input()) {
    if (input.starts_with('^')) {
      // What ran before in training may have been cut off.
      const auto found = scope.names.find(std::string_view(input).substr(1));
      if (found != scope.names.end()) nodes_[index].controls.push_back(found->second);
      continue;
    }
    VISAVIS_TRY(port, port_of(scope, input));
    inputs.push_back(*port);
  }
  const bool condition = is_condition(def.op());
  if (!condition && !is_call(def.op())) {
    nodes_[index].inputs = std::move(inputs);
    return {};
  }
  std::string_view which = "f";
  if (condition) {
    if (inputs.empty()) return malformed("a condition without inputs");
    VISAVIS_CHECK(expand(inputs[0].node));
    const auto chosen = truth(inputs[0]);
    if (!chosen)
      return fail(ErrorCode::kUnsupported,
                  "the TensorFlow importer does not know a branch that depends on the pictures");
    which = *chosen ? "then_branch" : "else_branch";
    inputs.erase(inputs.begin());
  }
  const tensorflow::AttrValue* function = attribute(def, which);
  if (function == nullptr) return malformed("a call names no function");
  return call(index, function->func().name(), inputs);
}

std::vector<std::size_t> TensorflowGraph::read_by(std::size_t index, bool with_controls) const {
  const Node& node = nodes_[index];
  std::vector<std::size_t> out;
  if (!with_controls && is_merge(node.op)) {
    if (node.alive < node.inputs.size()) out.push_back(node.inputs[node.alive].node);
    return out;
  }
  for (const Port& port : node.inputs) out.push_back(port.node);
  // Which side lives is known by then.
  if (!with_controls && is_switch(node.op)) out.resize(std::min<std::size_t>(out.size(), 1));
  if (with_controls) out.insert(out.end(), node.controls.begin(), node.controls.end());
  return out;
}

/// Depth first, without recursion.
Result<std::vector<std::size_t>> TensorflowGraph::sorted(bool with_controls) {
  enum class Mark : std::uint8_t { kNew, kOpen, kDone };
  struct Visit {
    std::size_t node;
    std::vector<std::size_t> reads;
    std::size_t next;
  };
  std::vector<Mark> marks(nodes_.size(), Mark::kNew);
  std::vector<std::size_t> order;
  std::vector<Visit> open;
  const auto enter = [&](std::size_t index) -> Result<void> {
    VISAVIS_CHECK(expand(index));
    marks.resize(nodes_.size(), Mark::kNew);
    marks[index] = Mark::kOpen;
    open.push_back({.node = index, .reads = read_by(index, with_controls), .next = 0});
    return {};
  };
  for (const Port& output : outputs_) {
    if (marks[output.node] == Mark::kNew) VISAVIS_CHECK(enter(output.node));
    while (!open.empty()) {
      Visit& visit = open.back();
      if (visit.next == visit.reads.size()) {
        marks[visit.node] = Mark::kDone;
        order.push_back(visit.node);
        open.pop_back();
        continue;
      }
      const std::size_t read = visit.reads[visit.next++];
      if (marks[read] == Mark::kOpen)
        return fail(ErrorCode::kUnsupported, "the TensorFlow importer does not know loops");
      if (marks[read] == Mark::kNew) VISAVIS_CHECK(enter(read));
    }
  }
  return order;
}

/// What a boolean is while the network is run. Nothing if it depends on the pictures.
std::optional<bool> TensorflowGraph::truth(Port port) {
  Truths known;
  return truth_among(port, 0, known);
}

/// Each is found once, however many read it.
std::optional<bool> TensorflowGraph::truth_among(Port port, int depth, Truths& known) {
  if (depth > 2 * kMostDepth) return std::nullopt;
  const std::pair key(port.node, port.output);
  const auto [place, is_new] = known.try_emplace(key);
  if (!is_new) return place->second;
  if (++asked_ > kMostAsked) return std::nullopt;
  return known[key] = found_truth(port, depth, known);
}

std::optional<bool> TensorflowGraph::found_truth(Port port, int depth, Truths& known) {
  const Node& node = nodes_[port.node];
  const auto of_input = [&](std::size_t i) {
    return i < node.inputs.size() ? truth_among(node.inputs[i], depth + 1, known) : std::nullopt;
  };
  if (node.op == "_Argument" || is_switch(node.op) || node.op == "Identity") {
    if (!node.expanded && node.def != nullptr && node.def->input_size() > 0) {
      const auto from = port_of(*node.scope, node.def->input(0));
      return from ? truth_among(**from, depth + 1, known) : std::nullopt;
    }
    return of_input(0);
  }
  if (node.op == "_Call") return of_input(port.output);
  if (is_merge(node.op)) return of_input(node.alive);
  if (node.op == "LogicalNot") {
    const auto given = of_input(0);
    return given ? std::optional(!*given) : std::nullopt;
  }
  if (node.op == "LogicalAnd" || node.op == "LogicalOr") {
    const auto a = of_input(0);
    const auto b = of_input(1);
    const bool decides = node.op == "LogicalOr";
    if (a == decides || b == decides) return decides;
    return a && b ? std::optional(!decides) : std::nullopt;
  }
  if (node.def == nullptr) return std::nullopt;
  const tensorflow::AttrValue* type = attribute(*node.def, "dtype");
  const auto is_boolean =
      type != nullptr && type->type() == static_cast<std::int32_t>(TensorflowType::kBool);
  if (!is_boolean) return std::nullopt;
  if (one_of(node.op, {"Placeholder", "PlaceholderV2", "PlaceholderWithDefault"})) return false;
  if (node.op != "Const") return std::nullopt;
  const tensorflow::AttrValue* value = attribute(*node.def, "value");
  if (value == nullptr) return std::nullopt;
  const tensorflow::TensorProto& tensor = value->tensor();
  if (tensor.bool_val_size() > 0) return tensor.bool_val(0);
  return !tensor.tensor_content().empty() && tensor.tensor_content()[0] != '\0';
}

bool TensorflowGraph::is_dead(Port port) const {
  const Node& node = nodes_[port.node];
  if (node.dead) return true;
  if (node.op == "_Call")
    return port.output < node.inputs.size() && is_dead(node.inputs[port.output]);
  return is_switch(node.op) && port.output != node.alive;
}

Result<void> TensorflowGraph::find_dead(std::span<const std::size_t> order) {
  for (const std::size_t index : order) {
    Node& node = nodes_[index];
    if (is_merge(node.op)) {
      const auto lives =
          std::ranges::find_if(node.inputs, [&](const Port& port) { return !is_dead(port); });
      node.dead = lives == node.inputs.end();
      node.alive = static_cast<std::size_t>(lives - node.inputs.begin());
      continue;
    }
    node.dead =
        (node.op != "_Call" &&
         std::ranges::any_of(node.inputs, [&](const Port& port) { return is_dead(port); })) ||
        std::ranges::any_of(node.controls, [&](std::size_t n) { return nodes_[n].dead; });
    if (node.dead || !is_switch(node.op)) continue;
    const auto side = node.inputs.size() == 2 ? truth(node.inputs[1]) : std::nullopt;
    if (!side)
      return fail(ErrorCode::kUnsupported,
                  "the TensorFlow importer does not know a branch that depends on the pictures");
    node.alive = *side ? 1 : 0;
  }
  return {};
}

Result<TensorflowGraph> TensorflowGraph::read(const tensorflow::GraphDef& graph,
                                              std::span<const std::string> wanted,
                                              std::span<const std::string> fed) {
  TensorflowGraph out;
  for (const tensorflow::FunctionDef& function : graph.library().function())
    out.functions_.emplace(function.signature().name(), &function);
  std::vector<const tensorflow::NodeDef*> nodes;
  for (const tensorflow::NodeDef& node : graph.node()) nodes.push_back(&node);
  Scope& scope = *out.scopes_.emplace_back(std::make_unique<Scope>());
  VISAVIS_CHECK(out.add_scope(nodes, scope));
  for (const std::string& name : fed) {
    VISAVIS_TRY(port, out.port_of(scope, name));
    out.nodes_[port->node].op = "_Input";
    out.nodes_[port->node].expanded = true;
  }
  for (const std::string& name : wanted) {
    VISAVIS_TRY(port, out.port_of(scope, name));
    out.outputs_.push_back(*port);
  }
  VISAVIS_TRY(all, out.sorted(true));
  VISAVIS_CHECK(out.find_dead(all));
  for (const Port& port : out.outputs_)
    if (out.is_dead(port)) return malformed("an output is computed in training only");
  VISAVIS_TRY(needed, out.sorted(false));
  out.order_ = std::move(needed);
  return out;
}

}  // namespace visavis::modelkit
