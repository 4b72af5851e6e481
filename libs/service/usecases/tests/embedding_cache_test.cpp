#include "embedding_cache.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/tests/folder_test.hpp>

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

constexpr ModelId kModel{42};
const RememberedPhoto kNobody{.record = std::nullopt};

Sha256 image(int number) { return sha256(std::to_string(number)); }

RememberedPhoto somebody(float value) {
  return {
      .record =
          pipeline::FaceRecord{
              .face = {.box = {.x = 1, .y = 2, .width = 30, .height = 40},
                       .confidence = .75F,
                       .landmarks = {{{1, 2}, {3, 4}, {5, 6}, {7, 8}, {9, 10}}}},
              .quality = {.score = .5F, .eye_distance_px = 20, .sharpness = 90, .exposure = .9F},
              .chip = std::nullopt,
              .embedding = {.model = kModel, .values = {value, 0, .5F, 1}, .norm = 17}},
      .faces_found = 3};
}

class EmbeddingCacheTest : public tests::FolderTest {
 protected:
  [[nodiscard]] EmbeddingCache open(const std::string& origin = "mtcnn 20 px") {
    return {folder_ / "e", "model", origin, kModel, 4, [this](LogLevel, std::string_view text) {
              warnings_ += std::string(text) + "\n";
            }};
  }
  [[nodiscard]] fs::path file() const { return fs::directory_iterator(folder_ / "e")->path(); }
  [[nodiscard]] std::string bytes() const {
    std::ifstream in(file(), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void write(const std::string& bytes) const {
    std::ofstream(file(), std::ios::binary | std::ios::trunc) << bytes;
  }
  /// Two photos, the first with a face.
  void fill() {
    EmbeddingCache cache = open();
    cache.keep(image(1), somebody(.25F));
    cache.keep(image(2), kNobody);
  }
  std::string warnings_;
};

TEST_F(EmbeddingCacheTest, KnowsWhatAnEarlierRunFound) {
  fill();
  const EmbeddingCache cache = open();
  const auto known = cache.find(image(1));
  ASSERT_TRUE(known && known->record);
  EXPECT_EQ(known->faces_found, 3U);
  const pipeline::FaceRecord& record = *known->record;
  EXPECT_EQ(record.face.box, (Box{.x = 1, .y = 2, .width = 30, .height = 40}));
  EXPECT_EQ(record.face.confidence, .75F);
  EXPECT_EQ(record.face.landmarks[4], (Point{.x = 9, .y = 10}));
  EXPECT_EQ(record.quality.sharpness, 90);
  EXPECT_EQ(record.embedding.model, kModel);
  EXPECT_EQ(record.embedding.values, (std::vector<float>{.25F, 0, .5F, 1}));
  EXPECT_EQ(record.embedding.norm, 17);
  EXPECT_EQ(warnings_, "");
}

TEST_F(EmbeddingCacheTest, KnowsPhotosWithoutAFaceAndFacesThatCouldNotBeAligned) {
  fill();
  RememberedPhoto unaligned = somebody(0);
  unaligned.record->embedding = {};
  {
    EmbeddingCache cache = open();
    cache.keep(image(3), unaligned);
  }
  const EmbeddingCache cache = open();
  ASSERT_TRUE(cache.find(image(2)));
  EXPECT_FALSE(cache.find(image(2))->record);
  ASSERT_TRUE(cache.find(image(3)) && cache.find(image(3))->record);
  EXPECT_TRUE(cache.find(image(3))->record->embedding.values.empty());
  EXPECT_EQ(cache.find(image(3))->record->face.confidence, .75F);
  EXPECT_FALSE(cache.find(image(4)));
}

TEST_F(EmbeddingCacheTest, OtherOriginsKnowNothing) {
  fill();
  EXPECT_FALSE(open("mtcnn 40 px").find(image(1)));
}

TEST_F(EmbeddingCacheTest, IsReadableByItsOwnerAlone) {
  fs::create_directory(folder_ / "e");
  fs::permissions(folder_ / "e", fs::perms::all);
  const mode_t before = ::umask(0);
  fill();
  ::umask(before);
  EXPECT_EQ(fs::status(folder_ / "e").permissions(), fs::perms::owner_all);
  EXPECT_EQ(fs::status(file()).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(EmbeddingCacheTest, WithoutAFolderNothingIsKept) {
  {
    EmbeddingCache cache({}, "model", "origin", kModel, 4, {});
    cache.keep(image(1), somebody(1));
    EXPECT_FALSE(cache.find(image(1)));
  }
  EXPECT_TRUE(fs::is_empty(folder_));
}

TEST_F(EmbeddingCacheTest, EveryFlippedBitIsNoticed) {
  fill();
  const std::string whole = bytes();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string damaged = whole;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write(damaged);
    const EmbeddingCache cache = open();
    const auto first = cache.find(image(1));
    const auto second = cache.find(image(2));
    EXPECT_FALSE(first && second) << "byte " << at;
    if (first) {
      EXPECT_EQ(first->record->embedding.values, somebody(.25F).record->embedding.values);
    }
    if (second) {
      EXPECT_FALSE(second->record) << "byte " << at;
    }
  }
}

TEST_F(EmbeddingCacheTest, WhatIsTornOffIsMadeAnewAndTheRestStays) {
  fill();
  const std::string whole = bytes();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write(whole.substr(0, length));
    {
      EmbeddingCache cache = open();
      EXPECT_FALSE(cache.find(image(2))) << length;
      cache.keep(image(3), somebody(.75F));
    }
    const EmbeddingCache cache = open();
    ASSERT_TRUE(cache.find(image(3))) << length;
    EXPECT_EQ(cache.find(image(3))->record->embedding.values[0], .75F);
  }
  EXPECT_EQ(warnings_, "");
}

TEST_F(EmbeddingCacheTest, DamagedRecordIsReplacedByALaterOne) {
  fill();
  std::string damaged = bytes();
  damaged[100] = static_cast<char>(damaged[100] ^ 4);
  write(damaged);
  {
    EmbeddingCache cache = open();
    EXPECT_FALSE(cache.find(image(1)));
    cache.keep(image(1), somebody(.125F));
  }
  const EmbeddingCache cache = open();
  ASSERT_TRUE(cache.find(image(1)));
  EXPECT_EQ(cache.find(image(1))->record->embedding.values[0], .125F);
  EXPECT_TRUE(cache.find(image(2)));
}

TEST_F(EmbeddingCacheTest, FileOfAnotherOriginUnderThisNameIsNotBelieved) {
  fill();
  const fs::path mine = file();
  fs::rename(mine, folder_ / "kept");
  {
    open("mtcnn 40 px").keep(image(1), somebody(1));
  }
  fs::rename(file(), mine);
  {
    EmbeddingCache cache = open();
    EXPECT_FALSE(cache.find(image(1)));
    cache.keep(image(5), kNobody);
  }
  EXPECT_FALSE(open().find(image(1)));
  EXPECT_TRUE(open().find(image(5)));
}

/// Copied from another origin's file, of the same length and with its own right checksum.
TEST_F(EmbeddingCacheTest, RecordOfAnotherOriginIsNotBelieved) {
  {
    open("mtcnn 40 px").keep(image(1), somebody(1));
  }
  const std::string other = bytes();
  fs::remove(file());
  fill();
  constexpr std::size_t kHeader = 16 + 32;
  const std::string whole = bytes();
  write(whole.substr(0, kHeader) + other.substr(kHeader));
  EXPECT_FALSE(open().find(image(1)));
}

TEST_F(EmbeddingCacheTest, WhereItCannotBeWrittenOneWarningIsGiven) {
  ASSERT_TRUE(write_file(folder_ / "e", "a file where the folder should be"));
  {
    EmbeddingCache cache = open();
    for (int i = 0; i < 200; ++i) cache.keep(image(i), somebody(1));
  }
  EXPECT_EQ(std::ranges::count(warnings_, '\n'), 1) << warnings_;
  EXPECT_NE(warnings_.find("are not kept"), std::string::npos);
}

TEST_F(EmbeddingCacheTest, FullDiskIsAWarningAndLeavesAUsableFile) {
  fill();
  const rlim_t most = fs::file_size(file()) + 300;  // a record and a half
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const struct rlimit limit{.rlim_cur = most, .rlim_max = most};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    {
      EmbeddingCache cache = open();
      for (int i = 10; i < 20; ++i) cache.keep(image(i), somebody(1));
    }
    ::_exit(warnings_.find("are not kept") == std::string::npos ? 1 : 0);
  }
  int status = -1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  {
    EmbeddingCache cache = open();
    EXPECT_TRUE(cache.find(image(1)));
    cache.keep(image(30), somebody(.5F));
  }
  EXPECT_TRUE(open().find(image(30)));
}

TEST_F(EmbeddingCacheTest, ProcessesThatWriteAtOnceLoseNothing) {
  constexpr int kProcesses = 4;
  constexpr int kPhotos = 300;  // several times what is written at once
  std::vector<pid_t> children;
  for (int p = 0; p < kProcesses; ++p) {
    const pid_t child = ::fork();
    if (child == 0) {
      {
        EmbeddingCache cache = open();
        for (int i = 0; i < kPhotos; ++i)
          cache.keep(image(kPhotos * p + i), somebody(static_cast<float>(i)));
      }
      ::_exit(0);
    }
    children.push_back(child);
  }
  for (const pid_t child : children) ::waitpid(child, nullptr, 0);
  const EmbeddingCache cache = open();
  for (int i = 0; i < kProcesses * kPhotos; ++i) {
    const auto known = cache.find(image(i));
    ASSERT_TRUE(known) << i;
    EXPECT_EQ(known->record->embedding.values[0], static_cast<float>(i % kPhotos));
  }
}

}  // namespace
}  // namespace visavis::usecases
