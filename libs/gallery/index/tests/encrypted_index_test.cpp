#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <thread>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>
#include <visavis/vocab/embedding.hpp>

#include "decrypted.hpp"
#include "vectors.hpp"

namespace visavis::index {
namespace {

constexpr std::size_t kDimension = 256;
constexpr std::size_t kCount = 2100;  // enough for codes
constexpr std::size_t kQueries = 12;
constexpr Stamp kStamp{.count = kCount, .generation = 12, .model = ModelId{0xABCD}};
constexpr Stamp kNext{.count = kCount - 1, .generation = 13, .model = ModelId{0xABCD}};

/// No derivation that anybody should use, but another key for another salt.
FileKey key_of(std::byte secret) {
  return [secret](std::span<const std::byte, kFileSaltBytes> salt) {
    FileKeyBytes bytes;
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = salt[i % salt.size()] ^ secret;
    return bytes;
  };
}

using Answers = std::vector<std::vector<Hit>>;

class EncryptedIndexTest : public testing::TestWithParam<IndexKind> {
 protected:
  EncryptedIndexTest()
      : path_(std::filesystem::temp_directory_path() /
              ("visavis_encrypted_" + std::to_string(::getpid()))),
        rows_(fading_rows(kCount, kDimension, 1)),
        keys_(kCount) {
    std::iota(keys_.begin(), keys_.end(), 1);
    index_ = *make_index(GetParam(), kDimension);
    EXPECT_TRUE(index_->add(keys_, keys_, rows_));
    answers_ = *ask(*index_);
    EXPECT_TRUE(index_->save(path_, kStamp, key_));
  }
  ~EncryptedIndexTest() override { std::filesystem::remove(path_); }

  [[nodiscard]] std::span<const float> row(std::size_t i) const {
    return std::span(rows_).subspan(i * kDimension, kDimension);
  }
  [[nodiscard]] std::vector<std::byte> bytes() const { return *read_file(path_, 1 << 30); }
  [[nodiscard]] Result<Answers> ask(const VectorIndex& index) const {
    return index.search(std::span(rows_).first(kQueries * kDimension), kQueries, {.k = 5});
  }
  /// What the file as it is answers; nothing if it is refused, sooner or later.
  [[nodiscard]] std::optional<Answers> answer(const Stamp& stamp = kStamp) const {
    const auto opened = open_index(path_, stamp, key_);
    if (!opened) return std::nullopt;
    auto found = ask(**opened);
    if (!found) {
      EXPECT_EQ(found.error().code, ErrorCode::kDecodeFailed);
      return std::nullopt;
    }
    return *std::move(found);
  }
  static void expect_same(const Answers& some, const Answers& others) {
    ASSERT_EQ(some.size(), others.size());
    for (std::size_t q = 0; q < some.size(); ++q) {
      ASSERT_EQ(some[q].size(), others[q].size());
      for (std::size_t i = 0; i < some[q].size(); ++i) {
        EXPECT_EQ(some[q][i].key, others[q][i].key);
        EXPECT_EQ(some[q][i].similarity, others[q][i].similarity);
      }
    }
  }

