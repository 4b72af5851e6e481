#include "codes.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/file.hpp>
#include <visavis/core/half.hpp>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>
#include <visavis/vocab/embedding.hpp>

#include "dot.hpp"
#include "index_file.hpp"
#include "plan.hpp"
#include "segment.hpp"
#include "vectors.hpp"

namespace visavis::index {
namespace {

constexpr std::size_t kDimension = 128;
constexpr std::size_t kCount = 5000;

std::vector<std::uint16_t> halves_of(std::span<const float> rows) {
  std::vector<std::uint16_t> halves(rows.size());
  std::ranges::transform(rows, halves.begin(), to_half);
  return halves;
}

// The least that a bound exceeds the similarity by, over all pairs; below zero a bound is wrong.
struct Excess {
  double coarse = 1;
  double fine = 1;
};

Excess least_excess(const Plan& plan, std::span<const float> rows, std::span<const float> queries,
                    std::size_t dimension) {
  const std::size_t count = rows.size() / dimension;
  const Layout layout{.stride = dimension,
                      .capacity = round_up(count, std::size_t{64}),
                      .prefix = plan.prefix(),
                      .form = plan.form};
  const Segment segment(*Mapping::anonymous(layout.bytes()), 0, layout);
  Segment filling = segment;
  const auto halves = halves_of(rows);
  Encoder encoder(plan, dimension);
  std::vector<const std::uint16_t*> fine(count);
  for (std::size_t i = 0; i < count; ++i) {
    const std::span row(&halves[i * dimension], dimension);
    filling.append(i, i, row, &encoder.encode(row.data()));
    fine[i] = segment.fine(i);
  }
  const std::size_t groups = (count + kCodeRows - 1) / kCodeRows;
  Excess least;
  std::vector<float> told(groups * kCodeRows);
  std::vector<float> bounds(groups * kCodeRows);
  std::vector<std::uint16_t> masks(groups);
  std::vector<float> sums(count);
  for (std::size_t q = 0; q < queries.size() / dimension; ++q) {
    const auto query = queries.subspan(q * dimension, dimension);
    const std::vector<CodedQuery> coded = {code_query(plan, query)};
    const float floor = .1F;
    bound_codes(segment.coarse(), segment.factors(), groups, coded, &floor,
                {.told = told.data(), .bounds = bounds.data(), .masks = masks.data()});
    add_fine(fine, coded[0], sums.data());
    for (std::size_t i = 0; i < count; ++i) {
      float score = 0;
      dot_f16(&halves[i * dimension], 1, query.data(), 1, dimension, &score);
      const auto factor = [&](std::size_t which) {
        return from_half(segment.factors()[factor_at(i, which)]);
      };
      const float fine_bound = bounds[i] - coded[0].head * factor(2) + sums[i];
      least.coarse = std::min(least.coarse, static_cast<double>(bounds[i]) - score);
      least.fine = std::min(least.fine, static_cast<double>(fine_bound) - score);
      EXPECT_LT(told[i], bounds[i]);
      EXPECT_EQ(masks[i / kCodeRows] >> (i % kCodeRows) & 1, bounds[i] >= floor ? 1 : 0);
    }
  }
  return least;
}

// Unit rows around a few centres.
std::vector<float> clustered_rows(std::size_t count, std::size_t dimension, std::uint64_t seed) {
  const auto centres = unit_rows(10, dimension, seed + 1);
  auto rows = unit_rows(count, dimension, seed);
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    for (std::size_t d = 0; d < dimension; ++d) {
      float& x = rows[i * dimension + d];
      x = .6F * x + .8F * centres[i % 10 * dimension + d];
      sum += static_cast<double>(x) * x;
    }
    for (std::size_t d = 0; d < dimension; ++d) {
      rows[i * dimension + d] /= static_cast<float>(std::sqrt(sum));
    }
  }
  return rows;
}

// One coordinate is all: far outside of what the codes of anything else reach.
std::vector<float> spikes(std::size_t dimension) {
  std::vector<float> rows(dimension * dimension);
  for (std::size_t i = 0; i < dimension; ++i) rows[i * dimension + i] = i % 2 == 0 ? 1 : -1;
  return rows;
}

TEST(Codes, BoundsAreNeverBelowTheSimilarity) {
  for (const std::size_t dimension : {kDimension, std::size_t{512}}) {
    const auto fading = fading_rows(1000, dimension, 3);
    const auto even = unit_rows(1000, dimension, 4);
    const auto clustered = clustered_rows(1000, dimension, 5);
    const auto learned = learn_plan(halves_of(fading), dimension);
    const auto whole = learn_plan(halves_of(even), dimension);
    ASSERT_FALSE(learned->basis.empty());
    ASSERT_TRUE(whole->basis.empty());
    const auto lone = spikes(dimension);
    for (const auto& plan : {learned, whole, learn_plan(halves_of(clustered), dimension)}) {
      for (const auto& rows : {fading, even, clustered, lone}) {
        // Queries among the rows themselves meet the largest similarities.
        for (const auto& queries : {fading, even, clustered, lone}) {
          const auto few = std::span(queries).first(20 * dimension);
          const Excess excess = least_excess(*plan, rows, few, dimension);
          EXPECT_GE(excess.coarse, 0);
          EXPECT_GE(excess.fine, 0);
        }
      }
    }
  }
}

TEST(Codes, BoundIsTightWhereTheDirectionsHoldNearlyAll) {
  const auto rows = fading_rows(3000, kDimension, 3);
  const auto plan = learn_plan(halves_of(rows), kDimension);
  const Excess excess =
      least_excess(*plan, rows, std::span(rows).first(60 * kDimension), kDimension);
  // A normal coordinate loses .0115 of its square to 16 levels (Max 1960, table II), and the error
  // cannot exceed the root of that, plus the .5 % outside: .107 + .005.
  EXPECT_LT(excess.coarse, .112);
  EXPECT_LT(excess.fine, .02);
}

// 40 directions with variances exp(-.16 a): the first 32 of them hold 99.5 % (a geometric sum).
TEST(Plan, KeepsTheDirectionsThatHoldEnough) {
  const auto rows = fading_rows(3000, kDimension, 5);
  const auto plan = learn_plan(halves_of(rows), kDimension);
  EXPECT_EQ(plan->prefix(), 32);
  EXPECT_EQ(plan->basis.size(), 32 * kDimension);
  EXPECT_EQ(plan->sample, 3000);
}

TEST(Plan, KeepsAllCoordinatesOfWhatHasNoDirection) {
  const auto plan = learn_plan(halves_of(unit_rows(3000, kDimension, 5)), kDimension);
  EXPECT_TRUE(plan->basis.empty());
  EXPECT_EQ(plan->prefix(), kDimension);
}

TEST(Plan, IsNotLearnedFromAFew) {
  EXPECT_EQ(wanted_sample(1000, 512), 0);
  EXPECT_GT(wanted_sample(10000, 512), 0);
  EXPECT_EQ(wanted_sample(10000, 32), 0);
  EXPECT_EQ(wanted_sample(10000, 8192), 0);
}

// Vectors that all lie in one line leave Gram and Schmidt nothing to divide by.
TEST(Plan, OutlivesEqualVectors) {
  std::vector<float> rows(3000 * kDimension);
  for (std::size_t i = 0; i < 3000; ++i) rows[i * kDimension + 5] = 1;
  const auto plan = learn_plan(halves_of(rows), kDimension);
  const Excess excess = least_excess(*plan, rows, std::span(rows).first(kDimension), kDimension);
  EXPECT_GE(excess.coarse, 0);
  EXPECT_GE(excess.fine, 0);
}

class CodedIndexTest : public testing::Test {
 protected:
  CodedIndexTest()
      : path_(std::filesystem::temp_directory_path() /
              ("visavis_codes_" + std::to_string(::getpid()))) {
    slow_ = {.keys = std::vector<std::uint64_t>(kCount),
             .groups = std::vector<std::uint64_t>(kCount),
             .rows = fading_rows(kCount, kDimension, 7),
             .dimension = kDimension};
    std::iota(slow_.keys.begin(), slow_.keys.end(), 100);
    for (std::size_t i = 0; i < kCount; ++i) slow_.groups[i] = i / 3;
    index_ = *make_exact_index(kDimension);
    EXPECT_TRUE(index_->add(slow_.keys, slow_.groups, slow_.rows));
  }
  ~CodedIndexTest() override { std::filesystem::remove(path_); }

