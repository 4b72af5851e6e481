#include "visavis/pipeline/recogniser.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <vector>

#include "fakes.hpp"

namespace visavis::pipeline {
namespace {

using models::AlignmentTemplate;

/// Two recognisers that answer with their chip's corners, as one.
std::shared_ptr<const models::Network> fused(std::shared_ptr<const models::Network> a,
                                             std::shared_ptr<const models::Network> b) {
  auto network = std::make_shared<models::Network>();
  network->manifest.id = "fused";
  network->manifest.role = models::Role::kRecogniser;
  network->manifest.dimension = 8;
  network->manifest.fusion = models::Fusion{
      .members = {{.model = "a",
                   .weight = .36,
                   .manifest = std::make_shared<const models::Manifest>(a->manifest)},
                  {.model = "b",
                   .weight = .64,
                   .manifest = std::make_shared<const models::Manifest>(b->manifest)}},
      .provenance = "by hand"};
  network->members = {std::move(a), std::move(b)};
  return network;
}

/// Red rises by one with every column.
Image ramp() {
  Image image(112, 112);
  for (int y = 0; y < 112; ++y)
    for (int x = 0; x < 112; ++x) image.row(y)[3 * x] = static_cast<std::uint8_t>(x);
  return image;
}

Face face() { return {.box = {20, 16, 72, 80}, .confidence = .9F, .landmarks = kTemplate}; }

TEST(Recogniser, CutsOneChipForMembersThatSeeTheSame) {
  const auto recogniser = Recogniser::open(fused(fake_recogniser(), fake_recogniser()));
  ASSERT_TRUE(recogniser) << recogniser.error().message;
  EXPECT_EQ(recogniser->chips_per_face(), 1U);
  EXPECT_EQ(recogniser->dimension(), 8);
}

TEST(Recogniser, CutsAChipForEachFormThatItsMembersSee) {
  const auto recogniser =
      Recogniser::open(fused(fake_recogniser(), fake_recogniser(AlignmentTemplate::kFaceNet, 72)));
  ASSERT_TRUE(recogniser) << recogniser.error().message;
  const Image image = ramp();
  const auto chips = recogniser->cut(image.view(), face());
  ASSERT_TRUE(chips) << chips.error().message;
  ASSERT_EQ(chips->size(), 2U);
  EXPECT_EQ((*chips)[0].side(), 112);
  EXPECT_EQ((*chips)[1].side(), 72);
}

// By hand: the ArcFace chip is the photo, its corners 0 and 111, each 1 more in the answer. Of
// (1, 112, 1, 112) the unit vector's second number is 112 / √(2 + 2 · 112²), and .6 of it remains.
TEST(Recogniser, FusesItsMembersAnswers) {
  auto recogniser =
      Recogniser::open(fused(fake_recogniser(), fake_recogniser(AlignmentTemplate::kFaceNet, 72)));
  const Image image = ramp();
  const std::vector<Chips> faces{recogniser->cut(image.view(), face()).value()};
  const auto embeddings = recogniser->embed(faces);
  ASSERT_TRUE(embeddings) << embeddings.error().message;
  ASSERT_EQ(embeddings->size(), 1U);
  const Embedding& fused = embeddings->front();
  ASSERT_EQ(fused.values.size(), 8U);
  EXPECT_TRUE(is_unit(fused.values));
  EXPECT_NEAR(fused.values[1], .6 * 112 / std::sqrt(2 + 2 * 112.0 * 112.0), 1e-4);
  double second = 0;
  for (std::size_t i = 4; i < 8; ++i) second += fused.values[i] * fused.values[i];
  EXPECT_NEAR(second, .64, 1e-6);
  EXPECT_EQ(fused.model, recogniser->model());
}

TEST(Recogniser, GivesASingleNetworksEmbeddingAsItIs) {
  const auto network = fake_recogniser();
  auto recogniser = Recogniser::open(network);
  const Image image = ramp();
  const std::vector<Chips> faces(3, recogniser->cut(image.view(), face()).value());
  const auto embeddings = recogniser->embed(faces);
  ASSERT_EQ(embeddings->size(), 3U);
  EXPECT_EQ(embeddings->front().model, models::model_id(network->manifest, false));
  EXPECT_EQ(embeddings->front().values.size(), 4U);
}

TEST(Recogniser, RefusesAMemberWithoutAlignment) {
  const auto recogniser =
      Recogniser::open(fused(fake_recogniser(), fake_recogniser(AlignmentTemplate::kNone)));
  ASSERT_FALSE(recogniser);
  EXPECT_EQ(recogniser.error().code, ErrorCode::kModelMismatch);
}

}  // namespace
}  // namespace visavis::pipeline
