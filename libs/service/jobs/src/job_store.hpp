#pragma once

/// The folder of a queue: a folder for each job with job.json, outcomes.jsonl and, until it ends,
/// input; and incoming/, where things are made and taken apart, which is emptied at every start.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/log.hpp>
#include <visavis/core/result.hpp>

#include "visavis/jobs/job.hpp"

namespace visavis::jobs {

/// Thread-compatible.
class JobStore {
 public:
  [[nodiscard]] static Result<JobStore> open(const std::filesystem::path& folder);

  /// All jobs, in the order in which they were made; inputs of ended ones are gone afterwards.
  [[nodiscard]] Result<std::vector<Job>> load(const LogSink& sink) const;

  /// Greater than every one before, random in its second half.
  [[nodiscard]] Result<std::string> make_id();
  /// A folder in incoming/ with an empty input.
  [[nodiscard]] Result<Descriptor> begin_input(const std::string& id) const;
  [[nodiscard]] std::filesystem::path incoming(const std::string& id) const;
  /// Makes a job of an incoming folder, at once or not at all, and durably.
  [[nodiscard]] Result<void> publish(const Job& job) const;

  [[nodiscard]] Result<void> save(const Job& job) const;
  void remove_input(const std::string& id) const;
  /// At once or not at all.
  [[nodiscard]] Result<void> remove(const std::string& id) const;

  [[nodiscard]] std::filesystem::path input(const std::string& id) const;
  [[nodiscard]] std::filesystem::path outcomes(const std::string& id) const;

 private:
  JobStore(std::filesystem::path folder, Descriptor lock)
      : folder_(std::move(folder)), lock_(std::move(lock)) {}

  std::filesystem::path folder_;
  Descriptor lock_;
  std::uint64_t last_id_ = 0;
};

}  // namespace visavis::jobs
