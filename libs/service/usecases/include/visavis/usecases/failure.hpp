#pragma once

/// How a verb says that it could not be done, and who can act on it.

#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::usecases {

/// Whose turn it is. A transport derives its status from this and nothing else.
enum class Cause : std::uint8_t {
  kUsage,        ///< An option's value.
  kInput,        ///< What was given to work on: a photo, a list, a gallery.
  kEnvironment,  ///< A model file, an engine, a disk, a registry; trying again may help.
  kDefect,
};

/// What a code says when nothing more is known of where it came from.
[[nodiscard]] Cause cause_of(ErrorCode code) noexcept;

/// An error and its cause. Made of a plain `Error`, the cause is `cause_of(code)`.
struct Failure {
  Error error;
  Cause cause;

  Failure(Error e) : error(std::move(e)), cause(cause_of(error.code)) {}  // NOLINT: converts
  Failure(Cause c, Error e) : error(std::move(e)), cause(c) {}
};

template <class T>
using Outcome = std::expected<T, Failure>;

/// An option's value that cannot be.
[[nodiscard]] std::unexpected<Failure> usage(std::string message);

/// One input of several that could not be used. The others were.
struct Problem {
  std::string path{};  ///< As typed.
  Failure failure;
  std::string code{};  ///< What JSON carries: the error code's name, or "no_face".
};

[[nodiscard]] Problem problem(std::string path, Failure failure);

/// A photo in which no face was found, where one was needed.
[[nodiscard]] Problem no_face(std::string path);

/// The same result with the cause said.
template <class T>
[[nodiscard]] Outcome<T> caused_by(Cause cause, Result<T> result) {
  if (!result) return std::unexpected(Failure(cause, std::move(result).error()));
  if constexpr (std::is_void_v<T>) {
    return {};
  } else {
    return *std::move(result);
  }
}

}  // namespace visavis::usecases