  const FileKey key_ = key_of(std::byte{7});
  std::filesystem::path path_;
  std::vector<float> rows_;
  std::vector<std::uint64_t> keys_;
  std::unique_ptr<VectorIndex> index_;
  Answers answers_;
};

TEST_P(EncryptedIndexTest, AnswersAsBefore) {
  expect_same(*ask(*index_), answers_);
  const auto opened = open_index(path_, kStamp, key_);
  ASSERT_TRUE(opened) << opened.error().message;
  EXPECT_EQ((*opened)->size(), kCount);
  EXPECT_EQ(read_stamp(path_, key_).value(), kStamp);
  EXPECT_TRUE(check_index(path_, kStamp, key_));
  expect_same(*ask(**opened), answers_);
}

TEST_P(EncryptedIndexTest, AnswersThreadsThatNeedTheSamePages) {
  const auto opened = *open_index(path_, kStamp, key_);
  std::vector<Result<Answers>> found(4, Answers{});
  {
    std::vector<std::jthread> threads;
    for (auto& mine : found) threads.emplace_back([&] { mine = ask(*opened); });
  }
  for (const auto& mine : found) expect_same(mine.value(), answers_);
}

TEST_P(EncryptedIndexTest, HoldsNothingInClear) {
  const auto file = bytes();
  const auto plain = decrypted(file, key_);
  ASSERT_EQ(plain.size() / 4096 * kStoredPage + kHeadBytes, file.size());
  std::vector<std::byte> key_bytes;
  for (std::size_t i = 0; i < kCount; i += 50) {
    ASSERT_TRUE(holds(plain, row(i))) << "this is how it would stand there";
    EXPECT_FALSE(holds(file, row(i)));
  }
  // Nothing of any page, zeros of the emptiest included: codes, keys, the graph, the basis.
  for (std::size_t at = 0; at + 32 <= plain.size(); at += plain.size() / 499) {
    const auto piece = std::span(plain).subspan(at, 32);
    EXPECT_TRUE(std::ranges::search(file, piece).empty()) << at;
  }
  const FileKeyBytes own = key_(std::span(file).subspan<4, kFileSaltBytes>());
  EXPECT_TRUE(std::ranges::search(file, std::span(own).first(16)).empty()) << "the key";
}

TEST_P(EncryptedIndexTest, IsOfNoUseWithoutItsKey) {
  EXPECT_EQ(open_index(path_, kStamp).error().code, ErrorCode::kDecodeFailed);
  EXPECT_EQ(open_index(path_, kStamp, key_of(std::byte{8})).error().code, ErrorCode::kDecodeFailed);
  EXPECT_EQ(read_stamp(path_, key_of(std::byte{8})).error().code, ErrorCode::kDecodeFailed);
  ASSERT_TRUE(index_->save(path_, kStamp));
  EXPECT_EQ(open_index(path_, kStamp, key_).error().code, ErrorCode::kDecodeFailed) << "in clear";
  std::filesystem::remove(path_);
  EXPECT_EQ(open_index(path_, kStamp, key_).error().code, ErrorCode::kNotFound);
}

TEST_P(EncryptedIndexTest, RefusesAnotherStamp) {
  EXPECT_EQ(open_index(path_, kNext, key_).error().code, ErrorCode::kInvalidArgument);
  Stamp other = kStamp;
  other.model = ModelId{1};
  EXPECT_EQ(open_index(path_, other, key_).error().code, ErrorCode::kModelMismatch);
}

TEST_P(EncryptedIndexTest, IsRefusedOrAnswersAsBeforeWhateverIsFlippedOrCut) {
  const auto whole = bytes();
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 41) {
    ASSERT_TRUE(write_file(path_, std::span(whole).first(size)));
    EXPECT_EQ(open_index(path_, kStamp, key_).error().code, ErrorCode::kDecodeFailed) << size;
  }
  ASSERT_TRUE(write_file(path_, std::span(whole).first(whole.size() - kStoredPage)));
  EXPECT_FALSE(open_index(path_, kStamp, key_)) << "a page is missing";
  std::size_t refused = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < whole.size(); at += at < 24 ? 1 : 1 + whole.size() / 97, ++tried) {
    auto flipped = whole;
    flipped[at] ^= std::byte{1} << (at % 8);
    ASSERT_TRUE(write_file(path_, flipped));
    EXPECT_EQ(check_index(path_, kStamp, key_).error().code, ErrorCode::kDecodeFailed) << at;
    if (const auto found = answer()) {
      expect_same(*found, answers_);  // a row that nobody has asked for yet
    } else {
      ++refused;
    }
  }
  EXPECT_GT(refused, tried / 4);
}

