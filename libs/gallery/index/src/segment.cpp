#include "segment.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
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

/// Where pages come from, and which of them are here.
struct Mapping::Encrypted {
  explicit Encrypted(EncryptedPages from) : file(std::move(from)), here(file.count()) {}

  std::mutex door;  ///< Guards the file, and pages that are not here yet.
  EncryptedPages file;
  std::vector<std::atomic<bool>> here;
  std::atomic<bool> damaged = false;
  std::set<std::size_t> touched;

  Result<void> sync(std::span<const std::byte> pages) {
    if (damaged) return fail(ErrorCode::kDecodeFailed, "the encrypted index file is damaged");
    const std::scoped_lock lock(door);
    const bool vouches = touched.erase(0) != 0;
    for (const std::size_t page : touched)
      VISAVIS_CHECK(file.write(page, pages.subspan(page * kPage, kPage)));
    if (!touched.empty()) VISAVIS_CHECK(file.sync());
    touched.clear();
    if (!vouches) return {};
    VISAVIS_CHECK(file.write(0, pages.first(kPage)));
    return file.sync();
  }
};

Result<std::shared_ptr<Mapping>> Mapping::of_encrypted(EncryptedPages file) {
  VISAVIS_TRY(memory, anonymous(std::max<std::size_t>(file.count(), 1) * kPage));
  memory->encrypted_ = std::make_unique<Encrypted>(std::move(file));
  return memory;
}

Mapping::Mapping(std::byte* base, std::size_t bytes) noexcept : base_(base), bytes_(bytes) {}

Mapping::~Mapping() { ::munmap(base_, bytes_); }

bool Mapping::is_damaged() const noexcept { return encrypted_ && encrypted_->damaged; }

void Mapping::bring(std::size_t offset, std::size_t count) const noexcept {
  auto& here = encrypted_->here;
  const std::size_t end = (offset + count + kPage - 1) / kPage;
  if (end > here.size()) {
    encrypted_->damaged = true;
    return;
  }
  for (std::size_t page = offset / kPage; page < end; ++page) {
    if (here[page].load(std::memory_order_acquire)) continue;
    const std::scoped_lock lock(encrypted_->door);
    std::size_t behind = page;  // the last of a run that is not here
    while (behind < end && !here[behind].load(std::memory_order_relaxed)) ++behind;
    if (behind == page) continue;
    const auto wanted = bytes().subspan(page * kPage, (behind - page) * kPage);
    if (!encrypted_->file.read(page, wanted)) {
      std::ranges::fill(wanted, std::byte{0});  // nothing that is not known to be right
      encrypted_->damaged = true;
      return;
    }
    for (; page < behind; ++page) here[page].store(true, std::memory_order_release);
  }
}

void Mapping::touch(std::size_t offset, std::size_t count) {
  if (!encrypted_) return;
  for (std::size_t page = offset / kPage; page * kPage < offset + count; ++page)
    encrypted_->touched.insert(page);
}

Result<void> Mapping::sync() {
  if (encrypted_) return encrypted_->sync(bytes());
  if (::msync(base_, bytes_, MS_SYNC) == 0) return {};
  return fail(ErrorCode::kUnavailable,
              "syncing the index: " + std::generic_category().message(errno));
}

Layout Layout::of(std::size_t dimension, std::size_t prefix, CodeForm form) noexcept {
  constexpr std::size_t kRowBytes = std::size_t{8} << 20;  // small against a gallery, large to scan
  const std::size_t stride = padded(dimension);
  const std::size_t rows = std::bit_floor(kRowBytes / (2 * stride));
  return {.stride = stride,
          .capacity = std::clamp<std::size_t>(rows, 64, 65536),
          .prefix = prefix,
          .form = form};
}

void Segment::show(std::size_t row) noexcept {
  ++counts()->live;
  live_words()[row / 64] |= std::uint64_t{1} << (row % 64);
}

void Segment::append_unseen(std::uint64_t key, std::uint64_t group,
                            std::span<const std::uint16_t> values, const Code* code) {
  const std::size_t row = counts()->used++;
  at<std::uint64_t>(layout_.keys_at())[row] = key;
  groups()[row] = group;
  std::ranges::copy(values, at<std::uint16_t>(layout_.rows_at()) + row * layout_.stride);
  if (code != nullptr) set_code(row, *code);
}

Code Segment::code(std::size_t row) const {
  Code code;
  if (layout_.has_walk()) {
    code.walk.assign(walk(row), walk(row) + layout_.prefix);
    return code;
  }
  code.coarse.resize(layout_.words());
  for (std::size_t w = 0; w < layout_.words(); ++w) {
    code.coarse[w] = coarse()[index::coarse_at(row, w, layout_.words())];
  }
  code.fine.assign(fine(row), fine(row) + layout_.fine_words());
  code.error = factors()[factor_at(row, 0)];
  code.rest = factors()[factor_at(row, 1)];
  code.gain = factors()[factor_at(row, 2)];
  return code;
}

