#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>
#include <visavis/pipeline/pipeline.hpp>

#include "fakes.hpp"

namespace visavis::pipeline {
namespace {

using testing::Each;
using testing::FloatNear;

/// A photo of 112 pixels with noise enough to be sharp, black in the corners.
Image photo() {
  Image image(112, 112);
  for (int y = 8; y < 104; ++y)
    for (int x = 0; x < 112 * 3; ++x)
      image.row(y)[x] = static_cast<std::uint8_t>(60 + (x / 3 * 37 + y * 101) % 120);
  return image;
}

Face face(float confidence = .99F) {
  return {.box = {.x = 20, .y = 15, .width = 72, .height = 90},
          .confidence = confidence,
          .landmarks = kTemplate};
}

Pipeline open(std::vector<Face> faces, std::shared_ptr<models::Network> recogniser,
              const PipelineOptions& options = {}) {
  return Pipeline::open(std::make_unique<FakeDetector>(std::move(faces)), std::move(recogniser),
                        options)
      .value();
}

TEST(Selection, HasTheWordsOfTheCommandLineAndOfHttp) {
  EXPECT_EQ(parse_selection("largest"), Selection::kLargest);
  EXPECT_EQ(parse_selection("probability"), Selection::kProbability);
  EXPECT_EQ(parse_selection("center"), Selection::kCenter);
  EXPECT_EQ(parse_selection(""), std::nullopt);
  EXPECT_EQ(parse_selection("Largest"), std::nullopt);
  EXPECT_EQ(to_string(Selection::kCenter), "center");
}

TEST(Pipeline, AlignsJudgesAndEmbedsEveryFace) {
  Pipeline pipeline = open({face(.99F), face(.8F)}, fake_recogniser(), {.keep_chips = true});
  const Image image = photo();
  const auto records = pipeline.analyse(image.view()).value();
  ASSERT_EQ(records.size(), 2U);
  // The corners are black, so that each raw value is 0 + 1: the norm is 2.
  EXPECT_THAT(records[0].embedding.values, Each(FloatNear(.5F, 1e-6F)));
  EXPECT_FLOAT_EQ(records[0].embedding.norm, 2);
  EXPECT_EQ(records[0].embedding.model, pipeline.model());
  ASSERT_TRUE(records[0].chip);
  EXPECT_EQ(records[0].chip->image.bytes(), image.bytes());  // it lay on the template already
  EXPECT_GT(records[0].quality.score, records[1].quality.score);
  EXPECT_GT(records[1].quality.score, 0);
  EXPECT_FLOAT_EQ(records[1].quality.confidence, .8F);
}

TEST(Pipeline, KeepsImagesApart) {
  Pipeline pipeline = open({face(), face()}, fake_recogniser());
  Image dark = photo();
  Image bright = photo();
  bright.row(0)[0] = 200;
  const std::vector<Query> queries{{.image = dark.view()}, {.image = bright.view()}};
  const auto found = pipeline.analyse(queries).value();
  ASSERT_EQ(found.size(), 2U);
  ASSERT_EQ(found[1].faces.size(), 2U);
  EXPECT_LT(found[0].faces[1].embedding.values[0], .51F);
  EXPECT_GT(found[1].faces[0].embedding.values[0], .99F);
  EXPECT_FALSE(found[0].faces[0].chip);
  EXPECT_TRUE(pipeline.analyse(std::span<const Query>{})->empty());
}

TEST(Pipeline, FindsNothingWithoutFaces) {
  Pipeline pipeline = open({}, fake_recogniser());
  const Image image = photo();
  EXPECT_TRUE(pipeline.analyse(image.view())->empty());
  const auto one = pipeline.analyse_one(image.view(), Selection::kLargest).value();
  EXPECT_FALSE(one.record);
  EXPECT_EQ(one.faces_found, 0U);
}

TEST(Pipeline, EmbedsOnlyTheSelectedFace) {
  const auto recogniser = fake_recogniser();
  Face small = face(1);
  small.box = {.x = 0, .y = 0, .width = 10, .height = 10};
  Pipeline pipeline = open({small, face(.9F), face(.8F)}, recogniser);
  const Image image = photo();
  const auto one = pipeline.analyse_one(image.view(), Selection::kLargest).value();
  ASSERT_TRUE(one.record);
  EXPECT_EQ(one.faces_found, 3U);
  EXPECT_FLOAT_EQ(one.record->face.confidence, .9F);
  EXPECT_EQ(images_seen(*recogniser), 1U);
}

TEST(Pipeline, DoesForEachImageOfABatchWhatIsWantedOfIt) {
  const auto recogniser = fake_recogniser();
  Face small = face(1);
  small.box = {.x = 0, .y = 0, .width = 10, .height = 10};
  Pipeline pipeline = open({small, face(.9F)}, recogniser);
  const Image image = photo();
  const std::vector<Query> queries{
      {.image = image.view(), .embed = false},
      {.image = image.view(), .selection = Selection::kLargest},
      {.image = image.view(), .selection = Selection::kLargest, .embed = false},
      {.image = image.view()}};
  const auto found = pipeline.analyse(queries).value();
  ASSERT_EQ(found.size(), 4U);
  ASSERT_EQ(found[0].faces.size(), 2U);
  EXPECT_TRUE(found[0].faces[1].embedding.values.empty());
  ASSERT_EQ(found[1].faces.size(), 1U);
  EXPECT_EQ(found[1].faces_found, 2U);
  EXPECT_FLOAT_EQ(found[1].faces[0].face.confidence, .9F);
  EXPECT_FALSE(found[1].faces[0].embedding.values.empty());
  ASSERT_EQ(found[2].faces.size(), 1U);
  EXPECT_FLOAT_EQ(found[2].faces[0].face.confidence, .9F);
  ASSERT_EQ(found[3].faces.size(), 2U);
  EXPECT_FALSE(found[3].faces[1].embedding.values.empty());
  EXPECT_EQ(images_seen(*recogniser), 3U);
}

TEST(Pipeline, GivesAFaceThatCannotBeAlignedNoQuality) {
  Face bad = face();
  bad.landmarks.fill({.x = 3, .y = 3});
  Pipeline pipeline = open({bad, face()}, fake_recogniser(), {.keep_chips = true});
  const Image image = photo();
  const auto records = pipeline.analyse(image.view()).value();
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].quality.score, 0);
  EXPECT_TRUE(records[0].embedding.values.empty());
  EXPECT_FALSE(records[0].chip);
  EXPECT_FALSE(records[1].embedding.values.empty());
}

