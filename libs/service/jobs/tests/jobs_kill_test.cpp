#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <visavis/tests/folder_test.hpp>

#include "visavis/jobs/job_queue.hpp"

namespace visavis::jobs {
namespace {

constexpr std::uint64_t kItems = 400;

class JobsKillTest : public tests::FolderTest {
 protected:
  /// Does each item by a line in a file, then records it.
  void work() const {
    auto queue = JobQueue::open(folder_ / "jobs");
    if (!queue) ::_exit(2);
    const auto ran = queue->run_next([&](JobRun& run) -> Result<void> {
      VISAVIS_CHECK(run.set_total(kItems));
      std::ofstream effects(folder_ / "effects", std::ios::app);
      while (run.next_item() < kItems) {
        const ItemOutcome outcome{.item = run.next_item(), .label = "photo"};
        effects << outcome.item << std::endl;
        VISAVIS_CHECK(run.record(std::span(&outcome, 1)));
      }
      return {};
    });
    ::_exit(ran ? 0 : 1);  // nothing to run: it was killed when all was done
  }
};

TEST_F(JobsKillTest, NoItemIsLostAndFewComeTwice) {
  std::string id;
  {
    auto queue = JobQueue::open(folder_ / "jobs");
    ASSERT_TRUE(queue);
    id = queue->submit({"main", "import_zip", "k", "{}"}, *queue->begin_input())->id;
  }
  std::mt19937 random(7);
  std::uint64_t kills = 0;
  while (true) {
    const pid_t child = ::fork();
    if (child == 0) work();
    std::this_thread::sleep_for(std::chrono::milliseconds(5 + random() % (60 + kills)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) {
      EXPECT_EQ(WEXITSTATUS(status), 0);
      break;
    }
    ++kills;
    ASSERT_LT(kills, 1000U) << "it does not get on";
  }
  const auto queue = JobQueue::open(folder_ / "jobs");
  ASSERT_TRUE(queue);
  const auto job = queue->find("main", id);
  EXPECT_EQ(job->state, JobState::kDone);
  EXPECT_EQ(job->progress, (JobProgress{.total = kItems, .done = kItems, .succeeded = kItems}));
  const auto page = queue->outcomes("main", id, {}, {}, 1000);
  ASSERT_EQ(page->outcomes.size(), kItems);
  for (std::uint64_t i = 0; i < kItems; ++i) EXPECT_EQ(page->outcomes[i].item, i);

  std::map<std::uint64_t, std::uint64_t> times;
  std::ifstream effects(folder_ / "effects");
  for (std::uint64_t item = 0; effects >> item;) ++times[item];
  EXPECT_EQ(times.size(), kItems) << "every item was done";
  std::uint64_t again = 0;
  for (const auto& [item, count] : times) again += count - 1;
  EXPECT_LE(again, kills) << "a kill repeats one item at most";
}

}  // namespace
}  // namespace visavis::jobs
