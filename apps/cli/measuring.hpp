#pragma once

/// What the verbs that measure recognition share.

#include <CLI/CLI.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <visavis/usecases/evaluate.hpp>
#include <visavis/usecases/report.hpp>
#include <visavis/usecases/workbench.hpp>

#include "table.hpp"
#include "verbs.hpp"

namespace visavis::cli {

struct Measuring {
  usecases::WorkbenchOptions bench{};
  bool no_cache = false;
};

/// The options of the workbench, and --no-cache.
void add_measuring(CLI::App& verb, Measuring& measuring);

[[nodiscard]] usecases::Outcome<usecases::Workbench> open_bench(Desk& desk,
                                                                const Measuring& measuring,
                                                                std::size_t photos);

/// A line on photos that were not looked at again; empty if there are none.
[[nodiscard]] std::string describe_cache(std::size_t photos);

/// "98.83"
[[nodiscard]] std::string percent(double share);
/// "98.83 (98.10 to 99.42)"
[[nodiscard]] std::string with_interval(double share,
                                        const std::optional<metrics::Interval>& interval);
[[nodiscard]] inline std::string with_interval(const protocols::RateWithInterval& rate) {
  return with_interval(rate.value, rate.interval);
}

struct Reporting {
  std::string folder;
  std::string dataset;
  std::size_t worst = 0;
};

/// Adds --report and --dataset; for pairs also --worst.
void add_reporting(CLI::App& verb, Reporting& reporting, bool pairs);

/// Whether what was asked for can be written. @return usage errors without a folder for it
[[nodiscard]] usecases::Outcome<void> check(const Reporting& reporting);

/// Writes the report if one was asked for, and says where in a line. `data` stands for the data
/// where nobody named it.
template <class Evaluated>
[[nodiscard]] usecases::Outcome<std::string> write(const Reporting& reporting,
                                                   const Evaluated& evaluated,
                                                   const std::string& data,
                                                   const std::string& images = {}) {
  if (reporting.folder.empty()) return std::string();
  auto page = usecases::write_report(
      evaluated, {.folder = reporting.folder,
                  .dataset = reporting.dataset.empty() ? data : reporting.dataset,
                  .images = images});
  if (!page) return std::unexpected(std::move(page).error());
  return "report: " + printable(page->string()) + "\n";
}

/// The data's name, where nobody gave one: the last part of a path.
[[nodiscard]] std::string last_part(const std::string& path);

/// Adds --groups.
void add_groups(CLI::App& verb, std::string& path);
/// None without a path.
[[nodiscard]] usecases::Outcome<protocols::Groups> groups_at(const std::string& path);

/// A table for each point; empty without groups.
[[nodiscard]] std::string describe(const std::optional<protocols::GroupReport>& report);
[[nodiscard]] std::string describe(const std::optional<protocols::GroupSearchReport>& report);

/// What is said of templates; no path: there are none.
struct TemplatesGiven {
  std::string path;
  std::string fusion = "mean";

  [[nodiscard]] protocols::Fusion how() const {
    return fusion == "quality" ? protocols::Fusion::kQuality : protocols::Fusion::kMean;
  }
};
/// Adds --templates and --fusion.
void add_templates(CLI::App& verb, TemplatesGiven& given);

void add_verification(VerbList& list, CLI::App& evaluate);
void add_clustering(VerbList& list, CLI::App& evaluate);
/// Both `detection` and `landmarks`.
void add_detection(VerbList& list, CLI::App& evaluate);

}  // namespace visavis::cli
