#pragma once

/// Options that say something of a person.

#include <CLI/CLI.hpp>
#include <visavis/usecases/galleries.hpp>

namespace visavis::cli {

void add_person_options(CLI::App& verb, usecases::PersonWords& words);

}  // namespace visavis::cli
