/// The single-shot detector against ONNX Runtime and numpy: tests/golden/ultraface.json
/// says how it was made.

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <string>
#include <vector>
#include <visavis/geometry/box.hpp>

#include "photographs.hpp"
#include "visavis/detect/detector.hpp"

namespace visavis::detect {
namespace {

using nlohmann::json;

constexpr float kLeastOverlap = 0.99F;
constexpr float kMostScore = 0.01F;
constexpr float kThreshold = 0.65F;

std::vector<Face> faces_of(const json& entry) {
  std::vector<Face> faces;
  for (const json& face : entry["faces"]) {
    const json& b = face["box"];
    faces.push_back({.box = {.x = b[0], .y = b[1], .width = b[2], .height = b[3]},
                     .confidence = face["score"],
                     .landmarks = {}});
  }
  return faces;
}

/// Faces of `some` without an equal among `others`; those near the threshold may be missing.
int count_missing(const std::vector<Face>& some, const std::vector<Face>& others) {
  return static_cast<int>(std::ranges::count_if(some, [&](const Face& face) {
    return std::abs(face.confidence - kThreshold) > kMostScore &&
           std::ranges::none_of(others, [&](const Face& other) {
             return geometry::overlap(face.box, other.box) >= kLeastOverlap &&
                    std::abs(face.confidence - other.confidence) <= kMostScore;
           });
  }));
}

TEST(UltrafaceGolden, FindsTheSameFaces) {
  const auto fast = network("faceplugin-detect", "auto");
  if (!fast) GTEST_SKIP() << fast.error();
  const auto detector = open_detector(*fast, {.min_face_px = 1});
  ASSERT_TRUE(detector) << detector.error().message;
  EXPECT_FALSE((*detector)->finds_landmarks());
  int compared = 0;
  std::string absent;
  for (const json& entry : golden("ultraface")["photographs"]) {
    SCOPED_TRACE(entry["member"].get<std::string>());
    const auto picture = picture_of(entry);
    if (!picture) {
      absent = picture.error();
      continue;
    }
    const auto found = (*detector)->detect(std::array{picture->view()});
    ASSERT_TRUE(found) << found.error().message;
    EXPECT_EQ(count_missing(faces_of(entry), found->front()), 0);
    EXPECT_EQ(count_missing(found->front(), faces_of(entry)), 0);
    ++compared;
  }
  if (!absent.empty()) std::cout << "  not compared: " << absent << '\n';
  if (compared == 0) GTEST_SKIP() << absent;
}

}  // namespace
}  // namespace visavis::detect