void Segment::set_code(std::size_t row, const Code& code) {
  if (layout_.has_walk()) {
    std::ranges::copy(code.walk, at<std::int8_t>(layout_.walk_at()) + row * layout_.prefix);
    return;
  }
  auto* coarse = at<std::uint16_t>(layout_.coarse_at());
  for (std::size_t w = 0; w < layout_.words(); ++w) {
    coarse[index::coarse_at(row, w, layout_.words())] = code.coarse[w];
  }
  std::ranges::copy(code.fine, at<std::uint16_t>(layout_.fine_at()) + row * layout_.fine_words());
  auto* factors = at<std::uint16_t>(layout_.factors_at());
  factors[factor_at(row, 0)] = code.error;
  factors[factor_at(row, 1)] = code.rest;
  factors[factor_at(row, 2)] = code.gain;
}

void Segment::wipe(std::size_t row) {
  const auto touched = pieces_of(row);
  need(touched);
  const std::uint64_t others = counts()->checksum - checksum_of(touched);
  if (is_live(row)) --counts()->live;
  live_words()[row / 64] &= ~(std::uint64_t{1} << (row % 64));
  at<std::uint64_t>(layout_.keys_at())[row] = 0;
  groups()[row] = 0;
  std::fill_n(at<std::uint16_t>(layout_.rows_at()) + row * layout_.stride, layout_.stride,
              std::uint16_t{0});
  if (layout_.prefix != 0) {
    Code nothing;
    nothing.coarse.resize(layout_.words());
    nothing.fine.resize(layout_.fine_words());
    nothing.walk.resize(layout_.prefix);
    set_code(row, nothing);
  }
  counts()->checksum = others + checksum_of(touched);
  memory_->touch(offset_, kPage);  // the counts
  for (const std::size_t piece : touched) memory_->touch(offset_ + piece * kPage, kPage);
}

void Segment::need(std::span<const std::size_t> pieces) const noexcept {
  for (const std::size_t piece : pieces) memory_->need(offset_ + piece * kPage, kPage);
}

std::uint64_t Segment::counts_checksum() const noexcept {
  return checksum(std::as_bytes(std::span(counts(), 1)).first(offsetof(Counts, checksum)), 0);
}

std::uint64_t Segment::piece_checksum(std::size_t piece) const noexcept {
  const auto whole = memory_->bytes().subspan(offset_ + piece * kPage, kPage);
  return checksum(piece == 0 ? whole.subspan(sizeof(Counts)) : whole, piece + 1);
}

// What these pieces and the counts add to the segment's checksum, which is a sum so that a removal
// need not read all of it.
std::uint64_t Segment::checksum_of(std::span<const std::size_t> pieces) const noexcept {
  std::uint64_t sum = counts_checksum();
  for (const std::size_t piece : pieces) sum += piece_checksum(piece);
  return sum;
}

std::uint64_t Segment::computed_checksum() const noexcept {
  std::uint64_t sum = counts_checksum();
  for (std::size_t piece = 0; piece < bytes().size() / kPage; ++piece) sum += piece_checksum(piece);
  return sum;
}

// Which pieces hold something of a row.
std::vector<std::size_t> Segment::pieces_of(std::size_t row) const {
  std::vector<std::size_t> pieces;
  const auto add = [&](std::size_t begin, std::size_t count) {
    for (std::size_t p = begin / kPage; p * kPage < begin + count; ++p) pieces.push_back(p);
  };
  add(layout_.live_at() + row / 64 * 8, 8);
  add(layout_.keys_at() + row * 8, 8);
  add(layout_.groups_at() + row * 8, 8);
  add(layout_.rows_at() + row * layout_.stride * 2, layout_.stride * 2);
  if (layout_.has_walk()) add(layout_.walk_at() + row * layout_.prefix, layout_.prefix);
  if (layout_.has_bounds()) {
    const std::size_t group = row / kCodeRows * kCodeRows;
    add(layout_.factors_at() + group * kFactors * 2, kCodeRows * kFactors * 2);
    add(layout_.coarse_at() + group * layout_.words() * 2, kCodeRows * layout_.words() * 2);
    add(layout_.fine_at() + row * layout_.fine_words() * 2, layout_.fine_words() * 2);
  }
  std::ranges::sort(pieces);
  const auto twice = std::ranges::unique(pieces);
  pieces.erase(twice.begin(), twice.end());
  return pieces;
}

bool Segment::intact() const noexcept {
  if (offset_ + layout_.bytes(0) > memory_->bytes().size()) return false;
  memory_->need(offset_, layout_.rows_at());
  const Counts& found = *counts();
  if (found.used > layout_.capacity || found.live > found.used) return false;
  if (offset_ + layout_.bytes(found.used) > memory_->bytes().size()) return false;
  std::uint64_t live = 0;
  for (std::size_t i = 0; i < layout_.capacity / 64; ++i)
    live += static_cast<std::uint64_t>(std::popcount(live_words()[i]));
  if (live != found.live || is_damaged()) return false;
  return memory_->is_encrypted() || found.checksum == computed_checksum();
}

bool Segment::intact_throughout() const noexcept {
  return intact() && counts()->checksum == computed_checksum() && !is_damaged();
}

}  // namespace visavis::index
