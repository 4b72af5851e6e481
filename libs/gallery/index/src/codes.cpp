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
#include "products-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace visavis::index {
namespace HWY_NAMESPACE {

namespace hn = hwy::HWY_NAMESPACE;

using D32 = hn::CappedTag<std::int32_t, kCodeRows>;
using D16 = hn::Repartition<std::int16_t, D32>;
using D16U = hn::Repartition<std::uint16_t, D32>;
using DF = hn::RebindToFloat<D32>;

// Words asked for ahead of time. The hardware's own prefetching ends with a page.
constexpr std::size_t kFar = 8192;  // into the second-level cache
constexpr std::size_t kNear = 512;  // from there into the first-level one
constexpr std::size_t kAhead = 16;  // rows whose fine codes are asked for

// The coordinates at each place of words.
template <int kBits, class D16U, class D16 = hn::RebindToSigned<D16U>>
HWY_INLINE auto by_place(D16U d16u, hn::Vec<D16U> words) {
  const D16 d16;
  const auto low = hn::Set(d16u, (1 << kBits) - 1);
  std::array<hn::Vec<D16>, std::size_t{16 / kBits}> places;
  for (auto& place : places) {
    place = hn::BitCast(d16, hn::And(words, low));
    words = hn::ShiftRight<kBits>(words);
  }
  return places;
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

template <class V, std::size_t kChains>
HWY_INLINE V total(const std::array<V, kChains>& sums) {
  auto sum = sums[0];
  for (std::size_t c = 1; c < kChains; ++c) sum = hn::Add(sum, sums[c]);
  return sum;
}

#if HWY_TARGET == HWY_AVX3_DL
// What bound_group sums for one query, by products of bytes: four at a time, and fewer steps to
// take the codes apart.
HWY_INLINE hn::Vec<D32> sum_of_bytes(const std::uint16_t* from, const CodedQuery& query) {
  const D32 d32;
  const D16U d16u;
  const auto low = hn::Set(d16u, 0x0F0F);
  const auto add = [](hn::Vec<D32>& sum, hn::Vec<D16U> codes, hn::Vec<D32> numbers) {
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum.raw) : "v"(codes.raw), "v"(numbers.raw));
  };
  std::array<hn::Vec<D32>, kWord> sums;
  for (auto& sum : sums) sum = hn::Zero(d32);
  for (std::size_t j = 0; j < query.bytes.size(); j += kWord, from += 2 * kCodeRows) {
    __builtin_prefetch(from + kFar, 0, 2);
    __builtin_prefetch(from + kNear);
    const auto words = hn::LoadU(d16u, from);
    const auto even = hn::And(words, low);
    const auto odd = hn::And(hn::ShiftRight<4>(words), low);
    add(sums[0], even, hn::Set(d32, query.bytes[j]));
    add(sums[1], even, hn::Set(d32, query.bytes[j + 1]));
    add(sums[2], odd, hn::Set(d32, query.bytes[j + 2]));
    add(sums[3], odd, hn::Set(d32, query.bytes[j + 3]));
  }
  const auto high = hn::ShiftLeft<8>(hn::Add(sums[0], sums[2]));
  return hn::Add(hn::Set(d32, query.start), hn::Add(high, hn::Add(sums[1], sums[3])));
}
#endif