TEST_P(EncryptedIndexTest, SaysThatARowIsDamagedWhenItIsNeeded) {
  auto file = bytes();
  // Zeros at the end of a page are found by looking for the first row's page.
  const FileKeyBytes own = key_(std::span(file).subspan<4, kFileSaltBytes>());
  std::size_t hit = 0;
  for (std::size_t i = 0; kHeadBytes + (i + 1) * kStoredPage <= file.size(); ++i) {
    auto stored = std::span(file).subspan(kHeadBytes + i * kStoredPage, kStoredPage);
    if (!holds(decrypted_page(stored, i, own), row(8))) continue;
    stored[2000] ^= std::byte{4};
    ++hit;
  }
  ASSERT_EQ(hit, 1);
  ASSERT_TRUE(write_file(path_, file));
  const auto opened = open_index(path_, kStamp, key_);
  ASSERT_TRUE(opened) << "nobody has needed it";
  EXPECT_EQ((*opened)->search(row(8), 1, {.k = 1}).error().code, ErrorCode::kDecodeFailed);
  EXPECT_EQ((*opened)->search(row(500), 1, {.k = 1}).error().code, ErrorCode::kDecodeFailed)
      << "nor is it trusted with another question";
  EXPECT_EQ((*opened)->save(path_.string() + ".2", kStamp, key_).error().code,
            ErrorCode::kDecodeFailed);
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".2"));
  EXPECT_FALSE((*opened)->remove(std::vector<std::uint64_t>{9}, kNext));
}

TEST_P(EncryptedIndexTest, KnowsWhichPageStandsWhere) {
  const auto whole = bytes();
  const std::size_t pages = (whole.size() - kHeadBytes) / kStoredPage;
  for (const auto& [a, b] : {std::pair<std::size_t, std::size_t>{0, 1},
                             {1, 2},
                             {pages - 2, pages - 1},
                             {pages / 2, pages - 3}}) {
    auto swapped = whole;
    std::ranges::swap_ranges(std::span(swapped).subspan(kHeadBytes + a * kStoredPage, kStoredPage),
                             std::span(swapped).subspan(kHeadBytes + b * kStoredPage, kStoredPage));
    ASSERT_TRUE(write_file(path_, swapped));
    EXPECT_FALSE(check_index(path_, kStamp, key_));
    if (const auto found = answer()) expect_same(*found, answers_);
  }
  // Nor does it take another file's, saved by the same key.
  ASSERT_TRUE(index_->save(path_, kStamp, key_));
  auto mixed = bytes();
  ASSERT_EQ(mixed.size(), whole.size());
  std::copy_n(whole.end() - kStoredPage, kStoredPage, mixed.end() - kStoredPage);
  ASSERT_TRUE(write_file(path_, mixed));
  EXPECT_FALSE(check_index(path_, kStamp, key_));
}

TEST_P(EncryptedIndexTest, OverwritesWhatItForgets) {
  const auto before = bytes();
  ASSERT_TRUE(index_->remove(std::vector<std::uint64_t>{42}, kNext));
  auto after = bytes();
  ASSERT_EQ(after.size(), before.size());
  EXPECT_TRUE(holds(decrypted(before, key_), row(41)));
  EXPECT_FALSE(holds(decrypted(after, key_), row(41)));
  EXPECT_TRUE(holds(decrypted(after, key_), row(40)));
  EXPECT_TRUE(check_index(path_, kNext, key_));
  index_ = *open_index(path_, kNext, key_);
  EXPECT_EQ(index_->size(), kCount - 1);
  // By one that has decrypted nothing of the row yet.
  const Stamp last{.count = kCount - 2, .generation = 14, .model = kStamp.model};
  ASSERT_TRUE(index_->remove(std::vector<std::uint64_t>{1500}, last));
  after = bytes();
  EXPECT_FALSE(holds(decrypted(after, key_), row(1499)));
  EXPECT_TRUE(holds(decrypted(after, key_), row(1500)));
  EXPECT_TRUE(check_index(path_, last, key_));
  const auto found = index_->search(row(1499), 1, {.k = 1}).value();
  EXPECT_NE(found.front().front().key, 1500);
}

