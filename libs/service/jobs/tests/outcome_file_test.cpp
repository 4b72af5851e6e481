#include "outcome_file.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/resource.h>

#include <fstream>
#include <string>
#include <vector>
#include <visavis/tests/folder_test.hpp>

namespace visavis::jobs {
namespace {

ItemOutcome outcome(std::uint64_t item) {
  const std::uint64_t kind = item % 3;
  if (kind == 0)
    return {.item = item, .label = "p" + std::to_string(item), .person = "anna", .face = "7"};
  return {.item = item,
          .result = kind == 1 ? ItemResult::kRefused : ItemResult::kFailed,
          .label = "p" + std::to_string(item),
          .reason = "no_face",
          .message = "no face was found"};
}

class OutcomeFileTest : public tests::FolderTest {
 protected:
  void fill(std::uint64_t count) const {
    auto file = OutcomeFile::resume(path_);
    ASSERT_TRUE(file);
    std::vector<ItemOutcome> all;
    for (std::uint64_t i = file->progress().done; i < count; ++i) all.push_back(outcome(i));
    ASSERT_TRUE(file->append(all));
  }
  [[nodiscard]] std::vector<ItemOutcome> all(std::optional<ItemResult> only,
                                             std::size_t most) const {
    std::vector<ItemOutcome> found;
    std::string cursor;
    do {
      const auto page = read_outcomes(path_, only, cursor, most);
      EXPECT_TRUE(page) << page.error().message;
      if (!page) break;
      EXPECT_LE(page->outcomes.size(), most);
      found.insert(found.end(), page->outcomes.begin(), page->outcomes.end());
      cursor = page->next;
    } while (!cursor.empty());
    return found;
  }

  std::filesystem::path path_ = folder_ / "outcomes.jsonl";
};

TEST_F(OutcomeFileTest, CountsAndPages) {
  EXPECT_TRUE(read_outcomes(path_, {}, {}, 10)->outcomes.empty()) << "before it begins";
  fill(1000);
  const auto file = OutcomeFile::resume(path_);
  EXPECT_EQ(file->progress(),
            (JobProgress{.done = 1000, .succeeded = 334, .refused = 333, .failed = 333}));
  for (const std::size_t most : {7U, 100U, 1000U}) {
    const auto found = all({}, most);
    ASSERT_EQ(found.size(), 1000U);
    for (std::uint64_t i = 0; i < 1000; ++i) EXPECT_EQ(found[i], outcome(i));
  }
  EXPECT_EQ(all(ItemResult::kRefused, 10).size(), 333U);
  EXPECT_EQ(all(ItemResult::kSucceeded, 1000).back(), outcome(999));
}

TEST_F(OutcomeFileTest, ItemsComeInOrder) {
  auto file = OutcomeFile::resume(path_);
  const std::vector<ItemOutcome> skips{outcome(0), outcome(2)};
  EXPECT_EQ(file->append(skips).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(file->progress().done, 0U);
  EXPECT_TRUE(file->append(std::vector{outcome(0), outcome(1)}));
  EXPECT_FALSE(file->append(std::vector{outcome(1)}));
  EXPECT_TRUE(file->append({}));
}

TEST_F(OutcomeFileTest, WhatACrashHasTornIsCutOff) {
  fill(20);
  const auto whole = std::filesystem::file_size(path_);
  for (const std::string& tail :
       {std::string(R"({"item":20,"resu)"), std::string("\n"), std::string(4096, '\0'),
        std::string(100'000, 'x'), to_line(outcome(25)), to_line(outcome(20)) + "garbage",
        std::string("{}\n") + to_line(outcome(20))}) {
    std::filesystem::resize_file(path_, whole);
    std::ofstream(path_, std::ios::app | std::ios::binary) << tail;
    const auto file = OutcomeFile::resume(path_);
    ASSERT_TRUE(file);
    const bool has_next = tail.starts_with(R"({"item":20,"result)");
    EXPECT_EQ(file->progress().done, has_next ? 21U : 20U) << tail.substr(0, 30);
    EXPECT_EQ(all({}, 100).size(), file->progress().done);
  }
  std::filesystem::resize_file(path_, whole - 3);
  EXPECT_EQ(OutcomeFile::resume(path_)->progress().done, 19U);
  fill(25);
  EXPECT_EQ(all({}, 100).size(), 25U);
}

TEST_F(OutcomeFileTest, OddTextsStayOneLine) {
  auto file = OutcomeFile::resume(path_);
  ItemOutcome odd{.item = 0, .label = "a\nb\xFF\"\\", .message = std::string(10'000, '\x01')};
  ASSERT_TRUE(file->append(std::span(&odd, 1)));
  const auto page = read_outcomes(path_, {}, {}, 10);
  ASSERT_EQ(page->outcomes.size(), 1U);
  EXPECT_EQ(page->outcomes[0].label, "a\uFFFDb\uFFFD\"\\");
  EXPECT_LE(page->outcomes[0].message.size(), 500U);
}

TEST_F(OutcomeFileTest, RefusesOtherCursors) {
  fill(5);
  EXPECT_TRUE(read_outcomes(path_, {}, "0", 10));
  for (const char* cursor : {"1", "x", "-1", "99999", "1.5", "99999999999999999999999"}) {
    const auto page = read_outcomes(path_, {}, cursor, 10);
    ASSERT_FALSE(page) << cursor;
    EXPECT_EQ(page.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_FALSE(read_outcomes(folder_ / "none", {}, "5", 10));
}

TEST_F(OutcomeFileTest, AFullDiskIsToldAndNothingFollows) {
  auto file = OutcomeFile::resume(path_);
  ASSERT_TRUE(file->append(std::vector{outcome(0)}));
  const auto before = ::signal(SIGXFSZ, SIG_IGN);
  rlimit usual{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &usual), 0);
  rlimit tight = usual;
  tight.rlim_cur = std::filesystem::file_size(path_) + 10;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &tight), 0);
  const auto refused = file->append(std::vector{outcome(1)});
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &usual), 0);
  ::signal(SIGXFSZ, before);
  EXPECT_EQ(refused.error().code, ErrorCode::kUnavailable);
  EXPECT_FALSE(file->append(std::vector{outcome(1)})) << "behind half a line";
  EXPECT_EQ(OutcomeFile::resume(path_)->progress().done, 1U);
}

}  // namespace
}  // namespace visavis::jobs
