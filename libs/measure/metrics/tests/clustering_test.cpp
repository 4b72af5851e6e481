#include "visavis/metrics/clustering.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace visavis::metrics {
namespace {

// By hand: groups {a a b} {b b} {c}, persons a a b b b c.
constexpr std::array<std::uint32_t, 6> kGroups{0, 0, 0, 1, 1, 2};
constexpr std::array<std::uint32_t, 6> kPersons{5, 5, 6, 6, 6, 7};

TEST(Pairwise, CountsPairs) {
  // In one group 3 + 1 pairs, of which aa and bb are right; of one person 1 + 3 pairs.
  const PrecisionRecall r = pairwise(kGroups, kPersons);
  EXPECT_DOUBLE_EQ(r.precision, 2.0 / 4);
  EXPECT_DOUBLE_EQ(r.recall, 2.0 / 4);
  EXPECT_DOUBLE_EQ(r.f, 0.5);
}

TEST(BCubed, AveragesOverFaces) {
  // Precision 2/3, 2/3, 1/3, 1, 1, 1; recall 1, 1, 1/3, 2/3, 2/3, 1.
  const PrecisionRecall r = bcubed(kGroups, kPersons);
  EXPECT_DOUBLE_EQ(r.precision, 14.0 / 18);
  EXPECT_DOUBLE_EQ(r.recall, 14.0 / 18);
  EXPECT_DOUBLE_EQ(r.f, 14.0 / 18);
}

TEST(Clustering, OneGroupHasAllRecallAndEachAloneAllPrecision) {
  constexpr std::array<std::uint32_t, 4> one{0, 0, 0, 0};
  constexpr std::array<std::uint32_t, 4> alone{0, 1, 2, 3};
  constexpr std::array<std::uint32_t, 4> persons{1, 1, 2, 2};
  EXPECT_DOUBLE_EQ(pairwise(one, persons).recall, 1);
  EXPECT_DOUBLE_EQ(pairwise(one, persons).precision, 2.0 / 6);
  EXPECT_DOUBLE_EQ(pairwise(alone, persons).precision, 1);  // no pair claimed
  EXPECT_DOUBLE_EQ(pairwise(alone, persons).recall, 0);
  EXPECT_DOUBLE_EQ(pairwise(alone, persons).f, 0);
  EXPECT_DOUBLE_EQ(bcubed(one, persons).precision, 0.5);
  EXPECT_DOUBLE_EQ(bcubed(alone, persons).recall, 0.5);
  EXPECT_DOUBLE_EQ(bcubed(persons, persons).f, 1);
}

}  // namespace
}  // namespace visavis::metrics