TEST_P(EncryptedIndexTest, NeverUsesANonceAgain) {
  std::set<std::vector<std::byte>> seen;
  std::size_t written = 0;
  auto last = bytes();
  const auto note = [&](std::size_t page) {
    const auto nonce = std::span(last).subspan(kHeadBytes + page * kStoredPage, 12);
    seen.insert(std::vector<std::byte>(nonce.begin(), nonce.end()));
    ++written;
  };
  const std::size_t pages = (last.size() - kHeadBytes) / kStoredPage;
  for (std::size_t i = 0; i < pages; ++i) note(i);
  for (std::uint64_t key = 1; key < 60; key += 7) {
    ASSERT_TRUE(index_->remove(std::vector<std::uint64_t>{key}, kNext));
    const auto before = std::exchange(last, bytes());
    std::size_t changed = 0;
    for (std::size_t i = 0; i < pages; ++i) {
      const auto stored = [&](const std::vector<std::byte>& file) {
        return std::span(file).subspan(kHeadBytes + i * kStoredPage, kStoredPage);
      };
      if (std::ranges::equal(stored(before), stored(last))) continue;
      note(i);
      ++changed;
      std::size_t same = 0;  // of 4,096 bytes that are encrypted otherwise, 16 or so by chance
      for (std::size_t b = 12; b < 12 + 4096; ++b) same += stored(before)[b] == stored(last)[b];
      EXPECT_LT(same, 64U) << "nothing of the old page is left";
    }
    EXPECT_GE(changed, 3U) << "the row, its counts and the header";
  }
  EXPECT_EQ(seen.size(), written);
}

/// The power may fail while pages of a removal are on their way; the header goes last.
TEST_P(EncryptedIndexTest, IsRefusedUnlessARemovalIsWhole) {
  const auto before = bytes();
  ASSERT_TRUE(index_->remove(std::vector<std::uint64_t>{42}, kNext));
  const auto after = bytes();
  std::vector<std::size_t> changed;
  for (std::size_t at = kHeadBytes; at < after.size(); at += kStoredPage)
    if (!std::ranges::equal(std::span(before).subspan(at, kStoredPage),
                            std::span(after).subspan(at, kStoredPage)))
      changed.push_back(at);
  ASSERT_EQ(changed.front(), kHeadBytes) << "the header is one of them";
  ASSERT_LT(changed.size(), 12);
  for (std::size_t some = 0; some < std::size_t{1} << (changed.size() - 1); ++some) {
    auto torn = before;
    for (std::size_t i = 1; i < changed.size(); ++i)
      if ((some >> (i - 1) & 1) != 0)
        std::copy_n(&after[changed[i]], kStoredPage, &torn[changed[i]]);
    ASSERT_TRUE(write_file(path_, torn));
    EXPECT_FALSE(open_index(path_, kNext, key_)) << "what the store expects by now";
  }
  auto torn = before;
  for (const std::size_t at : changed) std::copy_n(&after[at], kStoredPage, &torn[at]);
  std::copy_n(&before[changed.back()], kStoredPage / 2, &torn[changed.back()]);
  ASSERT_TRUE(write_file(path_, torn));
  EXPECT_FALSE(check_index(path_, kNext, key_)) << "half a page";
}

TEST_P(EncryptedIndexTest, GoesOnAfterAnAdd) {
  index_ = *open_index(path_, kStamp, key_);
  const auto more = fading_rows(30, kDimension, 2);
  std::vector<std::uint64_t> keys(30);
  std::iota(keys.begin(), keys.end(), 10'000);
  ASSERT_TRUE(index_->add(keys, keys, more));
  ASSERT_TRUE(index_->remove(std::vector<std::uint64_t>{2}, kNext));
  EXPECT_FALSE(holds(decrypted(bytes(), key_), row(1)));
  EXPECT_FALSE(open_index(path_, kNext, key_)) << "the file lacks vectors";
  const Stamp now{.count = kCount + 29, .generation = 14, .model = kStamp.model};
  ASSERT_TRUE(index_->save(path_, now, key_));
  index_ = *open_index(path_, now, key_);
  EXPECT_EQ(index_->size(), kCount + 29);
  EXPECT_TRUE(check_index(path_, now, key_));
  EXPECT_EQ(index_->search(std::span(more).first(kDimension), 1, {.k = 1}).value()[0][0].key,
            10'000);
}

INSTANTIATE_TEST_SUITE_P(Kinds, EncryptedIndexTest,
                         testing::Values(IndexKind::kExact, IndexKind::kHnsw),
                         [](const auto& kind) { return std::string(to_string(kind.param)); });

}  // namespace
}  // namespace visavis::index
