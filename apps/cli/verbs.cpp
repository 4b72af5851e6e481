#include "verbs.hpp"

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
