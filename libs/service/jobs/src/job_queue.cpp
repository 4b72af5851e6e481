#include "visavis/jobs/job_queue.hpp"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <ranges>
#include <string>
#include <system_error>
#include <utility>
#include <visavis/core/file.hpp>

#include "job_file.hpp"
#include "job_store.hpp"
#include "label.hpp"
#include "outcome_file.hpp"

namespace visavis::jobs {
namespace {

auto no_such_job() { return fail(ErrorCode::kNotFound, "there is no job of that id"); }

std::unexpected<Error> input_not_written(int error) {
  return fail(ErrorCode::kUnavailable,
              "an upload cannot be written: " + std::generic_category().message(error));
}

/// Bytes of all inputs, those on their way included.
struct Budget {
  std::atomic<std::uint64_t> used = 0;
  std::uint64_t most = 0;

  bool take(std::uint64_t bytes) {
    const std::uint64_t before = used.fetch_add(bytes);
    if (before <= most && bytes <= most - before) return true;
    used -= bytes;
    return false;
  }
};

std::uint64_t size_of(const std::filesystem::path& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  return error ? 0 : size;
}

}  // namespace

struct JobInput::Impl {
  Impl(std::string job_id, std::filesystem::path place, Descriptor opened,
       std::shared_ptr<Budget> all, std::uint64_t limit)
      : id(std::move(job_id)),
        folder(std::move(place)),
        path(folder / "input"),
        file(std::move(opened)),
        budget(std::move(all)),
        most(limit) {}
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (submitted) return;
    budget->used -= bytes;
    std::error_code wiped_at_the_next_start;
    std::filesystem::remove_all(folder, wiped_at_the_next_start);
  }

  std::string id;
  std::filesystem::path folder;
  std::filesystem::path path;
  Descriptor file;
  std::shared_ptr<Budget> budget;
  std::uint64_t most;
  std::uint64_t bytes = 0;
  bool submitted = false;
};

