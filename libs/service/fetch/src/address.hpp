#pragma once

/// Addresses of the internet, and which of them are public.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace visavis::fetch {

/// IPv4 in the first four bytes, or IPv6; network order.
struct Address {
  bool is_v6 = false;
  std::array<std::uint8_t, 16> bytes{};

  bool operator==(const Address&) const = default;
};

/// Dotted decimal with four numbers without leading zeros, or IPv6 without a zone.
[[nodiscard]] std::optional<Address> parse_address(std::string_view text);
[[nodiscard]] std::optional<Address> to_address(const sockaddr& from);
[[nodiscard]] std::string to_string(const Address& address);

/// Whether an address belongs to the public internet: after IANA's registries of special-purpose
/// addresses (RFC 6890 and its updates), without multicast, and without IPv6 addresses that stand
/// for an IPv4 one, whatever that is.
[[nodiscard]] bool is_public(const Address& address) noexcept;

}  // namespace visavis::fetch
