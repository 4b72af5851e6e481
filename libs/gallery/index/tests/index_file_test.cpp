#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>
#include <visavis/vocab/embedding.hpp>

#include "dot.hpp"
#include "vectors.hpp"

namespace visavis::index {
namespace {

constexpr std::size_t kDimension = 48;
constexpr std::size_t kHeaderBytes = 128;
constexpr Stamp kStamp{.count = 300, .generation = 12, .model = ModelId{0xABCD}};

class IndexFileTest : public testing::Test {
 protected:
  IndexFileTest()
      : path_(std::filesystem::temp_directory_path() /
              ("visavis_index_" + std::to_string(::getpid()))),
        rows_(unit_rows(300, kDimension, 1)),
        keys_(300) {
    std::iota(keys_.begin(), keys_.end(), 1);
    index_ = *make_exact_index(kDimension);
    EXPECT_TRUE(index_->add(keys_, keys_, rows_));
    EXPECT_TRUE(index_->save(path_, kStamp));
  }
  ~IndexFileTest() override { std::filesystem::remove(path_); }

  [[nodiscard]] std::span<const float> row(std::size_t i) const {
    return std::span(rows_).subspan(i * kDimension, kDimension);
  }
  [[nodiscard]] std::vector<std::byte> bytes() const { return *read_file(path_, 1 << 30); }
  // The bytes of a stored vector, as they are on disk.
  [[nodiscard]] bool on_disk(std::size_t i) const { return holds(bytes(), row(i)); }
  [[nodiscard]] ErrorCode opening() const {
    const auto opened = open_index(path_, kStamp);
    EXPECT_FALSE(opened);
    return opened ? ErrorCode::kInternal : opened.error().code;
  }

  std::filesystem::path path_;
  std::vector<float> rows_;
  std::vector<std::uint64_t> keys_;
  std::unique_ptr<VectorIndex> index_;
};

TEST_F(IndexFileTest, AnswersTheSameWhenOpened) {
  const auto opened = open_index(path_, kStamp);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->size(), 300);
  const auto before = index_->search(rows_, 300, {.k = 5});
  const auto after = (*opened)->search(rows_, 300, {.k = 5});
  ASSERT_TRUE(before);
  ASSERT_TRUE(after);
  for (std::size_t q = 0; q < 300; ++q) {
    for (std::size_t i = 0; i < 5; ++i) {
      EXPECT_EQ((*before)[q][i].key, (*after)[q][i].key);
      EXPECT_EQ((*before)[q][i].similarity, (*after)[q][i].similarity);
    }
  }
  EXPECT_EQ(*read_stamp(path_), kStamp);
}

TEST_F(IndexFileTest, RefusesAnotherStamp) {
  Stamp other = kStamp;
  other.model = ModelId{1};
  EXPECT_EQ(open_index(path_, other).error().code, ErrorCode::kModelMismatch);
  other = kStamp;
  ++other.generation;
  EXPECT_EQ(open_index(path_, other).error().code, ErrorCode::kInvalidArgument);
  other = kStamp;
  --other.count;
  EXPECT_EQ(open_index(path_, other).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(open_index(path_.string() + ".none", kStamp).error().code, ErrorCode::kNotFound);
}

TEST_F(IndexFileTest, RefusesEveryTruncationAndFlippedBit) {
  const auto whole = bytes();
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 97) {
    ASSERT_TRUE(write_file(path_, std::span(whole).first(size)));
    EXPECT_EQ(opening(), ErrorCode::kDecodeFailed) << size << " bytes";
  }
  // The rest of the header's page carries nothing.
  for (std::size_t at = 0; at < whole.size();
       at = at == kHeaderBytes - 1 ? 4096 : at + 1 + (at < 4096 ? 0 : 701)) {
    auto flipped = whole;
    flipped[at] ^= std::byte{1} << (at % 8);
    ASSERT_TRUE(write_file(path_, flipped));
    EXPECT_NE(opening(), ErrorCode::kInternal) << "byte " << at;
  }
}

TEST_F(IndexFileTest, OverwritesWhatItForgets) {
  ASSERT_TRUE(on_disk(41));
  Stamp next = kStamp;
  next.count = 299;
  next.generation = 13;
  ASSERT_TRUE(index_->remove(std::vector<std::uint64_t>{42}, next));
  EXPECT_FALSE(on_disk(41));
  EXPECT_TRUE(on_disk(40));
  index_.reset();

  auto opened = open_index(path_, next);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->size(), 299);
  ASSERT_TRUE((*opened)->remove(std::vector<std::uint64_t>{1}, next));
  EXPECT_FALSE(on_disk(0));
  const auto hits = (*opened)->search(row(0), 1, {.k = 299});
  ASSERT_TRUE(hits);
  EXPECT_EQ((*hits)[0].size(), 298);
  for (const Hit& hit : (*hits)[0]) EXPECT_TRUE(hit.key != 1 && hit.key != 42);
}

TEST_F(IndexFileTest, NeedsASaveAfterAnAdd) {
  ASSERT_TRUE(index_->add(std::vector<std::uint64_t>{1000}, std::vector<std::uint64_t>{1}, row(0)));
  Stamp next = kStamp;
  ++next.generation;
  ASSERT_TRUE(index_->remove(std::vector<std::uint64_t>{2}, next));
  EXPECT_FALSE(on_disk(1));
  EXPECT_FALSE(open_index(path_, next)) << "the file lacks a vector";
  ASSERT_TRUE(index_->save(path_, kStamp));
  const auto opened = open_index(path_, kStamp);
  ASSERT_TRUE(opened);
  EXPECT_EQ((*opened)->size(), 300);
}

TEST(F16, RoundsAsTheDefinitionSays) {
  const auto values = unit_rows(50, 512, 4);
  for (const float value : values) {
    EXPECT_EQ(from_half(to_half(value)), static_cast<float>(as_stored(value)));
    EXPECT_EQ(from_half(to_half(value * 1e-4F)), static_cast<float>(as_stored(value * 1e-4F)));
  }
  EXPECT_EQ(to_half(1), 0x3C00);  // IEEE 754-2008, 3.6: bias 15, 10 bits of fraction
  EXPECT_EQ(to_half(-2), 0xC000);
  EXPECT_EQ(to_half(0x1p-24F), 1);
  EXPECT_EQ(to_half(0x1p-14F), 0x0400);
}

}  // namespace
}  // namespace visavis::index
