#pragma once

/// A graph made ready to run: names become numbered slots, constants are in place.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "kernel.hpp"
#include "value.hpp"

namespace visavis::runtime::reference {

/// Immutable, so any number of threads may run it.
class Plan {
 public:
  /// @return kUnsupported with the name of an operator, opset or element type that is lacking.
  static Result<std::shared_ptr<const Plan>> make(graph::Graph graph, std::size_t max_elements);

  /// Without its constants, which the plan has taken.
  [[nodiscard]] const graph::Graph& graph() const noexcept { return graph_; }

  /// @param inputs  in the order of graph().inputs.
  /// @return one value per graph().outputs.
  [[nodiscard]] Result<std::vector<Value>> run(std::vector<Value> inputs) const;

 private:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

  struct Step {
    const graph::Node* node = nullptr;
    Kernel kernel = nullptr;
    std::vector<std::size_t> inputs;     ///< Slots; kNone for an optional input that is left out.
    std::vector<std::size_t> outputs;    ///< Slots; kNone for an output that nobody wants.
    std::vector<std::size_t> last_uses;  ///< Slots that nothing reads after this step.
  };
  class Builder;
  class Run;

  graph::Graph graph_;
  std::size_t max_elements_ = 0;
  std::size_t slots_ = 0;
  std::vector<std::pair<std::size_t, Value>> constants_;  ///< Slot and value.
  std::vector<Step> steps_;
  std::vector<std::size_t> inputs_;
  std::vector<std::size_t> outputs_;
};

}  // namespace visavis::runtime::reference
