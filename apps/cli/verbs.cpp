#include "verbs.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>
#include <utility>
#include <visavis/wire/json.hpp>

namespace visavis::cli {

CLI::App* VerbList::add(CLI::App& parent, const std::string& name, const std::string& what,
                        const std::string& example) {
  CLI::App* verb = parent.add_subcommand(name, what);
  verb->footer("Example:\n  visavis " + example);
  verb->add_flag("--json", common.json, "One JSON document on stdout instead of a table");
  verb->add_flag("--quiet", common.quiet, "No progress bar, no warnings");
  verb->add_option("--log-level", common.log_level, "How much goes to stderr")
      ->check(CLI::IsMember({"debug", "info", "warning", "error"}))
      ->capture_default_str();
  verb->add_option("--models", common.models,
                   "Folder of the model store (default: models in the cache folder)")
      ->type_name("DIR");
  return verb;
}

std::string unknown_verb(const CLI::App& program) {
  const CLI::App* app = &program;
  while (!app->get_subcommands().empty()) app = app->get_subcommands().front();
  if (app->get_require_subcommand_min() == 0) return "";
  const std::vector<std::string> words = app->remaining();
  return words.empty() || words.front().starts_with('-') ? "" : words.front();
}

std::string option_without_value(const CLI::App& verb) {
  for (const CLI::Option* option : verb.get_options())
    if (option->get_items_expected_max() > 0 &&
        std::ranges::find(option->results(), "") != option->results().end())
      return option->get_name();
  return "";
}

CLI::Validator finite() {
  return {[](std::string& text) -> std::string {
            double value = 0;
            const char* begin = text.data() + (text.starts_with('+') ? 1 : 0);
            const auto [end, error] = std::from_chars(begin, text.data() + text.size(), value);
            const bool whole = error == std::errc{} && end == text.data() + text.size();
            return whole && std::isfinite(value) ? "" : text + " is not a finite number";
          },
          "", "finite"};
}

int finish(Desk& desk, const std::string& json, const std::string& text,
           const std::vector<usecases::Problem>& problems) {
  desk.terminal.print(desk.terminal.json() ? json : text);
  desk.terminal.complain(problems);
  return exit_code(problems);
}

int give_up(Desk& desk, const usecases::Failure& failure) {
  if (desk.terminal.json()) desk.terminal.print(wire::to_json(failure));
  desk.terminal.complain(failure.error.message);
  return exit_code(failure.cause);
}

int usage(Desk& desk, std::string sentence) {
  return give_up(desk,
                 {usecases::Cause::kUsage, {ErrorCode::kInvalidArgument, std::move(sentence)}});
}

}  // namespace visavis::cli
