#include <gtest/gtest.h>

#include <cmath>
#include <optional>
#include <string>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/protocols/identification.hpp>
#include <visavis/protocols/templates.hpp>

namespace visavis::protocols {
namespace {

RatedFace face(double degrees, float quality, float norm = 1, ModelId model = ModelId{3}) {
  const double angle = degrees * 3.14159265358979323846 / 180;
  return {.embedding = {.model = model,
                        .values = {static_cast<float>(std::cos(angle)),
                                   static_cast<float>(std::sin(angle))},
                        .norm = norm},
          .quality = quality};
}

double degrees_of(const Embedding& embedding) {
  return std::atan2(embedding.values[1], embedding.values[0]) * 180 / 3.14159265358979323846;
}

TEST(ParseTemplates, ReadsIjbsListsAndTables) {
  const auto ijb = parse_templates("1.jpg 1 69544\n2.jpg 1 69544\n3.jpg 2 7\n");
  ASSERT_TRUE(ijb) << ijb.error().message;
  ASSERT_EQ(ijb->size(), 3U);
  EXPECT_EQ((*ijb)[1].path, "2.jpg");
  EXPECT_EQ((*ijb)[1].name, "1");
  EXPECT_EQ((*ijb)[1].media, "69544");
  const auto table = parse_templates("path\ttemplate\tmedia\na b.jpg\tt 1\tm\n");
  ASSERT_TRUE(table);
  EXPECT_EQ((*table)[0].path, "a b.jpg");
  EXPECT_EQ((*table)[0].name, "t 1");
  for (const char* text : {"", "1.jpg 1\n", "1.jpg 1 2 3\n", "1.jpg\t\t2\n",
                           "1.jpg 1 2\n1.jpg 1 3\n", "path\ttemplate\tmedia\n"})
    EXPECT_EQ(parse_templates(text).error().code, ErrorCode::kDecodeFailed) << text;
}

TEST(ParseTemplates, ReadsPairs) {
  const auto pairs = parse_template_pairs("1 2 1\n1 3 0\n");
  ASSERT_TRUE(pairs) << pairs.error().message;
  EXPECT_EQ(pairs->protocol, "templates");
  EXPECT_EQ(pairs->pairs[0].b, "2");
  EXPECT_TRUE(pairs->pairs[0].same);
  for (const char* text : {"", "1 2\n", "1 2 3\n", "1 2 1\n2 1 0\n", "1\n1 2 3\n"})
    EXPECT_EQ(parse_template_pairs(text).error().code, ErrorCode::kDecodeFailed) << text;
}

/// A video of three frames at 0, 0 and 90 degrees and a photo at 90.
class FuseTest : public ::testing::Test {
 protected:
  std::vector<TemplatePhoto> photos_{
      {"v1", "t", "video"}, {"v2", "t", "video"}, {"v3", "t", "video"}, {"p", "t", "photo"}};
  RatedFaces faces_{{"v1", face(0, .5F, 10)},
                    {"v2", face(0, .5F, 10)},
                    {"v3", face(90, 0, 40)},
                    {"p", face(90, .25F, 20)}};
};

TEST_F(FuseTest, MeanOfTheMeansOfMedia) {
  const auto fused = fuse_templates(photos_, faces_, Fusion::kMean);
  ASSERT_TRUE(fused);
  const auto& one = fused->at("t");
  ASSERT_TRUE(one);
  // The video's mean is (2/3, 1/3), the photo (0, 1): (1/3, 2/3) in the middle.
  EXPECT_NEAR(degrees_of(*one), std::atan2(2, 1) * 180 / 3.14159265358979323846, 1e-4);
  EXPECT_TRUE(is_unit(one->values));
  EXPECT_FLOAT_EQ(one->norm, (20 + 20) / 2.F);  // means 20 and 20
  EXPECT_EQ(one->model, ModelId{3});
}

TEST_F(FuseTest, WeightedByQuality) {
  const auto fused = fuse_templates(photos_, faces_, Fusion::kQuality);
  ASSERT_TRUE(fused);
  // The video's third frame has no quality: (1, 0) with the mean quality 1/3; the photo (0, 1) with
  // 1/4. Hence (4, 3) and a norm of (4 · 10 + 3 · 20) / 7.
  EXPECT_NEAR(degrees_of(*fused->at("t")), std::atan2(3, 4) * 180 / 3.14159265358979323846, 1e-4);
  EXPECT_FLOAT_EQ(fused->at("t")->norm, 100.F / 7);
}

TEST_F(FuseTest, FacelessPhotosAreLeftOutAndFacelessTemplatesEmpty) {
  faces_["v1"].reset();
  faces_["v2"].reset();
  faces_["q"].reset();
  photos_.push_back({"q", "u", "1"});
  const auto fused = fuse_templates(photos_, faces_, Fusion::kMean);
  ASSERT_TRUE(fused);
  EXPECT_NEAR(degrees_of(*fused->at("t")), 90, 1e-4);
  EXPECT_FALSE(fused->at("u"));
}

TEST_F(FuseTest, WithoutAnyQualityWeightsAreEqual) {
  for (auto& [path, one] : faces_) one->quality = 0;
  const auto fused = fuse_templates(photos_, faces_, Fusion::kQuality);
  EXPECT_NEAR(degrees_of(*fused->at("t")), std::atan2(2, 1) * 180 / 3.14159265358979323846, 1e-4);
}

TEST_F(FuseTest, RefusesWhatItCannotFuse) {
  faces_["p"] = face(90, 1, 1, ModelId{4});
  EXPECT_EQ(fuse_templates(photos_, faces_, Fusion::kMean).error().code, ErrorCode::kModelMismatch);
  faces_.erase("p");
  EXPECT_EQ(fuse_templates(photos_, faces_, Fusion::kMean).error().code,
            ErrorCode::kInvalidArgument);
  const RatedFaces opposite{{"v1", face(0, 1)}, {"v2", face(180, 1)}};
  const auto fused = fuse_templates(std::span(photos_).first(2), opposite, Fusion::kMean);
  ASSERT_TRUE(fused);
  EXPECT_FALSE(fused->at("t")) << "what cancels out has no direction";
}

TEST_F(FuseTest, TemplatesAreJudgedLikePhotos) {
  photos_.push_back({"a", "same", "1"});
  photos_.push_back({"b", "other", "1"});
  photos_.push_back({"n", "none", "1"});
  faces_["a"] = face(60, 1);
  faces_["b"] = face(-60, 1);
  faces_["n"].reset();
  const auto fused = fuse_templates(photos_, faces_, Fusion::kMean);  // t is at 63.4
  ASSERT_TRUE(fused);
  const auto pairs = parse_template_pairs("t same 1\nt none 1\nt other 0\nsame other 0\n");
  const auto report = verify_pairs(*pairs, *fused, {.threshold = .9});
  ASSERT_TRUE(report);
  EXPECT_EQ(report->images, 4U);
  EXPECT_EQ(report->failed_images, 1U);
  EXPECT_DOUBLE_EQ(report->all.fixed->frr.value, .5);
  EXPECT_DOUBLE_EQ(report->all.fixed->far.value, 0);
  EXPECT_DOUBLE_EQ(report->all.auc, .5);  // one of two genuine pairs wins over both impostors
  const auto executor = make_inline_executor();
  const auto searches =
      identify_probes(std::vector<LabelledPhoto>{{"same", "x"}, {"other", "y"}},
                      std::vector<LabelledPhoto>{{"t", "x"}}, *fused, {}, *executor);
  ASSERT_TRUE(searches);
  EXPECT_DOUBLE_EQ(searches->rank_1->value, 1);
}

}  // namespace
}  // namespace visavis::protocols
