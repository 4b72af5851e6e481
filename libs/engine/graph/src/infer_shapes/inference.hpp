#pragma once

/// The shapes of a graph's values, one operator after the other. The rules lie in files by what the
/// operators are about: windows, arithmetic, places; the walk and the table of rules are in
/// infer_shapes.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph::inference {

using Ints = std::vector<std::int64_t>;

/// No padding and no step goes further.
inline constexpr std::int64_t kMost = std::int64_t{1} << 30;

[[nodiscard]] std::unexpected<Error> wrong(const Node& node, std::string_view what);

/// A dimension that counts from the end if it is negative.
[[nodiscard]] Result<std::size_t> axis_of(const Node& node, std::int64_t axis, std::size_t rank);

[[nodiscard]] Result<Shape> broadcast(const Node& node, const Shape& a, const Shape& b);

class Inference {
 public:
  /// Both outlive this object.
  Inference(const Graph& graph, const Evaluate& evaluate) : graph_(graph), evaluate_(evaluate) {}

  Result<Shapes> run(std::span<const Shape> inputs) && {
    VISAVIS_CHECK(infer(inputs));
    return std::move(shapes_);
  }

  Result<void> infer(std::span<const Shape> inputs);

  /// What is known of a value beforehand; null if nothing is.
  [[nodiscard]] const Tensor* constant(const std::string& name) const;

 private:
  struct Rule {
    std::string_view op;
    Result<Shape> (Inference::*apply)(const Node&) const;
  };

  /// @return null if there is none
  static const Rule* rule_of(std::string_view op);

  // The walk.

  Result<void> visit(const Node& node);
  Result<void> keep_shape(const Node& node);
  /// One node alone, whose inputs are known.
  Result<void> compute(const Node& node);
  Result<Shape> shape_of(const Node& node) const;
  /// Names the operators without a rule that follow, too, unless they read constants alone.
  std::unexpected<Error> unknown(const Node& first) const;

  void know(const std::string& name, const Tensor* tensor);
  void remember(Tensor computed);
  Result<void> keep(const Node& node, std::size_t output, Shape shape);

  // What rules ask.

  [[nodiscard]] bool is_constant(const Node& node) const;
  Result<const Shape*> input(const Node& node, std::size_t i) const;
  [[nodiscard]] bool has(const Node& node, std::size_t i) const {
    return i < node.inputs.size() && !node.inputs[i].empty();
  }
  /// Numbers that older opsets have as an attribute and newer ones as an input.
  Result<std::optional<Ints>> numbers(const Node& node, std::string_view attribute,
                                      std::size_t i) const;

  // Windows over pictures, and larger pictures.

  Result<Shape> convolution(const Node& node) const;
  /// Of a convolution.
  Result<void> check_bias(const Node& node, std::int64_t channels) const;
  Result<Shape> transposed(const Node& node) const;
  Result<Shape> pool(const Node& node) const;
  Result<Shape> windowed(const Node& node, const Shape& x, const Ints& kernel,
                         std::int64_t channels) const;
  Result<Shape> global_pool(const Node& node) const;
  Result<Shape> resize(const Node& node) const;

  // Arithmetic.

  Result<Shape> same(const Node& node) const;
  Result<Shape> by_channel(const Node& node) const;
  Result<Shape> by_layer(const Node& node) const;
  Result<Shape> along(const Node& node) const;
  Result<Shape> stepped(const Node& node) const;
  Result<Shape> both(const Node& node) const;
  Result<Shape> all(const Node& node) const;
  Result<Shape> sloped(const Node& node) const;
  Result<Shape> gemm(const Node& node) const;
  Result<Shape> matmul(const Node& node) const;
  Result<Shape> reduce(const Node& node) const;

  // Places.

  Result<Shape> expand(const Node& node) const;
  Result<Shape> flatten(const Node& node) const;
  Result<Shape> reshape(const Node& node) const;
  Result<Shape> transpose(const Node& node) const;
  Result<Shape> concat(const Node& node) const;
  Result<Shape> pad(const Node& node) const;
  Result<Shape> slice(const Node& node) const;
  Result<void> split(const Node& node);
  Result<Shape> gather(const Node& node) const;
  Result<Shape> squeeze(const Node& node) const;
  Result<Shape> unsqueeze(const Node& node) const;

  const Graph& graph_;
  const Evaluate& evaluate_;
  Shapes shapes_;
  std::unordered_map<std::string, const Tensor*> constants_;
  std::size_t numbers_ = 0;
  std::vector<std::unique_ptr<Tensor>> computed_;  ///< Does not move.
};

}  // namespace visavis::graph::inference
