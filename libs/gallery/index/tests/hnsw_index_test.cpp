#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <thread>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/file.hpp>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>
#include <visavis/vocab/embedding.hpp>

#include "graph.hpp"
#include "index_file.hpp"
#include "vectors.hpp"

namespace visavis::index {
namespace {

constexpr std::size_t kDimension = 128;
constexpr std::size_t kCount = 4000;
constexpr std::size_t kQueries = 20;

Slow some_people(std::size_t count) {
  Slow slow{.keys = std::vector<std::uint64_t>(count),
            .groups = std::vector<std::uint64_t>(count),
            .rows = fading_rows(count, kDimension, 7),
            .dimension = kDimension};
  std::iota(slow.keys.begin(), slow.keys.end(), 100);
  for (std::size_t i = 0; i < count; ++i) slow.groups[i] = i / 3;
  return slow;
}

class HnswIndexTest : public testing::Test {
 protected:
  HnswIndexTest()
      : path_(std::filesystem::temp_directory_path() /
              ("visavis_hnsw_" + std::to_string(::getpid()))),
        slow_(some_people(kCount)),
        index_(*make_hnsw_index(kDimension)) {
    EXPECT_TRUE(index_->add(slow_.keys, slow_.groups, slow_.rows));
  }
  ~HnswIndexTest() override { std::filesystem::remove(path_); }

  [[nodiscard]] static Stamp stamp(std::size_t count) {
    return {.count = count, .generation = 1, .model = ModelId{5}};
  }
  [[nodiscard]] std::span<const float> row(std::size_t i) const {
    return std::span(slow_.rows).subspan(i * kDimension, kDimension);
  }
  [[nodiscard]] std::vector<std::byte> bytes() const { return *read_file(path_, 1 << 30); }
  [[nodiscard]] bool on_disk(std::size_t i) const { return holds(bytes(), row(i)); }

  void forget(std::size_t first, std::size_t count) {
    const auto from = static_cast<std::ptrdiff_t>(first);
    const auto to = static_cast<std::ptrdiff_t>(first + count);
    const std::vector<std::uint64_t> keys(slow_.keys.begin() + from, slow_.keys.begin() + to);
    const auto removed = index_->remove(keys, stamp(slow_.keys.size() - count));
    ASSERT_TRUE(removed);
    EXPECT_EQ(*removed, count);
    slow_.keys.erase(slow_.keys.begin() + from, slow_.keys.begin() + to);
    slow_.groups.erase(slow_.groups.begin() + from, slow_.groups.begin() + to);
    constexpr auto kStep = static_cast<std::ptrdiff_t>(kDimension);
    slow_.rows.erase(slow_.rows.begin() + from * kStep, slow_.rows.begin() + to * kStep);
  }

  void add(std::span<const float> rows, std::uint64_t key, Executor* executor = nullptr) {
    std::vector<std::uint64_t> keys(rows.size() / kDimension);
    std::iota(keys.begin(), keys.end(), key);
    ASSERT_TRUE(index_->add(keys, keys, rows, executor));
    slow_.keys.insert(slow_.keys.end(), keys.begin(), keys.end());
    slow_.groups.insert(slow_.groups.end(), keys.begin(), keys.end());
    slow_.rows.insert(slow_.rows.end(), rows.begin(), rows.end());
  }

