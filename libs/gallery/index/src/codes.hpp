#pragma once

/// Short codes that bound a similarity from above, so that most vectors need not be read.
///
/// The coarse code has 4 bits of each coded coordinate and is read for every row, the fine code 2
/// bits of what the coarse one left, for the few rows that it could not rule out. With
/// x = x' + e + r, where x' is what the codes say, e what they leave of the coded coordinates and r
/// what lies outside of them, and with q = q' + s alike:
///     q.x <= q'.x' + |q'| |e| + |s| |r|        (Cauchy and Schwarz)
/// plus what the arithmetic rounds away.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "plan.hpp"

namespace visavis::index {

/// Coarse codes are interleaved so that a vector register holds the same coordinates of these rows.
inline constexpr std::size_t kCodeRows = 16;

/// A step of the coarse code is so many of the fine one, whose 4 levels thus cover it.
inline constexpr float kFinePerCoarse = 4;

/// A code is made of words of so many coordinates, the first in the lowest bits.
inline constexpr std::size_t kWord = 4;
inline constexpr std::size_t kFineWord = 8;

/// Per group of kCodeRows rows, f16: their |e| by the coarse code and their |r|, rounded up, and
/// how much less |e| is by both codes, rounded down.
inline constexpr std::size_t kFactors = 3;

/// Where a word of a row is in the coarse codes, whose rows have `words`.
[[nodiscard]] constexpr std::size_t coarse_at(std::size_t row, std::size_t word,
                                              std::size_t words) noexcept {
  return row / kCodeRows * kCodeRows * words + word / 2 * 2 * kCodeRows + row % kCodeRows * 2 +
         word % 2;
}
[[nodiscard]] constexpr std::size_t factor_at(std::size_t row, std::size_t factor) noexcept {
  return row / kCodeRows * kCodeRows * kFactors + factor * kCodeRows + row % kCodeRows;
}

struct Code {
  std::vector<std::uint16_t> coarse;  ///< prefix / kWord words
  std::vector<std::uint16_t> fine;    ///< prefix / kFineWord words
  std::uint16_t error = 0;            ///< f16: at least |e| by the coarse code.
  std::uint16_t rest = 0;             ///< f16: at least |r|.
  std::uint16_t gain = 0;             ///< f16: error less this is at least |e| by both codes.
  std::vector<std::int8_t> walk;      ///< prefix numbers; instead of all others.
};

/// Makes codes; keeps scratch memory, which is wiped at the end because vectors can be told from
/// it.
class Encoder {
 public:
  Encoder(const Plan& plan, std::size_t stride);
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  [[nodiscard]] const Code& encode(const std::uint16_t* row);

 private:
  void encode_bounds(const std::uint16_t* row);
  void encode_walk();

  const Plan* plan_;
  std::size_t stride_;
  std::vector<float> coordinates_;
  Code code_;
};

/// A query as the codes meet it: its coordinates times their steps, in 16 bits.
struct CodedQuery {
  /// For two words of a row and each of the 4 places in them the two numbers that belong to it, the
  /// first word's in the low half.
  std::vector<std::int32_t> pairs;
  /// The same in bytes, for the 8 coordinates of two words: of the even ones (first, third, fifth,
  /// seventh) how many 256s they are, and what is left, from -128 to 127; then of the odd ones.
  std::vector<std::int32_t> bytes;
  /// For each of the 8 places in a word of a fine code the numbers of all words.
  std::vector<std::int16_t> places;
  /// Take off the sums what codes are above their meaning: coarse ones 7.5, fine ones 1.5 each.
  std::int32_t start = 0;
  std::int32_t fine_start = 0;
  float scale = 0;
  float head = 0;   ///< At least the norm along the coded directions.
  float tail = 0;   ///< At least the norm of the rest.
  float extra = 0;  ///< At least what rounding takes away.

  [[nodiscard]] std::size_t prefix() const noexcept { return places.size(); }
};

/// @param query stride numbers, of a norm of at most 1.01.
[[nodiscard]] CodedQuery code_query(const Plan& plan, std::span<const float> query);

/// A query as a walk's codes are.
[[nodiscard]] std::vector<std::int8_t> walk_query(const Plan& plan, std::span<const float> query);

inline constexpr std::size_t kQueryTile = 4;

/// Where results go, query after query: for each row what the coarse code tells of its similarity,
/// and an upper bound; for each group a mask whose bit i is set unless the bound of row i is below
/// the query's floor.
struct Bounds {
  float* told;
  float* bounds;
  std::uint16_t* masks;
};

/// Bounds the similarities of up to kQueryTile queries and all rows of `groups` groups.
void bound_codes(const std::uint16_t* coarse, const std::uint16_t* factors, std::size_t groups,
                 std::span<const CodedQuery> queries, const float* floors, const Bounds& out);

/// What the fine codes add to the similarity that the coarse ones tell.
void add_fine(std::span<const std::uint16_t* const> fine, const CodedQuery& query, float* sums);

}  // namespace visavis::index
