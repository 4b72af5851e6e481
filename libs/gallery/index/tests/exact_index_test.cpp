#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <thread>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>

#include "vectors.hpp"

namespace visavis::index {
namespace {

Slow people(std::size_t count, std::size_t dimension, std::size_t per_group) {
  Slow slow{.keys = std::vector<std::uint64_t>(count),
            .groups = std::vector<std::uint64_t>(count),
            .rows = unit_rows(count, dimension, 7),
            .dimension = dimension};
  std::iota(slow.keys.begin(), slow.keys.end(), 1000);
  for (std::size_t i = 0; i < count; ++i) slow.groups[i] = i / per_group;
  return slow;
}

std::unique_ptr<VectorIndex> index_of(const Slow& slow) {
  auto index = make_exact_index(slow.dimension);
  EXPECT_TRUE(index);
  EXPECT_TRUE((*index)->add(slow.keys, slow.groups, slow.rows));
  return *std::move(index);
}

void expect_same(const std::vector<Hit>& got, const std::vector<Hit>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) {
    EXPECT_NEAR(got[i].similarity, wanted[i].similarity, 1e-6) << "rank " << i;
    EXPECT_EQ(got[i].key, wanted[i].key) << "rank " << i;
    EXPECT_EQ(got[i].group, wanted[i].group) << "rank " << i;
  }
}

TEST(ExactIndex, AnswersAsDoublePrecisionDoes) {
  for (const std::size_t dimension : {1U, 31U, 32U, 100U, 192U, 512U}) {
    const Slow slow = people(dimension == 1 ? 2 : 3000, dimension, 3);
    const auto index = index_of(slow);
    const auto queries = unit_rows(5, dimension, 99);
    for (const Grouping grouping : {Grouping::kNone, Grouping::kBestPerGroup}) {
      const SearchOptions options{.k = 10, .grouping = grouping};
      const auto hits = index->search(queries, 5, options);
      ASSERT_TRUE(hits);
      for (std::size_t q = 0; q < 5; ++q) {
        const auto query = std::span(queries).subspan(q * dimension, dimension);
        expect_same((*hits)[q], slow.search(query, options));
      }
    }
  }
}

TEST(ExactIndex, AnswersTheSameWithWorkersAndAcrossSegments) {
  const Slow slow = people(20000, 512, 4);  // more than two segments of 8,192 rows
  const auto index = index_of(slow);
  const auto queries = unit_rows(3, 512, 5);
  const auto pool = make_thread_pool(3);
  const SearchOptions options{.k = 20, .grouping = Grouping::kBestPerGroup};
  const auto hits = index->search(queries, 3, options, pool.get());
  ASSERT_TRUE(hits);
  for (std::size_t q = 0; q < 3; ++q) {
    expect_same((*hits)[q], slow.search(std::span(queries).subspan(q * 512, 512), options));
  }
}

TEST(ExactIndex, OrdersEqualSimilaritiesByKey) {
  auto index = *make_exact_index(4);
  const std::vector<float> rows = {1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0};
  ASSERT_TRUE(index->add(std::vector<std::uint64_t>{9, 3, 5, 1},
                         std::vector<std::uint64_t>{1, 2, 1, 3}, rows));
  const std::vector<float> query = {1, 0, 0, 0};
  const auto all = index->search(query, 1, {.k = 2});
  ASSERT_TRUE(all);
  ASSERT_EQ((*all)[0].size(), 2);
  EXPECT_EQ((*all)[0][0].key, 3);
  EXPECT_EQ((*all)[0][1].key, 5);
  const auto grouped = index->search(query, 1, {.k = 9, .grouping = Grouping::kBestPerGroup});
  ASSERT_TRUE(grouped);
  ASSERT_EQ((*grouped)[0].size(), 3);
  EXPECT_EQ((*grouped)[0][1].key, 5);
  EXPECT_EQ((*grouped)[0][2].key, 1);
}

TEST(ExactIndex, ForgetsAndTakesAKeyAgain) {
  Slow slow = people(9000, 64, 1);
  const auto index = index_of(slow);
  const auto first = std::span(slow.rows).first(64);
  const auto removed = index->remove(std::vector<std::uint64_t>{1000, 1000, 5}, {});
  ASSERT_TRUE(removed);
  EXPECT_EQ(*removed, 1);
  EXPECT_EQ(index->size(), 8999);
  auto hits = index->search(first, 1, {.k = 1});
  ASSERT_TRUE(hits);
  EXPECT_NE((*hits)[0][0].key, 1000);
  ASSERT_TRUE(index->add(std::vector<std::uint64_t>{1000}, std::vector<std::uint64_t>{77}, first));
  hits = index->search(first, 1, {.k = 1});
  ASSERT_TRUE(hits);
  EXPECT_EQ((*hits)[0][0].key, 1000);
  EXPECT_EQ((*hits)[0][0].group, 77);
}

TEST(ExactIndex, RefusesWhatIsNotAVector) {
  auto index = *make_exact_index(2);
  const std::vector<std::uint64_t> one = {1};
  const float nan = std::numeric_limits<float>::quiet_NaN();
  for (const std::vector<float>& bad : std::vector<std::vector<float>>{
           {0, 0}, {nan, 1}, {1}, {1, 0, 0}, {2, 0}, {std::numeric_limits<float>::infinity(), 0}}) {
    const auto added = index->add(one, one, bad);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, ErrorCode::kInvalidArgument);
    EXPECT_FALSE(index->search(bad, 1, {}));
  }
  EXPECT_FALSE(index->search(std::vector<float>{1, 0}, 1, {.k = 0}));
  EXPECT_FALSE(index->add(std::vector<std::uint64_t>{4, 4}, std::vector<std::uint64_t>{1, 2},
                          std::vector<float>{1, 0, 0, 1}));
  EXPECT_EQ(index->size(), 0);
  EXPECT_TRUE(index->add(one, one, std::vector<float>{1, 0}));
  EXPECT_FALSE(index->add(one, one, std::vector<float>{1, 0}));
  EXPECT_FALSE(make_exact_index(0));
}

// Pairs of opposite vectors come and go together; a search that saw half of an add or a remove
// would find one of a pair without the other.
TEST(ExactIndex, NeverShowsHalfAChange) {
  constexpr std::size_t kDimension = 64;
  auto index = *make_exact_index(kDimension);
  const auto pairs = unit_rows(32, kDimension, 3);
  std::atomic<bool> done = false;
  std::thread writer([&] {
    for (std::uint64_t round = 0; round < 300; ++round) {
      const auto row = std::span(pairs).subspan(round % 32 * kDimension, kDimension);
      std::vector<float> both(row.begin(), row.end());
      for (const float x : row) both.push_back(-x);
      const std::vector<std::uint64_t> keys = {2 * round, 2 * round + 1};
      EXPECT_TRUE(index->add(keys, keys, both));
      if (round >= 8) {
        EXPECT_TRUE(
            index->remove(std::vector<std::uint64_t>{2 * (round - 8), 2 * (round - 8) + 1}, {}));
      }
    }
    done = true;
  });
  while (!done) {
    const auto hits = index->search(std::span(pairs).first(kDimension), 1, {.k = 100});
    ASSERT_TRUE(hits);
    double sum = 0;
    for (const Hit& hit : (*hits)[0]) sum += hit.similarity;
    EXPECT_EQ((*hits)[0].size() % 2, 0);
    EXPECT_NEAR(sum, 0, 1e-4);
  }
  writer.join();
}

}  // namespace
}  // namespace visavis::index
