#include "exit_code.hpp"

#include <algorithm>

namespace visavis::cli {

int exit_code(usecases::Cause cause) noexcept {
  switch (cause) {  // no default: a new cause must be decided here or the build fails
    case usecases::Cause::kUsage:
      return 2;
    case usecases::Cause::kInput:
      return 3;
    case usecases::Cause::kEnvironment:
      return 4;
    case usecases::Cause::kDefect:
      return 5;
  }
  return 5;
}

int exit_code(const std::vector<usecases::Problem>& problems) noexcept {
  int code = kDone;
  for (const usecases::Problem& problem : problems)
    code = std::max(code, exit_code(problem.failure.cause));
  return code;
}

}  // namespace visavis::cli
