#pragma once

/// URLs of http and https, read strictly (RFC 3986, and what WHATWG's URL standard calls a host
/// that ends in a number).

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "address.hpp"

namespace visavis::fetch {

struct Url {
  bool is_https = false;
  std::string host;                ///< Lower case; an IPv6 address without its brackets.
  std::optional<Address> address;  ///< If the host is one.
  std::uint16_t port = 0;
  std::string path;  ///< With the query, without the fragment; begins with a slash.

  /// Made from the parts alone: whoever reads it finds the same host.
  [[nodiscard]] std::string text() const;
};

/// @return nothing for other schemes, for users and passwords, for more than 2048 bytes, for
/// anything but printable ASCII, for backslashes, and for hosts that are neither names nor
/// addresses as everybody writes them: a host whose last part is a number in any base must be
/// dotted decimal.
[[nodiscard]] std::optional<Url> parse_url(std::string_view text);

}  // namespace visavis::fetch
