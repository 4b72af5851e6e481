#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "area.cpp"
#include "area.hpp"

#include <hwy/foreach_target.h>  // must come before highway.h
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

// Separable: the rows under an output row are added to one row of column sums (exact integers),
// whose pixels are then added from left to right. Sums that fit 16 bit are added as whole pixels:
// three 16-bit channels and a fourth lane of rubbish in one 64-bit integer, whose carries fall off
// its upper end.

HWY_BEFORE_NAMESPACE();
namespace visavis::image {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

/// Adds `count` rows of `n` bytes into `sums`; `n` >= Lanes(d8).
template <class D16>
void add_rows(D16 d16, const std::uint8_t* source, std::ptrdiff_t stride, int count, std::size_t n,
              std::uint16_t* HWY_RESTRICT sums) {
  const hn::Rebind<std::uint8_t, D16> d8;
  const std::size_t lanes = hn::Lanes(d16);
  const auto load = [&](const std::uint8_t* p)
                        HWY_ATTR { return hn::PromoteTo(d16, hn::LoadU(d8, p)); };
  std::size_t x = 0;
  for (; x + 4 * lanes <= n; x += 4 * lanes) {  // two cache lines of every row at a time
    const std::uint8_t* p = source + x;
    auto a = load(p);
    auto b = load(p + lanes);
    auto c = load(p + 2 * lanes);
    auto d = load(p + 3 * lanes);
    for (int k = 1; k < count; ++k) {
      p += stride;
      a = hn::Add(a, load(p));
      b = hn::Add(b, load(p + lanes));
      c = hn::Add(c, load(p + 2 * lanes));
      d = hn::Add(d, load(p + 3 * lanes));
    }
    hn::StoreU(a, d16, sums + x);
    hn::StoreU(b, d16, sums + x + lanes);
    hn::StoreU(c, d16, sums + x + 2 * lanes);
    hn::StoreU(d, d16, sums + x + 3 * lanes);
  }
  while (x < n) {
    x = std::min(x, n - lanes);  // the last vector may overlap the one before
    const std::uint8_t* p = source + x;
    auto a = load(p);
    for (int k = 1; k < count; ++k) {
      p += stride;
      a = hn::Add(a, load(p));
    }
    hn::StoreU(a, d16, sums + x);
    x += lanes;
  }
}

void add_rows_any(const std::uint8_t* source, std::ptrdiff_t stride, int count, std::size_t n,
                  std::uint16_t* HWY_RESTRICT sums) {
  const hn::ScalableTag<std::uint16_t> wide;
  const hn::CappedTag<std::uint16_t, 8> narrow;
  if (n >= hn::Lanes(wide)) return add_rows(wide, source, stride, count, n, sums);
  if (n >= hn::Lanes(narrow)) return add_rows(narrow, source, stride, count, n, sums);
  for (std::size_t x = 0; x < n; ++x) {
    unsigned sum = 0;
    for (int k = 0; k < count; ++k) sum += source[k * stride + static_cast<std::ptrdiff_t>(x)];
    sums[x] = static_cast<std::uint16_t>(sum);
  }
}

std::uint64_t load_pixel(const std::uint16_t* p) {
  std::uint64_t pixel = 0;
  std::memcpy(&pixel, p, sizeof pixel);
  return pixel;
}

/// Adds kCount pixels from `first` on and the one at `extra` for every output.
template <int kCount>
void add_pixels(const std::uint16_t* sums, const std::uint32_t* first, const std::uint32_t* extra,
                int width, std::uint64_t* HWY_RESTRICT out) {
  for (int i = 0; i < width; ++i) {
    const std::uint16_t* p = sums + first[i];
    std::uint64_t pixel = load_pixel(p) + load_pixel(sums + extra[i]);
    for (int k = 1; k < kCount; ++k) pixel += load_pixel(p + 3 * k);
    out[i] = pixel;
  }
}

void add_pixels_any(const std::uint16_t* sums, const std::uint32_t* first,
                    const std::uint32_t* extra, int count, int width,
                    std::uint64_t* HWY_RESTRICT out) {
  switch (count) {
    case 1:
      return add_pixels<1>(sums, first, extra, width, out);
    case 2:
      return add_pixels<2>(sums, first, extra, width, out);
    case 3:
      return add_pixels<3>(sums, first, extra, width, out);
    case 4:
      return add_pixels<4>(sums, first, extra, width, out);
    case 5:
      return add_pixels<5>(sums, first, extra, width, out);
    default:
      break;
  }
  for (int i = 0; i < width; ++i) {
    const std::uint16_t* p = sums + first[i];
    std::uint64_t pixel = load_pixel(sums + extra[i]);
    for (int k = 0; k < count; ++k) pixel += load_pixel(p + 3 * k);
    out[i] = pixel;
  }
}

/// x / y, correctly rounded, where r is the correctly rounded 1 / y.
template <class D, class V = hn::Vec<D>>
V divide(D d, V x, V y, V r) {
#if HWY_NATIVE_FMA
  (void)d;
  // One Newton step on the quotient with an exact remainder: Markstein, "Computation of elementary
  // functions on the IBM RISC System/6000 processor", IBM J. Res. Dev. 34(1), 1990. A third of the
  // time of the division instruction.
  const V q = hn::Mul(x, r);
  return hn::MulAdd(hn::NegMulAdd(q, y, x), r, q);
#else
  (void)d;
  (void)r;
  return hn::Div(x, y);
#endif
}

/// What the three planes of one output row have in common.
struct Row {
  const std::uint64_t* pixels = nullptr;
  const float* counts = nullptr;
  const float* reciprocals = nullptr;
  float rows = 1;
};

void finish_block(const AreaJob& job, const Row& row, std::size_t x, float* out,
                  std::ptrdiff_t plane_stride) {
  const hn::ScalableTag<float> df;
  const hn::Rebind<std::int32_t, decltype(df)> di;
  const hn::Rebind<std::uint16_t, decltype(df)> d16;
  hn::Vec<decltype(d16)> r, g, b, rubbish;
  hn::LoadInterleaved4(d16, reinterpret_cast<const std::uint16_t*>(row.pixels + x), r, g, b,
                       rubbish);
  const auto rows = hn::Set(df, row.rows);
  const auto rows_reciprocal = hn::Set(df, 1.0F / row.rows);
  const auto counts = hn::LoadU(df, row.counts + x);
  const auto reciprocals = hn::LoadU(df, row.reciprocals + x);
  const auto offset = hn::Set(df, job.offset);
  const auto scale = hn::Set(df, job.scale);
  const auto put = [&](auto sum, float* to) HWY_ATTR {
    // The order of the divisions is torch's.
    auto v = hn::ConvertTo(df, hn::PromoteTo(di, sum));
    v = divide(df, divide(df, v, rows, rows_reciprocal), counts, reciprocals);
    hn::StoreU(hn::Mul(hn::Sub(v, offset), scale), df, to);
  };
  put(r, out);
  put(g, out + plane_stride);
  put(b, out + 2 * plane_stride);
}

void finish_row(const AreaJob& job, const Row& row, float* out) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const auto width = static_cast<std::size_t>(job.width);
  if (width < lanes) {
    HWY_ALIGN std::array<float, 3 * HWY_MAX_BYTES / sizeof(float)> block;
    finish_block(job, row, 0, block.data(), static_cast<std::ptrdiff_t>(lanes));
    for (std::size_t c = 0; c < 3; ++c)
      std::copy_n(block.data() + c * lanes, width,
                  out + static_cast<std::ptrdiff_t>(c) * job.plane_stride);
    return;
  }
  for (std::size_t x = 0; x < width; x += lanes) {
    x = std::min(x, width - lanes);  // the last block may overlap the one before
    finish_block(job, row, x, out + x, job.plane_stride);
  }
}