  [[nodiscard]] static Stamp stamp(std::size_t count) {
    return {.count = count, .generation = 1, .model = ModelId{5}};
  }

  void forget(std::size_t i) {
    ASSERT_TRUE(index_->remove(std::vector{slow_.keys[i]}, {}));
    const auto at = static_cast<std::ptrdiff_t>(i);
    slow_.keys.erase(slow_.keys.begin() + at);
    slow_.groups.erase(slow_.groups.begin() + at);
    const auto row = slow_.rows.begin() + at * static_cast<std::ptrdiff_t>(kDimension);
    slow_.rows.erase(row, row + kDimension);
  }

  void add(std::span<const float> rows, std::uint64_t key) {
    const std::size_t count = rows.size() / kDimension;
    std::vector<std::uint64_t> keys(count);
    std::iota(keys.begin(), keys.end(), key);
    ASSERT_TRUE(index_->add(keys, keys, rows));
    slow_.keys.insert(slow_.keys.end(), keys.begin(), keys.end());
    slow_.groups.insert(slow_.groups.end(), keys.begin(), keys.end());
    slow_.rows.insert(slow_.rows.end(), rows.begin(), rows.end());
  }

  void expect_exact() const {
    // Some queries are rows, some are near nothing.
    auto queries = fading_rows(20, kDimension, 7);
    const auto strange = unit_rows(5, kDimension, 8);
    queries.insert(queries.end(), strange.begin(), strange.end());
    const auto pool = make_thread_pool(3);
    for (const std::size_t count : {std::size_t{1}, std::size_t{25}}) {
      for (const Grouping grouping : {Grouping::kNone, Grouping::kBestPerGroup}) {
        for (Executor* executor : {static_cast<Executor*>(nullptr), pool.get()}) {
          const SearchOptions options{.k = 10, .grouping = grouping};
          const auto hits = index_->search(std::span(queries).first(count * kDimension), count,
                                           options, executor);
          ASSERT_TRUE(hits);
          for (std::size_t q = 0; q < count; ++q) {
            const auto wanted =
                slow_.search(std::span(queries).subspan(q * kDimension, kDimension), options);
            ASSERT_EQ((*hits)[q].size(), wanted.size());
            for (std::size_t i = 0; i < wanted.size(); ++i) {
              EXPECT_EQ((*hits)[q][i].key, wanted[i].key) << "query " << q << " rank " << i;
              EXPECT_NEAR((*hits)[q][i].similarity, wanted[i].similarity, 1e-6);
            }
          }
        }
      }
    }
  }

