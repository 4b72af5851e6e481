#pragma once

/// Lists that verbs are given.

#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <utility>
#include <visavis/core/result.hpp>
#include <visavis/usecases/failure.hpp>

namespace visavis::usecases {

using People = std::set<std::string, std::less<>>;

/// A list's text; one of more than 1 GiB is none.
[[nodiscard]] Result<std::string> read_text(const std::filesystem::path& path);

/// The failure of an input that tells which.
template <class T>
[[nodiscard]] Outcome<T> named(const std::filesystem::path& path, Result<T> result) {
  if (result) return *std::move(result);
  Error error = std::move(result).error();
  error.message = path.string() + ": " + error.message;
  return std::unexpected(Failure(Cause::kInput, std::move(error)));
}

/// As protocols::parse_people.
[[nodiscard]] Outcome<People> read_people(const std::filesystem::path& path);

}  // namespace visavis::usecases