/// Cuts pieces off one block of memory: the stack's if it suffices.
class Scratch {
 public:
  explicit Scratch(std::size_t bytes)
      : heap_(bytes > stack_.size() ? new std::byte[bytes] : nullptr),
        next_(heap_ ? heap_.get() : stack_.data()) {}
  template <class T>
  T* take(std::size_t n) {
    auto* piece = reinterpret_cast<T*>(next_);
    next_ += size<T>(n);
    return piece;
  }
  template <class T>
  static std::size_t size(std::size_t n) {
    return (n * sizeof(T) + 63) / 64 * 64;
  }

 private:
  alignas(64) std::array<std::byte, 16384> stack_;
  std::unique_ptr<std::byte[]> heap_;
  std::byte* next_;
};

/// The source columns that the part needs.
Span1d source_columns(const AreaJob& job) {
  const Span1d first = area_span(job.x, job.source_width, job.full_width);
  const Span1d last = area_span(job.x + job.width - 1, job.source_width, job.full_width);
  return {.first = first.first, .count = last.first + last.count - first.first};
}

/// @pre the sum of the largest window fits 16 bit
void run_narrow(const AreaJob& job) {
  const std::size_t lanes = hn::Lanes(hn::ScalableTag<float>());
  const auto width = static_cast<std::size_t>(job.width);
  const std::size_t padded = std::max(width, lanes);
  const Span1d columns = source_columns(job);
  const std::size_t n = std::size_t{3} * static_cast<std::size_t>(columns.count);
  constexpr std::size_t kPad =
      8;  // a pixel of zeros after the row, and what load_pixel reads beyond
  Scratch scratch(2 * Scratch::size<std::uint32_t>(width) + 2 * Scratch::size<float>(padded) +
                  Scratch::size<std::uint64_t>(padded) + Scratch::size<std::uint16_t>(n + kPad));
  auto* first = scratch.take<std::uint32_t>(width);
  auto* extra = scratch.take<std::uint32_t>(width);
  auto* counts = scratch.take<float>(padded);
  auto* reciprocals = scratch.take<float>(padded);
  auto* pixels = scratch.take<std::uint64_t>(padded);
  auto* sums = scratch.take<std::uint16_t>(n + kPad);
  const std::uint8_t* source = job.source + std::ptrdiff_t{3} * columns.first;
  std::fill_n(sums + n, kPad, std::uint16_t{0});

  int least = job.source_width;  // spans have this many pixels or one more
  for (int i = 0; i < job.width; ++i)
    least = std::min(least, area_span(job.x + i, job.source_width, job.full_width).count);
  for (std::size_t i = 0; i < padded; ++i) {
    if (i >= width) {
      counts[i] = reciprocals[i] = 1;
      pixels[i] = 0;
      continue;
    }
    const Span1d span = area_span(job.x + static_cast<int>(i), job.source_width, job.full_width);
    first[i] = static_cast<std::uint32_t>(3 * (span.first - columns.first));
    extra[i] = span.count > least ? first[i] + static_cast<std::uint32_t>(3 * least)
                                  : static_cast<std::uint32_t>(n);
    counts[i] = static_cast<float>(span.count);
    reciprocals[i] = 1.0F / counts[i];
  }

  for (int y = 0; y < job.height; ++y) {
    const Span1d span = area_span(job.y + y, job.source_height, job.full_height);
    add_rows_any(source + span.first * job.source_stride, job.source_stride, span.count, n, sums);
    add_pixels_any(sums, first, extra, least, job.width, pixels);
    finish_row(job,
               {.pixels = pixels,
                .counts = counts,
                .reciprocals = reciprocals,
                .rows = static_cast<float>(span.count)},
               job.out + y * job.row_stride);
  }
}

