#include "visavis/jobs/job_queue.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <set>
#include <string>
#include <thread>
#include <vector>
#include <visavis/core/file.hpp>
#include <visavis/tests/folder_test.hpp>

namespace visavis::jobs {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

class JobQueueTest : public tests::FolderTest {
 protected:
  [[nodiscard]] JobQueue open(const JobLimits& limits = {}) {
    auto queue = JobQueue::open(
        jobs_, limits, [this](LogLevel, std::string_view message) { told_.emplace_back(message); },
        [this] { return now_; });
    EXPECT_TRUE(queue) << queue.error().message;
    return *std::move(queue);
  }
  static Result<Job> submit(JobQueue& queue, const std::string& tenant = "main",
                            std::string_view input = "input") {
    auto upload = queue.begin_input();
    if (!upload) return std::unexpected(upload.error());
    if (const auto added = upload->append(bytes_of(input)); !added)
      return std::unexpected(added.error());
    return queue.submit({tenant, "import_zip", "k1", R"({"gallery":"door"})"}, *std::move(upload));
  }
  /// Records `total` successes, one after the other, as long as it may.
  static JobHandler works(std::uint64_t total, const std::function<void(JobRun&)>& between = {}) {
    return [=](JobRun& run) -> Result<void> {
      VISAVIS_CHECK(run.set_total(total));
      while (run.next_item() < total && !run.should_stop()) {
        const ItemOutcome outcome{.item = run.next_item()};
        VISAVIS_CHECK(run.record(std::span(&outcome, 1)));
        if (between) between(run);
      }
      return {};
    };
  }
  [[nodiscard]] std::size_t files_named(std::string_view name) const {
    std::size_t count = 0;
    for (const auto& entry : fs::recursive_directory_iterator(jobs_))
      if (entry.path().filename() == name) ++count;
    return count;
  }

