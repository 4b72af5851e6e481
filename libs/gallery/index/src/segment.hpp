#pragma once

/// Vectors are kept in segments of a fixed number of rows that never move: growing copies nothing,
/// so that no forgotten copy of a vector stays behind, and a file is a row of segments as they are
/// in memory.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "codes.hpp"
#include "encrypted_pages.hpp"

namespace visavis::index {

/// Pages from the system, zeroed or of a file.
class Mapping {
 public:
  [[nodiscard]] static Result<std::shared_ptr<Mapping>> anonymous(std::size_t bytes);
  /// Writes go to the file. The descriptor may be closed afterwards.
  [[nodiscard]] static Result<std::shared_ptr<Mapping>> of_file(int descriptor, std::size_t bytes);
  /// Its pages are zero until they are needed.
  [[nodiscard]] static Result<std::shared_ptr<Mapping>> of_encrypted(EncryptedPages file);

  Mapping(std::byte* base, std::size_t bytes) noexcept;
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;

  [[nodiscard]] std::span<std::byte> bytes() const noexcept { return {base_, bytes_}; }

  /// Brings what an encrypted file has there, unless it is here already; before every read. Where
  /// the file is damaged, zeros stay there and `is_damaged` says so. Any number of threads.
  void need(std::size_t offset, std::size_t count) const noexcept {
    if (encrypted_) bring(offset, count);
  }
  [[nodiscard]] bool is_encrypted() const noexcept { return encrypted_ != nullptr; }
  [[nodiscard]] bool is_damaged() const noexcept;

  /// Says what was changed, after it was needed; before `sync`.
  void touch(std::size_t offset, std::size_t count);
  /// Waits until all changes are on disk. Of an encrypted file the first page, which vouches for
  /// the others, gets there after them.
  [[nodiscard]] Result<void> sync();

 private:
  struct Encrypted;
  void bring(std::size_t offset, std::size_t count) const noexcept;

  std::byte* base_;
  std::size_t bytes_;
  std::unique_ptr<Encrypted> encrypted_;  ///< Null of all others.
};

[[nodiscard]] constexpr std::size_t round_up(std::size_t value, std::size_t step) noexcept {
  return (value + step - 1) / step * step;
}

/// Where things are in a segment, in bytes from its start: counts, live bits, keys, groups, codes
/// (factors, coarse ones, fine ones; or a walk's), rows.
struct Layout {
  std::size_t stride;    ///< Elements per row, padded.
  std::size_t capacity;  ///< Rows, a power of two, at least 64.
  std::size_t prefix;    ///< Coded coordinates, 0 without codes.
  CodeForm form;

  [[nodiscard]] static Layout of(std::size_t dimension, std::size_t prefix, CodeForm form) noexcept;

  [[nodiscard]] std::size_t live_at() const noexcept { return 64; }
  [[nodiscard]] std::size_t keys_at() const noexcept { return live_at() + capacity / 8; }
  [[nodiscard]] std::size_t groups_at() const noexcept { return keys_at() + capacity * 8; }
  [[nodiscard]] std::size_t walk_at() const noexcept {
    return round_up(groups_at() + capacity * 8, 64);
  }
  [[nodiscard]] std::size_t factors_at() const noexcept { return walk_at(); }
  [[nodiscard]] std::size_t coarse_at() const noexcept {
    return factors_at() + (has_bounds() ? capacity * kFactors * 2 : 0);
  }
  [[nodiscard]] std::size_t fine_at() const noexcept { return coarse_at() + capacity * prefix / 2; }
  [[nodiscard]] std::size_t rows_at() const noexcept {
    return has_walk() ? walk_at() + capacity * prefix : fine_at() + capacity * fine_words() * 2;
  }
  [[nodiscard]] bool has_bounds() const noexcept {
    return prefix != 0 && form == CodeForm::kBounds;
  }
  [[nodiscard]] bool has_walk() const noexcept { return prefix != 0 && form == CodeForm::kWalk; }
  /// Of a row's coarse code.
  [[nodiscard]] std::size_t words() const noexcept { return prefix / kWord; }
  [[nodiscard]] std::size_t fine_words() const noexcept { return prefix / kFineWord; }
  /// Of a segment whose first `used` rows are taken.
  [[nodiscard]] std::size_t bytes(std::size_t used) const noexcept {
    return round_up(rows_at() + used * stride * 2, kPage);
  }
  [[nodiscard]] std::size_t bytes() const noexcept { return bytes(capacity); }
};

/// A view of one segment; copies see the same rows.
class Segment {
 public:
  Segment(std::shared_ptr<Mapping> memory, std::size_t offset, const Layout& layout) noexcept
      : memory_(std::move(memory)), offset_(offset), layout_(layout) {}