  // Every answer is in order and of the right similarity, and as good as all are the right ones.
  void expect_found(Executor* executor = nullptr) const {
    auto queries = fading_rows(kQueries / 2, kDimension, 7);  // rows
    const auto others = fading_rows(kQueries / 2, kDimension, 77);
    queries.insert(queries.end(), others.begin(), others.end());
    for (const Grouping grouping : {Grouping::kNone, Grouping::kBestPerGroup}) {
      const SearchOptions options{.k = 10, .grouping = grouping};
      const auto hits = index_->search(queries, kQueries, options, executor);
      ASSERT_TRUE(hits);
      std::size_t first = 0;
      std::size_t ten = 0;
      for (std::size_t q = 0; q < kQueries; ++q) {
        const auto wanted =
            slow_.search(std::span(queries).subspan(q * kDimension, kDimension), options);
        const std::vector<Hit>& got = (*hits)[q];
        ASSERT_EQ(got.size(), wanted.size());
        EXPECT_TRUE(std::ranges::is_sorted(got, std::ranges::greater{}, &Hit::similarity));
        if (got[0].key == wanted[0].key) ++first;
        for (const Hit& hit : got) {
          const auto same = std::ranges::find(wanted, hit.key, &Hit::key);
          if (same == wanted.end()) continue;
          ++ten;
          EXPECT_EQ(hit.group, same->group);
          EXPECT_NEAR(hit.similarity, same->similarity, 1e-6);
        }
      }
      EXPECT_EQ(first, kQueries);
      EXPECT_GE(ten, kQueries * 10 * 98 / 100);
    }
  }

