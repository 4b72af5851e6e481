#include "outputs.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <visavis/core/file.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

class WriteTogetherTest : public testing::Test {
 protected:
  WriteTogetherTest()
      : folder_(fs::temp_directory_path() /
                ("visavis-together-" +
                 std::string(testing::UnitTest::GetInstance()->current_test_info()->name()))) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
  }
  ~WriteTogetherTest() override { fs::remove_all(folder_); }

  fs::path folder_;
};

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST_F(WriteTogetherTest, WritesAllOfThem) {
  const auto files = std::to_array<NewFile>(
      {{.path = folder_ / "net" / "graph", .bytes = bytes("abc")},
       {.path = folder_ / "net" / "deep" / "weights", .bytes = bytes("de")}});
  ASSERT_TRUE(write_together(files));
  EXPECT_EQ(fs::file_size(files[0].path), 3U);
  EXPECT_EQ(fs::file_size(files[1].path), 2U);
}

TEST_F(WriteTogetherTest, LeavesNothingIfOneCannotBeWritten) {
  ASSERT_TRUE(write_file(folder_ / "file", "a file, no folder"));
  const auto files =
      std::to_array<NewFile>({{.path = folder_ / "net" / "deep" / "graph", .bytes = bytes("abc")},
                              {.path = folder_ / "file" / "weights", .bytes = bytes("de")}});
  const auto written = write_together(files);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().cause, Cause::kEnvironment);
  EXPECT_FALSE(fs::exists(folder_ / "net"));
  EXPECT_TRUE(fs::exists(folder_ / "file"));
}

}  // namespace
}  // namespace visavis::usecases
