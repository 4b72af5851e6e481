#pragma once

/// What all operators need on their way to channels last: in which orders a value is there, and the
/// graph that grows.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "visavis/core/result.hpp"
#include "visavis/graph/channels_last.hpp"
#include "visavis/graph/graph.hpp"
#include "visavis/graph/passes.hpp"

namespace visavis::graph::channels_last {

using Ints = std::vector<std::int64_t>;
using Attributes = std::vector<std::pair<std::string, Attribute>>;

/// Where axis i of NCHW is in NHWC.
inline constexpr std::int64_t kAxisInLast[] = {0, 3, 1, 2};

/// [n, c, h, w] to [n, h, w, c]; of rank 4.
[[nodiscard]] Shape last(const Shape& first);

/// A constant whose axes are put into another order: output axis i is input axis permutation[i].
[[nodiscard]] Tensor permuted(const Tensor& tensor, std::span<const std::int64_t> permutation);

class Lowering {
 public:
  Lowering(const Graph& source, Shapes shapes);

  /// Of the source.
  [[nodiscard]] const Shape& shape(const std::string& value) const { return shapes_.at(value); }
  [[nodiscard]] std::size_t rank(const std::string& value) const { return shape(value).size(); }
  [[nodiscard]] std::int64_t opset() const noexcept { return source_.opset; }

  /// Whether the source takes pictures of any height or width.
  [[nodiscard]] bool sizes_are_free() const;

  /// A constant of the source, also one that is dequantised from constants; null if it is none.
  [[nodiscard]] const Tensor* constant(const std::string& value);
  /// @return kUnsupported if it is no constant of that type, or not there
  [[nodiscard]] Result<std::vector<float>> floats(const Node& node, std::size_t input);
  [[nodiscard]] Result<Ints> ints(const Node& node, std::size_t input);
  /// Of weights that are stored as int8 without zero points: a scale for each of so many outputs,
  /// which lie along `axis`; empty for others.
  [[nodiscard]] std::vector<float> weight_scales(const std::string& value, std::size_t outputs,
                                                 std::size_t axis);
  [[nodiscard]] static bool has(const Node& node, std::size_t input);

  /// Whether a value is there as NHWC and not otherwise.
  [[nodiscard]] bool is_last(const std::string& value) const;
  [[nodiscard]] bool any_last(const Node& node) const;

  /// The value in the order of the source.
  std::string first_of(const std::string& value);
  /// The value, of rank 4, as NHWC.
  std::string last_of(const std::string& value);
  std::string in_order(const std::string& value, bool as_last) {
    return as_last ? last_of(value) : first_of(value);
  }
  /// A value that is broadcast to `rank`, with ones in front of its shape.
  std::string spread(const std::string& value, std::size_t rank, bool as_last);

  /// Adds a constant. @return its name
  std::string add(Tensor tensor);
  std::string add_floats(Shape shape, std::vector<float> values);
  std::string add_ints(const Ints& values);
  std::string add_ints(Shape shape, const Ints& values);

  /// Adds a node. @return its output
  std::string emit(std::string_view op, std::vector<std::string> inputs, Shape made,
                   Attributes attributes = {});
  std::string reshape(const std::string& x, const Shape& to);
  /// The same, under a name of its own where x has that shape already.
  std::string reshaped(const std::string& x, Shape to);
  std::string transpose(const std::string& x, const Ints& permutation);
  /// @param padding  begin and end for each axis
  std::string pad(const std::string& x,
                  const std::vector<std::pair<std::int64_t, std::int64_t>>& padding, float value);
  /// Of `size` numbers along an axis.
  std::string slice(const std::string& x, std::size_t axis, std::int64_t begin, std::int64_t size);

  /// Of what was emitted or added.
  [[nodiscard]] const Shape& made(const std::string& name) const { return made_.at(name); }

  /// Says where a value of the source is.
  void keep(const std::string& value, const std::string& made, bool as_last);

  void input(const ValueInfo& value, bool as_last);
  void output(const ValueInfo& value, bool as_last);
  ChannelsLast finish() &&;

 private:
  struct Forms {
    std::string first;
    std::string last;
  };

  std::string fresh(const std::string& stem);

  const Graph& source_;
  Shapes shapes_;
  Graph graph_;
  Shapes made_;
  std::map<std::string, Forms, std::less<>> forms_;
  std::unordered_map<std::string, const Tensor*> constants_;
  std::unordered_map<std::string, const Node*> makers_;
  std::map<std::string, Tensor, std::less<>> dequantized_;
  std::map<std::string, std::string, std::less<>> renamed_;  ///< To the names of the outputs.
  std::set<std::string, std::less<>> names_;
  std::map<std::string, std::size_t> counts_;  ///< How often a stem was taken.
};

[[nodiscard]] std::unexpected<Error> unsupported(const Node& node, std::string_view what);

/// An axis that may count from the end.
/// @pre -rank <= axis < rank, which infer_shapes has seen to
[[nodiscard]] std::size_t axis_of(std::int64_t axis, std::size_t rank);

// Each lowers one operator of the source.
using Rule = Result<void> (*)(Lowering& lower, const Node& node);

Result<void> convolution(Lowering& lower, const Node& node);
Result<void> transposed_convolution(Lowering& lower, const Node& node);
Result<void> max_pool(Lowering& lower, const Node& node);
Result<void> average_pool(Lowering& lower, const Node& node);
Result<void> global_pool(Lowering& lower, const Node& node);
Result<void> reduce_mean(Lowering& lower, const Node& node);

Result<void> resize(Lowering& lower, const Node& node);

Result<void> gemm(Lowering& lower, const Node& node);
Result<void> mat_mul(Lowering& lower, const Node& node);

Result<void> unary(Lowering& lower, const Node& node);
Result<void> clip(Lowering& lower, const Node& node);
Result<void> leaky_relu(Lowering& lower, const Node& node);
Result<void> parametric_relu(Lowering& lower, const Node& node);
Result<void> elu(Lowering& lower, const Node& node);
Result<void> hard_sigmoid(Lowering& lower, const Node& node);
Result<void> binary(Lowering& lower, const Node& node);
Result<void> batch_normalization(Lowering& lower, const Node& node);
Result<void> softmax(Lowering& lower, const Node& node);
Result<void> quantize_linear(Lowering& lower, const Node& node);
Result<void> dequantize_linear(Lowering& lower, const Node& node);

Result<void> reshape(Lowering& lower, const Node& node);
Result<void> identity(Lowering& lower, const Node& node);
Result<void> transpose(Lowering& lower, const Node& node);
Result<void> concat(Lowering& lower, const Node& node);
Result<void> split(Lowering& lower, const Node& node);
Result<void> slice(Lowering& lower, const Node& node);
Result<void> gather(Lowering& lower, const Node& node);
Result<void> pad(Lowering& lower, const Node& node);

}  // namespace visavis::graph::channels_last
