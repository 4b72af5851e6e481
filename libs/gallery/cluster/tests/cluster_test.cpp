#include "visavis/cluster/cluster.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace visavis::cluster {
namespace {

using testing::ElementsAre;

TEST(ChineseWhispers, LeavesFacesWithoutNeighboursAlone) {
  EXPECT_TRUE(chinese_whispers(0, {}).empty());
  EXPECT_THAT(chinese_whispers(3, {}), ElementsAre(0, 1, 2));
}

TEST(ChineseWhispers, NumbersTheLargestGroupFirst) {
  // Node 0 alone, {1, 3}, {2, 4, 5}.
  const std::vector<Edge> edges{{1, 3, 1}, {2, 4, 1}, {4, 5, 1}, {2, 5, 1}};
  EXPECT_THAT(chinese_whispers(6, edges), ElementsAre(2, 1, 0, 1, 0, 0));
}

TEST(ChineseWhispers, CutsAWeakBridgeBetweenTwoTightGroups) {
  std::vector<Edge> edges{{0, 4, 0.2F}};
  for (std::uint32_t base : {0U, 4U})
    for (std::uint32_t i = 0; i < 4; ++i)
      for (std::uint32_t j = i + 1; j < 4; ++j) edges.push_back({base + i, base + j, 1});
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    EXPECT_THAT(chinese_whispers(8, edges, {.seed = seed}), ElementsAre(0, 0, 0, 0, 1, 1, 1, 1))
        << seed;
}

TEST(ChineseWhispers, JoinsTheStrongerOfTwoNeighbours) {
  // Pairs {0, 1} and {2, 3} hold together by 5; node 4 hears .4 + .4 from the first, .7 from the
  // second.
  const std::vector<Edge> edges{{0, 1, 5}, {2, 3, 5}, {4, 0, 0.4F}, {4, 1, 0.4F}, {4, 2, 0.7F}};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const auto groups = chinese_whispers(5, edges, {.seed = seed});
    EXPECT_EQ(groups[4], groups[0]) << seed;
    EXPECT_NE(groups[4], groups[2]) << seed;
  }
}

TEST(ChineseWhispers, RepeatsItself) {
  std::mt19937_64 random(7);
  std::vector<Edge> edges;
  for (int i = 0; i < 3000; ++i) {
    const auto a = static_cast<std::uint32_t>(random() % 500);
    const auto b = static_cast<std::uint32_t>(random() % 500);
    if (a != b) edges.push_back({a, b, static_cast<float>(1 + random() % 100)});
  }
  EXPECT_EQ(chinese_whispers(500, edges), chinese_whispers(500, edges));
}

}  // namespace
}  // namespace visavis::cluster
