#include "compiled_cache.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX

#include <cstddef>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/hash.hpp>

namespace visavis::runtime {
namespace {

namespace fs = std::filesystem;

std::vector<std::byte> bytes_of(std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

class CompiledCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "visavis-cache-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  [[nodiscard]] fs::path only_file() const {
    for (const auto& entry : fs::recursive_directory_iterator(root_)) {
      if (entry.is_regular_file()) return entry.path();
    }
    return {};
  }

  fs::path root_;
  std::string model_ = to_hex(sha256("a model"));
  std::vector<std::byte> blob_ = bytes_of("its compiled form, much longer than it really is");
};

TEST_F(CompiledCacheTest, HandsBackWhatWasKept) {
  const CompiledCache cache(root_ / "made" / "when needed", model_, "f32");
  EXPECT_EQ(cache.find(), std::nullopt);
  cache.keep(blob_);
  EXPECT_EQ(cache.find(), blob_);
}

TEST_F(CompiledCacheTest, SeparatesModelsAndKeys) {
  CompiledCache(root_, model_, "f32").keep(blob_);
  EXPECT_EQ(CompiledCache(root_, model_, "bf16").find(), std::nullopt);
  EXPECT_EQ(CompiledCache(root_, to_hex(sha256("b model")), "f32").find(), std::nullopt);
}

TEST_F(CompiledCacheTest, FolderIsPrivateAndNamedAfterTheModel) {
  CompiledCache(root_, model_, "f32").keep(blob_);
  const fs::path folder = root_ / model_;
  ASSERT_TRUE(fs::is_directory(folder));
  EXPECT_EQ(fs::status(folder).permissions(), fs::perms::owner_all);
}

TEST_F(CompiledCacheTest, ADamagedFileIsNotBelieved) {
  const CompiledCache cache(root_, model_, "f32");
  cache.keep(blob_);
  const auto good = read_file(only_file(), 1U << 20U);
  ASSERT_TRUE(good);
  for (std::size_t i = 0; i < good->size(); ++i) {
    std::vector<std::byte> bad = *good;
    bad[i] ^= std::byte{0x10};
    ASSERT_TRUE(write_file(only_file(), bad));
    EXPECT_EQ(cache.find(), std::nullopt) << "byte " << i << " is flipped";
  }
  for (std::size_t size = 0; size < good->size(); ++size) {
    ASSERT_TRUE(write_file(only_file(), std::span(*good).first(size)));
    EXPECT_EQ(cache.find(), std::nullopt) << "cut after " << size << " bytes";
  }
}

TEST_F(CompiledCacheTest, WhatOthersCanWriteIsNotBelieved) {
  const CompiledCache cache(root_, model_, "f32");
  cache.keep(blob_);
  const fs::path file = only_file();
  fs::permissions(file, fs::perms::others_write, fs::perm_options::add);
  EXPECT_EQ(cache.find(), std::nullopt);
  fs::permissions(file, fs::perms::others_write, fs::perm_options::remove);
  EXPECT_EQ(cache.find(), blob_);
  fs::permissions(file.parent_path(), fs::perms::group_write, fs::perm_options::add);
  EXPECT_EQ(cache.find(), std::nullopt);
}

TEST_F(CompiledCacheTest, ALinkIsNotFollowed) {
  const CompiledCache cache(root_, model_, "f32");
  cache.keep(blob_);
  const fs::path file = only_file();
  const fs::path elsewhere = root_ / "elsewhere";
  fs::rename(file, elsewhere);
  fs::create_symlink(elsewhere, file);
  EXPECT_EQ(cache.find(), std::nullopt);
}

TEST_F(CompiledCacheTest, WithoutARootNothingIsKept) {
  const CompiledCache cache({}, model_, "f32");
  cache.keep(blob_);
  EXPECT_EQ(cache.find(), std::nullopt);
}

}  // namespace
}  // namespace visavis::runtime
