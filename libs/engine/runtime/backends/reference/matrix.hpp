#pragma once

/// The product of matrices that convolutions and dense layers come down to.

#include <cstddef>
#include <vector>

namespace visavis::runtime::reference {

/// Columns of a right-hand matrix, zero-filled to whole blocks.
/// The stride is no power of two, because rows at such distances share one set of the cache.
class Panel {
 public:
  static constexpr std::size_t kBlock = 16;

  Panel(std::size_t rows, std::size_t max_columns)
      : stride_((max_columns + kBlock - 1) / kBlock * kBlock + kBlock), values_(rows * stride_) {}

  [[nodiscard]] float* row(std::size_t index) noexcept { return values_.data() + index * stride_; }
  [[nodiscard]] const float* data() const noexcept { return values_.data(); }
  [[nodiscard]] std::size_t stride() const noexcept { return stride_; }

 private:
  std::size_t stride_;
  std::vector<float> values_;
};

/// How many columns of `rows` rows make a panel that stays in the second-level cache.
[[nodiscard]] std::size_t panel_columns(std::size_t rows, std::size_t wanted) noexcept;

/// A matrix with rows `stride` apart.
struct Matrix {
  const float* data;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;
};

/// out += left * panel, for the first `columns` columns of the panel.
/// @pre the panel has left.columns rows; out has left.rows rows, `out_stride` apart.
void multiply_add(const Matrix& left, const Panel& panel, std::size_t columns, float* out,
                  std::size_t out_stride) noexcept;

}  // namespace visavis::runtime::reference
