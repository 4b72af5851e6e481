#include "problem.hpp"

#include <utility>
#include <visavis/core/result.hpp>
#include <visavis/wire/served.hpp>

namespace visavis::server {
namespace {

struct Words {
  std::string_view title;
  std::string_view code;
};

Words words_of(unsigned status) {
  switch (status) {
    case 400:
      return {.title = "Bad request", .code = "bad_request"};
    case 401:
      return {.title = "A key is needed", .code = "unauthorized"};
    case 403:
      return {.title = "Not allowed", .code = "forbidden"};
    case 404:
      return {.title = "Not found", .code = "not_found"};
    case 405:
      return {.title = "Method not allowed", .code = "method_not_allowed"};
    case 408:
      return {.title = "Too slow", .code = "timeout"};
    case 409:
      return {.title = "Conflict", .code = "conflict"};
    case 413:
      return {.title = "Too large", .code = "too_large"};
    case 415:
      return {.title = "Not an image that can be read", .code = "unsupported_media_type"};
    case 422:
      return {.title = "No usable face", .code = "no_face"};
    case 429:
      return {.title = "Too many requests", .code = "too_many_requests"};
    case 431:
      return {.title = "Head too long", .code = "head_too_long"};
    case 503:
      return {.title = "Not now", .code = "unavailable"};
    default:
      return {.title = "A defect of the server", .code = "internal"};
  }
}

}  // namespace

Response problem(unsigned status, std::string_view code, std::string_view detail) {
  Response response{.status = status,
                    .type = "application/problem+json",
                    .body = wire::problem_to_json(status, words_of(status).title, code, detail)};
  if (status == 429 || status == 503) response.fields.emplace_back("Retry-After", "1");
  if (status == 401) response.fields.emplace_back("WWW-Authenticate", "Bearer realm=\"visavis\"");
  return response;
}

Response problem(unsigned status, std::string_view detail) {
  return problem(status, words_of(status).code, detail);
}

unsigned status_of(const usecases::Failure& failure) {
  if (failure.cause == usecases::Cause::kUsage) return 400;
  switch (failure.error.code) {  // no default: a new code must be decided here
    case ErrorCode::kInvalidArgument:
      return failure.cause == usecases::Cause::kEnvironment ? 503 : 400;
    case ErrorCode::kNotFound:
      return failure.cause == usecases::Cause::kEnvironment ? 503 : 404;
    case ErrorCode::kDecodeFailed:
    case ErrorCode::kUnsupported:
      return failure.cause == usecases::Cause::kInput ? 415 : 503;
    case ErrorCode::kModelMismatch:
      return 409;
    case ErrorCode::kResourceExhausted:
      return 429;
    case ErrorCode::kUnavailable:
      return 503;
    case ErrorCode::kInternal:
      return 500;
  }
  return 500;
}

Response problem(const usecases::Failure& failure) {
  return problem(status_of(failure), to_string(failure.error.code), failure.error.message);
}

Response photo_problem(const usecases::Problem& photo) {
  unsigned status = status_of(photo.failure);
  if (photo.code == "no_face") status = 422;
  // A photo beyond the limits is the one thing about its bytes that is an argument's fault.
  if (photo.code == to_string(ErrorCode::kInvalidArgument)) status = 413;
  return problem(status, photo.code, photo.path + ": " + photo.failure.error.message);
}

}  // namespace visavis::server
