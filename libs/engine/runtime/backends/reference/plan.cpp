#include "plan.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>
#include <visavis/graph/passes.hpp>

#include "kernel.hpp"
#include "value.hpp"

namespace visavis::runtime::reference {
namespace {

std::unexpected<Error> lacking(const std::string& what) {
  return fail(ErrorCode::kUnsupported, "the reference engine lacks " + what);
}

Result<Value> value_of(graph::Tensor tensor) {
  return std::visit(
      [&]<class T>(std::vector<T>& held) -> Result<Value> {
        if constexpr (std::is_same_v<T, graph::Half>)
          return lacking("halves that are not made float32");
        else
          return Value{.shape = std::move(tensor.shape), .data = std::move(held)};
      },
      tensor.values);
}

/// Constant nodes hold their value in one of several attributes.
Result<Value> constant_of(const graph::Node& node) {
  const graph::Attribute* tensor = node.find("value");
  if (const auto* held = tensor == nullptr ? nullptr : std::get_if<graph::Tensor>(tensor))
    return value_of(*held);
  if (node.find("value_float") != nullptr)
    return Value{.shape = {}, .data = Floats{node.get_or<float>("value_float", 0)}};
  if (node.find("value_int") != nullptr)
    return Value{.shape = {}, .data = Ints{node.get_or<std::int64_t>("value_int", 0)}};
  auto floats = node.get_or<Floats>("value_floats", {});
  if (!floats.empty())
    return Value{.shape = {static_cast<std::int64_t>(floats.size())}, .data = std::move(floats)};
  auto ints = node.get_or<Ints>("value_ints", {});
  if (!ints.empty())
    return Value{.shape = {static_cast<std::int64_t>(ints.size())}, .data = std::move(ints)};
  return lacking("this kind of Constant");
}

}  // namespace

class Plan::Builder {
 public:
  explicit Builder(Plan& plan) : plan_(plan) {}

  Result<void> build() {
    constexpr std::int64_t kOldest = 7;  // before it, broadcasting followed other rules
    graph::Graph& graph = plan_.graph_;
    if (graph.opset < kOldest) return lacking("opset " + std::to_string(graph.opset));
    for (const graph::ValueInfo& input : graph.inputs) {
      VISAVIS_CHECK(check_type(input));
      plan_.inputs_.push_back(slot(input.name));
    }
    for (graph::Tensor& tensor : graph.initializers) {
      const std::size_t place = slot(tensor.name);
      VISAVIS_TRY(value, value_of(std::move(tensor)));
      plan_.constants_.emplace_back(place, std::move(value));
    }
    graph.initializers.clear();  // their values have moved
    VISAVIS_CHECK(check_operators(graph));
    for (const graph::Node& node : graph.nodes) VISAVIS_CHECK(add(node));
    for (const graph::ValueInfo& output : graph.outputs) {
      VISAVIS_CHECK(check_type(output));
      plan_.outputs_.push_back(slot(output.name));
    }
    plan_.slots_ = slots_.size();
    mark_last_uses();
    return {};
  }

 private:
  static Result<void> check_type(const graph::ValueInfo& value) {
    if (value.type == graph::ElementType::kFloat32 || value.type == graph::ElementType::kInt64)
      return {};
    return lacking("tensors of " + std::string(graph::to_string(value.type)));
  }

  /// All that are lacking are named at once.
  static Result<void> check_operators(const graph::Graph& graph) {
    std::map<std::string_view, std::size_t> unknown;
    for (const graph::Node& node : graph.nodes)
      if (node.op != "Constant" && find_operator(node.op) == nullptr) ++unknown[node.op];
    if (unknown.empty()) return {};
    std::string names;
    for (const auto& [op, count] : unknown)
      names += (names.empty() ? "" : ", ") + std::string(op) +
               (count > 1 ? " (" + std::to_string(count) + " times)" : "");
    return lacking((unknown.size() == 1 ? "the operator " : "the operators ") + names);
  }

  std::size_t slot(std::string_view name) {
    if (name.empty()) return kNone;
    return slots_.try_emplace(std::string(name), slots_.size()).first->second;
  }

