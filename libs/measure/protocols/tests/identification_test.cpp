#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/protocols/identification.hpp>

namespace visavis::protocols {
namespace {

constexpr double kDegree = 3.14159265358979323846 / 180;

Embedding at(double degrees, ModelId model = ModelId{7}) {
  return {.model = model,
          .values = {static_cast<float>(std::cos(degrees * kDegree)),
                     static_cast<float>(std::sin(degrees * kDegree))},
          .norm = 1};
}

// Photos by name; the gallery's people stand at 0, 90 and 180 degrees.
class Identification : public testing::Test {
 protected:
  Result<IdentificationReport> run(const std::vector<LabelledPhoto>& probes) {
    return identify_probes(gallery_, probes, embeddings_, {}, *executor_);
  }

  std::unique_ptr<Executor> executor_ = make_thread_pool(2);
  std::vector<LabelledPhoto> gallery_{{"a0", "a"}, {"b0", "b"}, {"c0", "c"}};
  Embeddings embeddings_{{"a0", at(0)}, {"b0", at(90)}, {"c0", at(180)}, {"none", std::nullopt}};
};

// a is found first; b, at 30 degrees, looks more like a; c shows no face. Of the two strangers one
// shows none.
TEST_F(Identification, RanksByHand) {
  embeddings_.emplace("a1", at(10));
  embeddings_.emplace("b1", at(30));
  embeddings_.emplace("d1", at(95));
  embeddings_.emplace("none too", std::nullopt);
  const auto report =
      run({{"a1", "a"}, {"b1", "b"}, {"none", "c"}, {"d1", "d"}, {"none too", "e"}});
  ASSERT_TRUE(report) << report.error().message;
  EXPECT_EQ(report->people, 3U);
  EXPECT_EQ(report->mated, 3U);
  EXPECT_EQ(report->non_mated, 2U);
  EXPECT_EQ(report->images, 8U);
  EXPECT_EQ(report->failed_images, 2U);
  EXPECT_EQ(report->ranks, (std::vector<double>{1. / 3, 2. / 3, 2. / 3}));
  EXPECT_DOUBLE_EQ(report->rank_1->value, 1. / 3);
  EXPECT_FALSE(report->rank_1->interval);  // of three people
  EXPECT_TRUE(report->points.empty());     // two strangers make no rate
}

TEST_F(Identification, PhotoOfTheGalleryIsNoProbe) {
  embeddings_.emplace("a1", at(1));
  const auto report = run({{"a0", "a"}, {"a1", "a"}});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->mated, 1U);
  EXPECT_EQ(report->probes_in_gallery, 1U);
  EXPECT_EQ(run({{"a0", "a"}}).error().code, ErrorCode::kInvalidArgument) << "no probe is left";
}

TEST_F(Identification, RefusesAPhotoOfTwoPeopleAndScoresThatAreNoNumbers) {
  embeddings_.emplace("a1", at(1));
  EXPECT_EQ(run({{"a1", "a"}, {"a1", "b"}}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(run({{"a0", "b"}}).error().code, ErrorCode::kInvalidArgument);
  embeddings_["b0"]->values[0] = std::nanf("");
  EXPECT_EQ(run({{"a1", "a"}}).error().code, ErrorCode::kInvalidArgument);
}

TEST_F(Identification, CountsTiesAgainstThePerson) {
  embeddings_.emplace("a1", at(45));  // as far from a as from b
  embeddings_["b0"] = at(90);
  embeddings_["a0"] = at(90);
  const auto report = run({{"a1", "a"}});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->ranks, (std::vector<double>{0, 1, 1}));
}

TEST_F(Identification, APersonScoresAsTheirBestPhoto) {
  gallery_.push_back({"b2", "b"});
  embeddings_.emplace("b2", at(30));
  embeddings_.emplace("b1", at(28));
  EXPECT_DOUBLE_EQ(run({{"b1", "b"}})->rank_1->value, 1);
}

// Thirty strangers at 31 … 60 degrees from c and further from the others: a rate of .1 lets three
// of them through, those at 31, 32 and 33. Ten people's probes are found first at 1 … 10 degrees,
// ten at 32.5, and are missed if they are further than 34.
TEST_F(Identification, OpenSetByHand) {
  std::vector<LabelledPhoto> probes;
  const auto add = [&](const std::string& name, const std::string& person, double degrees) {
    embeddings_.emplace(name, at(degrees));
    probes.push_back({name, person});
  };
  gallery_ = {{"c0", "c"}};
  for (int i = 0; i < 30; ++i)
    add("s" + std::to_string(i), "stranger" + std::to_string(i), 211 + i);
  for (int i = 0; i < 6; ++i) add("near" + std::to_string(i), "c", 181 + i);
  for (int i = 0; i < 2; ++i) add("far" + std::to_string(i), "c", 215 + i);
  const auto report = run(probes);
  ASSERT_TRUE(report);
  ASSERT_EQ(report->points.size(), 1U);  // .01 of thirty is no event
  EXPECT_DOUBLE_EQ(report->points[0].fpir, .1);
  EXPECT_NEAR(report->points[0].threshold, std::cos(34 * kDegree), 1e-6);
  EXPECT_DOUBLE_EQ(report->points[0].fnir.value, .25);
}

TEST_F(Identification, RefusesWhatItCannotMeasure) {
  EXPECT_EQ(run({}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(run({{"nowhere", "a"}}).error().code, ErrorCode::kInvalidArgument);
  embeddings_.emplace("other", at(3, ModelId{8}));
  EXPECT_EQ(run({{"other", "a"}}).error().code, ErrorCode::kModelMismatch);
  gallery_ = {{"none", "a"}};
  embeddings_.emplace("a1", at(10));
  EXPECT_EQ(run({{"a1", "a"}}).error().code, ErrorCode::kInvalidArgument);
}

TEST(LabelledPhotos, AreLinesOfPathAndPerson) {
  const auto photos = parse_labelled("path\tperson\nx/1.jpg\tÁda\n2.png\tb\n");
  ASSERT_TRUE(photos);
  ASSERT_EQ(photos->size(), 2U);
  EXPECT_EQ(photos->at(0).path, "x/1.jpg");
  EXPECT_EQ(photos->at(0).person, "Áda");
  EXPECT_EQ(parse_labelled("1.png\ta\n")->size(), 1U);  // without a header
  for (const char* bad : {"", "path\tperson\n", "1.png\n", "1.png\ta\tb\n", "\ta\n", "1.png\t\n"})
    EXPECT_EQ(parse_labelled(bad).error().code, ErrorCode::kDecodeFailed) << bad;
}

}  // namespace
}  // namespace visavis::protocols
