#pragma once

/// What the server counts, for Prometheus.

#include <memory>
#include <string>
#include <string_view>

namespace visavis::server {

struct Services;

/// Thread-safe. Labels are names of routes, methods, reasons and galleries, never of people.
class Metrics {
 public:
  Metrics();
  Metrics(Metrics&&) noexcept;
  Metrics& operator=(Metrics&&) = delete;
  ~Metrics();

  void request(std::string_view route, std::string_view method, unsigned status, double seconds);
  /// A photo that was not enrolled or could not be used.
  void refused(std::string_view reason);
  /// An item of an import. @param result  "succeeded", "refused", "failed"
  void imported(std::string_view result);

  /// The text format, with what the services say at this moment.
  /// @param tenant  whose galleries are told of; empty: nobody's
  [[nodiscard]] std::string text(const Services& services, std::string_view tenant);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::server
