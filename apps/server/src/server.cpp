#include "visavis/server/server.hpp"

#include <poll.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/time.hpp>
#include <visavis/usecases/import_job.hpp>

#include "http_server.hpp"
#include "openapi.hpp"
#include "router.hpp"
#include "services.hpp"

namespace visavis::server {
namespace {

using usecases::Cause;
using usecases::caused_by;
using usecases::Outcome;
using usecases::usage;

bool is_loopback(const std::string& address) {
  return address == "::1" || address.starts_with("127.");
}

Outcome<void> check(const ServerOptions& options) {
  if (options.no_auth && !is_loopback(options.address))
    return usage("without keys a server listens on loopback only: 127.0.0.1 or ::1");
  if (options.certificate.empty() != options.private_key.empty())
    return usage("a certificate and its private key go together");
  if (options.data.empty()) return usage("a folder for the data is needed");
  if (!access::is_tenant(options.tenant))
    return usage("a tenant is 1 to 63 of a-z, 0-9, - and _, and begins with a letter or digit");
  if (options.max_requests < 1 || options.max_connections < 1 || options.max_images < 1 ||
      options.analyser.max_batch < 1 || options.analyser.max_waiting < 1)
    return usage("a limit is at least 1");
  return {};
}

Outcome<void> make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (!error) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  if (!error) return {};
  return std::unexpected(usecases::Failure(
      Cause::kEnvironment, {ErrorCode::kUnavailable, folder.string() + ": " + error.message()}));
}

Outcome<void> make_first_key(Services& services) {
  if (services.options.no_auth || !services.keys.is_empty()) return {};
  VISAVIS_TRY(made,
              caused_by(Cause::kEnvironment, services.keys.make({.tenant = services.options.tenant,
                                                                 .scope = access::Scope::kAdmin,
                                                                 .note = "the first key",
                                                                 .expires = std::nullopt},
                                                                seconds_now())));
  if (services.events.first_key) services.events.first_key(made.secret);
  return {};
}

Outcome<std::optional<fetch::Fetcher>> make_fetcher(const ServerOptions& options) {
  if (options.allow_url.empty()) return std::optional<fetch::Fetcher>();
  VISAVIS_TRY(fetcher,
              caused_by(Cause::kUsage, fetch::Fetcher::make({.hosts = options.allow_url,
                                                             .max_bytes = options.max_image_bytes,
                                                             .total = options.deadline})));
  return std::optional<fetch::Fetcher>(std::move(fetcher));
}

jobs::JobLimits job_limits(const ServerOptions& options) {
  return {.max_input_bytes = options.max_import_bytes,
          .max_all_input_bytes = 4 * options.max_import_bytes};
}

/// Who was enrolled by a job, and why others were not.
void note_item(Services& services, const jobs::Job& job, const jobs::ItemOutcome& item) {
  services.metrics.imported(jobs::to_string(item.result));
  if (item.result != jobs::ItemResult::kSucceeded) return services.metrics.refused(item.reason);
  const auto order = usecases::parse_parameters(job.parameters);
  const auto noted = services.audit.append({.time = seconds_now(),
                                            .request = job.id,
                                            .tenant = job.tenant,
                                            .key = job.key,
                                            .action = "face.enrol",
                                            .gallery = order ? order->gallery : std::string(),
                                            .person = item.person,
                                            .face = item.face,
                                            .outcome = "ok"},
                                           access::Durable::kLater);
  if (!noted) note_unaudited(services, job.id, noted.error());
}

void pause(std::chrono::seconds most, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any woken;
  std::unique_lock lock(mutex);
  woken.wait_for(lock, stop, most, [] { return false; });
}

HttpOptions http_options(const ServerOptions& options) {
  return {.address = options.address,
          .port = options.port,
          .certificate = options.certificate,
          .private_key = options.private_key,
          .max_connections = options.max_connections,
          .max_requests = options.max_requests,
          .max_body_bytes = options.max_body_bytes,
          .body = options.body_timeout,
          .grace = options.grace};
}

/// Until somebody says that it is enough.
void await(int stop) {
  if (stop < 0) return;
  pollfd waiting{.fd = stop, .events = POLLIN, .revents = 0};
  while (poll(&waiting, 1, -1) < 0 && errno == EINTR) {
  }
}

/// Until `stop` asks; a job that runs then goes on the next time.
void run_jobs(Services& services, const LogSink& sink, const std::stop_token& stop) {
  const auto executor = make_thread_pool(services.analyser->workers());
  usecases::Importer importer(*services.analyser, services.shelf,
                              services.fetcher ? &*services.fetcher : nullptr, *executor,
                              {.max_photo_bytes = services.options.max_image_bytes,
                               .done = [&](const jobs::Job& job, const jobs::ItemOutcome& item) {
                                 note_item(services, job, item);
                               }});
  while (!stop.stop_requested()) {
    const auto ran =
        services.jobs.run_next([&](jobs::JobRun& run) { return importer.run(run); }, stop);
    if (ran && *ran) continue;
    if (!ran) log(sink, LogLevel::kWarning, "a job waits: " + ran.error().message);
    constexpr std::chrono::seconds kForADisk(5);
    constexpr std::chrono::seconds kForAJob(60);
    if (ran)
      services.jobs.wait(kForAJob, stop);
    else
      pause(kForADisk, stop);
  }
}

/// The threads of a server, from the bottom up. They end in the reverse order: connections first,
/// then the workers, when nobody waits for them any more.
Outcome<void> run(Services& services, HttpServer& http, int stop, const LogSink& sink) {
  std::jthread transport([&http] { http.run(); });
  struct Stopper {
    HttpServer& http;
    ~Stopper() { http.stop(); }
  };
  std::vector<std::jthread> workers;
  std::jthread jobs;
  {
    const Stopper at_the_end{http};
    VISAVIS_TRY(analyser, usecases::Analyser::open(services.places, services.options.workbench,
                                                   services.options.analyser, sink));
    services.analyser = std::move(analyser);
    for (int i = 0; i < services.analyser->workers(); ++i)
      workers.emplace_back([&services, i] { services.analyser->serve(i); });
    jobs = std::jthread([&](const std::stop_token& asked) { run_jobs(services, sink, asked); });
    services.phase = Phase::kReady;
    if (services.events.ready) services.events.ready(services.analyser->facts());
    await(stop);
    services.phase = Phase::kStopping;
    if (services.events.stopping) services.events.stopping();
    jobs.request_stop();
  }
  if (jobs.joinable()) jobs.join();
  transport.join();
  services.analyser->close();
  return {};
}

}  // namespace

