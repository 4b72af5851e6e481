#pragma once

/// The verbs: each adds its options to the parser and says what runs when it was asked for. All
/// they do is translate: arguments into a use case, its answer into text or JSON.

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/places.hpp>

#include "exit_code.hpp"
#include "terminal.hpp"

namespace visavis::cli {

/// What every verb understands.
struct Common {
  bool json = false;
  bool quiet = false;
  std::string log_level = "warning";
  std::string models;
};

/// What a verb works with.
struct Desk {
  Terminal& terminal;
  const usecases::Places& places;
};

/// Does the verb. @return the exit code.
using Run = std::function<int(Desk&)>;

/// A verb of the parser and what it does. The parser writes into objects that `run` shares.
struct Verb {
  CLI::App* parser;
  Run run;
};

/// The verbs so far, and what adds the next ones.
struct VerbList {
  CLI::App& program;
  Common& common;
  std::vector<Verb> verbs;

  /// @param example  a command line without the program's name
  CLI::App* add(CLI::App& parent, const std::string& name, const std::string& what,
                const std::string& example);
};

void add_catalogue_verbs(VerbList& list);
void add_photo_verbs(VerbList& list);
void add_people_verbs(VerbList& list);
void add_gallery_verbs(VerbList& list);
/// Those that bring a gallery elsewhere: to another model, from an archive.
void add_gallery_moves(VerbList& list, CLI::App& gallery);
void add_measure_verbs(VerbList& list);
/// Those that work on network files.
void add_network_verbs(VerbList& list);
void add_serve_verb(VerbList& list);
void add_quantize_verb(VerbList& list);
void add_quality_verb(VerbList& list, CLI::App& evaluate);

/// What was typed in place of a verb; empty if a verb was found or nothing was typed.
[[nodiscard]] std::string unknown_verb(const CLI::App& program);

/// The first option or argument of a verb that was given as ''; empty if there is none.
[[nodiscard]] std::string option_without_value(const CLI::App& verb);

/// Accepts the text of a finite number: what parses numbers also takes nan and inf.
[[nodiscard]] CLI::Validator finite();

/// Prints an answer, as JSON or as `text`, complains about its problems and derives the exit code.
int finish(Desk& desk, const std::string& json, const std::string& text,
           const std::vector<usecases::Problem>& problems);

/// The same for a verb that could not be done.
int give_up(Desk& desk, const usecases::Failure& failure);

/// The same for arguments that make no sense together.
int usage(Desk& desk, std::string sentence);

}  // namespace visavis::cli
