#pragma once

/// The file of a job, as text and back.

#include <string>
#include <string_view>
#include <visavis/core/result.hpp>

#include "visavis/jobs/job.hpp"

namespace visavis::jobs {

[[nodiscard]] std::string to_job_file(const Job& job);
/// @return kDecodeFailed for anything that to_job_file does not write
[[nodiscard]] Result<Job> parse_job_file(std::string_view text);

/// @return kInvalidArgument with the sentence for whoever made it
[[nodiscard]] Result<void> check(const NewJob& job);

/// 32 lower-case hexadecimal digits: no path that leads anywhere can be made of another's id.
[[nodiscard]] bool is_job_id(std::string_view text) noexcept;

}  // namespace visavis::jobs
