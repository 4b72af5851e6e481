#pragma once

/// What became of a job's items: a file that grows, one JSON object a line, line k for item k.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <visavis/core/descriptor.hpp>
#include <visavis/core/result.hpp>

#include "visavis/jobs/job.hpp"

namespace visavis::jobs {

/// With its line end.
[[nodiscard]] std::string to_line(const ItemOutcome& outcome);
/// @param line  without its end
[[nodiscard]] std::optional<ItemOutcome> parse_line(std::string_view line);

void count(ItemResult result, JobProgress& progress) noexcept;

class OutcomeFile {
 public:
  /// Cuts off what a crash has torn: all from the first line on that is not the one to be expected.
  [[nodiscard]] static Result<OutcomeFile> resume(const std::filesystem::path& path);

  /// Without a total.
  [[nodiscard]] const JobProgress& progress() const noexcept { return progress_; }
  /// Durable when it returns. After an error nothing more can be appended.
  [[nodiscard]] Result<void> append(std::span<const ItemOutcome> outcomes);

 private:
  OutcomeFile(Descriptor file, const JobProgress& progress)
      : file_(std::move(file)), progress_(progress) {}
  Descriptor file_;
  JobProgress progress_;
  bool broken_ = false;
};

/// @param cursor  a page's next; empty: from the beginning
/// @return kInvalidArgument for another cursor
[[nodiscard]] Result<OutcomePage> read_outcomes(const std::filesystem::path& path,
                                                std::optional<ItemResult> only,
                                                std::string_view cursor, std::size_t most);

}  // namespace visavis::jobs