  fs::path jobs_ = folder_ / "jobs";
  std::int64_t now_ = 1'795'741'200;
  std::vector<std::string> told_;
};

TEST_F(JobQueueTest, AJobGoesItsWay) {
  JobQueue queue = open();
  EXPECT_EQ(queue.run_next(works(1)), false);
  const auto made = submit(queue);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_EQ(made->state, JobState::kQueued);
  EXPECT_EQ(queue.find("main", made->id), *made);
  now_ += 5;
  const auto handler = [&](JobRun& run) -> Result<void> {
    EXPECT_EQ(run.job().kind, "import_zip");
    EXPECT_EQ(run.job().parameters, R"({"gallery":"door"})");
    EXPECT_EQ(read_file(run.input(), 100)->size(), 5U);
    VISAVIS_CHECK(run.set_total(3));
    const std::vector<ItemOutcome> outcomes{
        {.item = 0, .label = "a.jpg", .person = "anna", .face = "1"},
        {.item = 1, .result = ItemResult::kRefused, .label = "b.jpg", .reason = "no_face"},
        {.item = 2, .result = ItemResult::kFailed, .label = "c.jpg", .reason = "decode_failed"}};
    VISAVIS_CHECK(run.record(outcomes));
    const auto now = queue.find("main", made->id);
    EXPECT_EQ(now->state, JobState::kRunning);
    EXPECT_EQ(now->progress,
              (JobProgress{.total = 3, .done = 3, .succeeded = 1, .refused = 1, .failed = 1}));
    return {};
  };
  EXPECT_EQ(queue.run_next(handler), true);
  const auto done = queue.find("main", made->id);
  EXPECT_EQ(done->state, JobState::kDone);
  EXPECT_EQ(done->started, now_);
  EXPECT_EQ(done->ended, now_);
  EXPECT_EQ(files_named("input"), 0U) << "deleted with its end";
  EXPECT_EQ(queue.outcomes("main", made->id, ItemResult::kRefused)->outcomes[0].label, "b.jpg");
  EXPECT_EQ(queue.run_next(works(1)), false);
}

TEST_F(JobQueueTest, SaysWhatRunsAndWhetherItWasBegun) {
  JobQueue queue = open();
  ASSERT_TRUE(submit(queue));
  ASSERT_TRUE(submit(queue, "other"));
  EXPECT_EQ(queue.counts().queued, 2U);
  std::stop_source stop;
  EXPECT_EQ(queue.run_next(works(9,
                                 [&](JobRun& run) {
                                   EXPECT_FALSE(run.was_begun());
                                   EXPECT_EQ(queue.counts().running, 1U);
                                   EXPECT_EQ(queue.counts().queued, 1U);
                                   stop.request_stop();
                                 }),
                           stop.get_token()),
            true);
  EXPECT_EQ(queue.run_next(works(9, [](JobRun& run) { EXPECT_TRUE(run.was_begun()); })), true);
  EXPECT_EQ(queue.counts().running, 0U);
  EXPECT_EQ(queue.counts().queued, 1U);
}

TEST_F(JobQueueTest, EverythingSurvivesARestart) {
  std::string running;
  std::string done;
  std::string queued;
  {
    JobQueue queue = open();
    done = submit(queue)->id;
    EXPECT_EQ(queue.run_next(works(4)), true);
    running = submit(queue)->id;
    queued = submit(queue)->id;
    std::stop_source stop;
    EXPECT_EQ(queue.run_next(works(10,
                                   [&](JobRun& run) {
                                     if (run.next_item() == 6) stop.request_stop();
                                   }),
                             stop.get_token()),
              true);
    EXPECT_EQ(queue.find("main", running)->state, JobState::kRunning);
    EXPECT_EQ(queue.run_next(works(1), stop.get_token()), false) << "the program is to end";
  }
  JobQueue queue = open();
  EXPECT_EQ(queue.find("main", done)->state, JobState::kDone);
  EXPECT_EQ(queue.find("main", done)->progress,
            (JobProgress{.total = 4, .done = 4, .succeeded = 4}));
  EXPECT_EQ(queue.find("main", running)->progress,
            (JobProgress{.total = 10, .done = 6, .succeeded = 6}));
  std::uint64_t first = 0;
  EXPECT_EQ(queue.run_next([&](JobRun& run) {
    EXPECT_EQ(run.job().id, running) << "in the order in which they were made";
    first = run.next_item();
    return works(10)(run);
  }),
            true);
  EXPECT_EQ(first, 6U);
  EXPECT_EQ(queue.find("main", running)->state, JobState::kDone);
  EXPECT_EQ(queue.outcomes("main", running)->outcomes.size(), 10U);
  EXPECT_EQ(queue.run_next(works(1)), true);
  EXPECT_EQ(queue.find("main", queued)->state, JobState::kDone);
}

TEST_F(JobQueueTest, CancelsBetweenItems) {
  JobQueue queue = open();
  const std::string waiting = submit(queue)->id;
  EXPECT_EQ(queue.cancel("main", waiting)->state, JobState::kCancelled);
  EXPECT_EQ(files_named("input"), 0U);
  EXPECT_EQ(queue.run_next(works(1)), false);

  const std::string running = submit(queue)->id;
  EXPECT_EQ(queue.run_next(works(10,
                                 [&](JobRun& run) {
                                   if (run.next_item() == 4) {
                                     EXPECT_TRUE(queue.cancel("main", running)->cancelling);
                                   }
                                 })),
            true);
  const auto ended = queue.find("main", running);
  EXPECT_EQ(ended->state, JobState::kCancelled);
  EXPECT_EQ(ended->progress.done, 4U) << "what was done stays";
  EXPECT_EQ(queue.cancel("main", running)->state, JobState::kCancelled) << "and so it remains";
  EXPECT_EQ(queue.cancel("main", "none").error().code, ErrorCode::kNotFound);
}

TEST_F(JobQueueTest, ACancelSurvivesARestart) {
  std::string id;
  {
    JobQueue queue = open();
    id = submit(queue)->id;
    std::stop_source stop;
    EXPECT_EQ(queue.run_next(works(10, [&](JobRun&) { stop.request_stop(); }), stop.get_token()),
              true);
  }
  {
    // As it is when the program is killed after the cancel.
    const fs::path file = jobs_ / id / "job.json";
    auto text = read_file(file, 10'000);
    std::string json(reinterpret_cast<const char*>(text->data()), text->size());
    const std::string was = "\"cancelling\": false";
    json.replace(json.find(was), was.size(), "\"cancelling\": true");
    ASSERT_TRUE(write_file(file, json));
  }
  JobQueue queue = open();
  bool called = false;
  EXPECT_EQ(queue.run_next([&](JobRun&) {
    called = true;
    return Result<void>();
  }),
            true);
  EXPECT_FALSE(called);
  EXPECT_EQ(queue.find("main", id)->state, JobState::kCancelled);
}

TEST_F(JobQueueTest, TellsHowAJobFailed) {
  JobQueue queue = open();
  const std::string broken = submit(queue)->id;
  EXPECT_EQ(queue.run_next([](JobRun&) -> Result<void> {
    return fail(ErrorCode::kDecodeFailed, "it is no zip archive");
  }),
            true);
  EXPECT_EQ(queue.find("main", broken)->state, JobState::kFailed);
  EXPECT_EQ(queue.find("main", broken)->message, "it is no zip archive");
  EXPECT_EQ(files_named("input"), 0U);
  const std::string lazy = submit(queue)->id;
  EXPECT_EQ(queue.run_next([](JobRun& run) { return run.set_total(5); }), true);
  EXPECT_EQ(queue.find("main", lazy)->state, JobState::kFailed);
  const std::string empty = submit(queue)->id;
  EXPECT_EQ(queue.run_next(works(0)), true);
  EXPECT_EQ(queue.find("main", empty)->state, JobState::kDone);
}

TEST_F(JobQueueTest, TenantsSeeTheirOwn) {
  JobQueue queue = open();
  const std::string a = submit(queue, "a")->id;
  const std::string b = submit(queue, "b")->id;
  const std::string a2 = submit(queue, "a")->id;
  ASSERT_EQ(queue.list("a").size(), 2U);
  EXPECT_EQ(queue.list("a").front().id, a2) << "newest first";
  EXPECT_FALSE(queue.find("a", b));
  EXPECT_EQ(queue.outcomes("a", b).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(queue.cancel("a", b).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(queue.remove("a", b).error().code, ErrorCode::kNotFound);
  EXPECT_EQ(queue.find("b", b)->state, JobState::kQueued);
  EXPECT_FALSE(queue.find("a", "../" + a));
}

TEST_F(JobQueueTest, BoundsJobsAndForgetsOldOnes) {
  JobQueue queue = open({.max_jobs = 4, .max_waiting_per_tenant = 2, .ended_kept_for = 100});
  const std::string first = submit(queue)->id;
  const std::string second = submit(queue)->id;
  EXPECT_EQ(submit(queue).error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(files_named("input"), 2U) << "the refused upload is gone";
  EXPECT_TRUE(submit(queue, "b"));
  EXPECT_TRUE(submit(queue, "c"));
  EXPECT_EQ(submit(queue, "d").error().code, ErrorCode::kResourceExhausted);
  EXPECT_EQ(queue.run_next(works(1)), true);
  EXPECT_EQ(queue.run_next(works(1)), true);
  EXPECT_TRUE(submit(queue, "d")) << "the oldest that has ended makes room";
  EXPECT_FALSE(queue.find("main", first));
  EXPECT_TRUE(queue.find("main", second));
  now_ += 99;
  EXPECT_EQ(queue.run_next(works(1)), true);
  EXPECT_TRUE(queue.find("main", second));
  now_ += 1;
  EXPECT_EQ(queue.run_next(works(1)), true);
  EXPECT_FALSE(queue.find("main", second));
  EXPECT_FALSE(fs::exists(jobs_ / second));
}

TEST_F(JobQueueTest, RemovesWhatHasEnded) {
  JobQueue queue = open();
  const std::string id = submit(queue)->id;
  EXPECT_EQ(queue.remove("main", id).error().code, ErrorCode::kInvalidArgument);
  EXPECT_EQ(queue.run_next(works(1)), true);
  EXPECT_TRUE(queue.remove("main", id));
  EXPECT_FALSE(fs::exists(jobs_ / id));
  EXPECT_FALSE(queue.find("main", id));
}

TEST_F(JobQueueTest, BoundsUploads) {
  JobQueue queue = open({.max_input_bytes = 10, .max_all_input_bytes = 25});
  EXPECT_EQ(submit(queue, "main", "elevenbytes").error().code, ErrorCode::kResourceExhausted);
  EXPECT_TRUE(submit(queue, "main", "ten bytes!"));
  auto open_upload = queue.begin_input();
  ASSERT_TRUE(open_upload->append(bytes_of("ten bytes!")));
  EXPECT_EQ(submit(queue, "main", "six by").error().code, ErrorCode::kResourceExhausted)
      << "one on its way counts";
  EXPECT_TRUE(submit(queue, "main", "five!"));
  open_upload = queue.begin_input();  // and the first one goes
  EXPECT_EQ(queue.run_next(works(1)), true);
  EXPECT_TRUE(submit(queue, "main", "ten bytes!")) << "an ended job gives its room back";
  EXPECT_TRUE(submit(queue, "main", "ten bytes!"));
  EXPECT_FALSE(submit(queue, "main", "x"));
}

TEST_F(JobQueueTest, UploadsThatBecomeNoJobsAreGone) {
  {
    JobQueue queue = open();
    {
      const auto upload = queue.begin_input();
    }
    EXPECT_EQ(files_named("input"), 0U);
    auto left = queue.begin_input();
    ASSERT_TRUE(left->append(bytes_of("photos")));
    fs::copy(jobs_ / "incoming", folder_ / "copy", fs::copy_options::recursive);
  }
  // As it is when the program is killed during an upload.
  fs::remove_all(jobs_ / "incoming");
  fs::rename(folder_ / "copy", jobs_ / "incoming");
  EXPECT_EQ(files_named("input"), 1U);
  const JobQueue queue = open();
  EXPECT_EQ(files_named("input"), 0U);
}

TEST_F(JobQueueTest, ADamagedJobIsToldAndLeftAlone) {
  std::string good;
  std::string bad;
  {
    JobQueue queue = open();
    bad = submit(queue)->id;
    good = submit(queue)->id;
  }
  const auto whole = read_file(jobs_ / bad / "job.json", 10'000);
  for (std::size_t size : {std::size_t{0}, whole->size() / 2, whole->size() - 3}) {
    fs::resize_file(jobs_ / bad / "job.json", size);
    told_.clear();
    JobQueue queue = open();
    ASSERT_EQ(told_.size(), 1U);
    EXPECT_TRUE(told_[0].contains(bad));
    EXPECT_TRUE(queue.find("main", good));
    EXPECT_FALSE(queue.find("main", bad));
    EXPECT_TRUE(fs::exists(jobs_ / bad / "input"));
    ASSERT_TRUE(write_file(jobs_ / bad / "job.json", *whole));
  }
  fs::copy(jobs_ / good / "job.json", jobs_ / bad / "job.json",
           fs::copy_options::overwrite_existing);
  told_.clear();
  EXPECT_FALSE(open().find("main", bad));
  EXPECT_EQ(told_.size(), 1U) << "another job's file";
}

TEST_F(JobQueueTest, AJobWhoseFolderCannotBeWrittenGoesOnLater) {
  JobQueue queue = open();
  const std::string id = submit(queue)->id;
  const auto failing = [&](JobRun& run) -> Result<void> {
    VISAVIS_CHECK(run.set_total(2));
    fs::rename(jobs_ / id, folder_ / "away");
    std::ofstream(jobs_ / id) << "in the way";
    return run.set_total(3);
  };
  const auto ran = queue.run_next(failing);
  ASSERT_FALSE(ran);
  EXPECT_EQ(ran.error().code, ErrorCode::kUnavailable);
  fs::remove(jobs_ / id);
  fs::rename(folder_ / "away", jobs_ / id);
  EXPECT_EQ(queue.run_next(works(3)), true);
  EXPECT_EQ(queue.find("main", id)->state, JobState::kDone);
}

TEST_F(JobQueueTest, RefusesTextsThatAreNone) {
  JobQueue queue = open();
  const std::vector<NewJob> bad{{"", "k", "x", ""},
                                {"../x", "k", "x", ""},
                                {"main", "", "x", ""},
                                {"main", "k k", "x", ""},
                                {"main", "k", "../x", ""},
                                {"main", "k", "x", "\xFF"},
                                {"main", "k", "x", std::string(65'537, 'a')}};
  for (const NewJob& job : bad) {
    const auto made = queue.submit(job, *queue.begin_input());
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, ErrorCode::kInvalidArgument);
  }
  EXPECT_TRUE(queue.list("main").empty());
  EXPECT_TRUE(queue.submit({"main", "k", "", "{}"}, *queue.begin_input())) << "nobody's key";
  const std::string id = submit(queue)->id;
  EXPECT_FALSE(queue.outcomes("main", id, {}, {}, 0));
  EXPECT_FALSE(queue.outcomes("main", id, {}, {}, 1001));
  EXPECT_FALSE(queue.outcomes("main", id, {}, "7"));
  EXPECT_EQ(JobQueue::open(jobs_).error().code, ErrorCode::kUnavailable) << "held already";
}

TEST_F(JobQueueTest, ThreadsMayUseItTogether) {
  JobQueue queue = open({.max_waiting_per_tenant = 100});
  std::stop_source stop;
  std::atomic<int> ran = 0;
  {
    std::vector<std::jthread> workers;
    for (int i = 0; i < 2; ++i)
      workers.emplace_back([&] {
        while (!stop.stop_requested()) {
          if (queue.run_next(works(5), stop.get_token()) == true) ++ran;
          queue.wait(std::chrono::milliseconds(20), stop.get_token());
        }
      });
    std::vector<std::string> ids;
    for (int i = 0; i < 20; ++i) ids.push_back(submit(queue)->id);
    const auto all_ended = [&] {
      for (const std::string& id : ids)
        if (!has_ended(queue.find("main", id)->state)) return false;
      return true;
    };
    while (!all_ended()) {
      (void)queue.list("main");
      (void)queue.outcomes("main", ids.front());
    }
    stop.request_stop();
  }
  EXPECT_EQ(ran, 20);
  for (const Job& job : queue.list("main")) EXPECT_EQ(job.progress.done, 5U);
}

}  // namespace
}  // namespace visavis::jobs