JobInput::JobInput(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
JobInput::JobInput(JobInput&&) noexcept = default;
JobInput& JobInput::operator=(JobInput&&) noexcept = default;
JobInput::~JobInput() = default;

const std::filesystem::path& JobInput::path() const noexcept { return impl_->path; }

Result<void> JobInput::append(std::span<const std::byte> bytes) {
  if (bytes.size() > impl_->most - impl_->bytes)
    return fail(ErrorCode::kResourceExhausted,
                "an upload may have at most " + std::to_string(impl_->most) + " bytes");
  if (!impl_->budget->take(bytes.size()))
    return fail(ErrorCode::kResourceExhausted,
                "the uploads of all jobs take as much room as is allowed: try again later");
  impl_->bytes += bytes.size();
  while (!bytes.empty()) {
    const ssize_t n = ::write(impl_->file.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return input_not_written(errno);
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

struct JobQueue::Impl {
  struct Entry {
    Job job;
    std::uint64_t input_bytes = 0;
    bool active = false;  ///< In some thread's hands.
  };
  class Run;

  Impl(JobStore opened, const JobLimits& limits_given, std::function<std::int64_t()> clock)
      : store(std::move(opened)), limits(limits_given), now(std::move(clock)) {}

  Result<void> load(const LogSink& sink);
  Entry* find(std::string_view tenant, std::string_view id);
  Entry* waiting();
  Result<void> end(Entry& entry, JobState state, std::string_view message = {});
  Result<void> forget(const std::string& id);
  void forget_expired();
  Result<void> make_room(std::string_view tenant);
  Result<void> settle(Entry& entry, const Run& run, const Result<void>& handled,
                      const std::stop_token& stop);

  JobStore store;
  const JobLimits limits;
  const std::function<std::int64_t()> now;
  std::shared_ptr<Budget> budget = std::make_shared<Budget>();
  mutable std::mutex mutex;  ///< Of all that follows, and of the store.
  std::condition_variable_any changed;
  std::map<std::string, Entry, std::less<>> entries;  ///< By id, which is by age.
};

/// All functions but the construction are for the thread that runs the job.
class JobQueue::Impl::Run final : public JobRun {
 public:
  Run(Impl& queue, Entry& entry, bool was_begun, OutcomeFile file, std::stop_token stop)
      : queue_(queue),
        entry_(entry),
        job_(entry.job),
        was_begun_(was_begun),
        input_(queue.store.input(job_.id)),
        file_(std::move(file)),
        stop_(std::move(stop)) {}

  [[nodiscard]] const Job& job() const noexcept override { return job_; }
  [[nodiscard]] const std::filesystem::path& input() const noexcept override { return input_; }
  [[nodiscard]] std::uint64_t next_item() const noexcept override { return file_.progress().done; }
  [[nodiscard]] bool was_begun() const noexcept override { return was_begun_; }
  [[nodiscard]] bool should_stop() const noexcept override {
    if (stop_.stop_requested()) return true;
    const std::scoped_lock lock(queue_.mutex);
    return entry_.job.cancelling;
  }
  Result<void> set_total(std::uint64_t items) override {
    const std::scoped_lock lock(queue_.mutex);
    if (entry_.job.progress.total == items) return {};
    entry_.job.progress.total = items;
    job_.progress.total = items;
    return noted(queue_.store.save(entry_.job));
  }
  Result<void> record(std::span<const ItemOutcome> outcomes) override {
    VISAVIS_CHECK(noted(file_.append(outcomes)));
    const std::scoped_lock lock(queue_.mutex);
    const auto total = entry_.job.progress.total;
    entry_.job.progress = file_.progress();
    entry_.job.progress.total = total;
    return {};
  }

  /// Why the job cannot be written down any more.
  [[nodiscard]] const std::optional<Error>& broken() const { return broken_; }

 private:
  Result<void> noted(Result<void> result) {
    if (!result && result.error().code == ErrorCode::kUnavailable) broken_ = result.error();
    return result;
  }

  Impl& queue_;
  Entry& entry_;
  Job job_;
  bool was_begun_;
  std::filesystem::path input_;
  OutcomeFile file_;
  std::stop_token stop_;
  std::optional<Error> broken_;
};

Result<void> JobQueue::Impl::load(const LogSink& sink) {
  budget->most = limits.max_all_input_bytes;
  VISAVIS_TRY(jobs, store.load(sink));
  for (Job& job : jobs) {
    Entry entry{.job = std::move(job)};
    if (!has_ended(entry.job.state)) {
      VISAVIS_TRY(file, OutcomeFile::resume(store.outcomes(entry.job.id)));
      const auto total = entry.job.progress.total;
      entry.job.progress = file.progress();
      entry.job.progress.total = total;
      entry.input_bytes = size_of(store.input(entry.job.id));
      budget->used += entry.input_bytes;
    }
    const std::string id = entry.job.id;
    entries.emplace(id, std::move(entry));
  }
  return {};
}

JobQueue::Impl::Entry* JobQueue::Impl::find(std::string_view tenant, std::string_view id) {
  const auto found = entries.find(id);
  if (found == entries.end() || found->second.job.tenant != tenant) return nullptr;
  return &found->second;
}

JobQueue::Impl::Entry* JobQueue::Impl::waiting() {
  for (Entry& entry : entries | std::views::values)
    if (!entry.active && !has_ended(entry.job.state)) return &entry;
  return nullptr;
}

Result<void> JobQueue::Impl::end(Entry& entry, JobState state, std::string_view message) {
  Job ended = entry.job;
  ended.state = state;
  ended.ended = now();
  ended.message = to_label(message);
  VISAVIS_CHECK(store.save(ended));
  entry.job = std::move(ended);
  store.remove_input(entry.job.id);
  budget->used -= std::exchange(entry.input_bytes, 0);
  return {};
}

Result<void> JobQueue::Impl::forget(const std::string& id) {
  VISAVIS_CHECK(store.remove(id));
  entries.erase(id);
  return {};
}

void JobQueue::Impl::forget_expired() {
  std::vector<std::string> expired;
  for (const Entry& entry : entries | std::views::values)
    if (entry.job.ended && now() - *entry.job.ended >= limits.ended_kept_for)
      expired.push_back(entry.job.id);
  for (const std::string& id : expired)
    if (!forget(id)) return;  // the disk's trouble; it is tried again with the next job
}

Result<void> JobQueue::Impl::make_room(std::string_view tenant) {
  forget_expired();
  const auto waits = [&](const Entry& entry) {
    return entry.job.tenant == tenant && !has_ended(entry.job.state);
  };
  const auto count = std::ranges::count_if(entries | std::views::values, waits);
  if (static_cast<std::size_t>(count) >= limits.max_waiting_per_tenant)
    return fail(ErrorCode::kResourceExhausted,
                "there are " + std::to_string(count) +
                    " jobs that have not ended: wait for one of them, or cancel one");
  while (entries.size() >= limits.max_jobs) {
    const auto oldest = std::ranges::find_if(
        entries, [](const auto& one) { return has_ended(one.second.job.state); });
    if (oldest == entries.end())
      return fail(ErrorCode::kResourceExhausted, "there are too many jobs: try again later");
    VISAVIS_CHECK(forget(std::string(oldest->first)));
  }
  return {};
}

/// What becomes of a job whose handler has returned.
Result<void> JobQueue::Impl::settle(Entry& entry, const Run& run, const Result<void>& handled,
                                    const std::stop_token& stop) {
  if (run.broken()) return std::unexpected(*run.broken());
  const auto total = entry.job.progress.total;
  const bool is_complete = handled && total && run.next_item() >= *total;
  if (is_complete) return end(entry, JobState::kDone);
  if (entry.job.cancelling) return end(entry, JobState::kCancelled);
  if (stop.stop_requested()) return {};  // it goes on later
  if (!handled) return end(entry, JobState::kFailed, handled.error().message);
  return end(entry, JobState::kFailed, "it ended before its last item");
}

JobQueue::JobQueue(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}
JobQueue::JobQueue(JobQueue&&) noexcept = default;
JobQueue& JobQueue::operator=(JobQueue&&) noexcept = default;
JobQueue::~JobQueue() = default;

Result<JobQueue> JobQueue::open(const std::filesystem::path& folder, const JobLimits& limits,
                                const LogSink& sink, std::function<std::int64_t()> now) {
  VISAVIS_TRY(store, JobStore::open(folder));
  auto impl = std::make_unique<Impl>(std::move(store), limits, std::move(now));
  VISAVIS_CHECK(impl->load(sink));
  return JobQueue(std::move(impl));
}

Result<JobInput> JobQueue::begin_input() {
  const std::scoped_lock lock(impl_->mutex);
  VISAVIS_TRY(id, impl_->store.make_id());
  VISAVIS_TRY(file, impl_->store.begin_input(id));
  return JobInput(std::make_unique<JobInput::Impl>(id, impl_->store.incoming(id), std::move(file),
                                                   impl_->budget, impl_->limits.max_input_bytes));
}

Result<Job> JobQueue::submit(const NewJob& wanted, JobInput input) {
  VISAVIS_CHECK(check(wanted));
  if (::fsync(input.impl_->file.get()) != 0) return input_not_written(errno);
  Job job{.id = input.impl_->id,
          .tenant = wanted.tenant,
          .kind = wanted.kind,
          .key = wanted.key,
          .parameters = wanted.parameters,
          .created = impl_->now()};
  const std::scoped_lock lock(impl_->mutex);
  VISAVIS_CHECK(impl_->make_room(job.tenant));
  VISAVIS_CHECK(impl_->store.publish(job));
  input.impl_->submitted = true;
  impl_->entries.emplace(job.id, Impl::Entry{.job = job, .input_bytes = input.impl_->bytes});
  impl_->changed.notify_one();
  return job;
}

std::optional<Job> JobQueue::find(std::string_view tenant, std::string_view id) const {
  const std::scoped_lock lock(impl_->mutex);
  const Impl::Entry* entry = impl_->find(tenant, id);
  if (entry == nullptr) return std::nullopt;
  return entry->job;
}

std::vector<Job> JobQueue::list(std::string_view tenant) const {
  const std::scoped_lock lock(impl_->mutex);
  std::vector<Job> jobs;
  for (const Impl::Entry& entry : impl_->entries | std::views::values | std::views::reverse)
    if (entry.job.tenant == tenant) jobs.push_back(entry.job);
  return jobs;
}

JobCounts JobQueue::counts() const {
  const std::scoped_lock lock(impl_->mutex);
  JobCounts counts;
  for (const Impl::Entry& entry : impl_->entries | std::views::values)
    if (!has_ended(entry.job.state)) ++(entry.active ? counts.running : counts.queued);
  return counts;
}

Result<OutcomePage> JobQueue::outcomes(std::string_view tenant, std::string_view id,
                                       std::optional<ItemResult> only, std::string_view cursor,
                                       std::size_t most) const {
  if (most < 1 || most > 1000)
    return fail(ErrorCode::kInvalidArgument, "a page has 1 to 1000 outcomes");
  std::filesystem::path file;
  {
    const std::scoped_lock lock(impl_->mutex);
    const Impl::Entry* entry = impl_->find(tenant, id);
    if (entry == nullptr) return no_such_job();
    file = impl_->store.outcomes(entry->job.id);
  }
  return read_outcomes(file, only, cursor, most);
}

Result<Job> JobQueue::cancel(std::string_view tenant, std::string_view id) {
  const std::scoped_lock lock(impl_->mutex);
  Impl::Entry* entry = impl_->find(tenant, id);
  if (entry == nullptr) return no_such_job();
  if (has_ended(entry->job.state) || entry->job.cancelling) return entry->job;
  if (!entry->active) {
    VISAVIS_CHECK(impl_->end(*entry, JobState::kCancelled));
    return entry->job;
  }
  Job cancelling = entry->job;
  cancelling.cancelling = true;
  VISAVIS_CHECK(impl_->store.save(cancelling));
  entry->job = cancelling;
  return cancelling;
}

Result<void> JobQueue::remove(std::string_view tenant, std::string_view id) {
  const std::scoped_lock lock(impl_->mutex);
  const Impl::Entry* entry = impl_->find(tenant, id);
  if (entry == nullptr) return no_such_job();
  if (!has_ended(entry->job.state))
    return fail(ErrorCode::kInvalidArgument, "the job has not ended: cancel it first");
  return impl_->forget(std::string(id));
}

Result<bool> JobQueue::run_next(const JobHandler& handler, const std::stop_token& stop) {
  std::unique_lock lock(impl_->mutex);
  impl_->forget_expired();
  Impl::Entry* entry = stop.stop_requested() ? nullptr : impl_->waiting();
  if (entry == nullptr) return false;
  if (entry->job.cancelling) {  // it was active when the program was killed
    VISAVIS_CHECK(impl_->end(*entry, JobState::kCancelled));
    return true;
  }
  VISAVIS_TRY(file, OutcomeFile::resume(impl_->store.outcomes(entry->job.id)));
  const bool was_begun = entry->job.started.has_value();
  Job running = entry->job;
  running.state = JobState::kRunning;
  if (!running.started) running.started = impl_->now();
  VISAVIS_CHECK(impl_->store.save(running));
  entry->job = running;
  entry->active = true;
  Impl::Run run(*impl_, *entry, was_begun, std::move(file), stop);
  lock.unlock();
  const Result<void> handled = handler(run);
  lock.lock();
  entry->active = false;
  VISAVIS_CHECK(impl_->settle(*entry, run, handled, stop));
  return true;
}

void JobQueue::wait(std::chrono::milliseconds most, const std::stop_token& stop) {
  std::unique_lock lock(impl_->mutex);
  impl_->changed.wait_for(lock, stop, most, [&] { return impl_->waiting() != nullptr; });
}

}  // namespace visavis::jobs