// @param step Groups from one query's results to the next's.
template <std::size_t kQueries>
void bound_group(const std::uint16_t* coarse, const hwy::float16_t* factors,
                 const CodedQuery* queries, const float* floors, const Bounds& out,
                 std::size_t step) {
  const D32 d32;
  const DF df;
  const hn::Rebind<hwy::float16_t, DF> half;
  const std::size_t lanes = hn::Lanes(d32);
  // Several sums per query: a product need not wait for the one before it.
  constexpr std::size_t kChains = kQueries == 1 ? kWord : 2;
  std::array<std::uint32_t, kQueries> masks{};
  for (std::size_t first = 0; first < kCodeRows; first += lanes) {
    std::array<std::array<hn::Vec<D32>, kChains>, kQueries> sums;
    for (std::size_t q = 0; q < kQueries; ++q) {
      for (auto& sum : sums[q]) sum = hn::Zero(d32);
      sums[q][0] = hn::Set(d32, queries[q].start);
    }
    const std::uint16_t* from = coarse + 2 * first;
#if HWY_TARGET == HWY_AVX3_DL
    if constexpr (kQueries == 1) sums[0][0] = sum_of_bytes(from, queries[0]);
    const std::size_t pairs = kQueries == 1 ? 0 : queries[0].pairs.size();
#else
    const std::size_t pairs = queries[0].pairs.size();
#endif
    for (std::size_t j = 0; j < pairs; j += kWord, from += 2 * kCodeRows) {
      if constexpr (kQueries == 1) {
        __builtin_prefetch(from + kFar, 0, 2);
        __builtin_prefetch(from + kNear);
      }
      const auto codes = by_place<4>(D16U(), hn::LoadU(D16U(), from));
      for (std::size_t k = 0; k < kWord; ++k) {
        for (std::size_t q = 0; q < kQueries; ++q) {
          const auto pair = hn::Set(d32, queries[q].pairs[j + k]);
          auto& sum = sums[q][k % kChains];
          sum = add_products(d32, codes[k], hn::BitCast(D16(), pair), sum);
        }
      }
    }
    const auto error = hn::PromoteTo(df, hn::LoadU(half, factors + first));
    const auto rest = hn::PromoteTo(df, hn::LoadU(half, factors + kCodeRows + first));
    for (std::size_t q = 0; q < kQueries; ++q) {
      const auto slack =
          hn::MulAdd(hn::Set(df, queries[q].head), error,
                     hn::MulAdd(hn::Set(df, queries[q].tail), rest, hn::Set(df, queries[q].extra)));
      const auto told = hn::Mul(hn::ConvertTo(df, total(sums[q])), hn::Set(df, queries[q].scale));
      const auto bound = hn::Add(told, slack);
      hn::StoreU(told, df, out.told + q * step * kCodeRows + first);
      hn::StoreU(bound, df, out.bounds + q * step * kCodeRows + first);
      std::array<std::uint8_t, 8> bits{};
      hn::StoreMaskBits(df, hn::Ge(bound, hn::Set(df, floors[q])), bits.data());
      masks[q] |= static_cast<std::uint32_t>(bits[0] | (bits[1] << 8)) << first;
    }
  }
  for (std::size_t q = 0; q < kQueries; ++q) {
    out.masks[q * step] = static_cast<std::uint16_t>(masks[q]);
  }
}

template <std::size_t kQueries>
void bound_all(const std::uint16_t* coarse, const hwy::float16_t* factors, std::size_t groups,
               const CodedQuery* queries, const float* floors, const Bounds& out) {
  const std::size_t group_words = queries[0].prefix() / kWord * kCodeRows;
  for (std::size_t g = 0; g < groups; ++g) {
    bound_group<kQueries>(coarse + g * group_words, factors + g * kCodeRows * kFactors, queries,
                          floors,
                          {.told = out.told + g * kCodeRows,
                           .bounds = out.bounds + g * kCodeRows,
                           .masks = out.masks + g},
                          groups);
  }
}

void bound_here(const std::uint16_t* coarse, const std::uint16_t* factors, std::size_t groups,
                const CodedQuery* queries, std::size_t query_count, const float* floors,
                const Bounds& out) {
  const auto* half = reinterpret_cast<const hwy::float16_t*>(factors);
  switch (query_count) {
    case 1:
      return bound_all<1>(coarse, half, groups, queries, floors, out);
    case 2:
      return bound_all<2>(coarse, half, groups, queries, floors, out);
    case 3:
      return bound_all<3>(coarse, half, groups, queries, floors, out);
    default:
      return bound_all<4>(coarse, half, groups, queries, floors, out);
  }
}

template <class D>
HWY_INLINE float fine_sum(D d32, const std::uint16_t* fine, const CodedQuery& query) {
  const hn::Repartition<std::int16_t, D> d16;
  const hn::Repartition<std::uint16_t, D> d16u;
  const std::size_t words = query.prefix() / kFineWord;
  constexpr std::size_t kChains = 4;
  std::array<hn::Vec<D>, kChains> sums;
  for (auto& sum : sums) sum = hn::Zero(d32);
  for (std::size_t w = 0; w < words; w += hn::Lanes(d16u)) {
    const auto codes = by_place<2>(d16u, hn::LoadU(d16u, fine + w));
    for (std::size_t k = 0; k < kFineWord; ++k) {
      auto& sum = sums[k % kChains];
      sum = add_products(d32, codes[k], hn::LoadU(d16, &query.places[k * words + w]), sum);
    }
  }
  const std::int32_t sum = hn::GetLane(hn::SumOfLanes(d32, total(sums))) + query.fine_start;
  return static_cast<float>(sum) * (query.scale / kFinePerCoarse);
}

