#pragma once

/// A request's target (RFC 3986, RFC 9110 section 7.1) in pieces.

#include <optional>
#include <string>
#include <string_view>

#include "message.hpp"

namespace visavis::server {

/// Percent-decoding. @param plus  whether '+' is a space, as in queries
/// @return nothing for a '%' without two hexadecimal digits
[[nodiscard]] std::optional<std::string> decode_percent(std::string_view text, bool plus);

/// ASCII letters alone.
[[nodiscard]] std::string lower(std::string_view text);

/// Fills path, segments and query. @return false for a target that is no absolute path, holds a
/// segment "." or "..", or that decodes to a control character or to what is not UTF-8.
[[nodiscard]] bool split_target(std::string_view target, Request& request);

}  // namespace visavis::server
