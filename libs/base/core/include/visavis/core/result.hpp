#pragma once

/// The one way this library reports failure: `Result<T>` holds a value or an `Error`.

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace visavis {

/// What went wrong. Closed set: a new code breaks the build of every switch that must decide on it.
enum class ErrorCode : std::uint8_t {
  kInvalidArgument,  ///< The caller passed something outside the documented domain.
  kUnsupported,      ///< Valid, but this build or this device cannot do it.
  kNotFound,
  kDecodeFailed,   ///< Bytes are not the format they claim to be.
  kModelMismatch,  ///< A tensor, embedding or gallery belongs to another model.
  kUnavailable,    ///< A peer or a device did not answer; trying again may help.
  kResourceExhausted,
  kInternal,  ///< A defect in this library.
};

/// Who can act on it. Drives exit code and retry, each in exactly one place.
enum class ErrorClass : std::uint8_t { kCaller, kEnvironment, kTransient, kDefect };

struct Error {
  ErrorCode code;
  std::string message;  ///< One sentence for a person. Never holds pixels, embeddings or names.
};

/// A value or an error.
template <class T>
using Result = std::expected<T, Error>;

[[nodiscard]] ErrorClass classify(ErrorCode code) noexcept;

/// The stable lower_snake name that JSON documents carry: "decode_failed".
[[nodiscard]] std::string_view to_string(ErrorCode code) noexcept;

[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

}  // namespace visavis

// NOLINTBEGIN(bugprone-macro-parentheses): `name` is declared, and a declaration takes none.

/// Binds `name` to the value of `expr`, or returns its error from the enclosing function.
#define VISAVIS_TRY(name, expr)                                                 \
  auto name##_result = (expr);                                                  \
  if (!name##_result) return std::unexpected(std::move(name##_result).error()); \
  auto name = *std::move(name##_result)
// NOLINTEND(bugprone-macro-parentheses)

/// For a Result<void>: returns its error from the enclosing function.
#define VISAVIS_CHECK(expr)                            \
  if (auto visavis_checked = (expr); !visavis_checked) \
  return std::unexpected(std::move(visavis_checked).error())