Outcome<void> serve(const usecases::Places& places, const ServerOptions& options,
                    const ServerEvents& events, int stop, const LogSink& sink) {
  VISAVIS_CHECK(check(options));
  VISAVIS_CHECK(make_folder(options.data));
  VISAVIS_TRY(keys,
              caused_by(Cause::kEnvironment, access::KeyRing::open(options.data / "keys.json")));
  VISAVIS_TRY(audit, caused_by(Cause::kEnvironment,
                               access::AuditLog::open(options.data / "audit", {}, sink)));
  VISAVIS_TRY(rates, caused_by(Cause::kUsage, access::RateLimiter::make({.per_second = options.rate,
                                                                         .burst = options.burst})));
  VISAVIS_TRY(jobs,
              caused_by(Cause::kEnvironment,
                        jobs::JobQueue::open(options.data / "jobs", job_limits(options), sink)));
  VISAVIS_TRY(fetcher, make_fetcher(options));
  VISAVIS_TRY(pages, caused_by(Cause::kUsage, read_pages(options.web)));
  Services services{.options = options,
                    .places = places,
                    .events = events,
                    .shelf = usecases::Shelf(options.data / "galleries", options.gallery_key),
                    .keys = std::move(keys),
                    .audit = std::move(audit),
                    .rates = std::move(rates),
                    .jobs = std::move(jobs),
                    .fetcher = std::move(fetcher),
                    .contract = open_api(!options.allow_url.empty()),
                    .pages = std::move(pages),
                    .metrics = {},
                    .analyser = nullptr,
                    .http = nullptr};
  VISAVIS_TRY(http,
              caused_by(Cause::kEnvironment,
                        HttpServer::bind(http_options(options), make_handlers(services), sink)));
  services.http = http.get();
  VISAVIS_CHECK(make_first_key(services));
  if (events.listening) events.listening(http->port());
  return run(services, *http, stop, sink);
}

}  // namespace visavis::server
