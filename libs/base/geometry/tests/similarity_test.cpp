#include <gtest/gtest.h>

#include <limits>
#include <vector>
#include <visavis/geometry/similarity.hpp>

namespace visavis::geometry {
namespace {

TEST(Similarity, RecoversARotationByNinetyDegrees) {
  // By hand: turn by 90° (x, y) -> (−y, x), double, then shift by (3, 4).
  const std::vector<Point> from{{0, 0}, {1, 0}, {0, 2}, {3, 1}};
  const std::vector<Point> to{{3, 4}, {3, 6}, {-1, 4}, {1, 10}};
  const auto s = estimate_similarity(from, to);
  ASSERT_TRUE(s);
  EXPECT_NEAR(s->a, 0, 1e-12);
  EXPECT_NEAR(s->b, 2, 1e-12);
  EXPECT_NEAR(s->tx, 3, 1e-12);
  EXPECT_NEAR(s->ty, 4, 1e-12);
  const Point back = s->inverse().apply({1, 10});
  EXPECT_NEAR(back.x, 3, 1e-5);
  EXPECT_NEAR(back.y, 1, 1e-5);
}

// Umeyama 1991, section III, example: A = {(0,0),(1,0),(0,2)}, B = {(0,0),(−1,0),(0,2)} is a
// reflection; the best proper rotation has R = (.832 .555; −.555 .832), c = .721, t = (−.800,
// .400).
TEST(Similarity, MatchesUmeyamasExampleWithoutReflection) {
  const std::vector<Point> from{{0, 0}, {1, 0}, {0, 2}};
  const std::vector<Point> to{{0, 0}, {-1, 0}, {0, 2}};
  const auto s = estimate_similarity(from, to);
  ASSERT_TRUE(s);
  EXPECT_NEAR(s->scale(), 0.721, 5e-4);
  EXPECT_NEAR(s->a / s->scale(), 0.832, 5e-4);
  EXPECT_NEAR(s->b / s->scale(), -0.555, 5e-4);
  EXPECT_NEAR(s->tx, -0.800, 5e-4);
  EXPECT_NEAR(s->ty, 0.400, 5e-4);
}

TEST(Similarity, RefusesWhatHasNoAnswer) {
  const std::vector<Point> same{{1, 1}, {1, 1}};
  const std::vector<Point> to{{0, 0}, {5, 5}};
  EXPECT_FALSE(estimate_similarity(same, to));
  EXPECT_FALSE(estimate_similarity({}, {}));
  const std::vector<Point> bad{{std::numeric_limits<float>::quiet_NaN(), 0}, {1, 1}};
  EXPECT_FALSE(estimate_similarity(bad, to));
}

}  // namespace
}  // namespace visavis::geometry
