#include "rows.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <visavis/core/file.hpp>
#include <visavis/store/npy.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

class RowsTest : public ::testing::Test {
 protected:
  RowsTest() {
    std::string name = (fs::temp_directory_path() / "visavis-rows-XXXXXX").string();
    if (::mkdtemp(name.data()) != nullptr) folder_ = name;
    constexpr std::array<float, 4> kRows{3, 4, 0, -2};
    EXPECT_TRUE(store::write_npy(folder_ / "r.npy", 2, 2, kRows));
  }
  ~RowsTest() override { fs::remove_all(folder_); }

  [[nodiscard]] auto read(std::string_view labels, int dimension = 2) const {
    EXPECT_TRUE(write_file(folder_ / "l.tsv", labels));
    return read_rows({.npy = folder_ / "r.npy", .labels = folder_ / "l.tsv"}, ModelId{7},
                     dimension);
  }
  fs::path folder_;
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
  const auto found = search_rows(*rows, probe, 5);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_FLOAT_EQ(found[0].similarity, 1);
  EXPECT_FLOAT_EQ(found[0].norm, 2);
}

}  // namespace
}  // namespace visavis::usecases
