#pragma once

/// JSON of jobs. Times are seconds since 1970.

#include <cstdint>
#include <string>
#include <vector>
#include <visavis/jobs/job.hpp>

namespace visavis::wire {

/// @param now  what the rate of a job that runs is reckoned up to
[[nodiscard]] std::string to_json(const std::vector<jobs::Job>& jobs, std::int64_t now);
[[nodiscard]] std::string to_json(const jobs::Job& job, std::int64_t now);
/// With what became of some of its items.
[[nodiscard]] std::string to_json(const jobs::Job& job, const jobs::OutcomePage& page,
                                  std::int64_t now);

}  // namespace visavis::wire