TEST(Pipeline, WorksWithoutARecogniser) {
  Pipeline pipeline = open({face()}, nullptr, {.keep_chips = true});
  const Image image = photo();
  const auto records = pipeline.analyse(image.view()).value();
  EXPECT_TRUE(records[0].embedding.values.empty());
  EXPECT_GT(records[0].quality.score, 0);
  EXPECT_EQ(records[0].chip->side(), 112);
  EXPECT_EQ(pipeline.model(), ModelId{});
}

TEST(Pipeline, CutsTheBoxForFaceNetsRecognisers) {
  Pipeline pipeline = open({face()}, fake_recogniser(models::AlignmentTemplate::kFaceNet, 72),
                           {.keep_chips = true});
  const Image image = photo();
  const auto records = pipeline.analyse(image.view()).value();
  ASSERT_TRUE(records[0].chip);
  EXPECT_EQ(records[0].chip->side(), 72);
  // The box is 72 wide and begins at x 20: columns are cut out, not resampled.
  EXPECT_NEAR(records[0].embedding.values[0] * records[0].embedding.norm,
              1 + (image.row(15)[3 * 20] + image.row(16)[3 * 20]) / 2.0, 20);
}

TEST(Pipeline, UsesTheNormOnlyWhereTheManifestSaysSo) {
  const quality::NormScale scale{.has_meaning = true, .low = 1, .high = 5};
  const auto plain = fake_recogniser();
  const auto meant = fake_recogniser();
  meant->manifest.norm_is_quality = true;
  const Image image = photo();
  PipelineOptions options;
  options.norm = scale;
  Pipeline without = open({face()}, plain, options);
  Pipeline with = open({face()}, meant, options);
  const auto a = without.analyse(image.view()).value();
  const auto b = with.analyse(image.view()).value();
  EXPECT_EQ(a[0].quality.norm, 0);
  EXPECT_EQ(b[0].quality.norm, 2);
  EXPECT_LT(b[0].quality.score, a[0].quality.score);  // 2 is a quarter of the way from 1 to 5
}

TEST(Pipeline, RefusesWhatCannotWork) {
  EXPECT_EQ(Pipeline::open(std::make_unique<FakeDetector>(std::vector<Face>{}, false), nullptr)
                .error()
                .code,
            ErrorCode::kInvalidArgument);
  EXPECT_EQ(Pipeline::open(std::make_unique<FakeDetector>(std::vector<Face>{}),
                           fake_recogniser(models::AlignmentTemplate::kNone))
                .error()
                .code,
            ErrorCode::kModelMismatch);
}

// By hand, in a photo of 100 x 100: areas 400 and 900; centres (10, 10) and (85, 85), at squared
// distances 3,200 and 2,450 from (50, 50); a third of area 100 at the centre.
TEST(Select, FollowsItsRule) {
  const Image image(100, 100);
  const std::vector<Face> faces{{.box = {0, 0, 20, 20}, .confidence = .9F, .landmarks = {}},
                                {.box = {70, 70, 30, 30}, .confidence = .8F, .landmarks = {}},
                                {.box = {45, 45, 10, 10}, .confidence = .7F, .landmarks = {}}};
  EXPECT_EQ(select(faces, image.view(), Selection::kProbability), 0U);
  EXPECT_EQ(select(faces, image.view(), Selection::kLargest), 1U);
  EXPECT_EQ(select(faces, image.view(), Selection::kCenter), 2U);
}

}  // namespace
}  // namespace visavis::pipeline
