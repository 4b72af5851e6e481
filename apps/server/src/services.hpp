#pragma once

/// What the routes work with.

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <visavis/access/audit_log.hpp>
#include <visavis/access/key_ring.hpp>
#include <visavis/access/rate_limiter.hpp>
#include <visavis/fetch/fetcher.hpp>
#include <visavis/jobs/job_queue.hpp>
#include <visavis/server/server.hpp>
#include <visavis/usecases/analyser.hpp>
#include <visavis/usecases/shelf.hpp>

#include "http_server.hpp"
#include "metrics.hpp"
#include "pages.hpp"

namespace visavis::server {

enum class Phase : std::uint8_t { kStarting, kReady, kStopping };

/// Lives as long as the server. Everything in it may be used by several threads at once.
struct Services {
  const ServerOptions& options;
  const usecases::Places& places;
  const ServerEvents& events;
  usecases::Shelf shelf;
  access::KeyRing keys;
  access::AuditLog audit;
  access::RateLimiter rates;
  jobs::JobQueue jobs;
  std::optional<fetch::Fetcher> fetcher;  ///< Nothing: no photo is fetched by URL.
  std::string contract;                   ///< openapi.json
  Pages pages;
  Metrics metrics;
  std::unique_ptr<usecases::Analyser> analyser;  ///< Set before kReady and never changed again.
  std::atomic<Phase> phase = Phase::kStarting;
  std::atomic<std::size_t> uploads = 0;  ///< Bodies that are on their way to the disk.
  const HttpServer* http = nullptr;
};

}  // namespace visavis::server
