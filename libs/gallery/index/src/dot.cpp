#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "dot.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // must come before highway.h
// clang-format on
#include "dot.hpp"

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace visavis::index {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

// One row against one query. Two sums, so that a product need not wait for the one before it.
float dot_one(const hwy::float16_t* row, const float* query, std::size_t stride) {
  const hn::CappedTag<float, kPadding / 2> d32;
  const hn::Rebind<hwy::float16_t, decltype(d32)> d16;
  const std::size_t lanes = hn::Lanes(d32);
  auto even = hn::Zero(d32);
  auto odd = hn::Zero(d32);
  for (std::size_t i = 0; i < stride; i += 2 * lanes) {
    even = hn::MulAdd(hn::PromoteTo(d32, hn::LoadU(d16, row + i)), hn::LoadU(d32, query + i), even);
    odd = hn::MulAdd(hn::PromoteTo(d32, hn::LoadU(d16, row + i + lanes)),
                     hn::LoadU(d32, query + i + lanes), odd);
  }
  return hn::GetLane(hn::SumOfLanes(d32, hn::Add(even, odd)));
}

void dot_f16_here(const std::uint16_t* rows, std::size_t row_count, const float* queries,
                  std::size_t query_count, std::size_t stride, float* out) {
  for (std::size_t r = 0; r < row_count; ++r) {
    const auto* row = reinterpret_cast<const hwy::float16_t*>(rows + r * stride);
    for (std::size_t q = 0; q < query_count; ++q) {
      out[r * query_count + q] = dot_one(row, queries + q * stride, stride);
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace visavis::index
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace visavis::index {

HWY_EXPORT(dot_f16_here);

void dot_f16(const std::uint16_t* rows, std::size_t row_count, const float* queries,
             std::size_t query_count, std::size_t stride, float* out) {
  HWY_DYNAMIC_DISPATCH(dot_f16_here)(rows, row_count, queries, query_count, stride, out);
}

}  // namespace visavis::index
#endif
