#include "visavis/batching/batcher.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <thread>
#include <vector>

namespace visavis::batching {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

using Doubler = Batcher<int, int>;

std::vector<int> doubled(std::span<int> numbers) {
  std::vector<int> all;
  for (const int number : numbers) all.push_back(2 * number);
  return all;
}

Clock::time_point some_day() { return Clock::now() + hours(1); }

/// Workers that are joined before the batcher goes.
class Workers {
 public:
  Workers(Doubler& batcher, std::size_t count,
          const std::function<std::vector<int>(std::span<int>)>& work = doubled)
      : batcher_(batcher) {
    for (std::size_t i = 0; i < count; ++i)
      threads_.emplace_back([&batcher, work] { batcher.serve(work); });
  }
  ~Workers() { batcher_.close(); }
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

 private:
  Doubler& batcher_;
  std::vector<std::jthread> threads_;
};

/// Waits without a clock until so many pieces wait.
void await_waiting(const Doubler& batcher, std::size_t count) {
  while (batcher.stats().waiting < count) std::this_thread::yield();
}

TEST(Batcher, EveryCallerGetsTheAnswerToItsOwnQuestion) {
  Doubler batcher({.max_batch = 4, .workers = 3});
  const Workers workers(batcher, 3);
  std::atomic<int> wrong = 0;
  {
    std::vector<std::jthread> callers;
    for (int caller = 0; caller < 16; ++caller)
      callers.emplace_back([&, caller] {
        for (int i = 0; i < 500; ++i) {
          const int number = caller * 1000 + i;
          if (batcher.submit(number, some_day()) != 2 * number) ++wrong;
        }
      });
  }
  EXPECT_EQ(wrong, 0);
  const auto batches = batcher.stats().batches;
  std::size_t pieces = 0;
  for (std::size_t size = 0; size < batches.size(); ++size) pieces += size * batches[size];
  EXPECT_EQ(pieces, 16U * 500U);
  EXPECT_EQ(batches.size(), 5U) << "no batch is larger than four";
}

TEST(Batcher, WhatWaitsIsTakenTogether) {
  Doubler batcher({.max_batch = 8});
  std::vector<std::jthread> callers;
  for (int i = 0; i < 5; ++i)
    callers.emplace_back([&, i] { EXPECT_EQ(batcher.submit(i, some_day()), 2 * i); });
  await_waiting(batcher, 5);
  {
    const Workers worker(batcher, 1);
    callers.clear();  // joins
  }
  EXPECT_EQ(batcher.stats().batches[5], 1U);
}

TEST(Batcher, AWorkerLeavesTheOthersTheirShare) {
  Doubler batcher({.max_batch = 8, .workers = 2});
  std::vector<std::jthread> callers;
  for (int i = 0; i < 4; ++i)
    callers.emplace_back([&, i] { EXPECT_EQ(batcher.submit(i, some_day()), 2 * i); });
  await_waiting(batcher, 4);
  {
    const Workers one_of_two(batcher, 1);
    callers.clear();
  }
  // Half of four, then half of the two that are left, then the last.
  EXPECT_THAT(batcher.stats().batches, testing::ElementsAre(0, 2, 1, 0, 0, 0, 0, 0, 0));
}

TEST(Batcher, RefusesWhatIsTooMuch) {
  Doubler batcher({.max_waiting = 2});
  std::vector<std::jthread> callers;
  for (int i = 0; i < 2; ++i)
    callers.emplace_back([&, i] { EXPECT_EQ(batcher.submit(i, some_day()), 2 * i); });
  await_waiting(batcher, 2);
  EXPECT_EQ(batcher.submit(9, some_day()), std::unexpected(Refusal::kFull));
  const Workers worker(batcher, 1);
  callers.clear();
  EXPECT_EQ(batcher.stats().full, 1U);
  EXPECT_EQ(batcher.stats().max_waiting, 2U);
}

TEST(Batcher, LateWorkIsNotDone) {
  Doubler batcher({});
  EXPECT_EQ(batcher.submit(1, Clock::now()), std::unexpected(Refusal::kLate)) << "nobody works";
  EXPECT_EQ(batcher.stats().waiting, 0U);
  EXPECT_EQ(batcher.stats().late, 1U);
}

TEST(Batcher, WorkThatWasBegunIsWaitedFor) {
  Doubler batcher({});
  const auto deadline = Clock::now() + milliseconds(20);
  const Workers worker(batcher, 1, [&](std::span<int> numbers) {
    std::this_thread::sleep_until(deadline + milliseconds(5));
    return doubled(numbers);
  });
  EXPECT_EQ(batcher.submit(4, deadline), 8);
}

TEST(Batcher, ClosingEndsTheTakingNotTheDoing) {
  Doubler batcher({.max_batch = 1});
  std::vector<std::jthread> callers;
  for (int i = 0; i < 3; ++i)
    callers.emplace_back([&, i] { EXPECT_EQ(batcher.submit(i, some_day()), 2 * i); });
  await_waiting(batcher, 3);
  batcher.close();
  EXPECT_EQ(batcher.submit(9, some_day()), std::unexpected(Refusal::kClosed));
  batcher.serve(doubled);  // returns
  EXPECT_EQ(batcher.stats().batches[1], 3U);
}

TEST(Batcher, TakesWhatCanOnlyBeMoved) {
  Batcher<std::unique_ptr<int>, std::unique_ptr<int>> batcher({});
  std::jthread worker([&] {
    batcher.serve([](std::span<std::unique_ptr<int>> numbers) {
      std::vector<std::unique_ptr<int>> out;
      for (auto& number : numbers) out.push_back(std::move(number));
      return out;
    });
  });
  const auto answer = batcher.submit(std::make_unique<int>(7), some_day());
  ASSERT_TRUE(answer);
  EXPECT_EQ(**answer, 7);
  batcher.close();
}

}  // namespace
}  // namespace visavis::batching
