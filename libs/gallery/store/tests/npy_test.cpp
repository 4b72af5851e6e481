#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/store/npy.hpp>

namespace visavis::store {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Written by numpy 2 (numpy.save, numpy.lib.format.write_array); see the module's README.
std::filesystem::path data(const std::string& name) {
  return std::filesystem::path(VISAVIS_SOURCE_DIR) / "libs/gallery/store/tests/data" / name;
}

std::vector<std::byte> bytes_of(const std::string& name) {
  return read_file(data(name), 1 << 20).value();
}

TEST(Npy, ReadsWhatNumpyWrote) {
  for (const char* name : {"two_by_three.npy", "two_by_three_v2.npy", "two_by_three_v3.npy"}) {
    const auto matrix = read_npy(data(name));
    ASSERT_TRUE(matrix) << name << ": " << matrix.error().message;
    EXPECT_EQ(matrix->rows, 2U);
    EXPECT_EQ(matrix->columns, 3U);
    EXPECT_THAT(matrix->values, ElementsAre(.5F, -1.25F, 3, 1e-30F, 65504, -0.F));
    EXPECT_TRUE(std::signbit(matrix->values[5]));
  }
  const auto empty = read_npy(data("empty.npy"));
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->rows, 0U);
  EXPECT_EQ(empty->columns, 4U);
}

TEST(Npy, WritesWhatNumpyWrites) {
  const auto path = std::filesystem::temp_directory_path() / "visavis_npy_test.npy";
  const auto original = read_npy(data("two_by_three.npy")).value();
  ASSERT_TRUE(write_npy(path, 2, 3, original.values));
  EXPECT_EQ(read_file(path, 1 << 20).value(), bytes_of("two_by_three.npy"));
  ASSERT_TRUE(write_npy(path, 0, 4, {}));
  EXPECT_EQ(read_file(path, 1 << 20).value(), bytes_of("empty.npy"));
  std::filesystem::remove(path);
}

TEST(Npy, SaysWhyItRefuses) {
  const std::vector<std::pair<const char*, const char*>> cases{
      {"f8.npy", "float32"},          {"big.npy", "float32"},
      {"fortran.npy", "Fortran"},     {"flat.npy", "two dimensions"},
      {"cube.npy", "two dimensions"}, {"no_columns.npy", "no columns"},
      {"structured.npy", "header"}};
  for (const auto& [name, why] : cases) {
    const auto matrix = read_npy(data(name));
    ASSERT_FALSE(matrix) << name;
    EXPECT_EQ(matrix.error().code, ErrorCode::kDecodeFailed) << name;
    EXPECT_THAT(matrix.error().message, HasSubstr(why)) << name;
  }
}

TEST(Npy, RefusesEveryTruncation) {
  const auto whole = bytes_of("two_by_three.npy");
  for (std::size_t n = 0; n < whole.size(); ++n)
    EXPECT_FALSE(parse_npy(std::span(whole).first(n))) << n;
  auto longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(parse_npy(longer));
}

TEST(Npy, RefusesAShapeWhoseSizeOverflows) {
  auto bytes = bytes_of("two_by_three.npy");
  const std::string wrong = "(9223372036854775808, 8), }";  // times 4 bytes is 0 modulo 2^64
  std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t at = text.find("(2, 3), }");
  ASSERT_NE(at, std::string::npos);
  text.replace(at, wrong.size(), wrong);
  text.resize(128);
  EXPECT_FALSE(parse_npy(std::as_bytes(std::span(text))));
}

TEST(Npy, WritesOnlyWholeMatrices) {
  const std::vector<float> five(5);
  EXPECT_FALSE(write_npy("unused.npy", 2, 3, five));
  EXPECT_FALSE(write_npy("unused.npy", 5, 0, five));
}

TEST(Npy, TellsAMissingFileFromADamagedOne) {
  const auto missing = read_npy(data("nothing.npy"));
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ErrorCode::kNotFound);
}

TEST(NpyWriter, WritesWhatWriteNpyWrites) {
  const std::filesystem::path folder = std::filesystem::path(testing::TempDir()) / "npy_writer";
  std::filesystem::remove_all(folder);
  std::filesystem::create_directories(folder);
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  ASSERT_TRUE(write_npy(folder / "whole.npy", 3, 2, values));
  {
    auto writer = NpyWriter::create(folder / "rows.npy", 2);
    ASSERT_TRUE(writer);
    ASSERT_TRUE(writer->append(std::span(values).first(4)));
    EXPECT_EQ(writer->append(std::span(values).first(1)).error().code, ErrorCode::kInvalidArgument);
    ASSERT_TRUE(writer->append(std::span(values).last(2)));
    EXPECT_FALSE(std::filesystem::exists(folder / "rows.npy"));
    ASSERT_TRUE(writer->commit());
  }
  EXPECT_EQ(*read_file(folder / "rows.npy", 1U << 20U),
            *read_file(folder / "whole.npy", 1U << 20U));
  {
    auto dropped = NpyWriter::create(folder / "never.npy", 2);
  }
  std::size_t files = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder)) ++files;
  EXPECT_EQ(files, 2U);
  EXPECT_EQ(NpyWriter::create(folder / "a.npy", 0).error().code, ErrorCode::kInvalidArgument);
}

}  // namespace
}  // namespace visavis::store
