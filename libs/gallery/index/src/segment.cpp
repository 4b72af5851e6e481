#include "segment.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <visavis/core/result.hpp>

#include "checksum.hpp"
#include "dot.hpp"

namespace visavis::index {
namespace {

Result<std::shared_ptr<Mapping>> map(std::size_t bytes, int flags, int descriptor) {
  void* base = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, flags, descriptor, 0);
  if (base == MAP_FAILED) {
    const int reason = errno;
    return fail(reason == ENOMEM ? ErrorCode::kResourceExhausted : ErrorCode::kUnavailable,
                "memory for the index: " + std::generic_category().message(reason));
  }
  return std::make_shared<Mapping>(static_cast<std::byte*>(base), bytes);
}

}  // namespace

Result<std::shared_ptr<Mapping>> Mapping::anonymous(std::size_t bytes) {
  return map(bytes, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

Result<std::shared_ptr<Mapping>> Mapping::of_file(int descriptor, std::size_t bytes) {
  return map(bytes, MAP_SHARED, descriptor);
}

Mapping::~Mapping() { ::munmap(base_, bytes_); }

Result<void> Mapping::sync(std::size_t offset, std::size_t count) const {
  const std::size_t first = offset / kPage * kPage;
  if (::msync(base_ + first, offset + count - first, MS_SYNC) == 0) return {};
  return fail(ErrorCode::kUnavailable,
              "syncing the index: " + std::generic_category().message(errno));
}

Layout Layout::of(std::size_t dimension, std::size_t prefix) noexcept {
  constexpr std::size_t kRowBytes = std::size_t{8} << 20;  // small against a gallery, large to scan
  const std::size_t stride = padded(dimension);
  const std::size_t rows = std::bit_floor(kRowBytes / (2 * stride));
  return {.stride = stride, .capacity = std::clamp<std::size_t>(rows, 64, 65536), .prefix = prefix};
}

void Segment::append(std::uint64_t key, std::uint64_t group, std::span<const std::uint16_t> values,
                     const Code* code) {
  const std::size_t row = counts()->used++;
  ++counts()->live;
  live_words()[row / 64] |= std::uint64_t{1} << (row % 64);
  at<std::uint64_t>(layout_.keys_at())[row] = key;
  groups()[row] = group;
  std::ranges::copy(values, at<std::uint16_t>(layout_.rows_at()) + row * layout_.stride);
  if (code != nullptr) set_code(row, *code);
}

Code Segment::code(std::size_t row) const {
  Code code;
  code.coarse.resize(layout_.words());
  for (std::size_t w = 0; w < layout_.words(); ++w) {
    code.coarse[w] = coarse()[index::coarse_at(row, w, layout_.words())];
  }
  code.fine.assign(fine(row), fine(row) + layout_.words());
  code.error = factors()[factor_at(row, 0)];
  code.rest = factors()[factor_at(row, 1)];
  code.fine_error = factors()[factor_at(row, 2)];
  return code;
}

void Segment::set_code(std::size_t row, const Code& code) {
  auto* coarse = at<std::uint16_t>(layout_.coarse_at());
  for (std::size_t w = 0; w < layout_.words(); ++w) {
    coarse[index::coarse_at(row, w, layout_.words())] = code.coarse[w];
  }
  std::ranges::copy(code.fine, at<std::uint16_t>(layout_.fine_at()) + row * layout_.words());
  auto* factors = at<std::uint16_t>(layout_.factors_at());
  factors[factor_at(row, 0)] = code.error;
  factors[factor_at(row, 1)] = code.rest;
  factors[factor_at(row, 2)] = code.fine_error;
}

void Segment::wipe(std::size_t row) {
  live_words()[row / 64] &= ~(std::uint64_t{1} << (row % 64));
  --counts()->live;
  at<std::uint64_t>(layout_.keys_at())[row] = 0;
  groups()[row] = 0;
  std::fill_n(at<std::uint16_t>(layout_.rows_at()) + row * layout_.stride, layout_.stride,
              std::uint16_t{0});
  if (layout_.prefix == 0) return;
  Code nothing;
  nothing.coarse.resize(layout_.words());
  nothing.fine.resize(layout_.words());
  set_code(row, nothing);
}

std::uint64_t Segment::computed_checksum() const noexcept {
  const auto everything = memory_->bytes().subspan(offset_);
  const std::uint64_t seed = counts()->used * 0x9E3779B97F4A7C15 ^ counts()->live;
  constexpr std::size_t kFirst = sizeof(Counts);
  return checksum(everything.subspan(kFirst, layout_.bytes(used()) - kFirst), seed);
}

bool Segment::intact() const noexcept {
  const Counts& found = *counts();
  if (found.used > layout_.capacity || found.live > found.used) return false;
  if (offset_ + layout_.bytes(found.used) > memory_->bytes().size()) return false;
  std::uint64_t live = 0;
  for (std::size_t i = 0; i < layout_.capacity / 64; ++i)
    live += static_cast<std::uint64_t>(std::popcount(live_words()[i]));
  return live == found.live && found.checksum == computed_checksum();
}

Result<void> Segment::sync() const { return memory_->sync(offset_, layout_.bytes(used())); }

}  // namespace visavis::index