  std::filesystem::path path_;
  Slow slow_;
  std::unique_ptr<VectorIndex> index_;
};

TEST_F(HnswIndexTest, FindsWhatComparingWithEveryVectorFinds) {
  EXPECT_EQ(index_->kind(), IndexKind::kHnsw);
  expect_found();
  const auto pool = make_thread_pool(3);
  expect_found(pool.get());
}

TEST_F(HnswIndexTest, FindsAfterEveryKindOfChange) {
  forget(0, 1);
  forget(1000, 3);
  add(fading_rows(50, kDimension, 9), 1000000);
  expect_found();
  ASSERT_TRUE(index_->save(path_, stamp(slow_.keys.size())));
  expect_found();
  forget(70, 1);
  index_ = *open_index(path_, stamp(slow_.keys.size()));
  EXPECT_EQ(index_->kind(), IndexKind::kHnsw);
  EXPECT_EQ(index_->size(), slow_.keys.size());
  expect_found();
  add(fading_rows(50, kDimension, 10), 2000000);
  expect_found();
  ASSERT_TRUE(index_->save(path_, stamp(slow_.keys.size())));
  index_ = *open_index(path_, stamp(slow_.keys.size()));
  expect_found();
}

TEST_F(HnswIndexTest, FindsWhatSeveralWorkersHaveLinked) {
  const auto pool = make_thread_pool(4);
  index_ = *make_hnsw_index(kDimension);
  ASSERT_TRUE(index_->add(slow_.keys, slow_.groups, slow_.rows, pool.get()));
  expect_found();
  const auto rows = fading_rows(600, kDimension, 12);
  add(rows, 1000000, pool.get());
  expect_found();
  // Nobody is lost: with all in view every row is met.
  for (std::size_t i = 0; i < kCount; i += 5) {
    const auto hits = index_->search(row(i), 1, {.k = 1, .reach = kCount + 600}).value();
    EXPECT_EQ(hits.front().front().key, slow_.keys[i]);
  }
  ASSERT_TRUE(index_->save(path_, stamp(slow_.keys.size())));
  index_ = *open_index(path_, stamp(slow_.keys.size()));
  expect_found();
}

TEST_F(HnswIndexTest, FindsMoreTheMoreIsInView) {
  const auto queries = fading_rows(200, kDimension, 77);
  const auto found = [&](std::size_t reach) {
    const auto hits = index_->search(queries, 200, {.k = 1, .reach = reach}).value();
    std::size_t right = 0;
    for (std::size_t q = 0; q < 200; ++q) {
      const auto query = std::span(queries).subspan(q * kDimension, kDimension);
      if (hits[q].front().key == slow_.search(query, {.k = 1}).front().key) ++right;
    }
    return right;
  };
  EXPECT_LT(found(1), found(kCount));
  EXPECT_EQ(found(kCount), 200);
}

// A graph loses its way where too many rows are gone, unless they are walked through.
TEST_F(HnswIndexTest, FindsWhenMostAreGone) {
  forget(40, 3000);
  expect_found();
  EXPECT_EQ(index_->size(), 1000);
  add(fading_rows(2000, kDimension, 11), 1000000);
  expect_found();
  ASSERT_TRUE(index_->save(path_, stamp(slow_.keys.size())));
  EXPECT_EQ(map_index_file(path_)->graph->size(), slow_.keys.size()) << "removed rows are left out";
  expect_found();
}

TEST_F(HnswIndexTest, OverwritesWhatItForgets) {
  ASSERT_TRUE(index_->save(path_, stamp(kCount)));
  ASSERT_TRUE(on_disk(41));
  const std::vector<std::int8_t> nothing(32);
  EXPECT_NE(map_index_file(path_)->segments[0].code(41).walk, nothing);
  ASSERT_TRUE(index_->remove(std::vector{slow_.keys[41]}, stamp(kCount - 1)));
  EXPECT_FALSE(on_disk(41));
  EXPECT_TRUE(on_disk(42));
  const auto file = map_index_file(path_);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->segments[0].code(41).walk, nothing);
  EXPECT_NE(file->segments[0].code(42).walk, nothing);
  const auto hits = index_->search(row(41), 1, {.k = 100});
  ASSERT_TRUE(hits);
  EXPECT_EQ((*hits)[0].size(), 100);
  for (const Hit& hit : (*hits)[0]) EXPECT_NE(hit.key, slow_.keys[41]);
}

TEST_F(HnswIndexTest, KeepsNoCopyOfRowsThatMoveOutOfTheFile) {
  ASSERT_TRUE(index_->save(path_, stamp(kCount)));
  ASSERT_TRUE(on_disk(3999));
  add(row(0), 1000000);  // the last segment has room, and files are not added to
  forget(3999, 1);
  EXPECT_FALSE(open_index(path_, stamp(kCount)));
  slow_ = some_people(kCount);
  EXPECT_FALSE(on_disk(3999));
}

TEST_F(HnswIndexTest, AnswersWhatAWalkCannot) {
  // More than the walk has in view, and more of one group than there are others in view.
  const auto all = index_->search(row(0), 1, {.k = kCount});
  ASSERT_TRUE(all);
  EXPECT_EQ((*all)[0].size(), kCount);
  index_ = *make_hnsw_index(kDimension);
  std::ranges::fill(slow_.groups, 1);
  slow_.groups[3500] = 2;
  ASSERT_TRUE(index_->add(slow_.keys, slow_.groups, slow_.rows));
  const auto groups = index_->search(row(0), 1, {.k = 10, .grouping = Grouping::kBestPerGroup});
  ASSERT_TRUE(groups);
  ASSERT_EQ((*groups)[0].size(), 2);
  EXPECT_EQ((*groups)[0][0].key, slow_.keys[0]);
  EXPECT_EQ((*groups)[0][1].key, slow_.keys[3500]);
}

TEST_F(HnswIndexTest, HoldsNoneOneAndEqualVectors) {
  auto index = *make_hnsw_index(kDimension);
  EXPECT_EQ((*index->search(row(0), 1, {}))[0].size(), 0);
  ASSERT_TRUE(index->save(path_, stamp(0)));
  index = *open_index(path_, stamp(0));
  EXPECT_EQ(index->kind(), IndexKind::kHnsw);
  EXPECT_EQ((*index->search(row(0), 1, {}))[0].size(), 0);
  ASSERT_TRUE(index->add(std::vector{slow_.keys[0]}, std::vector{slow_.groups[0]}, row(0)));
  EXPECT_EQ((*index->search(row(1), 1, {}))[0][0].key, slow_.keys[0]);
  std::vector<float> equal;
  std::vector<std::uint64_t> keys(3000);
  std::iota(keys.begin(), keys.end(), 1000000);
  for (std::size_t i = 0; i < keys.size(); ++i)
    equal.insert(equal.end(), row(2).begin(), row(2).end());
  ASSERT_TRUE(index->add(keys, keys, equal));
  const auto hits = *index->search(row(2), 1, {.k = 20});
  ASSERT_EQ(hits[0].size(), 20);
  for (const Hit& hit : hits[0]) EXPECT_NEAR(hit.similarity, 1, 1e-3);
}

TEST_F(HnswIndexTest, RefusesWhatIsNotAVector) {
  std::vector<float> bad(row(0).begin(), row(0).end());
  bad[3] = std::numeric_limits<float>::quiet_NaN();
  const std::vector<std::uint64_t> one = {1};
  EXPECT_EQ(index_->add(one, one, bad).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(index_->search(bad, 1, {}).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(index_->add(std::vector{slow_.keys[3]}, one, row(0)).error().code,
            ErrorCode::kInvalidArgument);
  EXPECT_FALSE(make_hnsw_index(0));
  EXPECT_EQ(index_->size(), kCount);
}

TEST_F(HnswIndexTest, RefusesEveryTruncationAndFlippedBit) {
  ASSERT_TRUE(index_->save(path_, stamp(kCount)));
  const auto whole = bytes();
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 53) {
    ASSERT_TRUE(write_file(path_, std::span(whole).first(size)));
    EXPECT_EQ(open_index(path_, stamp(kCount)).error().code, ErrorCode::kDecodeFailed) << size;
  }
  for (std::size_t at = 4096; at < whole.size(); at += 1 + whole.size() / 211) {
    auto flipped = whole;
    flipped[at] ^= std::byte{1} << (at % 8);
    ASSERT_TRUE(write_file(path_, flipped));
    EXPECT_FALSE(open_index(path_, stamp(kCount))) << "byte " << at;
  }
}

// What the checksum would let through if somebody had made it.
TEST_F(HnswIndexTest, RefusesAGraphThatLeadsNowhere) {
  ASSERT_TRUE(index_->save(path_, stamp(kCount)));
  const auto whole = map_index_file(path_)->graph->bytes();
  ASSERT_TRUE(Graph::read(whole));
  for (std::size_t size = 0; size < whole.size(); size += 1 + whole.size() / 53) {
    EXPECT_FALSE(Graph::read(std::span(whole).first(size))) << size;
  }
  std::size_t refused = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at + 4 < whole.size(); at += 1 + whole.size() / 997) {
    auto wrong = whole;
    std::fill_n(wrong.begin() + static_cast<std::ptrdiff_t>(at), 4, std::byte{0x7F});
    ++tried;
    if (!Graph::read(wrong)) ++refused;
  }
  // What it lets through are numbers in no use: keys, and room for links behind a row's last one.
  EXPECT_GT(refused, tried / 2);
}

// Pairs of equal vectors come and go together; a search that saw half of an add or a remove would
// find one of a pair without the other.
TEST_F(HnswIndexTest, NeverShowsHalfAChange) {
  constexpr std::uint64_t kRounds = 60;
  constexpr std::uint64_t kFirst = 1000000;
  const auto pairs = unit_rows(kRounds, kDimension, 3);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (std::uint64_t round = 0; round < kRounds; ++round) {
      const auto row = std::span(pairs).subspan(round * kDimension, kDimension);
      std::vector<float> both(row.begin(), row.end());
      both.insert(both.end(), row.begin(), row.end());
      const std::vector<std::uint64_t> keys = {kFirst + 2 * round, kFirst + 2 * round + 1};
      EXPECT_TRUE(index_->add(keys, keys, both));
      if (round < 8) continue;
      const std::uint64_t gone = kFirst + 2 * (round - 8);
      EXPECT_TRUE(index_->remove(std::vector<std::uint64_t>{gone, gone + 1}, {}));
    }
    done = true;
  });
  std::size_t asked = 0;
  while (!done) {
    const auto query = std::span(pairs).subspan(asked++ % kRounds * kDimension, kDimension);
    const auto hits = index_->search(query, 1, {.k = 10});
    ASSERT_TRUE(hits);
    std::size_t of_pair = 0;
    for (const Hit& hit : (*hits)[0]) {
      ASSERT_GE(hit.key, 100) << "a removed row";
      EXPECT_LE(hit.similarity, 1.001F);
      if (hit.similarity > .99F) ++of_pair;
    }
    EXPECT_TRUE(of_pair == 0 || of_pair == 2) << of_pair;
  }
  writer.join();
}

}  // namespace
}  // namespace visavis::index