/// Adds into 32-bit column sums what fits 16 bit at a time, then pixel by pixel.
void run_wide(const AreaJob& job) {
  constexpr int kRowsAtOnce = 257;  // 257 * 255 = 65535
  const Span1d columns = source_columns(job);
  const std::uint8_t* source = job.source + std::ptrdiff_t{3} * columns.first;
  const std::size_t n = std::size_t{3} * static_cast<std::size_t>(columns.count);
  Scratch scratch(Scratch::size<std::uint32_t>(n) + Scratch::size<std::uint16_t>(n));
  auto* sums = scratch.take<std::uint32_t>(n);
  auto* part = scratch.take<std::uint16_t>(n);
  for (int y = 0; y < job.height; ++y) {
    const Span1d rows = area_span(job.y + y, job.source_height, job.full_height);
    std::fill_n(sums, n, 0U);
    for (int k = 0; k < rows.count; k += kRowsAtOnce) {
      add_rows_any(source + (rows.first + k) * job.source_stride, job.source_stride,
                   std::min(kRowsAtOnce, rows.count - k), n, part);
      for (std::size_t i = 0; i < n; ++i) sums[i] += part[i];
    }
    float* out = job.out + y * job.row_stride;
    for (int x = 0; x < job.width; ++x) {
      const Span1d span = area_span(job.x + x, job.source_width, job.full_width);
      const int begin = 3 * (span.first - columns.first);
      std::array<std::uint64_t, 3> total{};
      for (int k = begin; k < begin + 3 * span.count; k += 3)
        for (int c = 0; c < 3; ++c) total[static_cast<std::size_t>(c)] += sums[k + c];
      for (int c = 0; c < 3; ++c) {
        const float mean = static_cast<float>(total[static_cast<std::size_t>(c)]) /
                           static_cast<float>(rows.count) / static_cast<float>(span.count);
        out[c * job.plane_stride + x] = (mean - job.offset) * job.scale;
      }
    }
  }
}

void run(const AreaJob& job) {
  const auto most = [](int n, int m) { return static_cast<std::int64_t>(n) / m + 2; };
  const bool fits =
      255 * most(job.source_width, job.full_width) * most(job.source_height, job.full_height) <=
      65535;
  fits ? run_narrow(job) : run_wide(job);
}

}  // namespace
void run_area_here(const AreaJob& job) { run(job); }
}  // namespace HWY_NAMESPACE
}  // namespace visavis::image
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace visavis::image {
HWY_EXPORT(run_area_here);
void run_area(const AreaJob& job) { HWY_DYNAMIC_DISPATCH(run_area_here)(job); }
}  // namespace visavis::image
#endif
