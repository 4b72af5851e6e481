// visavis: one program, one verb at a time. docs/cli.md describes what it promises.

#include <CLI/CLI.hpp>
#include <algorithm>
#include <csignal>
#include <cstddef>
#include <exception>
#include <iostream>
#include <span>
#include <string>
#include <string_view>
#include <visavis/core/log.hpp>

#include "exit_code.hpp"
#include "places.hpp"
#include "terminal.hpp"
#include "verbs.hpp"

namespace {

using namespace visavis;

LogLevel level_of(const std::string& name) {
  if (name == "debug") return LogLevel::kDebug;
  if (name == "info") return LogLevel::kInfo;
  return name == "error" ? LogLevel::kError : LogLevel::kWarning;
}

/// Whoever asks for help gets 0, whoever is not understood gets 2, whatever the parser calls it.
int answer_parser(const CLI::App& program, const CLI::ParseError& error, bool json) {
  if (error.get_exit_code() == 0) {
    program.exit(error, std::cout, std::cerr);
    return std::cout.flush() ? cli::kDone : cli::exit_code(usecases::Cause::kEnvironment);
  }
  std::string sentence = error.what();
  if (const std::string word = cli::unknown_verb(program); !word.empty())
    sentence = "there is no verb " + word;
  cli::Terminal terminal({.json = json});
  const usecases::Places nowhere;
  cli::Desk desk{.terminal = terminal, .places = nowhere};
  const int code = cli::usage(desk, sentence + "; --help tells more");
  return terminal.close(code);
}

int run(int argc, char** argv) {
  CLI::App program(
      "Finds faces in photographs, turns them into embeddings and says who it is, or "
      "unknown.");
  program.name("visavis");
  program.set_version_flag("--version", "visavis " VISAVIS_VERSION);
  program.require_subcommand(1);
  program.footer(
      "visavis VERB --help tells a verb's options and gives an example.\n"
      "Exit codes: 0 done, 1 a check said no, 2 usage, 3 bad input, 4 environment, "
      "5 defect.");
  cli::Common common;
  cli::VerbList list{.program = program, .common = common, .verbs = {}};
  cli::add_photo_verbs(list);
  cli::add_people_verbs(list);
  cli::add_gallery_verbs(list);
  cli::add_catalogue_verbs(list);
  cli::add_measure_verbs(list);
  cli::add_network_verbs(list);
  cli::add_quantize_verb(list);
  cli::add_serve_verb(list);
  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const auto words = std::span(argv, static_cast<std::size_t>(argc));
    const bool json = std::ranges::find(words, std::string_view("--json")) != words.end();
    return answer_parser(program, error, json);
  }

  cli::Terminal terminal(
      {.json = common.json, .quiet = common.quiet, .level = level_of(common.log_level)});
  const usecases::Places places = cli::find_places(common.models);
  cli::Desk desk{.terminal = terminal, .places = places};
  for (const cli::Verb& verb : list.verbs) {
    if (!verb.parser->parsed()) continue;
    if (const std::string name = cli::option_without_value(*verb.parser); !name.empty())
      return terminal.close(cli::usage(desk, name + " is empty"));
    return terminal.close(verb.run(desk));
  }
  return cli::exit_code(usecases::Cause::kUsage);
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that goes away is an error of write(), not the end of the process.
  std::signal(SIGPIPE, SIG_IGN);
  // So is a file that grows beyond the limit of its process.
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return run(argc, argv);
  } catch (const std::bad_alloc&) {
    std::cerr << "visavis: memory ran out\n";
    return cli::exit_code(usecases::Cause::kEnvironment);
  } catch (const std::system_error& error) {
    std::cerr << "visavis: the system refused: " << error.what() << '\n';
    return cli::exit_code(usecases::Cause::kEnvironment);
  } catch (const std::exception& error) {
    std::cerr << "visavis: this should not have happened: " << error.what() << '\n';
    return cli::exit_code(usecases::Cause::kDefect);
  }
}
