#include "job_store.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <system_error>
#include <utility>
#include <visavis/core/file.hpp>

#include "job_file.hpp"
#include "outcome_file.hpp"

namespace visavis::jobs {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t kMaxJobFileBytes = std::uint64_t{1} << 20U;
constexpr std::string_view kIncoming = "incoming";

std::unexpected<Error> not_written(int error) {
  return fail(ErrorCode::kUnavailable,
              "the jobs' folder cannot be written: " + std::generic_category().message(error));
}

Result<void> make_folder(const fs::path& path) {
  if (::mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return not_written(errno);
}

Result<void> move_folder(const fs::path& from, const fs::path& to) {
  if (::rename(from.c_str(), to.c_str()) == 0) return {};
  return not_written(errno);
}

std::string hexadecimal(std::uint64_t number) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text(16, '0');
  for (auto digit = text.rbegin(); digit != text.rend(); ++digit, number >>= 4U)
    *digit = kDigits[number & 15U];
  return text;
}

std::uint64_t microseconds_now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(now).count());
}

Result<Job> load_job(const fs::path& folder) {
  const auto bytes = read_file(folder / "job.json", kMaxJobFileBytes);
  if (!bytes) return std::unexpected(bytes.error());
  VISAVIS_TRY(job, parse_job_file({reinterpret_cast<const char*>(bytes->data()), bytes->size()}));
  if (job.id != folder.filename())
    return fail(ErrorCode::kDecodeFailed, "the job's file is another job's");
  return job;
}

}  // namespace

Result<JobStore> JobStore::open(const fs::path& folder) {
  VISAVIS_CHECK(make_folder(folder));
  VISAVIS_TRY(lock, lock_file(folder / "lock"));
  std::error_code error;
  fs::remove_all(folder / kIncoming, error);
  if (error) return not_written(error.value());
  VISAVIS_CHECK(make_folder(folder / kIncoming));
  VISAVIS_CHECK(sync_folder(folder));
  return JobStore(folder, std::move(lock));
}

Result<std::vector<Job>> JobStore::load(const LogSink& sink) const {
  std::error_code error;
  std::vector<Job> jobs;
  for (auto entry = fs::directory_iterator(folder_, error);
       !error && entry != fs::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (!is_job_id(name)) continue;
    auto job = load_job(entry->path());
    if (!job) {
      log(sink, LogLevel::kWarning, "the job " + name + " is left alone: " + job.error().message);
      continue;
    }
    if (has_ended(job->state)) remove_input(name);
    jobs.push_back(*std::move(job));
  }
  if (error) return not_written(error.value());
  std::ranges::sort(jobs, {}, &Job::id);
  return jobs;
}

Result<std::string> JobStore::make_id() {
  std::uint64_t random = 0;
  if (::getrandom(&random, sizeof(random), 0) != sizeof(random))
    return fail(ErrorCode::kUnavailable, "the system gives no random numbers");
  last_id_ = std::max(last_id_ + 1, microseconds_now());
  return hexadecimal(last_id_) + hexadecimal(random);
}

fs::path JobStore::incoming(const std::string& id) const { return folder_ / kIncoming / id; }
fs::path JobStore::input(const std::string& id) const { return folder_ / id / "input"; }
fs::path JobStore::outcomes(const std::string& id) const { return folder_ / id / "outcomes.jsonl"; }

Result<Descriptor> JobStore::begin_input(const std::string& id) const {
  VISAVIS_CHECK(make_folder(incoming(id)));
  Descriptor file(
      ::open((incoming(id) / "input").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file.get() < 0) return not_written(errno);
  return file;
}

Result<void> JobStore::publish(const Job& job) const {
  const fs::path made = incoming(job.id);
  VISAVIS_CHECK(write_file(made / "job.json", to_job_file(job), Readers::kOwner));
  VISAVIS_CHECK(sync_folder(made));
  VISAVIS_CHECK(move_folder(made, folder_ / job.id));
  return sync_folder(folder_);
}

Result<void> JobStore::save(const Job& job) const {
  return write_file(folder_ / job.id / "job.json", to_job_file(job), Readers::kOwner);
}

void JobStore::remove_input(const std::string& id) const {
  std::error_code tried_again_at_the_next_start;
  fs::remove(input(id), tried_again_at_the_next_start);
}

Result<void> JobStore::remove(const std::string& id) const {
  VISAVIS_CHECK(move_folder(folder_ / id, incoming(id)));
  VISAVIS_CHECK(sync_folder(folder_));
  std::error_code tried_again_at_the_next_start;
  fs::remove_all(incoming(id), tried_again_at_the_next_start);
  return {};
}

}  // namespace visavis::jobs
