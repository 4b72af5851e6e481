#pragma once

/// A durable queue of jobs in a folder. README.md says what survives what.

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string_view>
#include <vector>
#include <visavis/core/log.hpp>
#include <visavis/core/result.hpp>
#include <visavis/core/time.hpp>
#include <visavis/jobs/job.hpp>

namespace visavis::jobs {

struct JobLimits {
  std::size_t max_jobs = 1000;              ///< Ended ones included: the oldest of them make room.
  std::size_t max_waiting_per_tenant = 20;  ///< Queued or running.
  std::uint64_t max_input_bytes = std::uint64_t{2} << 30U;  ///< Of one job.
  std::uint64_t max_all_input_bytes = std::uint64_t{8} << 30U;
  std::int64_t ended_kept_for = 7 * 86'400;  ///< Seconds; then a job is forgotten.
};

/// An upload on its way to become a job's input; removed if it becomes none. Thread-compatible.
class JobInput {
 public:
  JobInput(JobInput&&) noexcept;
  JobInput& operator=(JobInput&&) noexcept;
  ~JobInput();
  /// @return kResourceExhausted beyond a limit, kUnavailable if it cannot be written.
  [[nodiscard]] Result<void> append(std::span<const std::byte> bytes);
  /// For a look at what was uploaded before it is submitted.
  [[nodiscard]] const std::filesystem::path& path() const noexcept;

 private:
  friend class JobQueue;
  struct Impl;
  explicit JobInput(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// A job in the hands of its handler, which belongs to one thread.
class JobRun {
 public:
  virtual ~JobRun() = default;
  [[nodiscard]] virtual const Job& job() const noexcept = 0;
  [[nodiscard]] virtual const std::filesystem::path& input() const noexcept = 0;
  /// The first item whose outcome is not on disk: 0, or more after a restart.
  [[nodiscard]] virtual std::uint64_t next_item() const noexcept = 0;
  /// Whether it was run before: items from next_item() on may have been done and not recorded.
  [[nodiscard]] virtual bool was_begun() const noexcept = 0;
  /// To be looked at between items: the job was cancelled, or the program is to end.
  [[nodiscard]] virtual bool should_stop() const noexcept = 0;
  [[nodiscard]] virtual Result<void> set_total(std::uint64_t items) = 0;
  /// Durable when it returns. Items come in order, from next_item() on, none left out.
  /// @return kInvalidArgument for others; kUnavailable if it cannot be written: give up then.
  [[nodiscard]] virtual Result<void> record(std::span<const ItemOutcome> outcomes) = 0;
};

/// Says set_total() and works through the items from next_item() on, until all are recorded or
/// should_stop(). An item may come twice, if the program was killed between work and record: doing
/// it again must do no harm. Throws nothing.
/// @return an error if the job as a whole cannot go on; it has failed then.
using JobHandler = std::function<Result<void>(JobRun& run)>;

/// One process at a time holds a folder of it. Thread-safe; starts no threads.
class JobQueue {
 public:
  /// Makes the folder if need be. Jobs that ran go on with the next call of run_next().
  /// @return kUnavailable if another process has it or it cannot be read or written. A job whose
  /// file is damaged is told to `sink` and left alone.
  [[nodiscard]] static Result<JobQueue> open(const std::filesystem::path& folder,
                                             const JobLimits& limits = {}, const LogSink& sink = {},
                                             std::function<std::int64_t()> now = seconds_now);
  JobQueue(JobQueue&&) noexcept;
  JobQueue& operator=(JobQueue&&) noexcept;
  ~JobQueue();

  [[nodiscard]] Result<JobInput> begin_input();
  /// Durable when it returns. @return kInvalidArgument for texts that are none, kResourceExhausted
  /// if there are too many jobs, kUnavailable.
  [[nodiscard]] Result<Job> submit(const NewJob& job, JobInput input);

  [[nodiscard]] std::optional<Job> find(std::string_view tenant, std::string_view id) const;
  /// Newest first.
  [[nodiscard]] std::vector<Job> list(std::string_view tenant) const;
  [[nodiscard]] JobCounts counts() const;
  /// @param only    with this result; all without one
  /// @param cursor  empty, or a page's `next`
  /// @param most    1 to 1000
  /// @return kNotFound, kInvalidArgument, kUnavailable.
  [[nodiscard]] Result<OutcomePage> outcomes(std::string_view tenant, std::string_view id,
                                             std::optional<ItemResult> only = {},
                                             std::string_view cursor = {},
                                             std::size_t most = 100) const;

  /// One that waits ends at once, one that runs before its next item; what was done stays. Of one
  /// that has ended nothing changes. @return kNotFound, kUnavailable.
  [[nodiscard]] Result<Job> cancel(std::string_view tenant, std::string_view id);
  /// Forgets a job that has ended. @return kNotFound; kInvalidArgument if it has not ended.
  [[nodiscard]] Result<void> remove(std::string_view tenant, std::string_view id);

  /// Runs the job that has waited longest, on the calling thread; several threads may.
  /// @param stop  ends it before its next item; it goes on with a later call
  /// @return false if there is none. An error, kUnavailable, only if the folder cannot be written:
  /// the job goes on with a later call, before which the caller waits a while.
  [[nodiscard]] Result<bool> run_next(const JobHandler& handler, const std::stop_token& stop = {});
  /// Waits until a job may be there, `most` has passed or `stop` asks.
  void wait(std::chrono::milliseconds most, const std::stop_token& stop = {});

 private:
  struct Impl;
  explicit JobQueue(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::jobs
