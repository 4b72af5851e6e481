#pragma once

/// Runs a package manager and waits for it. Private to models.

#include <filesystem>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::models {

struct Outcome {
  int status = 0;      ///< The exit status; 128 + signal if one ended it.
  std::string errors;  ///< The last 16 KiB of what it wrote to standard error.
};

/// Runs `command` (found by PATH, no shell in between) in `folder`, with nothing to read and its
/// standard output dropped.
/// @return kNotFound if there is no such program, kUnavailable if it cannot be started.
[[nodiscard]] Result<Outcome> run_program(const std::vector<std::string>& command,
                                          const std::filesystem::path& folder);

}  // namespace visavis::models
