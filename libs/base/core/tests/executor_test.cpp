#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>
#include <visavis/core/executor.hpp>

namespace visavis {
namespace {

TEST(Executor, CallsEveryIndexOnce) {
  for (const int threads : {1, 2, 4}) {
    auto pool = make_thread_pool(threads);
    EXPECT_EQ(pool->concurrency(), threads);
    for (const std::size_t count : {0U, 1U, 3U, 1000U}) {
      std::vector<std::atomic<int>> calls(count);
      pool->parallel_for(count, [&](std::size_t i, int) { ++calls[i]; });
      for (const auto& c : calls) EXPECT_EQ(c, 1);
    }
  }
}

TEST(Executor, OneWorkerNeverOverlapsItself) {
  auto pool = make_thread_pool(3);
  std::vector<std::atomic<int>> inside(3);
  std::atomic<bool> overlapped = false;
  pool->parallel_for(300, [&](std::size_t, int worker) {
    if (++inside[static_cast<std::size_t>(worker)] != 1) overlapped = true;
    std::this_thread::yield();
    --inside[static_cast<std::size_t>(worker)];
  });
  EXPECT_FALSE(overlapped);
}

TEST(Executor, ServesConcurrentCallers) {
  auto pool = make_thread_pool(2);
  std::atomic<int> calls = 0;
  std::vector<std::thread> callers;
  for (int t = 0; t < 4; ++t)
    callers.emplace_back([&] { pool->parallel_for(50, [&](std::size_t, int) { ++calls; }); });
  for (auto& c : callers) c.join();
  EXPECT_EQ(calls, 200);
}

TEST(Executor, InlineRunsInOrder) {
  std::vector<std::size_t> order;
  make_inline_executor()->parallel_for(4, [&](std::size_t i, int) { order.push_back(i); });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3}));
}

}  // namespace
}  // namespace visavis
