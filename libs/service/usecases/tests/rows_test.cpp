#include "rows.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <visavis/core/file.hpp>
#include <visavis/store/npy.hpp>
#include <visavis/tests/folder_test.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

class RowsTest : public tests::FolderTest {
 protected:
  RowsTest() {
    constexpr std::array<float, 4> kRows{3, 4, 0, -2};
    EXPECT_TRUE(store::write_npy(folder_ / "r.npy", 2, 2, kRows));
  }
  [[nodiscard]] auto read(std::string_view labels, int dimension = 2) const {
    EXPECT_TRUE(write_file(folder_ / "l.tsv", labels));
    return read_rows({.npy = folder_ / "r.npy", .labels = folder_ / "l.tsv"}, ModelId{7},
                     dimension);
  }
};

TEST_F(RowsTest, RowsBecomeUnitVectorsAndKeepTheirNorm) {
  const auto rows = read("ada\nbob\n");
  ASSERT_TRUE(rows);
  EXPECT_EQ((*rows)[0].person, "ada");
  EXPECT_FLOAT_EQ((*rows)[0].face.embedding.values[0], .6F);
  EXPECT_FLOAT_EQ((*rows)[0].face.embedding.norm, 5);
  EXPECT_FLOAT_EQ((*rows)[1].face.embedding.values[1], -1);
  EXPECT_EQ((*rows)[1].face.embedding.model, ModelId{7});
}

TEST_F(RowsTest, TableOfEmbedIsRead) {
  const auto rows = read(
      "row\tpath\tface\tperson\tquality\tnorm\n"
      "0\ta.jpg\t0\tada\t0.5\t20.5\n"
      "1\tb.jpg\t0\tbob\t0.25\t10\n");
  ASSERT_TRUE(rows);
  EXPECT_FLOAT_EQ((*rows)[0].face.embedding.norm, 20.5F);
  EXPECT_FLOAT_EQ((*rows)[1].face.quality, .25F);
}

TEST_F(RowsTest, FilesThatDoNotFitAreRefused) {
  EXPECT_EQ(read("only one\n").error().error.code, ErrorCode::kDecodeFailed);
  EXPECT_EQ(read("a\tb\tc\nd\te\tf\n").error().error.code, ErrorCode::kDecodeFailed);
  EXPECT_EQ(read("row\tperson\n1\tada\n0\tbob\n").error().error.code, ErrorCode::kDecodeFailed)
      << "rows in another order than the matrix";
  EXPECT_EQ(read("ada\nbob\n", 3).error().error.code, ErrorCode::kModelMismatch);
}

TEST_F(RowsTest, SearchTellsEachPersonOnce) {
  const auto rows = read("ada\nada\n");
  ASSERT_TRUE(rows);
  Embedding probe{.model = ModelId{7}, .values = {0, -1}, .norm = 1};
  const auto found = search_rows(*rows, probe, {.limit = 5});
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FLOAT_EQ(found[0].similarity, 1);
  EXPECT_FLOAT_EQ(found[0].norm, 2);
}

/// Ada at (3, 4)/5 and (0, −1), quality 1 and .25. Their sum is (.6, −.2) of length √.4; weighted
/// it is
/// (.6, .55) of length √.6625.
TEST_F(RowsTest, SearchFusesThePersonsRows) {
  const auto rows = read("person\tquality\nada\t1\nada\t0.25\n");
  ASSERT_TRUE(rows);
  const Embedding probe{.model = ModelId{7}, .values = {0, -1}, .norm = 1};
  const auto ask = [&](gallery::Fusion fusion) {
    return search_rows(*rows, probe, {.limit = 5, .fusion = fusion}).at(0).similarity;
  };
  EXPECT_NEAR(ask(gallery::Fusion::kBest), 1, 1e-6);
  EXPECT_NEAR(ask(gallery::Fusion::kMean), .2 / std::sqrt(.4), 1e-6);
  EXPECT_NEAR(ask(gallery::Fusion::kQualityWeighted), -.55 / std::sqrt(.6625), 1e-6);
}

TEST_F(RowsTest, WithAFusionAnotherMayBeFirst) {
  const auto rows = read("ada\nbob\n");
  ASSERT_TRUE(rows);
  std::vector<gallery::NewFace> three = *rows;  // ada (.6, .8), bob (0, −1), and ada again
  three.push_back(three[1]);
  three.back().person = "ada";
  three[1].face.embedding.values = {.8F, -.6F};
  const Embedding probe{.model = ModelId{7}, .values = {0, -1}, .norm = 1};
  EXPECT_EQ(search_rows(three, probe, {.limit = 1})[0].person, "ada");
  EXPECT_EQ(search_rows(three, probe, {.limit = 1, .fusion = gallery::Fusion::kMean})[0].person,
            "bob");
}

}  // namespace
}  // namespace visavis::usecases
