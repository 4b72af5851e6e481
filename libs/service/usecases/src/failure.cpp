#include "visavis/usecases/failure.hpp"

#include <string>
#include <utility>

namespace visavis::usecases {

Cause cause_of(ErrorCode code) noexcept {
  switch (classify(code)) {
    case ErrorClass::kCaller:
      return Cause::kInput;
    case ErrorClass::kEnvironment:
    case ErrorClass::kTransient:
      return Cause::kEnvironment;
    case ErrorClass::kDefect:
      return Cause::kDefect;
  }
  return Cause::kDefect;
}

std::unexpected<Failure> usage(std::string message) {
  return std::unexpected(Failure(Cause::kUsage, {ErrorCode::kInvalidArgument, std::move(message)}));
}

Problem problem(std::string path, Failure failure) {
  std::string code(to_string(failure.error.code));
  return {.path = std::move(path), .failure = std::move(failure), .code = std::move(code)};
}

Problem no_face(std::string path) {
  return {.path = std::move(path),
          .failure = Failure(Cause::kInput, {ErrorCode::kNotFound, "no face was found"}),
          .code = "no_face"};
}

}  // namespace visavis::usecases
