#include "visavis/core/result.hpp"

namespace visavis {

ErrorClass classify(ErrorCode code) noexcept {
  switch (code) {  // no default: a new code must be classified here or the build fails
    case ErrorCode::kInvalidArgument:
    case ErrorCode::kNotFound:
    case ErrorCode::kDecodeFailed:
    case ErrorCode::kModelMismatch:
      return ErrorClass::kCaller;
    case ErrorCode::kUnsupported:
      return ErrorClass::kEnvironment;
    case ErrorCode::kUnavailable:
    case ErrorCode::kResourceExhausted:
      return ErrorClass::kTransient;
    case ErrorCode::kInternal:
      return ErrorClass::kDefect;
  }
  return ErrorClass::kDefect;
}

std::string_view to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument:
      return "invalid_argument";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kNotFound:
      return "not_found";
    case ErrorCode::kDecodeFailed:
      return "decode_failed";
    case ErrorCode::kModelMismatch:
      return "model_mismatch";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kResourceExhausted:
      return "resource_exhausted";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "unknown";
}

}  // namespace visavis
