// The instruction set that has products of pairs with their sum in one instruction (VNNI).
#define HWY_WANT_AVX3_DL
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "codes.cpp"
// clang-format off
#include <hwy/foreach_target.h>  // must come before highway.h
// clang-format on
#include "codes.hpp"

#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>
#include <visavis/core/half.hpp>

#include "dot.hpp"

HWY_BEFORE_NAMESPACE();
namespace visavis::index {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::CappedTag<std::int32_t, kCodeRows>;
using D16 = hn::Repartition<std::int16_t, D32>;
using D8 = hn::Rebind<std::int8_t, D16>;
using DF = hn::RebindToFloat<D32>;

constexpr std::size_t kAhead = 4096;  // bytes

// sum + the products of each lane's two halves.
HWY_INLINE hn::Vec<D32> add_products(hn::Vec<D16> a, hn::Vec<D16> b, hn::Vec<D32> sum) {
#if HWY_TARGET == HWY_AVX3_DL
  // Highway 1.0.3 asks for VNNI before it runs this target, but does not tell the compiler.
  __asm__("vpdpwssd %2, %1, %0" : "+v"(sum.raw) : "v"(a.raw), "v"(b.raw));
  return sum;
#elif HWY_ARCH_X86
  const D32 d32;
  // Neighbours are added in place here, and nothing goes to the other sum.
  auto unused = hn::Zero(d32);
  return hn::ReorderWidenMulAccumulate(d32, a, b, sum, unused);
#else
  const D32 d32;
  const auto a32 = hn::BitCast(d32, a);
  const auto b32 = hn::BitCast(d32, b);
  const auto low = hn::Mul(hn::ShiftRight<16>(hn::ShiftLeft<16>(a32)),
                           hn::ShiftRight<16>(hn::ShiftLeft<16>(b32)));
  return hn::Add(sum, hn::Add(low, hn::Mul(hn::ShiftRight<16>(a32), hn::ShiftRight<16>(b32))));
#endif
}

// out[p] is the inner product of row p of the basis with the query.
void project_here(const float* basis, std::size_t prefix, const float* query, std::size_t stride,
                  float* out) {
  const hn::CappedTag<float, kPadding / 2> df;
  const std::size_t lanes = hn::Lanes(df);
  for (std::size_t p = 0; p < prefix; ++p) {
    const float* row = basis + p * stride;
    auto even = hn::Zero(df);
    auto odd = hn::Zero(df);
    for (std::size_t d = 0; d < stride; d += 2 * lanes) {
      even = hn::MulAdd(hn::LoadU(df, row + d), hn::LoadU(df, query + d), even);
      odd = hn::MulAdd(hn::LoadU(df, row + d + lanes), hn::LoadU(df, query + d + lanes), odd);
    }
    out[p] = hn::GetLane(hn::SumOfLanes(df, hn::Add(even, odd)));
  }
}

template <std::size_t kChains>
HWY_INLINE hn::Vec<D32> total(const std::array<hn::Vec<D32>, kChains>& sums) {
  auto sum = sums[0];
  for (std::size_t c = 1; c < kChains; ++c) sum = hn::Add(sum, sums[c]);
  return sum;
}

template <std::size_t kQueries>
void bound_group(const std::int8_t* codes, const float* factors, const CodedQuery* queries,
                 const float* floors, float* const* bounds, std::uint16_t* const* masks) {
  const D32 d32;
  const DF df;
  const std::size_t lanes = hn::Lanes(d32);
  const std::size_t pairs = queries[0].pairs.size();
  // Several sums per query: a product need not wait for the one before it.
  constexpr std::size_t kChains = kQueries == 1 ? 4 : 2;
  for (std::size_t q = 0; q < kQueries; ++q) *masks[q] = 0;
  for (std::size_t first = 0; first < kCodeRows; first += lanes) {
    std::array<std::array<hn::Vec<D32>, kChains>, kQueries> sums;
    for (auto& chains : sums) {
      for (auto& sum : chains) sum = hn::Zero(d32);
    }
    const std::int8_t* from = codes + 2 * first;
    for (std::size_t j = 0; j < pairs; j += kChains, from += kChains * 2 * kCodeRows) {
      if constexpr (kQueries == 1) {  // the hardware's own prefetching ends with each page
        __builtin_prefetch(from + kAhead);
        __builtin_prefetch(from + kAhead + 64);
      }
      for (std::size_t c = 0; c < kChains; ++c) {
        const auto code = hn::PromoteTo(D16(), hn::LoadU(D8(), from + c * 2 * kCodeRows));
        for (std::size_t q = 0; q < kQueries; ++q) {
          const auto pair = hn::Set(d32, queries[q].pairs[j + c]);
          sums[q][c] = add_products(code, hn::BitCast(D16(), pair), sums[q][c]);
        }
      }
    }
    const auto scale = hn::LoadU(df, factors + first);
    const auto error = hn::LoadU(df, factors + kCodeRows + first);
    const auto rest = hn::LoadU(df, factors + 2 * kCodeRows + first);
    for (std::size_t q = 0; q < kQueries; ++q) {
      const auto slack =
          hn::MulAdd(hn::Set(df, queries[q].head), error,
                     hn::MulAdd(hn::Set(df, queries[q].tail), rest, hn::Set(df, queries[q].extra)));
      const auto sum = hn::ConvertTo(df, total(sums[q]));
      const auto bound = hn::MulAdd(hn::Mul(scale, hn::Set(df, queries[q].scale)), sum, slack);
      hn::StoreU(bound, df, bounds[q] + first);
      std::array<std::uint8_t, 8> bits{};
      hn::StoreMaskBits(df, hn::Ge(bound, hn::Set(df, floors[q])), bits.data());
      const auto mask = static_cast<std::uint32_t>(bits[0] | (bits[1] << 8));
      *masks[q] = static_cast<std::uint16_t>(*masks[q] | (mask << first));
    }
  }
}

template <std::size_t kQueries>
void bound_all(const std::int8_t* codes, const float* factors, std::size_t groups,
               const CodedQuery* queries, const float* floors, float* bounds,
               std::uint16_t* masks) {
  const std::size_t code_bytes = 2 * queries[0].pairs.size() * kCodeRows;
  for (std::size_t g = 0; g < groups; ++g) {
    std::array<float*, kQueries> bounds_here;
    std::array<std::uint16_t*, kQueries> masks_here;
    for (std::size_t q = 0; q < kQueries; ++q) {
      bounds_here[q] = bounds + (q * groups + g) * kCodeRows;
      masks_here[q] = masks + q * groups + g;
    }
    bound_group<kQueries>(codes + g * code_bytes, factors + g * kCodeRows * kFactors, queries,
                          floors, bounds_here.data(), masks_here.data());
  }
}

void bound_here(const std::int8_t* codes, const float* factors, std::size_t groups,
                const CodedQuery* queries, std::size_t query_count, const float* floors,
                float* bounds, std::uint16_t* masks) {
  switch (query_count) {
    case 1:
      return bound_all<1>(codes, factors, groups, queries, floors, bounds, masks);
    case 2:
      return bound_all<2>(codes, factors, groups, queries, floors, bounds, masks);
    case 3:
      return bound_all<3>(codes, factors, groups, queries, floors, bounds, masks);
    default:
      return bound_all<4>(codes, factors, groups, queries, floors, bounds, masks);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace visavis::index
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace visavis::index {
namespace {

constexpr double kLargestNorm = 1.02;  // of what is let in, after rounding to 16 bits
constexpr float kCodeMax = 127;
constexpr float kQueryMax = 2047;  // 127 * 2047 * kMaxCoded < 2^31

HWY_EXPORT(bound_here);
HWY_EXPORT(project_here);

// Coordinates are sums of float products, and the basis is not quite orthonormal; both are far
// below this, as share of the squared norm.
double rest_of(double whole, double coded, bool rotated) {
  return rotated ? std::sqrt(std::max(0.0, whole - coded) + kBasisError * 2) : 0;
}

// Rounded up: a bound must not lose by being stored.
float above(double value) noexcept { return static_cast<float>(value * (1 + 1e-6)); }

double squared(std::span<const float> values) noexcept {
  double sum = 0;
  for (const float x : values) sum += static_cast<double>(x) * x;
  return sum;
}

float largest(std::span<const float> values) noexcept {
  float result = 0;
  for (const float x : values) result = std::max(result, std::abs(x));
  return result;
}

}  // namespace

Encoder::Encoder(const Plan& plan, std::size_t stride)
    : plan_(&plan), stride_(stride), coordinates_(plan.prefix) {
  code_.values.resize(plan.prefix);
}

Encoder::~Encoder() {
  std::ranges::fill(coordinates_, 0.F);
  std::ranges::fill(code_.values, std::int8_t{0});
}

const Code& Encoder::encode(const std::uint16_t* row) {
  double whole = 0;
  if (plan_->basis.empty()) {
    std::transform(row, row + stride_, coordinates_.begin(), from_half);
  } else {
    for (std::size_t d = 0; d < stride_; ++d) {
      const double x = from_half(row[d]);
      whole += x * x;
    }
    dot_f16(row, 1, plan_->basis.data(), plan_->prefix, stride_, coordinates_.data());
  }
  const float scale = largest(coordinates_) / kCodeMax;
  const float inverse = scale > 0 ? 1 / scale : 0;
  double error = 0;
  for (std::size_t d = 0; d < coordinates_.size(); ++d) {
    const float value = std::clamp(std::nearbyint(coordinates_[d] * inverse), -kCodeMax, kCodeMax);
    code_.values[d] = static_cast<std::int8_t>(value);
    const double off = coordinates_[d] - static_cast<double>(value) * scale;
    error += off * off;
  }
  code_.scale = scale;
  code_.error = above(std::sqrt(error));
  code_.rest = above(rest_of(whole, squared(coordinates_), !plan_->basis.empty()));
  return code_;
}

CodedQuery code_query(const Plan& plan, std::span<const float> query) {
  std::vector<float> coordinates(query.begin(), query.end());
  if (!plan.basis.empty()) {
    coordinates.resize(plan.prefix);
    HWY_DYNAMIC_DISPATCH(project_here)
    (plan.basis.data(), plan.prefix, query.data(), query.size(), coordinates.data());
  }
  CodedQuery coded;
  coded.scale = largest(coordinates) / kQueryMax;
  const float inverse = coded.scale > 0 ? 1 / coded.scale : 0;
  coded.pairs.resize(plan.prefix / 2);
  double error = 0;
  for (std::size_t d = 0; d < plan.prefix; ++d) {
    const float value = std::clamp(std::nearbyint(coordinates[d] * inverse), -kQueryMax, kQueryMax);
    const double off = coordinates[d] - static_cast<double>(value) * coded.scale;
    error += off * off;
    const auto bits = static_cast<std::uint16_t>(static_cast<std::int16_t>(value));
    coded.pairs[d / 2] |= static_cast<std::int32_t>(std::uint32_t{bits} << (d % 2 * 16));
  }
  // What f32 sums of `size` products lose, here and in the similarity itself: 2^-24 for each of the
  // additions that one of at least 4 lanes and two sums sees; and in the coordinates of a row.
  const double rounding = 0x1p-24 * (static_cast<double>(query.size()) / 8 + 32);
  const double askew = plan.basis.empty() ? 0 : 2e-5;
  coded.head = above(std::sqrt(squared(coordinates)));
  coded.tail = above(rest_of(squared(query), squared(coordinates), !plan.basis.empty()));
  coded.extra = above(kLargestNorm * (std::sqrt(error) + rounding + askew));
  return coded;
}

void bound_codes(const std::int8_t* codes, const float* factors, std::size_t groups,
                 std::span<const CodedQuery> queries, const float* floors, float* bounds,
                 std::uint16_t* masks) {
  HWY_DYNAMIC_DISPATCH(bound_here)(codes, factors, groups, queries.data(), queries.size(), floors,
                                   bounds, masks);
}

}  // namespace visavis::index
#endif
