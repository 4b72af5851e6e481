#pragma once

/// What the layers of an OpenVINO IR hand on while they are turned into ONNX, one layer with what
/// it reads, and sums with the numbers that describe shapes.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/graph/graph.hpp>

#include "builder.hpp"
#include "openvino.hpp"

namespace visavis::modelkit::ir {

/// In numbers that describe shapes: what is not known before the network runs, and of that the
/// number of samples.
constexpr std::int64_t kUnknown = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kSamples = kUnknown + 1;

inline bool is_open(std::int64_t n) { return n == kUnknown || n == kSamples; }

/// Of numbers that are computed from others here; larger ones are refused.
constexpr std::int64_t kMostNumber = std::int64_t{1} << 31U;
/// Of numbers that describe shapes, in one list.
constexpr std::size_t kMostIntegers = 4096;
/// Numbers computed beforehand, all together.
constexpr std::size_t kMostFolded = std::size_t{1} << 26U;

/// What the network computes.
struct Computed {
  std::string name;      ///< In the ONNX graph.
  Shape shape;           ///< As the file states it; -1 marks what is not known.
  bool whole = false;    ///< Whole numbers, as a FakeQuantize makes them.
  bool batched = false;  ///< Its first axis is that of the network's one input, of free size.
};

struct Integers {
  Shape shape;
  std::vector<std::int64_t> values;
};

using Numbers = std::shared_ptr<const Constant>;
using Value = std::variant<std::monostate, Computed, Numbers, Integers>;
using Values = std::vector<Value>;
using Attributes = std::vector<std::pair<std::string, graph::Attribute>>;

/// What a layer would have to have: kUnsupported, with a phrase that follows "needs".
[[nodiscard]] std::unexpected<Error> needs(const std::string& what);
/// kDecodeFailed.
[[nodiscard]] std::unexpected<Error> malformed(const std::string& what);

/// One layer with what it reads.
struct Call {
  const IrLayer& layer;
  std::size_t index;
  Values inputs;

  [[nodiscard]] std::string_view text(std::string_view key, std::string_view otherwise) const {
    return layer.text(key, otherwise);
  }
  [[nodiscard]] bool flag(std::string_view key, bool otherwise) const;
  [[nodiscard]] Result<double> real(std::string_view key) const;
  [[nodiscard]] Result<std::int64_t> integer(std::string_view key,
                                             std::string_view otherwise) const;
  [[nodiscard]] Result<Shape> list(std::string_view key) const;
  [[nodiscard]] bool has(std::size_t i) const { return i < inputs.size(); }
  [[nodiscard]] const Computed* computed(std::size_t i) const {
    return has(i) ? std::get_if<Computed>(&inputs[i]) : nullptr;
  }
  [[nodiscard]] Result<Numbers> numbers(std::size_t i) const;
  [[nodiscard]] Result<float> scalar(std::size_t i) const;
  [[nodiscard]] Result<Integers> integers(std::size_t i) const;
  /// None of which depends on a free size.
  [[nodiscard]] Result<Shape> known(std::size_t i) const;
  [[nodiscard]] Result<std::int64_t> one(std::size_t i) const;
  /// Whether all inputs are whole numbers that describe shapes.
  [[nodiscard]] bool is_of_integers() const;
  /// As the file states it.
  [[nodiscard]] Shape declared(std::size_t output = 0) const {
    return output < layer.outputs.size() ? layer.outputs[output].shape : Shape{};
  }
};

/// @param axis  from the end where it is below 0
[[nodiscard]] Result<std::size_t> axis_of(std::int64_t axis, std::size_t rank);
/// In ascending order, each from 0 on and different; at least one.
[[nodiscard]] Result<Shape> axes_of(const Shape& given, std::size_t rank);
/// 0 of what is no tensor of numbers with a fraction.
[[nodiscard]] std::size_t rank_of(const Value& value);

/// Of two shapes, as NumPy stretches them; nothing if they do not go together.
[[nodiscard]] std::optional<Shape> stretched(const Shape& a, const Shape& b);
/// Where number i of a result lies in an operand that is stretched to it.
[[nodiscard]] std::size_t place_in(const Shape& operand, const Shape& result, std::size_t i);
/// ONNX's Add, Div (rounded down), Max, Min, Mul, Sub of two numbers that describe shapes; kUnknown
/// where one of them is open.
[[nodiscard]] std::int64_t combined(std::string_view op, std::int64_t a, std::int64_t b);

/// Whether the first axis stays what it is. Operators that may move axes say so themselves.
[[nodiscard]] bool keeps_samples(const Call& call);
/// The same results for operators that may move axes, which know whether samples are `kept`.
[[nodiscard]] Result<Values> with_samples(Result<Values> made, bool kept);

}  // namespace visavis::modelkit::ir
