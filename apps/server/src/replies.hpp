#pragma once

/// From outcomes to responses, for every route.

#include <string>
#include <utility>
#include <vector>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/photos.hpp>

#include "problem.hpp"
#include "router.hpp"

namespace visavis::server {

[[nodiscard]] inline Response json(std::string text, unsigned status = 200) {
  return {.status = status, .body = std::move(text)};
}

[[nodiscard]] inline Response nothing() { return {.status = 204, .type = {}}; }

/// The answer of `make(value)`, or the problem.
template <class T, class Make>
[[nodiscard]] Response reply(usecases::Outcome<T> outcome, const Make& make) {
  if (!outcome) return problem(outcome.error());
  if constexpr (std::is_void_v<T>)
    return make();
  else
    return make(*std::move(outcome));
}

/// Photos that could not be used are counted. If no photo could, that is the answer: the problem
/// of the first.
[[nodiscard]] inline std::optional<Response> all_failed(
    const Call& call, const std::vector<usecases::Problem>& errors, bool some_worked) {
  for (const usecases::Problem& error : errors) call.services.metrics.refused(error.code);
  if (errors.empty() || some_worked) return std::nullopt;
  return photo_problem(errors.front());
}

}  // namespace visavis::server

/// In a route: binds `name` to the value, or answers with the problem.
// NOLINTNEXTLINE(bugprone-macro-parentheses): `name` is declared
#define VISAVIS_OR_PROBLEM(name, expr)                                            \
  auto name##_outcome = (expr);                                                   \
  if (!name##_outcome) return ::visavis::server::problem(name##_outcome.error()); \
  auto name = *std::move(name##_outcome)
