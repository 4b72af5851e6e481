// The instruction set that has products of pairs with their sum in one instruction (VNNI).
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "walk.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // must come before highway.h
// clang-format on
#include "walk.hpp"

#include <hwy/highway.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "dot.hpp"
#include "products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace visavis::index {
namespace HWY_NAMESPACE {

// Two sums, so that a product need not wait for the one before it.
std::int32_t walk_product(const std::int8_t* a, const std::int8_t* b, std::size_t bytes) {
  const hn::CappedTag<std::int32_t, kPadding / 4> d32;
  const hn::Repartition<std::int16_t, decltype(d32)> d16;
  const hn::Rebind<std::int8_t, decltype(d16)> d8;
  const std::size_t lanes = hn::Lanes(d16);
  auto even = hn::Zero(d32);
  auto odd = hn::Zero(d32);
  for (std::size_t i = 0; i < bytes; i += 2 * lanes) {
    even = add_products(d32, hn::PromoteTo(d16, hn::LoadU(d8, a + i)),
                        hn::PromoteTo(d16, hn::LoadU(d8, b + i)), even);
    odd = add_products(d32, hn::PromoteTo(d16, hn::LoadU(d8, a + i + lanes)),
                       hn::PromoteTo(d16, hn::LoadU(d8, b + i + lanes)), odd);
  }
  return hn::GetLane(hn::SumOfLanes(d32, hn::Add(even, odd)));
}

void walk_products_here(const std::int8_t* query, const std::int8_t* const* codes,
                        std::size_t count, std::size_t bytes, std::int32_t* sums) {
  for (std::size_t i = 0; i < count; ++i) sums[i] = walk_product(query, codes[i], bytes);
}

}  // namespace HWY_NAMESPACE
}  // namespace visavis::index
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace visavis::index {

HWY_EXPORT(walk_products_here);

WalkCodes::WalkCodes(std::span<const Segment> segments, const Layout& layout)
    : shift_(std::countr_zero(layout.capacity)), bytes_(layout.prefix) {
  for (const Segment& segment : segments) blocks_.push_back(segment.walk(0));
}

void walk_products(const std::int8_t* query, std::span<const std::int8_t* const> codes,
                   std::size_t bytes, std::int32_t* sums) {
  HWY_DYNAMIC_DISPATCH(walk_products_here)(query, codes.data(), codes.size(), bytes, sums);
}

}  // namespace visavis::index
#endif
