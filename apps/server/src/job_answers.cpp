#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <visavis/core/time.hpp>
#include <visavis/jobs/url_list.hpp>
#include <visavis/jobs/zip_reader.hpp>
#include <visavis/usecases/import_job.hpp>
#include <visavis/usecases/served.hpp>
#include <visavis/wire/jobs.hpp>

#include "answers.hpp"
#include "multipart.hpp"
#include "parameters.hpp"
#include "replies.hpp"

namespace visavis::server::answers {
namespace {

using usecases::Cause;
using usecases::caused_by;
using usecases::Failure;
using usecases::Outcome;
using usecases::usage;

Outcome<std::optional<std::int64_t>> time_in(const Fields& query, std::string_view name) {
  const auto found = query.find(name);
  if (found == query.end()) return std::optional<std::int64_t>();
  return time_of(nlohmann::json(found->second), name);
}

Outcome<usecases::ImportOrder> order_of(const Call& call) {
  const Fields& query = call.request.query;
  VISAVIS_CHECK(check_query(call.request, {"select", "consent_basis", "consent_at", "expires_at"}));
  VISAVIS_TRY(gallery, call.find_gallery());
  VISAVIS_CHECK(usecases::check_model(*call.services.analyser, gallery));
  usecases::ImportOrder order{.gallery = call.gallery()};
  VISAVIS_TRY(selection, selection_of(query));
  VISAVIS_TRY(consent_at, time_in(query, "consent_at"));
  VISAVIS_TRY(expires_at, time_in(query, "expires_at"));
  order.selection = selection;
  order.consent_at = consent_at;
  order.expires_at = expires_at;
  if (const auto basis = query.find("consent_basis"); basis != query.end()) {
    order.consent_basis = basis->second;
    // A basis without a time is of now.
    if (!order.consent_at) order.consent_at = seconds_now();
  }
  // What cannot be said of a person is told now, not of every photo.
  VISAVIS_CHECK(caused_by(
      Cause::kUsage,
      gallery::apply_change({.id = "x", .name = "x"}, {.consent_basis = order.consent_basis,
                                                       .consent_at = order.consent_at,
                                                       .expires_at = order.expires_at})));
  return order;
}

/// {"urls": [{"url": …, "person": …}]} as lines.
Outcome<std::string> lines_of(const Request& request) {
  VISAVIS_TRY(object, object_in(request.body, {"urls"}));
  const auto urls = object.find("urls");
  if (urls == object.end() || !urls->is_array()) return usage("urls is no list");
  std::string lines;
  for (const nlohmann::json& one : *urls) {
    const bool fine = one.is_object() && one.size() == 2 && one.contains("url") &&
                      one.contains("person") && one.at("url").is_string() &&
                      one.at("person").is_string();
    if (!fine) return usage("urls is a list of objects of two texts: url and person");
    const auto& url = one.at("url").get_ref<const std::string&>();
    const auto& person = one.at("person").get_ref<const std::string&>();
    if (url.empty() || url.starts_with('#') ||
        (url + person).find_first_of("\t\r\n") != std::string::npos)
      return usage("a url or a person holds a tab or the end of a line, or there is no url");
    lines.append(url).append("\t").append(person).append("\n");
  }
  return lines;
}

Outcome<jobs::JobInput> list_of(const Call& call) {
  const std::string type = media_type(call.request.field("content-type"));
  const bool is_json = type == "application/json";
  if (!is_json && type != "text/plain" && type != "text/tab-separated-values")
    return std::unexpected(
        Failure(Cause::kInput, {ErrorCode::kUnsupported,
                                "send an archive as application/zip, or a list of URLs and persons "
                                "as text/plain or application/json"}));
  if (!call.services.fetcher)
    return usage("photos by URL are off; whoever runs the server can allow hosts (--allow-url)");
  std::string text = call.request.body;
  if (is_json) {
    VISAVIS_TRY(lines, lines_of(call.request));
    text = std::move(lines);
  }
  VISAVIS_TRY(urls, caused_by(Cause::kUsage, jobs::parse_url_list(text)));
  if (urls.empty()) return usage("the list is empty");
  VISAVIS_TRY(input, caused_by(Cause::kEnvironment, call.services.jobs.begin_input()));
  VISAVIS_CHECK(caused_by(Cause::kEnvironment, input.append(bytes_of(text))));
  return input;
}

Outcome<jobs::JobInput> archive_of(Call& call) {
  if (!call.uploaded) return usage("the body is empty; send a zip archive");
  const auto limits = usecases::zip_limits(call.services.options.max_image_bytes);
  VISAVIS_CHECK(caused_by(Cause::kInput, jobs::ZipReader::open(call.uploaded->path(), limits)));
  return *std::move(call.uploaded);
}

}  // namespace

std::optional<Response> receive_archive(Call& call, std::span<const std::byte> bytes) {
  if (!call.uploaded) {  // before gigabytes are sent for nothing
    if (const auto order = order_of(call); !order) return problem(order.error());
    auto input = call.services.jobs.begin_input();
    if (!input) return problem(Failure(Cause::kEnvironment, std::move(input).error()));
    call.uploaded = *std::move(input);
  }
  if (auto written = call.uploaded->append(bytes); !written)
    return problem(Failure(Cause::kEnvironment, std::move(written).error()));
  return std::nullopt;
}

Response import_photos(Call& call) {
  VISAVIS_OR_PROBLEM(order, order_of(call));
  const bool archived = is_archive(call.request);
  VISAVIS_OR_PROBLEM(input, archived ? archive_of(call) : list_of(call));
  auto job = call.services.jobs.submit(
      {.tenant = call.who.tenant,
       .kind = std::string(archived ? usecases::kImportZip : usecases::kImportUrls),
       .key = call.who.key,
       .parameters = usecases::to_parameters(order)},
      std::move(input));
  if (!job) return problem(Failure(std::move(job).error()));
  call.audit("import.create", job->id);
  Response response = json(wire::to_json(*job, seconds_now()), 202);
  response.fields.emplace_back("Location", "/v1/jobs/" + job->id);
  return response;
}

Response list_jobs(Call& call) {
  if (auto fine = check_query(call.request, {}); !fine) return problem(fine.error());
  return json(wire::to_json(call.services.jobs.list(call.who.tenant), seconds_now()));
}

Response show_job(Call& call) {
  if (auto fine = check_query(call.request, {"result", "cursor", "limit"}); !fine)
    return problem(fine.error());
  const Fields& query = call.request.query;
  VISAVIS_OR_PROBLEM(limit, whole_of(query, "limit", 100, 1, 1000));
  std::optional<jobs::ItemResult> only;
  if (const auto word = query.find("result"); word != query.end()) {
    only = jobs::parse_item_result(word->second);
    if (!only) return problem(400, "result is one of succeeded, refused, failed");
  }
  const auto cursor = query.find("cursor");
  auto page = call.services.jobs.outcomes(call.who.tenant, call.path[0], only,
                                          cursor == query.end() ? "" : cursor->second,
                                          static_cast<std::size_t>(limit));
  if (!page) return problem(Failure(std::move(page).error()));
  const auto job = call.services.jobs.find(call.who.tenant, call.path[0]);
  if (!job) return problem(404, "there is no job of that id");
  return json(wire::to_json(*job, *page, seconds_now()));
}

Response end_job(Call& call) {
  const std::string id = call.path[0];
  const auto job = call.services.jobs.find(call.who.tenant, id);
  if (!job) return problem(404, "there is no job of that id");
  const auto order = usecases::parse_parameters(job->parameters);
  call.path = {order ? order->gallery : std::string()};
  if (jobs::has_ended(job->state)) {
    if (auto removed = call.services.jobs.remove(call.who.tenant, id); !removed)
      return problem(Failure(std::move(removed).error()));
    call.audit("import.remove", id);
    return nothing();
  }
  auto cancelled = call.services.jobs.cancel(call.who.tenant, id);
  if (!cancelled) return problem(Failure(std::move(cancelled).error()));
  call.audit("import.cancel", id);
  return json(wire::to_json(*cancelled, seconds_now()), 202);
}

}  // namespace visavis::server::answers