  Result<void> add(const graph::Node& node) {
    if (node.op == "Constant") {
      if (node.outputs.size() != 1)
        return fail(ErrorCode::kDecodeFailed, "a Constant has more than one output");
      VISAVIS_TRY(value, constant_of(node));
      plan_.constants_.emplace_back(slot(node.outputs.front()), std::move(value));
      return {};
    }
    const Operator* found = find_operator(node.op);
    if (node.inputs.size() < found->min_inputs || node.inputs.size() > found->max_inputs)
      return fail(ErrorCode::kDecodeFailed,
                  node.op + " cannot have " + std::to_string(node.inputs.size()) + " inputs");
    Step step;
    step.node = &node;
    step.kernel = found->kernel;
    for (const std::string& input : node.inputs) step.inputs.push_back(slot(input));
    for (const std::string& output : node.outputs) step.outputs.push_back(slot(output));
    plan_.steps_.push_back(std::move(step));
    return {};
  }

  /// What the caller receives and what belongs to the plan lives on.
  void mark_last_uses() {
    std::vector<bool> kept(plan_.slots_);
    for (const std::size_t output : plan_.outputs_) kept[output] = true;
    for (const auto& [constant, value] : plan_.constants_) kept[constant] = true;
    for (auto step = plan_.steps_.rbegin(); step != plan_.steps_.rend(); ++step)
      for (const auto* used : {&step->inputs, &step->outputs})
        for (const std::size_t slot : *used) {
          if (slot == kNone || kept[slot]) continue;
          kept[slot] = true;
          step->last_uses.push_back(slot);
        }
  }

  Plan& plan_;
  std::unordered_map<std::string, std::size_t> slots_;
};

/// One pass through the plan.
class Plan::Run {
 public:
  Run(const Plan& plan, std::vector<Value> inputs)
      : plan_(plan), own_(plan.slots_), values_(plan.slots_) {
    for (const auto& [slot, value] : plan.constants_) values_[slot] = &value;
    for (std::size_t i = 0; i < inputs.size(); ++i) keep(plan.inputs_[i], std::move(inputs[i]));
  }

  Result<void> run(const Step& step) {
    std::vector<const Value*> arguments;
    for (const std::size_t slot : step.inputs)
      arguments.push_back(slot == kNone ? nullptr : values_[slot]);
    VISAVIS_TRY(results, step.kernel({.node = *step.node,
                                      .opset = plan_.graph_.opset,
                                      .max_elements = room(),
                                      .inputs = arguments}));
    for (std::size_t i = 0; i < step.outputs.size(); ++i) {
      if (step.outputs[i] == kNone) continue;
      if (i >= results.size())
        return lacking("output " + std::to_string(i) + " of " + step.node->op);
      keep(step.outputs[i], std::move(results[i]));
    }
    if (live_ > plan_.max_elements_)
      return fail(ErrorCode::kResourceExhausted, "the network needs too much memory at once");
    for (const std::size_t slot : step.last_uses) drop(slot);
    return {};
  }

  /// What is asked for once is handed over; a constant, or what is asked for again, is copied.
  [[nodiscard]] Value output(std::size_t index) {
    const std::size_t slot = plan_.outputs_[index];
    const auto later = plan_.outputs_.begin() + static_cast<std::ptrdiff_t>(index) + 1;
    if (!own_[slot] || std::find(later, plan_.outputs_.end(), slot) != plan_.outputs_.end())
      return *values_[slot];
    return *std::move(own_[slot]);
  }

 private:
  /// How many elements may still be made beside those that are alive.
  [[nodiscard]] std::size_t room() const {
    return plan_.max_elements_ - std::min(live_, plan_.max_elements_);
  }
  void keep(std::size_t slot, Value value) {
    live_ += value.size();
    values_[slot] = &own_[slot].emplace(std::move(value));
  }
  void drop(std::size_t slot) {
    if (!own_[slot]) return;
    live_ -= values_[slot]->size();
    own_[slot].reset();
    values_[slot] = nullptr;
  }

  const Plan& plan_;
  std::vector<std::optional<Value>> own_;
  std::vector<const Value*> values_;
  std::size_t live_ = 0;  ///< Elements held besides the constants.
};

Result<std::shared_ptr<const Plan>> Plan::make(graph::Graph graph, std::size_t max_elements) {
  auto plan = std::make_shared<Plan>();
  plan->graph_ = graph::widen_halves(std::move(graph));
  plan->max_elements_ = max_elements;
  VISAVIS_CHECK(Builder(*plan).build());
  return plan;
}

Result<std::vector<Value>> Plan::run(std::vector<Value> inputs) const {
  Run running(*this, std::move(inputs));
  for (const Step& step : steps_) VISAVIS_CHECK(running.run(step));
  std::vector<Value> outputs;
  for (std::size_t i = 0; i < outputs_.size(); ++i) outputs.push_back(running.output(i));
  return outputs;
}

}  // namespace visavis::runtime::reference
