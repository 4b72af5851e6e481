#include "candidate.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

namespace visavis::detect {
namespace {

using testing::ElementsAre;

Candidate candidate(Rect box, float score) {
  return {.box = box, .score = score, .shift = {}, .image = 0};
}

void expect_rect(const Rect& r, float x1, float y1, float x2, float y2) {
  EXPECT_FLOAT_EQ(r.x1, x1);
  EXPECT_FLOAT_EQ(r.y1, y1);
  EXPECT_FLOAT_EQ(r.x2, x2);
  EXPECT_FLOAT_EQ(r.y2, y2);
}

// Numbers by hand from the formulas in facenet-pytorch 2.6, detect_face.py.

TEST(CellBox, IsTheWindowInImagePixelsRoundedDown) {
  // (2·2+1)/.6 = 8.33, (2·5+1)/.6 = 18.33, (2·2+12)/.6 = 26.67, (2·5+12)/.6 = 36.67
  expect_rect(cell_box(2, 5, 0.6), 8, 18, 26, 36);
  // 18/.6 is 30, but in 32-bit arithmetic, which facenet-pytorch uses, just below: .6 is above.
  EXPECT_EQ(cell_box(3, 5, 0.6).x2, 29);
  expect_rect(cell_box(0, 0, 1), 1, 1, 12, 12);
}

TEST(Shifted, MovesCornersInBoxSides) {
  const Rect box{10, 20, 30, 60};
  const std::array<float, 4> shift{0.1F, -0.05F, 0.2F, 0.25F};
  expect_rect(shifted(box, shift), 12, 18, 34, 70);                          // sides 20 and 40
  expect_rect(shifted_inclusive(box, shift), 12.1F, 17.95F, 34.2F, 70.25F);  // 21 and 41
}

TEST(Squared, KeepsTheCentreAndTheLongerSide) {
  expect_rect(squared({10, 20, 30, 60}), 0, 20, 40, 60);
  expect_rect(squared({0, 0, 9, 4}), 0, -2.5F, 9, 6.5F);
}

TEST(PixelsOf, CountsFromOneAndCutsAtTheBorder) {
  const auto w = pixels_of({5.9F, 7.2F, 20.9F, 30.1F}, 100, 100);  // pixels 5…20, 7…30, from 1
  EXPECT_EQ(w.x, 4);
  EXPECT_EQ(w.y, 6);
  EXPECT_EQ(w.width, 16);
  EXPECT_EQ(w.height, 24);
  const auto cut = pixels_of({-3.5F, 0.4F, 120, 90}, 100, 80);
  EXPECT_EQ(cut.x, 0);
  EXPECT_EQ(cut.y, 0);
  EXPECT_EQ(cut.width, 100);
  EXPECT_EQ(cut.height, 80);
}

TEST(PixelsOf, HasNoPixelsOutsideOrForNonsense) {
  EXPECT_LE(pixels_of({150, 10, 190, 50}, 100, 100).width, 0);
  EXPECT_LE(pixels_of({-50, 10, -10, 50}, 100, 100).width, 0);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_LE(pixels_of({nan, nan, nan, nan}, 100, 100).width, 0);
  EXPECT_EQ(pixels_of({-infinity, -infinity, infinity, infinity}, 100, 100).width, 100);
}

TEST(Suppress, HidesWhatOverlapsABetterBoxByMore) {
  // Boxes of 10×10: shifted by 2 they share 80/120 = .667 of their union, by 4 60/140 = .429.
  const std::vector<Candidate> boxes{candidate({0, 0, 10, 10}, 0.8F),
                                     candidate({2, 0, 12, 10}, 0.9F),
                                     candidate({6, 0, 16, 10}, 0.7F)};
  EXPECT_THAT(suppress(boxes, 0.5), ElementsAre(1, 2));
  EXPECT_THAT(suppress(boxes, 0.7), ElementsAre(1, 0, 2));
}

TEST(Suppress, TakesTheFirstOfEqualScores) {
  const std::vector<Candidate> boxes{candidate({0, 0, 10, 10}, 1), candidate({1, 0, 11, 10}, 1)};
  EXPECT_THAT(suppress(boxes, 0.5), ElementsAre(0));
  EXPECT_THAT(suppress_contained(boxes, 0.5F), ElementsAre(0));
}

TEST(Suppress, KeepsBoxesWithoutArea) {
  const std::vector<Candidate> boxes{candidate({3, 3, 3, 3}, 0.9F), candidate({3, 3, 3, 3}, 0.8F)};
  EXPECT_THAT(suppress(boxes, 0.5), ElementsAre(0, 1));
}

TEST(Suppress, GivesTheSameForManyAsTheDefinition) {
  std::mt19937 random(7);
  std::uniform_real_distribution<float> at(-40, 400), score(0, 1);
  std::uniform_int_distribution<int> level(0, 5);
  std::vector<Candidate> boxes;
  for (int i = 0; i < 3000; ++i) {
    const float side = std::floor(20.0F * std::pow(1.41F, static_cast<float>(level(random))));
    const float x = std::floor(at(random)), y = std::floor(at(random));
    boxes.push_back(
        candidate({x, y, x + side, y + side + 1}, std::floor(score(random) * 500) / 500));
  }
  for (const double threshold : {0.5, 0.7}) {
    // The definition, for comparison: in order of falling score, first of equals first.
    std::vector<std::size_t> order(boxes.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::stable_sort(order, std::ranges::greater{},
                             [&](std::size_t i) { return boxes[i].score; });
    std::vector<std::size_t> kept;
    for (const std::size_t i : order) {
      const bool hidden = std::ranges::any_of(kept, [&](std::size_t k) {
        const Rect &a = boxes[k].box, &b = boxes[i].box;
        const float w = std::max(0.0F, std::min(a.x2, b.x2) - std::max(a.x1, b.x1));
        const float h = std::max(0.0F, std::min(a.y2, b.y2) - std::max(a.y1, b.y1));
        const float both = w * h;
        return both / ((a.x2 - a.x1) * (a.y2 - a.y1) + (b.x2 - b.x1) * (b.y2 - b.y1) - both) >
               threshold;
      });
      if (!hidden) kept.push_back(i);
    }
    EXPECT_EQ(suppress(boxes, threshold), kept);
  }
}

TEST(SuppressContained, MeasuresBySmallerAreaWithBothEndsIn) {
  // 11×11 pixels inside 31×31: all of the smaller.
  const std::vector<Candidate> nested{candidate({0, 0, 30, 30}, 0.9F),
                                      candidate({10, 10, 20, 20}, 0.8F)};
  EXPECT_THAT(suppress_contained(nested, 0.7F), ElementsAre(0));
  EXPECT_THAT(suppress(nested, 0.7), ElementsAre(0, 1));
  // 11×11 against 11×11 shifted by 3: 8·11/121 = .727 is hidden; without the +1 it were .7 and is
  // not.
  const std::vector<Candidate> beside{candidate({0, 0, 10, 10}, 0.9F),
                                      candidate({3, 0, 13, 10}, 0.8F)};
  EXPECT_THAT(suppress_contained(beside, 0.7F), ElementsAre(0));
  EXPECT_THAT(suppress_contained(beside, 0.73F), ElementsAre(0, 1));
}

}  // namespace
}  // namespace visavis::detect
