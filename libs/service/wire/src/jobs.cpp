#include "visavis/wire/jobs.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <visavis/usecases/import_job.hpp>

#include "document.hpp"
#include "person_parts.hpp"

namespace visavis::wire {
namespace {

/// Items a second since it began.
Json rate_of(const jobs::Job& job, std::int64_t now) {
  if (!job.started || job.progress.done == 0) return nullptr;
  const std::int64_t seconds = std::max<std::int64_t>(job.ended.value_or(now) - *job.started, 1);
  return number(static_cast<double>(job.progress.done) / static_cast<double>(seconds));
}

Json facts_of(const jobs::Job& job, std::int64_t now) {
  const auto order = usecases::parse_parameters(job.parameters);
  return {{"job", job.id},
          {"kind", job.kind},
          {"gallery", order ? Json(order->gallery) : Json(nullptr)},
          {"key", job.key.empty() ? Json(nullptr) : Json(job.key)},
          {"state", jobs::to_string(job.state)},
          {"cancelling", job.cancelling && !jobs::has_ended(job.state)},
          {"created", job.created},
          {"started", or_null(job.started)},
          {"ended", or_null(job.ended)},
          {"total", or_null(job.progress.total)},
          {"done", job.progress.done},
          {"succeeded", job.progress.succeeded},
          {"refused", job.progress.refused},
          {"failed", job.progress.failed},
          {"per_second", rate_of(job, now)},
          {"message", job.message.empty() ? Json(nullptr) : Json(job.message)}};
}

Json outcome_of(const jobs::ItemOutcome& outcome) {
  Json json{
      {"item", outcome.item}, {"path", outcome.label}, {"result", jobs::to_string(outcome.result)}};
  if (outcome.result == jobs::ItemResult::kSucceeded) {
    json["person"] = outcome.person;
    json["face_id"] = outcome.face;
  } else {
    json["reason"] = outcome.reason;
    json["message"] = outcome.message;
  }
  return json;
}

}  // namespace

std::string to_json(const std::vector<jobs::Job>& jobs, std::int64_t now) {
  Json json = document("jobs");
  json["jobs"] = Json::array();
  for (const jobs::Job& job : jobs) json["jobs"].push_back(facts_of(job, now));
  return closed(json);
}

std::string to_json(const jobs::Job& job, std::int64_t now) {
  Json json = document("job");
  json.update(facts_of(job, now));
  return closed(json);
}

std::string to_json(const jobs::Job& job, const jobs::OutcomePage& page, std::int64_t now) {
  Json json = document("job");
  json.update(facts_of(job, now));
  json["outcomes"] = Json::array();
  for (const jobs::ItemOutcome& outcome : page.outcomes)
    json["outcomes"].push_back(outcome_of(outcome));
  json["next"] = page.next.empty() ? Json(nullptr) : Json(page.next);
  return closed(json);
}

}  // namespace visavis::wire
