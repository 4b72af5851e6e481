#pragma once

/// Short codes that bound a similarity from above, so that most vectors need not be read.
///
/// With x = x' + e + r, where x' is the code, e the error of rounding to 8 bits and r what lies
/// outside the coded directions, and q = q' + f + s alike:
///     q.x <= q'.x' + |f| |x'| + |q| |e| + |s| |r|        (Cauchy and Schwarz)
/// plus what the arithmetic rounds away.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "plan.hpp"

namespace visavis::index {

/// Codes are interleaved so that one vector register holds the same two coordinates of these rows.
inline constexpr std::size_t kCodeRows = 16;

/// Per group of kCodeRows rows: their scales, then their |e|, then their |r|.
inline constexpr std::size_t kFactors = 3;

/// Where coordinate `d` of a row is in the codes.
[[nodiscard]] constexpr std::size_t code_at(std::size_t row, std::size_t d,
                                            std::size_t prefix) noexcept {
  return row / kCodeRows * kCodeRows * prefix + d / 2 * 2 * kCodeRows + row % kCodeRows * 2 + d % 2;
}
[[nodiscard]] constexpr std::size_t factor_at(std::size_t row, std::size_t factor) noexcept {
  return row / kCodeRows * kCodeRows * kFactors + factor * kCodeRows + row % kCodeRows;
}

struct Code {
  std::vector<std::int8_t> values;  ///< prefix of them
  float scale = 0;
  float error = 0;  ///< At least |e|.
  float rest = 0;   ///< At least |r|.
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
  const Plan* plan_;
  std::size_t stride_;
  std::vector<float> coordinates_;
  Code code_;
};

/// A query as the codes meet it.
struct CodedQuery {
  std::vector<std::int32_t> pairs;  ///< Two 16-bit coordinates each, the first in the low half.
  float scale = 0;
  float head = 0;   ///< At least the norm along the coded directions.
  float tail = 0;   ///< At least the norm of the rest.
  float extra = 0;  ///< At least |f| |x'| and what rounding takes away.

  [[nodiscard]] float slack(float error, float rest) const noexcept {
    return head * error + tail * rest + extra;
  }
};

/// @param query stride numbers, of a norm of at most 1.01.
[[nodiscard]] CodedQuery code_query(const Plan& plan, std::span<const float> query);

inline constexpr std::size_t kQueryTile = 4;

/// For each of up to kQueryTile queries and each row of `groups` groups an upper bound of the
/// similarity, and a bit that is set unless the bound is below the query's floor.
/// @param bounds query after query, groups * kCodeRows each
/// @param masks query after query, groups each; bit i is row i of the group
void bound_codes(const std::int8_t* codes, const float* factors, std::size_t groups,
                 std::span<const CodedQuery> queries, const float* floors, float* bounds,
                 std::uint16_t* masks);

}  // namespace visavis::index
