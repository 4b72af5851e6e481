#pragma once

/// Options from the environment and from a TOML file.

#include <CLI/CLI.hpp>
#include <expected>
#include <string>

namespace visavis::cli {

/// Gives every option of a verb a variable: --max-images can be said as VISAVIS_MAX_IMAGES.
void name_environment(CLI::App& verb);

/// Gives options that were neither typed nor in the environment the values of a file.
/// @param file  empty: none
/// @return a sentence for a file that cannot be read or understood, or for a name or a value that
/// no option takes.
[[nodiscard]] std::expected<void, std::string> apply_config(CLI::App& verb,
                                                            const std::string& file);

/// Every option with its value, as such a file.
[[nodiscard]] std::string config_text(const CLI::App& verb);

}  // namespace visavis::cli
