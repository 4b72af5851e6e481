#include "matrix.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>

namespace visavis::runtime::reference {
namespace {

// Eight floats that the compiler keeps in one register, or in two where registers are shorter.
// (A GNU extension that clang shares; everything about it stays in this file.)
using Lane = float __attribute__((vector_size(32)));
constexpr std::size_t kLane = 8;
constexpr std::size_t kRows = 4;  // rows of the left matrix that share each load of the right one

/// Rows x Lanes*8 outputs are summed in registers over the whole inner dimension.
/// @param tile  as long as the outputs; row-major.
template <std::size_t Rows, std::size_t Lanes>
[[gnu::always_inline]] inline void sum_tile(const Matrix& left, const float* a, const float* b,
                                            std::size_t b_stride, float* tile) {
  std::array<std::array<Lane, Lanes>, Rows> sums{};
  for (std::size_t k = 0; k < left.columns; ++k) {
    std::array<Lane, Lanes> right;
    std::memcpy(right.data(), b + k * b_stride, sizeof right);
    for (std::size_t r = 0; r < Rows; ++r)
      for (std::size_t l = 0; l < Lanes; ++l) sums[r][l] += a[r * left.stride + k] * right[l];
  }
  std::memcpy(tile, sums.data(), sizeof sums);
}

template <std::size_t Rows, std::size_t Lanes>
[[gnu::always_inline]] inline void add_block(const Matrix& left, std::size_t row, const float* b,
                                             std::size_t b_stride, std::size_t width, float* out,
                                             std::size_t out_stride) {
  std::array<float, Rows * Lanes * kLane> tile;
  sum_tile<Rows, Lanes>(left, left.data + row * left.stride, b, b_stride, tile.data());
  for (std::size_t r = 0; r < Rows; ++r) {
    float* to = out + (row + r) * out_stride;
    for (std::size_t j = 0; j < width; ++j) to[j] += tile[r * Lanes * kLane + j];
  }
}

template <std::size_t Lanes>
[[gnu::always_inline]] inline void multiply_lanes(const Matrix& left, const Panel& panel,
                                                  std::size_t columns, float* out,
                                                  std::size_t out_stride) {
  for (std::size_t j = 0; j < columns; j += Lanes * kLane) {
    const std::size_t width = std::min(Lanes * kLane, columns - j);
    const float* b = panel.data() + j;
    std::size_t row = 0;
    for (; row + kRows <= left.rows; row += kRows)
      add_block<kRows, Lanes>(left, row, b, panel.stride(), width, out + j, out_stride);
    for (; row < left.rows; ++row)
      add_block<1, Lanes>(left, row, b, panel.stride(), width, out + j, out_stride);
  }
}

void multiply_baseline(const Matrix& left, const Panel& panel, std::size_t columns, float* out,
                       std::size_t out_stride) {
  multiply_lanes<1>(left, panel, columns, out, out_stride);
}

#if defined(__x86_64__)
[[gnu::target("avx2,fma")]] void multiply_avx2(const Matrix& left, const Panel& panel,
                                               std::size_t columns, float* out,
                                               std::size_t out_stride) {
  multiply_lanes<2>(left, panel, columns, out, out_stride);
}

bool has_avx2() {
  static const bool has = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  return has;
}
#endif

}  // namespace

std::size_t panel_columns(std::size_t rows, std::size_t wanted) noexcept {
  constexpr std::size_t kFloats = 64 * 1024;  // 256 KiB
  const std::size_t fitting =
      kFloats / std::max<std::size_t>(rows, 1) / Panel::kBlock * Panel::kBlock;
  return std::min(wanted, std::max(fitting, Panel::kBlock));
}

void multiply_add(const Matrix& left, const Panel& panel, std::size_t columns, float* out,
                  std::size_t out_stride) noexcept {
#if defined(__x86_64__)
  if (has_avx2()) return multiply_avx2(left, panel, columns, out, out_stride);
#endif
  multiply_baseline(left, panel, columns, out, out_stride);
}

}  // namespace visavis::runtime::reference
