#include "measuring.hpp"

#include <filesystem>
#include <string>

#include "table.hpp"
#include "workbench_options.hpp"

namespace visavis::cli {
namespace {

std::string rate_or_none(const std::optional<protocols::RateWithInterval>& rate, int digits) {
  if (!rate) return "-";
  std::string value = fixed(100 * rate->value, digits);
  if (!rate->interval) return value;
  return value + " (" + fixed(100 * rate->interval->low, digits) + " to " +
         fixed(100 * rate->interval->high, digits) + ")";
}

std::string describe_ungrouped(std::size_t people) {
  return people == 0 ? "" : std::to_string(people) + " people are in no group\n";
}

}  // namespace

void add_measuring(CLI::App& verb, Measuring& measuring) {
  add_workbench_options(verb, measuring.bench, true);
  verb.add_flag("--no-cache", measuring.no_cache,
                "Neither take embeddings from the cache of earlier runs nor keep them there");
}

usecases::Outcome<usecases::Workbench> open_bench(Desk& desk, const Measuring& measuring,
                                                  std::size_t photos) {
  usecases::Places places = desk.places;
  if (measuring.no_cache) places.embeddings.clear();
  return usecases::Workbench::open(places, measuring.bench, {.photos = photos, .second_look = true},
                                   desk.terminal.log_sink());
}

std::string describe_cache(std::size_t photos) {
  return photos == 0 ? "" : std::to_string(photos) + " photos were embedded by an earlier run\n";
}

std::string percent(double share) { return fixed(100 * share, 2); }

std::string with_interval(double share, const std::optional<metrics::Interval>& interval) {
  if (!interval) return percent(share);
  return percent(share) + " (" + percent(interval->low) + " to " + percent(interval->high) + ")";
}

void add_reporting(CLI::App& verb, Reporting& reporting, bool pairs) {
  CLI::Option* folder =
      verb.add_option("--report", reporting.folder,
                      "Also write report.json and report.html (tables and plots) into this folder")
          ->type_name("DIR");
  verb.add_option("--dataset", reporting.dataset, "What the report calls the data")->needs(folder);
  if (!pairs) return;
  verb.add_option("--worst", reporting.worst,
                  "Name so many of the worst false matches and false non-matches in the report, by "
                  "the paths of their photos")
      ->type_name("N")
      ->needs(folder);
}

usecases::Outcome<void> check(const Reporting& reporting) {
  if (reporting.folder.empty()) return {};
  return usecases::check_report(reporting.folder);
}

std::string last_part(const std::string& path) {
  const std::filesystem::path whole(path);
  return (whole.has_filename() ? whole : whole.parent_path()).filename().string();
}

void add_groups(CLI::App& verb, std::string& path) {
  verb.add_option("--groups", path,
                  "Error rates by groups too: lines person, group with a tab between")
      ->type_name("FILE");
}

void add_templates(CLI::App& verb, TemplatesGiven& given) {
  CLI::Option* templates =
      verb.add_option("--templates", given.path,
                      "The lists name templates (IJB): lines path, template, media with tabs or "
                      "blanks between");
  templates->type_name("FILE");
  verb.add_option("--fusion", given.fusion,
                  "What a template is: the mean of its media's means, or weighted by quality")
      ->check(CLI::IsMember({"mean", "quality"}))
      ->capture_default_str()
      ->needs(templates);
}

usecases::Outcome<protocols::Groups> groups_at(const std::string& path) {
  if (path.empty()) return protocols::Groups{};
  return usecases::read_groups(path);
}

std::string describe(const std::optional<protocols::GroupReport>& report) {
  if (!report) return "";
  Table table({">FAR", "GROUP", ">PEOPLE", ">FMR %", ">FNMR %"});
  for (const auto& point : report->points)
    for (const auto& rates : point.groups)
      table.add({point.far ? fixed(*point.far, 6) : "given", printable(rates.group),
                 std::to_string(rates.people), rate_or_none(rates.fmr, 4),
                 rate_or_none(rates.fnmr, 2)});
  return table.text() + describe_ungrouped(report->ungrouped_people);
}

std::string describe(const std::optional<protocols::GroupSearchReport>& report) {
  if (!report) return "";
  Table table({">FPIR", "GROUP", ">PEOPLE", ">FPIR %", ">FNIR %"});
  for (const auto& point : report->points)
    for (const auto& rates : point.groups)
      table.add({fixed(point.fpir, 3), printable(rates.group), std::to_string(rates.people),
                 rate_or_none(rates.fpir, 2), rate_or_none(rates.fnir, 2)});
  return table.text() + describe_ungrouped(report->ungrouped_people);
}

}  // namespace visavis::cli
