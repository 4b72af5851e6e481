#include "metrics.hpp"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <vector>

#include "services.hpp"

namespace visavis::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

const prometheus::Histogram::BucketBoundaries kSeconds{.001, .0025, .005, .01, .025, .05, .1,
                                                       .25,  .5,    1,    2.5, 5,    10};

ClientMetric value_of(double value, MetricType type, std::vector<ClientMetric::Label> labels = {}) {
  ClientMetric metric;
  metric.label = std::move(labels);
  if (type == MetricType::Counter)
    metric.counter.value = value;
  else
    metric.gauge.value = value;
  return metric;
}

MetricFamily family(const char* name, const char* help, MetricType type,
                    std::vector<ClientMetric> metrics) {
  return {.name = name, .help = help, .type = type, .metric = std::move(metrics)};
}

MetricFamily one(const char* name, const char* help, MetricType type, double value) {
  return family(name, help, type, {value_of(value, type)});
}

/// Photos in one pass through the networks; their number is the sum.
ClientMetric batches_of(const std::vector<std::uint64_t>& batches) {
  ClientMetric metric;
  std::uint64_t count = 0;
  std::uint64_t photos = 0;
  for (std::size_t size = 1; size < batches.size(); ++size) {
    count += batches[size];
    photos += size * batches[size];
    metric.histogram.bucket.push_back(
        {.cumulative_count = count, .upper_bound = static_cast<double>(size)});
  }
  metric.histogram.sample_count = count;
  metric.histogram.sample_sum = static_cast<double>(photos);
  return metric;
}

ClientMetric stage_of(const char* name, const usecases::StageTimes& times) {
  ClientMetric metric;
  metric.label = {{.name = "stage", .value = name}};
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < times.kBounds.size(); ++i) {
    count += times.counts[i];
    metric.histogram.bucket.push_back({.cumulative_count = count, .upper_bound = times.kBounds[i]});
  }
  metric.histogram.sample_count = count + times.counts.back();
  metric.histogram.sample_sum = times.seconds;
  return metric;
}

double resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return static_cast<double>(resident) * static_cast<double>(sysconf(_SC_PAGESIZE));
}

void add_galleries(std::vector<MetricFamily>& families, const Services& services,
                   std::string_view tenant) {
  std::vector<ClientMetric> persons;
  std::vector<ClientMetric> faces;
  for (const usecases::Shelf::Size& size : services.shelf.sizes()) {
    if (size.tenant != tenant) continue;
    const std::vector<ClientMetric::Label> labels{{.name = "tenant", .value = size.tenant},
                                                  {.name = "gallery", .value = size.gallery}};
    persons.push_back(value_of(static_cast<double>(size.persons), MetricType::Gauge, labels));
    faces.push_back(value_of(static_cast<double>(size.faces), MetricType::Gauge, labels));
  }
  families.push_back(family("visavis_gallery_persons", "Persons of galleries that are open",
                            MetricType::Gauge, std::move(persons)));
  families.push_back(family("visavis_gallery_faces", "Faces of galleries that are open",
                            MetricType::Gauge, std::move(faces)));
}

void add_jobs(std::vector<MetricFamily>& families, const jobs::JobCounts& counts) {
  families.push_back(family("visavis_jobs", "Jobs that have not ended", MetricType::Gauge,
                            {value_of(static_cast<double>(counts.queued), MetricType::Gauge,
                                      {{.name = "state", .value = "queued"}}),
                             value_of(static_cast<double>(counts.running), MetricType::Gauge,
                                      {{.name = "state", .value = "running"}})}));
}

void add_analyser(std::vector<MetricFamily>& families, const usecases::Analyser& analyser) {
  const batching::BatcherStats queue = analyser.queue();
  const usecases::AnalyserTimes times = analyser.times();
  const usecases::RunFacts& run = analyser.facts();
  families.push_back(family("visavis_engine_info", "What runs", MetricType::Gauge,
                            {value_of(1, MetricType::Gauge,
                                      {{.name = "engine", .value = run.engine},
                                       {.name = "precision", .value = run.precision},
                                       {.name = "detector", .value = run.detector},
                                       {.name = "recogniser", .value = run.recogniser},
                                       {.name = "model", .value = run.model}})}));
  families.push_back(one("visavis_queue_photos", "Photos that wait for a worker", MetricType::Gauge,
                         static_cast<double>(queue.waiting)));
  families.push_back(one("visavis_queue_photos_max", "The most that ever waited", MetricType::Gauge,
                         static_cast<double>(queue.max_waiting)));
  families.push_back(family("visavis_queue_refused_total", "Photos whose turn did not come",
                            MetricType::Counter,
                            {value_of(static_cast<double>(queue.full), MetricType::Counter,
                                      {{.name = "reason", .value = "full"}}),
                             value_of(static_cast<double>(queue.late), MetricType::Counter,
                                      {{.name = "reason", .value = "late"}})}));
  families.push_back(family("visavis_batch_photos", "Photos in one pass through the networks",
                            MetricType::Histogram, {batches_of(queue.batches)}));
  families.push_back(
      family("visavis_stage_seconds",
             "Time of each photo waiting and being decoded, and of each batch in the networks",
             MetricType::Histogram,
             {stage_of("wait", times.wait), stage_of("decode", times.decode),
              stage_of("analyse", times.analyse)}));
}

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& requests = prometheus::BuildCounter()
                                                          .Name("visavis_requests_total")
                                                          .Help("Requests that were answered")
                                                          .Register(registry);
  prometheus::Family<prometheus::Histogram>& seconds =
      prometheus::BuildHistogram()
          .Name("visavis_request_seconds")
          .Help("From a request's head to the last byte of its answer")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& refusals =
      prometheus::BuildCounter()
          .Name("visavis_refusals_total")
          .Help("Photos that were not enrolled or could not be used, by reason")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& imports =
      prometheus::BuildCounter()
          .Name("visavis_import_photos_total")
          .Help("Photos of imports, by what became of them")
          .Register(registry);
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::Metrics(Metrics&&) noexcept = default;
Metrics::~Metrics() = default;

void Metrics::request(std::string_view route, std::string_view method, unsigned status,
                      double seconds) {
  const std::string pattern(route);
  impl_->requests
      .Add(
          {{"route", pattern}, {"method", std::string(method)}, {"status", std::to_string(status)}})
      .Increment();
  impl_->seconds.Add({{"route", pattern}}, kSeconds).Observe(seconds);
}

void Metrics::refused(std::string_view reason) {
  impl_->refusals.Add({{"reason", std::string(reason)}}).Increment();
}

void Metrics::imported(std::string_view result) {
  impl_->imports.Add({{"result", std::string(result)}}).Increment();
}

std::string Metrics::text(const Services& services, std::string_view tenant) {
  std::vector<MetricFamily> families = impl_->registry.Collect();
  if (services.phase != Phase::kStarting) add_analyser(families, *services.analyser);
  add_galleries(families, services, tenant);
  add_jobs(families, services.jobs.counts());
  if (services.http != nullptr) {
    const HttpCounts counts = services.http->counts();
    families.push_back(one("visavis_connections", "Open connections", MetricType::Gauge,
                           static_cast<double>(counts.connections)));
    families.push_back(one("visavis_requests_now", "Requests that are being done",
                           MetricType::Gauge, static_cast<double>(counts.requests)));
  }
  families.push_back(
      one("process_resident_memory_bytes", "Resident memory", MetricType::Gauge, resident_bytes()));
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace visavis::server