  std::filesystem::path path_;
  Slow slow_;
  std::unique_ptr<VectorIndex> index_;
};

TEST_F(CodedIndexTest, AnswersAsDoublePrecisionDoes) { expect_exact(); }

TEST_F(CodedIndexTest, AnswersTheSameAfterEveryKindOfChange) {
  forget(0);
  forget(1000);
  add(unit_rows(20, kDimension, 9), 1000000);
  expect_exact();
  ASSERT_TRUE(index_->save(path_, stamp(slow_.keys.size())));
  expect_exact();
  index_ = *open_index(path_, stamp(slow_.keys.size()));
  expect_exact();
  forget(7);
  add(fading_rows(40, kDimension, 10), 2000000);
  expect_exact();
}

TEST_F(CodedIndexTest, HasTheCodesInTheFile) {
  ASSERT_TRUE(index_->save(path_, stamp(kCount)));
  const auto file = map_index_file(path_);
  ASSERT_TRUE(file);
  ASSERT_TRUE(file->plan);
  EXPECT_EQ(file->plan->prefix(), 32);
  EXPECT_EQ(file->plan->sample, kCount);
}

TEST_F(CodedIndexTest, OverwritesTheCodeOfWhatItForgets) {
  ASSERT_TRUE(index_->save(path_, stamp(kCount)));
  const Code before = map_index_file(path_)->segments[0].code(41);
  const std::vector<std::uint16_t> nothing(32 / kWord);
  const std::vector<std::uint16_t> nothing_fine(32 / kFineWord);
  EXPECT_NE(before.coarse, nothing);
  EXPECT_NE(before.fine, nothing_fine);
  ASSERT_TRUE(index_->remove(std::vector{slow_.keys[41]}, stamp(kCount - 1)));
  const auto file = map_index_file(path_);
  ASSERT_TRUE(file);
  const Code after = file->segments[0].code(41);
  EXPECT_EQ(after.coarse, nothing);
  EXPECT_EQ(after.fine, nothing_fine);
  EXPECT_EQ(after.error, 0);
  EXPECT_EQ(after.rest, 0);
  EXPECT_EQ(after.gain, 0);
  EXPECT_NE(file->segments[0].code(42).coarse, nothing);
}

TEST_F(CodedIndexTest, RefusesFlippedBitsOfBasisAndCodes) {
  ASSERT_TRUE(index_->save(path_, stamp(kCount)));
  const auto whole = *read_file(path_, 1 << 30);
  const std::size_t basis = 32 * (1 + kDimension) * sizeof(float);
  for (std::size_t at = 4096; at < whole.size();
       at += at < 4096 + basis ? 1021 : 1 + whole.size() / 41) {
    auto flipped = whole;
    flipped[at] ^= std::byte{1} << (at % 8);
    ASSERT_TRUE(write_file(path_, flipped));
    EXPECT_FALSE(open_index(path_, stamp(kCount))) << "byte " << at;
  }
}

TEST_F(CodedIndexTest, LearnsAtASaveWhatAnOpenedFileLacked) {
  index_ = *make_exact_index(kDimension);
  const auto few = std::span(slow_.rows).first(100 * kDimension);
  ASSERT_TRUE(
      index_->add(std::span(slow_.keys).first(100), std::span(slow_.groups).first(100), few));
  ASSERT_TRUE(index_->save(path_, stamp(100)));
  EXPECT_FALSE(map_index_file(path_)->plan);
  ASSERT_TRUE(index_->add(std::span(slow_.keys).subspan(100), std::span(slow_.groups).subspan(100),
                          std::span(slow_.rows).subspan(100 * kDimension)));
  expect_exact();
  ASSERT_TRUE(index_->save(path_, stamp(kCount)));
  EXPECT_TRUE(map_index_file(path_)->plan);
  expect_exact();
}

}  // namespace
}  // namespace visavis::index
