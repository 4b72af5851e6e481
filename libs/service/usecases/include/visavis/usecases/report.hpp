#pragma once

/// What an evaluation found, written as a document and a page.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>
#include <visavis/report/report.hpp>
#include <visavis/usecases/evaluate.hpp>
#include <visavis/usecases/evaluate_quality.hpp>
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

/// The same of the report of an `EvaluatedQuality`, which has a document for each kind of pairs.
[[nodiscard]] Outcome<void> check_quality_report(const std::filesystem::path& folder);

/// @return the page's path
[[nodiscard]] Outcome<std::filesystem::path> write_report(const EvaluatedPairs& evaluated,
                                                          const ReportPlace& place);
[[nodiscard]] Outcome<std::filesystem::path> write_report(const EvaluatedAllPairs& evaluated,
                                                          const ReportPlace& place);
[[nodiscard]] Outcome<std::filesystem::path> write_report(const EvaluatedProbes& evaluated,
                                                          const ReportPlace& place);
/// Of each kind of pairs a document (high_high.json …), all on one page.
[[nodiscard]] Outcome<std::filesystem::path> write_report(const EvaluatedQuality& evaluated,
                                                          const ReportPlace& place);

/// Draws reports that were written before on one page.
/// @return kInput with the path for what is no report
[[nodiscard]] Outcome<void> compare_reports(const std::vector<std::filesystem::path>& reports,
                                            const std::filesystem::path& page);

}  // namespace visavis::usecases
