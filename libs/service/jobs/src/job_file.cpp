#include "job_file.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>
#include <visavis/core/file.hpp>
#include <visavis/core/time.hpp>

namespace visavis::jobs {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kSchema = "visavis.job/1";
constexpr std::size_t kMaxParameterBytes = std::size_t{64} << 10U;

constexpr std::array kStates{JobState::kQueued, JobState::kRunning, JobState::kDone,
                             JobState::kFailed, JobState::kCancelled};

/// Reads the fields of an object one by one; `good` tells in the end whether all were there.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  std::string text(std::string_view name) {
    const auto found = find(name);
    return found ? string_of(*found) : missing<std::string>();
  }
  std::int64_t time(std::string_view name) {
    const auto seconds = parse_rfc3339(text(name));
    return seconds ? *seconds : missing<std::int64_t>();
  }
  std::optional<std::int64_t> maybe_time(std::string_view name) {
    if (!object_.contains(name)) return std::nullopt;
    return time(name);
  }
  std::uint64_t count(std::string_view name) {
    const auto found = find(name);
    if (!found || !(*found)->is_number_unsigned()) return missing<std::uint64_t>();
    return (*found)->get<std::uint64_t>();
  }
  std::optional<std::uint64_t> maybe_count(std::string_view name) {
    if (!object_.contains(name)) return std::nullopt;
    return count(name);
  }
  bool flag(std::string_view name) {
    const auto found = find(name);
    return found && (*found)->is_boolean() ? (*found)->get<bool>() : missing<bool>();
  }
  JobState state(std::string_view name) {
    const std::string word = text(name);
    for (const JobState state : kStates)
      if (word == to_string(state)) return state;
    return missing<JobState>();
  }
  [[nodiscard]] bool good() const { return good_; }

 private:
  std::optional<const Json*> find(std::string_view name) {
    const auto found = object_.find(name);
    if (found == object_.end()) return std::nullopt;
    return &*found;
  }
  std::string string_of(const Json* value) {
    return value->is_string() ? value->get<std::string>() : missing<std::string>();
  }
  template <class Value>
  Value missing() {
    good_ = false;
    return Value{};
  }

  const Json& object_;
  bool good_ = true;
};

bool is_word(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, fits);
}

}  // namespace

std::string_view to_string(JobState state) noexcept {
  switch (state) {
    case JobState::kQueued:
      return "queued";
    case JobState::kRunning:
      return "running";
    case JobState::kDone:
      return "done";
    case JobState::kFailed:
      return "failed";
    case JobState::kCancelled:
      return "cancelled";
  }
  return "";
}

bool is_job_id(std::string_view text) noexcept {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == text.npos;
}

Result<void> check(const NewJob& job) {
  if (!is_word(job.tenant) || !is_word(job.kind) || !(job.key.empty() || is_word(job.key)))
    return fail(ErrorCode::kInvalidArgument,
                "a job's tenant, kind and key are words of a to z, 0 to 9, _ and -");
  if (job.parameters.size() > kMaxParameterBytes || !is_utf8(job.parameters))
    return fail(ErrorCode::kInvalidArgument, "a job's parameters are UTF-8 text of at most 64 KiB");
  return {};
}

std::string to_job_file(const Job& job) {
  Json file{{"schema", kSchema},
            {"id", job.id},
            {"tenant", job.tenant},
            {"kind", job.kind},
            {"key", job.key},
            {"parameters", job.parameters},
            {"state", to_string(job.state)},
            {"created", to_rfc3339(job.created)}};
  if (job.started) file["started"] = to_rfc3339(*job.started);
  if (job.ended) file["ended"] = to_rfc3339(*job.ended);
  if (job.progress.total) file["total"] = *job.progress.total;
  file["succeeded"] = job.progress.succeeded;
  file["refused"] = job.progress.refused;
  file["failed"] = job.progress.failed;
  file["cancelling"] = job.cancelling;
  file["message"] = job.message;
  return file.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Job> parse_job_file(std::string_view text) {
  const Json file = Json::parse(text, nullptr, false);
  const auto damaged = [] { return fail(ErrorCode::kDecodeFailed, "the job's file is damaged"); };
  if (!file.is_object()) return damaged();
  Fields fields(file);
  if (fields.text("schema") != kSchema) return damaged();
  Job job{.id = fields.text("id"),
          .tenant = fields.text("tenant"),
          .kind = fields.text("kind"),
          .key = fields.text("key"),
          .parameters = fields.text("parameters"),
          .state = fields.state("state"),
          .created = fields.time("created"),
          .started = fields.maybe_time("started"),
          .ended = fields.maybe_time("ended"),
          .progress = {.total = fields.maybe_count("total"),
                       .succeeded = fields.count("succeeded"),
                       .refused = fields.count("refused"),
                       .failed = fields.count("failed")},
          .cancelling = fields.flag("cancelling"),
          .message = fields.text("message")};
  job.progress.done = job.progress.succeeded + job.progress.refused + job.progress.failed;
  const bool is_whole = fields.good() && is_job_id(job.id) &&
                        check(NewJob{job.tenant, job.kind, job.key, job.parameters}) &&
                        has_ended(job.state) == job.ended.has_value();
  if (!is_whole) return damaged();
  return job;
}

}  // namespace visavis::jobs
