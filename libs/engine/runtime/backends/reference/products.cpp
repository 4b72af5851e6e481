// Gemm and MatMul.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <visavis/core/result.hpp>

#include "kernel.hpp"
#include "matrix.hpp"
#include "value.hpp"

namespace visavis::runtime::reference {
namespace {

Floats transposed(std::span<const float> values, std::size_t rows, std::size_t columns) {
  Floats out(values.size());
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t c = 0; c < columns; ++c) out[c * rows + r] = values[r * columns + c];
  return out;
}

/// out += left * right, with right of left.columns x columns.
void multiply(const Matrix& left, std::span<const float> right, std::size_t columns,
              std::span<float> out) {
  const std::size_t width = panel_columns(left.columns, columns);
  if (width == 0) return;
  Panel panel(left.columns, width);
  for (std::size_t first = 0; first < columns; first += width) {
    const std::size_t count = std::min(width, columns - first);
    for (std::size_t k = 0; k < left.columns; ++k)
      std::ranges::copy(right.subspan(k * columns + first, count), panel.row(k));
    multiply_add(left, panel, count, out.data() + first, columns);
  }
}

/// Adds beta * c, where c broadcasts to rows x columns.
Result<void> add_bias(const Call& call, float beta, std::size_t rows, std::size_t columns,
                      std::span<float> out) {
  VISAVIS_TRY(c, call.floats(2));
  Shape shape = call.inputs[2]->shape;
  if (shape.size() > 2) return call.wrong("the bias has too high a rank");
  shape.insert(shape.begin(), 2 - shape.size(), 1);
  const auto c_rows = static_cast<std::size_t>(shape[0]);
  const auto c_columns = static_cast<std::size_t>(shape[1]);
  if ((c_rows != 1 && c_rows != rows) || (c_columns != 1 && c_columns != columns))
    return call.wrong("the bias does not fit the product");
  for (std::size_t r = 0; r < rows; ++r)
    for (std::size_t j = 0; j < columns; ++j)
      out[r * columns + j] +=
          beta * c[(c_rows == 1 ? 0 : r) * c_columns + (c_columns == 1 ? 0 : j)];
  return {};
}

Outputs gemm(const Call& call) {
  VISAVIS_TRY(a, call.floats(0));
  VISAVIS_TRY(b, call.floats(1));
  const Shape& a_shape = call.inputs[0]->shape;
  const Shape& b_shape = call.inputs[1]->shape;
  if (a_shape.size() != 2 || b_shape.size() != 2) return call.wrong("takes matrices");
  const bool turn_a = call.integer("transA", 0) != 0;
  const bool turn_b = call.integer("transB", 0) != 0;
  const std::int64_t rows = a_shape[turn_a ? 1 : 0];
  const std::int64_t depth = a_shape[turn_a ? 0 : 1];
  const std::int64_t columns = b_shape[turn_b ? 0 : 1];
  if (b_shape[turn_b ? 1 : 0] != depth) return call.wrong("the matrices do not fit each other");
  const auto m = static_cast<std::size_t>(rows);
  const auto k = static_cast<std::size_t>(depth);
  const auto n = static_cast<std::size_t>(columns);

  Value out{.shape = {rows, columns}, .data = {}};
  VISAVIS_TRY(count, call.count(out.shape));
  Floats values(count);
  const Floats a_turned = turn_a ? transposed(a, k, m) : Floats{};
  const Floats b_turned = turn_b ? transposed(b, n, k) : Floats{};
  const Matrix left{
      .data = turn_a ? a_turned.data() : a.data(), .rows = m, .columns = k, .stride = k};
  multiply(left, turn_b ? std::span<const float>(b_turned) : b, n, values);
  if (const float alpha = call.real("alpha", 1.F); alpha != 1.F)
    for (float& value : values) value *= alpha;
  if (call.has(2)) VISAVIS_CHECK(add_bias(call, call.real("beta", 1.F), m, n, values));
  out.data = std::move(values);
  return one(std::move(out));
}

/// A stack of matrices times one matrix, or times a stack of as many.
Outputs mat_mul(const Call& call) {
  VISAVIS_TRY(a, call.floats(0));
  VISAVIS_TRY(b, call.floats(1));
  const Shape& a_shape = call.inputs[0]->shape;
  const Shape& b_shape = call.inputs[1]->shape;
  if (a_shape.size() < 2 || b_shape.size() < 2) return call.unsupported("vectors as operands");
  const std::size_t a_rank = a_shape.size();
  const std::size_t b_rank = b_shape.size();
  if (a_shape[a_rank - 1] != b_shape[b_rank - 2])
    return call.wrong("the matrices do not fit each other");
  const bool shared = b_rank == 2;
  if (!shared && !std::ranges::equal(std::span(a_shape).first(a_rank - 2),
                                     std::span(b_shape).first(b_rank - 2)))
    return call.unsupported("stacks of different shapes");
  Value out{.shape = a_shape, .data = {}};
  out.shape.back() = b_shape.back();
  VISAVIS_TRY(count, call.count(out.shape));
  Floats values(count);
  const auto k = static_cast<std::size_t>(a_shape[a_rank - 1]);
  const auto n = static_cast<std::size_t>(b_shape[b_rank - 1]);
  const std::size_t stack = product(std::span(a_shape).first(a_rank - 2));
  const auto m = static_cast<std::size_t>(a_shape[a_rank - 2]);
  for (std::size_t i = 0; i < stack; ++i) {
    const Matrix left{.data = a.data() + i * m * k, .rows = m, .columns = k, .stride = k};
    multiply(left, b.subspan(shared ? 0 : i * k * n, k * n), n,
             std::span(values).subspan(i * m * n, m * n));
  }
  out.data = std::move(values);
  return one(std::move(out));
}

constexpr auto kOperators =
    std::to_array<Operator>({{"Gemm", gemm, 2, 3}, {"MatMul", mat_mul, 2, 2}});

}  // namespace

std::span<const Operator> product_operators() noexcept { return kOperators; }

}  // namespace visavis::runtime::reference