  [[nodiscard]] std::size_t used() const noexcept { return counts()->used; }
  [[nodiscard]] std::size_t live() const noexcept { return counts()->live; }
  [[nodiscard]] std::size_t room() const noexcept { return layout_.capacity - used(); }
  [[nodiscard]] bool is_live(std::size_t row) const noexcept {
    return (live(row) >> (row % 64) & 1) != 0;
  }
  /// Bit i of row / 64 * 64 + i.
  [[nodiscard]] std::uint64_t live(std::size_t row) const noexcept {
    return live_words()[row / 64];
  }
  [[nodiscard]] std::uint64_t key(std::size_t row) const noexcept { return keys()[row]; }
  [[nodiscard]] std::uint64_t group(std::size_t row) const noexcept { return groups()[row]; }
  [[nodiscard]] const std::uint64_t* keys() const noexcept {
    return at<std::uint64_t>(layout_.keys_at());
  }
  [[nodiscard]] const std::uint16_t* row(std::size_t row) const noexcept { return rows(row, 1); }
  /// `count` rows from number `first` on.
  [[nodiscard]] const std::uint16_t* rows(std::size_t first, std::size_t count) const noexcept {
    const std::size_t begin = layout_.rows_at() + first * layout_.stride * 2;
    memory_->need(offset_ + begin, count * layout_.stride * 2);
    return at<std::uint16_t>(begin);
  }

  [[nodiscard]] const std::uint16_t* factors() const noexcept {
    return at<std::uint16_t>(layout_.factors_at());
  }
  [[nodiscard]] const std::uint16_t* coarse() const noexcept {
    return at<std::uint16_t>(layout_.coarse_at());
  }
  [[nodiscard]] const std::uint16_t* fine(std::size_t row) const noexcept {
    return at<std::uint16_t>(layout_.fine_at()) + row * layout_.fine_words();
  }
  [[nodiscard]] const std::int8_t* walk(std::size_t row) const noexcept {
    return at<std::int8_t>(layout_.walk_at()) + row * layout_.prefix;
  }
  [[nodiscard]] Code code(std::size_t row) const;

  /// @param code Of the values; nullptr in a layout without codes.
  /// @pre room() > 0, values.size() == stride
  void append(std::uint64_t key, std::uint64_t group, std::span<const std::uint16_t> values,
              const Code* code) {
    append_unseen(key, group, values, code);
    show(used() - 1);
  }
  /// Such a row is not live until it is shown.
  void append_unseen(std::uint64_t key, std::uint64_t group, std::span<const std::uint16_t> values,
                     const Code* code);
  void show(std::size_t row) noexcept;
  /// A row that is as if it had been wiped.
  void append_nothing() noexcept { ++counts()->used; }
  /// Overwrites everything of a row with zeros. A sealed segment stays sealed.
  void wipe(std::size_t row);

  void seal() noexcept { counts()->checksum = computed_checksum(); }
  [[nodiscard]] std::uint64_t seal_value() const noexcept { return counts()->checksum; }
  /// True if the counts make sense and the bytes are those of the last seal(). Of an encrypted file
  /// that takes no look at the rows: each page answers for itself.
  [[nodiscard]] bool intact() const noexcept;
  /// The same with a look at every byte.
  [[nodiscard]] bool intact_throughout() const noexcept;
  /// Whether something that was needed of its file could not be had.
  [[nodiscard]] bool is_damaged() const noexcept { return memory_->is_damaged(); }
  [[nodiscard]] std::span<const std::byte> bytes() const noexcept {
    memory_->need(offset_, size());
    return memory_->bytes().subspan(offset_, size());
  }
  [[nodiscard]] std::size_t size() const noexcept { return layout_.bytes(used()); }

 private:
  struct Counts {
    std::uint64_t used;
    std::uint64_t live;
    std::uint64_t checksum;
  };

  template <class T>
  [[nodiscard]] T* at(std::size_t offset) const noexcept {
    return reinterpret_cast<T*>(memory_->bytes().data() + offset_ + offset);
  }
  [[nodiscard]] Counts* counts() const noexcept { return at<Counts>(0); }
  [[nodiscard]] std::uint64_t* live_words() const noexcept {
    return at<std::uint64_t>(layout_.live_at());
  }
  [[nodiscard]] std::uint64_t* groups() const noexcept {
    return at<std::uint64_t>(layout_.groups_at());
  }
  [[nodiscard]] std::uint64_t computed_checksum() const noexcept;
  [[nodiscard]] std::uint64_t counts_checksum() const noexcept;
  [[nodiscard]] std::uint64_t piece_checksum(std::size_t piece) const noexcept;
  [[nodiscard]] std::uint64_t checksum_of(std::span<const std::size_t> pieces) const noexcept;
  [[nodiscard]] std::vector<std::size_t> pieces_of(std::size_t row) const;
  void set_code(std::size_t row, const Code& code);
  void need(std::span<const std::size_t> pieces) const noexcept;

  std::shared_ptr<Mapping> memory_;
  std::size_t offset_;
  Layout layout_;
};

}  // namespace visavis::index
