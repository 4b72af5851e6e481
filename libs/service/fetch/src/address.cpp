#include "address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace visavis::fetch {
namespace {

struct Range {
  std::array<std::uint8_t, 16> prefix;
  int bits;
};

// IANA IPv4 Special-Purpose Address Registry, and RFC 5771 for multicast.
constexpr std::array kNotPublicV4{
    Range{{0}, 8},              // this network
    Range{{10}, 8},             // private
    Range{{100, 64}, 10},       // carrier-grade NAT, RFC 6598
    Range{{127}, 8},            // loopback
    Range{{169, 254}, 16},      // link-local, the cloud's metadata among it
    Range{{172, 16}, 12},       // private
    Range{{192, 0, 0}, 24},     // protocol assignments
    Range{{192, 0, 2}, 24},     // documentation
    Range{{192, 88, 99}, 24},   // 6to4 relays, RFC 7526
    Range{{192, 168}, 16},      // private
    Range{{198, 18}, 15},       // benchmarks, RFC 2544
    Range{{198, 51, 100}, 24},  // documentation
    Range{{203, 0, 113}, 24},   // documentation
    Range{{224}, 4},            // multicast
    Range{{240}, 4},            // reserved, broadcast
};

// Of IPv6 only 2000::/3 is global unicast (RFC 4291): loopback, unspecified, IPv4-mapped and
// -compatible, NAT64 (64:ff9b::/96, 64:ff9b:1::/48), discard, unique local, link-local and
// multicast lie outside of it. Within it:
constexpr Range kGlobalV6{{0x20}, 3};
constexpr std::array kNotPublicV6{
    Range{{0x20, 0x01, 0x00}, 23},        // protocol assignments: Teredo, benchmarks, ORCHID
    Range{{0x20, 0x01, 0x0D, 0xB8}, 32},  // documentation
    Range{{0x20, 0x02}, 16},              // 6to4
    Range{{0x3F, 0xFF, 0x00}, 20},        // documentation, RFC 9637
};

bool lies_in(const Address& address, const Range& range) {
  const auto whole = static_cast<std::size_t>(range.bits / 8);
  if (!std::equal(range.prefix.begin(), range.prefix.begin() + whole, address.bytes.begin()))
    return false;
  const int rest = range.bits % 8;
  if (rest == 0) return true;
  const unsigned mask = 0xFFU << static_cast<unsigned>(8 - rest);
  return ((address.bytes[whole] ^ range.prefix[whole]) & mask & 0xFFU) == 0;
}

bool lies_in_any(const Address& address, std::span<const Range> ranges) {
  return std::ranges::any_of(ranges, [&](const Range& range) { return lies_in(address, range); });
}

/// RFC 5214 section 6.1: an interface that tunnels to the IPv4 address in its last four bytes.
bool is_isatap(const Address& address) {
  const auto& b = address.bytes;
  return (b[8] & 0xFDU) == 0 && b[9] == 0 && b[10] == 0x5E && b[11] == 0xFE;
}

}  // namespace

std::optional<Address> parse_address(std::string_view text) {
  const std::string zero_ended(text);
  if (zero_ended.find('\0') != zero_ended.npos) return std::nullopt;
  Address address;
  if (::inet_pton(AF_INET, zero_ended.c_str(), address.bytes.data()) == 1) return address;
  address.is_v6 = true;
  if (::inet_pton(AF_INET6, zero_ended.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

std::optional<Address> to_address(const sockaddr& from) {
  Address address{.is_v6 = from.sa_family == AF_INET6};
  if (address.is_v6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &from, sizeof(v6));
    std::memcpy(address.bytes.data(), &v6.sin6_addr, sizeof(v6.sin6_addr));
    return address;
  }
  if (from.sa_family != AF_INET) return std::nullopt;
  sockaddr_in v4{};
  std::memcpy(&v4, &from, sizeof(v4));
  std::memcpy(address.bytes.data(), &v4.sin_addr, sizeof(v4.sin_addr));
  return address;
}

std::string to_string(const Address& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(address.is_v6 ? AF_INET6 : AF_INET, address.bytes.data(), text.data(), text.size());
  return text.data();
}

bool is_public(const Address& address) noexcept {
  if (!address.is_v6) return !lies_in_any(address, kNotPublicV4);
  return lies_in(address, kGlobalV6) && !lies_in_any(address, kNotPublicV6) && !is_isatap(address);
}

}  // namespace visavis::fetch
