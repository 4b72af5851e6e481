#pragma once

/// What an evaluation found, written as a document and a page.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>
#include <visavis/report/report.hpp>
#include <visavis/usecases/evaluate.hpp>
#include <visavis/usecases/failure.hpp>

namespace visavis::usecases {

/// Where a report goes, and what it says of the data.
struct ReportPlace {
  std::filesystem::path folder;  ///< For report.json and report.html.
  std::string dataset;
  std::filesystem::path images{};  ///< What the paths of pairs are relative to.
};

/// Says early what writing would say at the end.
/// @return kUsage or kEnvironment if the two files cannot be written there
[[nodiscard]] Outcome<void> check_report(const std::filesystem::path& folder);

/// @return the page's path
[[nodiscard]] Outcome<std::filesystem::path> write_report(const EvaluatedPairs& evaluated,
                                                          const ReportPlace& place);
[[nodiscard]] Outcome<std::filesystem::path> write_report(const EvaluatedAllPairs& evaluated,
                                                          const ReportPlace& place);
[[nodiscard]] Outcome<std::filesystem::path> write_report(const EvaluatedProbes& evaluated,
                                                          const ReportPlace& place);

/// Draws reports that were written before on one page.
/// @return kInput with the path for what is no report
[[nodiscard]] Outcome<void> compare_reports(const std::vector<std::filesystem::path>& reports,
                                            const std::filesystem::path& page);

}  // namespace visavis::usecases
