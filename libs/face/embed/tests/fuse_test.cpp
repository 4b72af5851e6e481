#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <vector>
#include <visavis/embed/fuse.hpp>

namespace visavis::embed {
namespace {

Embedding unit(std::vector<float> values, float norm) {
  return {.model = ModelId{1}, .values = std::move(values), .norm = norm};
}

float cosine(const Embedding& a, const Embedding& b) {
  float sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) sum += a.values[i] * b.values[i];
  return sum;
}

// By hand: √.36 = .6 and √.64 = .8; 4^.36 · 4^.64 = 4.
TEST(Fuse, PutsMembersBehindEachOther) {
  const std::array members{unit({1, 0}, 4), unit({0, .6F, .8F}, 4)};
  const std::array weights{.36, .64};
  const Embedding fused = fuse(members, weights, ModelId{7});
  const std::vector<float> expected{.6F, 0, 0, .48F, .64F};
  ASSERT_EQ(fused.values.size(), expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_FLOAT_EQ(fused.values[i], expected[i]);
  EXPECT_EQ(fused.model, ModelId{7});
  EXPECT_FLOAT_EQ(fused.norm, 4);
  EXPECT_TRUE(is_unit(fused.values));
}

// .25 · cos 60° + .75 · cos 90° = .125
TEST(Fuse, MakesTheCosineTheWeightedMean) {
  const std::array weights{.25, .75};
  const std::array a{unit({1, 0}, 1), unit({1, 0}, 1)};
  const std::array b{unit({.5F, std::sqrt(.75F)}, 1), unit({0, 1}, 1)};
  EXPECT_NEAR(cosine(fuse(a, weights, {}), fuse(b, weights, {})), .125, 1e-6);
}

// 2^.5 · 8^.5 = 4: a member of ten times the norms makes every fused norm larger by the same
// factor.
TEST(Fuse, TakesTheGeometricMeanOfNorms) {
  const std::array weights{.5, .5};
  EXPECT_FLOAT_EQ(fuse(std::array{unit({1}, 2), unit({1}, 8)}, weights, {}).norm, 4);
}

}  // namespace
}  // namespace visavis::embed