void fine_here(const std::uint16_t* const* fine, std::size_t count, const CodedQuery& query,
               float* sums) {
  const hn::CappedTag<std::int32_t, 2> small;  // a row's words are a multiple of its 4
  const bool fills = query.prefix() / kFineWord % (2 * hn::Lanes(D32())) == 0;
  const auto ask = [&](std::size_t i) {
    for (std::size_t w = 0; w < query.prefix() / kFineWord; w += 32)
      __builtin_prefetch(fine[i] + w);
  };
  for (std::size_t i = 0; i < std::min(kAhead, count); ++i) ask(i);
  for (std::size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) ask(i + kAhead);
    sums[i] = fills ? fine_sum(D32(), fine[i], query) : fine_sum(small, fine[i], query);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace visavis::index
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace visavis::index {
namespace {

constexpr double kLargestNorm = 1.02;  // of what is let in, after rounding to 16 bits
constexpr float kLevels = 16;
constexpr float kFineLevels = 4;
constexpr float kMiddle = (kLevels - 1) / 2;
constexpr float kFineMiddle = (kFineLevels - 1) / 2;
constexpr float kQueryMax = 32512;  // 127 * 256; times 15 times kMaxCoded < 2^31

HWY_EXPORT(bound_here);
HWY_EXPORT(fine_here);
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

// The next f16 that is not below.
std::uint16_t half_above(double value) noexcept {
  const auto half = to_half(above(value));
  return static_cast<std::uint16_t>(from_half(half) < value ? half + 1 : half);
}

// The last f16 that is not above.
std::uint16_t half_below(double value) noexcept {
  if (value < 0) return static_cast<std::uint16_t>(half_above(-value) | 0x8000);
  const auto half = to_half(static_cast<float>(value * (1 - 1e-6)));
  return static_cast<std::uint16_t>(from_half(half) > value ? half - 1 : half);
}

// Which of so many levels around zero is nearest; the outermost take what is beyond.
float level_of(float steps, float levels) noexcept {
  return std::clamp(std::floor(steps) + levels / 2, 0.F, levels - 1);
}

std::vector<float> coordinates_of(const Plan& plan, std::span<const float> query) {
  std::vector<float> coordinates(query.begin(), query.end());
  if (plan.basis.empty()) return coordinates;
  coordinates.resize(plan.prefix());
  HWY_DYNAMIC_DISPATCH(project_here)
  (plan.basis.data(), plan.prefix(), query.data(), query.size(), coordinates.data());
  return coordinates;
}

std::vector<std::int8_t> walk_levels(const Plan& plan, std::span<const float> coordinates) {
  static constexpr float kMost = kWalkLevels;
  std::vector<std::int8_t> levels(coordinates.size());
  std::ranges::transform(coordinates, plan.steps, levels.begin(), [](float x, float step) {
    return static_cast<std::int8_t>(std::clamp(std::nearbyint(x / step), -kMost, kMost));
  });
  return levels;
}

void put(std::vector<std::uint16_t>& words, std::size_t d, std::size_t per_word,
         float level) noexcept {
  const std::size_t place = d % per_word * (16 / per_word);
  words[d / per_word] |= static_cast<std::uint16_t>(static_cast<unsigned>(level) << place);
}

void put_byte(std::int32_t& bytes, int value, int place) noexcept {
  bytes |= static_cast<std::int32_t>(std::uint32_t{static_cast<std::uint8_t>(value)} << place);
}

}  // namespace

Encoder::Encoder(const Plan& plan, std::size_t stride)
    : plan_(&plan), stride_(stride), coordinates_(plan.steps.size()) {}

Encoder::~Encoder() {
  std::ranges::fill(coordinates_, 0.F);
  std::ranges::fill(code_.coarse, std::uint16_t{0});
  std::ranges::fill(code_.fine, std::uint16_t{0});
  std::ranges::fill(code_.walk, std::int8_t{0});
}

const Code& Encoder::encode(const std::uint16_t* row) {
  if (plan_->basis.empty()) {
    std::transform(row, row + stride_, coordinates_.begin(), from_half);
  } else {
    dot_f16(row, 1, plan_->basis.data(), plan_->prefix(), stride_, coordinates_.data());
  }
  if (plan_->form == CodeForm::kWalk) {
    encode_walk();
  } else {
    encode_bounds(row);
  }
  return code_;
}

void Encoder::encode_walk() { code_.walk = walk_levels(*plan_, coordinates_); }

void Encoder::encode_bounds(const std::uint16_t* row) {
  double whole = 0;
  if (!plan_->basis.empty()) {
    for (std::size_t d = 0; d < stride_; ++d) {
      const double x = from_half(row[d]);
      whole += x * x;
    }
  }
  code_.coarse.assign(coordinates_.size() / kWord, 0);
  code_.fine.assign(coordinates_.size() / kFineWord, 0);
  double error = 0;
  double fine_error = 0;
  for (std::size_t d = 0; d < coordinates_.size(); ++d) {
    const float step = plan_->steps[d];
    const float level = level_of(coordinates_[d] / step, kLevels);
    put(code_.coarse, d, kWord, level);
    const double left = coordinates_[d] - static_cast<double>(step) * (level - kMiddle);
    error += left * left;
    const double fine_step = step / kFinePerCoarse;
    const float fine_level = level_of(static_cast<float>(left / fine_step), kFineLevels);
    put(code_.fine, d, kFineWord, fine_level);
    const double still_left = left - fine_step * (fine_level - kFineMiddle);
    fine_error += still_left * still_left;
  }
  code_.error = half_above(std::sqrt(error));
  code_.gain = half_below(from_half(code_.error) - std::sqrt(fine_error));
  code_.rest = half_above(rest_of(whole, squared(coordinates_), !plan_->basis.empty()));
}

std::vector<std::int8_t> walk_query(const Plan& plan, std::span<const float> query) {
  return walk_levels(plan, coordinates_of(plan, query));
}

CodedQuery code_query(const Plan& plan, std::span<const float> query) {
  std::vector<float> coordinates = coordinates_of(plan, query);
  const std::size_t prefix = plan.prefix();
  CodedQuery coded;
  // What f32 sums of `size` products lose, here and in the similarity itself: 2^-24 for each of the
  // additions that one of at least 4 lanes and two sums sees; and in the coordinates of a row.
  const double rounding = 0x1p-24 * (static_cast<double>(query.size()) / 8 + 32);
  const double askew = plan.basis.empty() ? 0 : 2e-5;
  coded.head = above(std::sqrt(squared(coordinates)));
  coded.tail = above(rest_of(squared(query), squared(coordinates), !plan.basis.empty()));
  for (std::size_t d = 0; d < prefix; ++d) coordinates[d] *= plan.steps[d];
  coded.scale = largest(coordinates) / kQueryMax;
  const float inverse = coded.scale > 0 ? 1 / coded.scale : 0;
  coded.pairs.resize(prefix / 2);
  coded.places.resize(prefix);
  coded.bytes.resize(prefix / 2);
  double off = 0;  // sum of what rounding to 16 bits changes
  std::int64_t sum = 0;
  for (std::size_t d = 0; d < prefix; ++d) {
    const float value = std::clamp(std::nearbyint(coordinates[d] * inverse), -kQueryMax, kQueryMax);
    off += std::abs(coordinates[d] - static_cast<double>(value) * coded.scale);
    const auto whole = static_cast<std::int16_t>(value);
    sum += whole;
    const std::size_t word = d / kWord;
    coded.places[d % kFineWord * (prefix / kFineWord) + d / kFineWord] = whole;
    coded.pairs[word / 2 * kWord + d % kWord] |= static_cast<std::int32_t>(
        std::uint32_t{static_cast<std::uint16_t>(whole)} << (word % 2 * 16));
    const auto rest = static_cast<std::int8_t>(static_cast<std::uint8_t>(whole & 255));
    const int place = static_cast<int>(word % 2 * 2 + d % kWord / 2) * 8;
    std::int32_t* bytes = &coded.bytes[word / 2 * kWord + d % 2 * 2];
    put_byte(bytes[0], (whole - rest) / 256, place);
    put_byte(bytes[1], rest, place);
  }
  coded.start = static_cast<std::int32_t>(-sum * 15 / 2);
  coded.fine_start = static_cast<std::int32_t>(-sum * 3 / 2);
  // A code is at most so far from the middle, and where sums start is rounded.
  const double by_query =
      kMiddle * off + .5 * coded.scale + (kFineMiddle * off + .5 * coded.scale) / kFinePerCoarse;
  coded.extra = above(kLargestNorm * (rounding + askew) + by_query);
  return coded;
}

void bound_codes(const std::uint16_t* coarse, const std::uint16_t* factors, std::size_t groups,
                 std::span<const CodedQuery> queries, const float* floors, const Bounds& out) {
  HWY_DYNAMIC_DISPATCH(bound_here)(coarse, factors, groups, queries.data(), queries.size(), floors,
                                   out);
}

void add_fine(std::span<const std::uint16_t* const> fine, const CodedQuery& query, float* sums) {
  HWY_DYNAMIC_DISPATCH(fine_here)(fine.data(), fine.size(), query, sums);
}

}  // namespace visavis::index
#endif
