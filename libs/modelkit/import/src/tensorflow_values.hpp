#pragma once

/// What the operators of a TensorFlow graph hand on while they are turned into ONNX, one operator
/// with what it reads, and sums with the numbers that describe shapes.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"
#include "channels_first.hpp"
#include "tensorflow_graph.hpp"

namespace visavis::modelkit::tf {

using Id = ChannelsFirst::Id;

/// In numbers that describe shapes: the batch, and what is not known before the network runs.
constexpr std::int64_t kBatchSize = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kUnknownSize = kBatchSize + 1;

/// Numbers of shapes.
constexpr std::size_t kMostIntegers = 4096;

/// Integers and booleans: axes, sizes, shapes.
struct Integers {
  Shape shape;
  std::vector<std::int64_t> values;
};

/// What a resource stands for.
struct Variable {
  std::string name;
};

/// Pixels that are `block` apart as samples of their own, of a picture that was padded before:
/// where a convolution of each of them is one with gaps.
struct Spread {
  Id x = 0;
  Shape block;                       ///< Of height and width.
  Shape pads;                        ///< Before and behind the rows, before and behind the columns.
  std::optional<Constant> kernel{};  ///< out, in / groups, height, width, once there is one.
  std::int64_t groups = 1;
};

using Value = std::variant<std::monostate, Id, Integers, Variable, Spread>;

/// What an operator would have to have: kUnsupported, with a phrase that follows "needs".
[[nodiscard]] std::unexpected<Error> needs(const std::string& what);

/// Of a number of TensorFlow's DataType.
[[nodiscard]] bool is_float(std::int32_t type);
[[nodiscard]] bool is_integer(std::int32_t type);  ///< Booleans, too.

/// One operator with what it reads.
struct Call {
  const TensorflowGraph::Node& node;
  std::vector<Value> inputs;

  /// An attribute; null if there is none of that name.
  [[nodiscard]] const tensorflow::AttrValue* find(std::string_view name) const;
  [[nodiscard]] std::string text(std::string_view name, std::string_view otherwise) const;
  [[nodiscard]] bool flag(std::string_view name, bool otherwise = false) const;
  [[nodiscard]] std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  [[nodiscard]] float real(std::string_view name, float otherwise) const;
  [[nodiscard]] Shape list(std::string_view name) const;
  [[nodiscard]] std::int32_t type(std::string_view name) const;
  [[nodiscard]] const std::string& name() const { return node.name; }

  [[nodiscard]] Result<Id> floats(std::size_t i) const;
  [[nodiscard]] Result<Integers> integers(std::size_t i) const;
  /// Integers without the batch or unknown sizes among them.
  [[nodiscard]] Result<std::vector<std::int64_t>> numbers(std::size_t i) const;
  [[nodiscard]] Result<std::int64_t> number(std::size_t i) const;
  /// Whether all inputs are numbers that describe shapes.
  [[nodiscard]] bool is_of_integers() const;
};

/// TensorFlow's Add, FloorDiv, FloorMod, Maximum, Minimum, Mul, Sub of two sizes, one of which may
/// be the batch; kUnknownSize where the run alone tells.
[[nodiscard]] std::int64_t combined(std::string_view op, std::int64_t a, std::int64_t b);

}  // namespace visavis::modelkit::tf
