#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>
#include <visavis/protocols/detection.hpp>

namespace visavis::protocols {
namespace {

Face box(float x, float y, float side, float confidence) {
  return {.box = {.x = x, .y = y, .width = side, .height = side}, .confidence = confidence};
}

Landmarks points_at(float x, float y) {
  return {{{x, y}, {x + 10, y}, {x + 5, y + 5}, {x, y + 10}, {x + 10, y + 10}}};
}

using Found = std::vector<std::optional<std::vector<Face>>>;

TEST(ParseTruth, ReadsCountsBoxesAndPoints) {
  const auto counts = parse_truth("path\tn_faces\na.jpg\t2\nb.jpg\t0\n");
  ASSERT_TRUE(counts) << counts.error().message;
  EXPECT_EQ(counts->kind, TruthKind::kCount);
  EXPECT_EQ(counts->photos[0].faces, 2U);
  const auto boxes = parse_truth("b.jpg\t0\na.jpg\t1\t2\t30\t40\na.jpg\t5\t6\t7\t8.5\n");
  ASSERT_TRUE(boxes) << boxes.error().message;
  EXPECT_EQ(boxes->kind, TruthKind::kBoxes);
  EXPECT_EQ(boxes->photos[0].faces, 0U);
  EXPECT_EQ(boxes->photos[1].boxes[1], (Box{.x = 5, .y = 6, .width = 7, .height = 8.5F}));
  const auto points = parse_truth("a\\tb.jpg\t1\t2\t3\t4\t5\t6\t7\t8\t9\t10\n");
  ASSERT_TRUE(points);
  EXPECT_EQ(points->kind, TruthKind::kPoints);
  EXPECT_EQ(points->photos[0].path, "a\tb.jpg");
  EXPECT_EQ(points->photos[0].points[0][4], (Point{.x = 9, .y = 10}));
}

TEST(ParseTruth, RefusesWhatIsWrong) {
  for (const char* text :
       {"", "path\tn_faces\n", "a\t1\nb\n", "a\t1\na\t1\n", "a\t-1\n", "a\t1.5\n", "a\t1\nb\tx\n",
        "a\t1\nb\t1\t2\t3\t4\n", "a\t1\t2\t0\t4\n", "a\t1\t2\tnan\t4\nb\t1\n\t2\n",
        "a\t1\t2\t3\t4\na\t2\n", "a\t1\t1\t1\t1\t5\t6\t7\t8\t9\t10\n", "a\t1\t2\t3\n", "a\t1e9\n"})
    EXPECT_EQ(parse_truth(text).error().code, ErrorCode::kDecodeFailed) << text;
}

TEST(JudgeDetections, CountsByHand) {
  const auto truth = parse_truth("a\t2\nb\t1\nc\t0\nd\t3\n");
  ASSERT_TRUE(truth);
  const Found found{{{box(0, 0, 9, .9F), box(0, 0, 9, .8F), box(0, 0, 9, .7F)}},
                    {{}},
                    {{box(0, 0, 9, .9F)}},
                    std::nullopt};
  const DetectionReport report = judge_detections(*truth, found);
  EXPECT_EQ(report.faces, 6U);
  EXPECT_EQ(report.detections, 4U);
  EXPECT_EQ(report.failed_images, 1U);
  EXPECT_DOUBLE_EQ(report.recall->value, 2. / 6);  // the unread photo's three are missed
  EXPECT_DOUBLE_EQ(report.precision->value, 2. / 4);
  EXPECT_FALSE(report.average_precision);
  EXPECT_FALSE(report.landmarks);
}

TEST(JudgeDetections, BoxesByHand) {
  const auto truth = parse_truth("a\t0\t0\t10\t10\na\t20\t0\t10\t10\nb\t0\t0\t10\t10\n");
  ASSERT_TRUE(truth);
  // The second one repeats the first, with more overlap but less confidence; the third overlaps by
  // 50 of 150 only; the fourth, 5 pixels of 10 taller, by 100 of 150.
  const Found found{{{box(1, 0, 10, .9F), box(0, 0, 10, .8F), box(25, 0, 10, .7F)}},
                    {{{.box = {.x = 0, .y = 0, .width = 10, .height = 15}, .confidence = .6F}}}};
  const DetectionReport report = judge_detections(*truth, found);
  EXPECT_DOUBLE_EQ(report.recall->value, 2. / 3);
  EXPECT_DOUBLE_EQ(report.precision->value, 2. / 4);
  // By falling confidence right, wrong, wrong, right: a third of recall at precision 1, a third at
  // a half.
  EXPECT_DOUBLE_EQ(*report.average_precision, 1. / 3 + 1. / 3 * .5);
}

TEST(JudgeDetections, PointsByHand) {
  Truth truth{.kind = TruthKind::kPoints,
              .photos = {{.path = "a", .faces = 1, .points = {points_at(10, 10)}},
                         {.path = "b", .faces = 1, .points = {points_at(10, 10)}},
                         {.path = "c", .faces = 1, .points = {points_at(10, 10)}}}};
  const auto face = [](float dx, float x) {
    Face one = box(x, 5, 20, .9F);
    one.landmarks = points_at(10 + dx, 10);
    return one;
  };
  // Off by .5, by 2 and, in the third photo, a box beside the face. The eyes are 10 pixels apart.
  const Found found{{{face(.5F, 5)}}, {{face(2, 5)}}, {{face(0, 40)}}};
  const DetectionReport report = judge_detections(truth, found);
  EXPECT_DOUBLE_EQ(report.recall->value, 2. / 3);
  EXPECT_DOUBLE_EQ(report.precision->value, 2. / 3);
  ASSERT_TRUE(report.landmarks);
  EXPECT_EQ(report.landmarks->faces, 2U);
  EXPECT_NEAR(report.landmarks->mean, .125, 1e-6);
  EXPECT_NEAR(report.landmarks->median, .125, 1e-6);
  EXPECT_NEAR(report.landmarks->ninetieth, .05 + .9 * .15, 1e-6);
  EXPECT_DOUBLE_EQ(report.landmarks->above_tenth, .5);
}

TEST(JudgeDetections, IntervalsComeFromDrawingPhotos) {
  Truth truth{.kind = TruthKind::kCount, .photos = {}};
  Found found;
  for (int i = 0; i < 10; ++i) {
    truth.photos.push_back({.path = std::to_string(i), .faces = 1});
    found.push_back(i == 0 ? std::vector<Face>{} : std::vector<Face>{box(0, 0, 9, .9F)});
  }
  const DetectionReport report = judge_detections(truth, found);
  EXPECT_DOUBLE_EQ(report.recall->value, .9);
  // One of ten, drawn ten times: binomial, P(none) = .349, P(three at most) = .987.
  EXPECT_DOUBLE_EQ(report.recall->interval->high, 1);
  EXPECT_DOUBLE_EQ(report.recall->interval->low, .7);
}

}  // namespace
}  // namespace visavis::protocols
