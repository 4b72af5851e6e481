#include "url.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>

namespace visavis::fetch {
namespace {

constexpr std::size_t kMaxUrlBytes = 2048;
constexpr std::size_t kMaxHostBytes = 253;
constexpr std::size_t kMaxLabelBytes = 63;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return lower(c); });
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool takes_prefix(std::string_view& text, std::string_view prefix) {
  if (lower(text.substr(0, prefix.size())) != prefix) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool is_label(std::string_view label) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-' || c == '_';
  };
  return !label.empty() && label.size() <= kMaxLabelBytes && label.front() != '-' &&
         label.back() != '-' && std::ranges::all_of(label, fits);
}

/// What some reader may take for a part of an IPv4 address: decimal, octal or hexadecimal.
bool is_number(std::string_view label) {
  return std::ranges::all_of(label, is_digit) || label.starts_with("0x");
}

bool is_name(std::string_view host) {
  if (host.size() > kMaxHostBytes) return false;
  while (true) {
    const std::size_t dot = host.find('.');
    const std::string_view label = host.substr(0, dot);
    if (!is_label(label)) return false;
    if (dot == host.npos) return !is_number(label);
    host.remove_prefix(dot + 1);
  }
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [stop, error] = std::from_chars(text.begin(), text.end(), port);
  if (error != std::errc() || stop != text.end() || port == 0) return std::nullopt;
  return port;
}

bool take_host(std::string_view& authority, Url& url) {
  if (authority.starts_with('[')) {
    const std::size_t end = authority.find(']');
    if (end == authority.npos) return false;
    url.address = parse_address(authority.substr(1, end - 1));
    if (!url.address || !url.address->is_v6) return false;
    url.host = to_string(*url.address);
    authority.remove_prefix(end + 1);
    return true;
  }
  const std::size_t end = std::min(authority.find(':'), authority.size());
  url.host = lower(authority.substr(0, end));
  authority.remove_prefix(end);
  url.address = parse_address(url.host);
  return url.address || is_name(url.host);
}

}  // namespace

std::string Url::text() const {
  const std::string name = address && address->is_v6 ? "[" + host + "]" : host;
  return std::string(is_https ? "https://" : "http://") + name + ":" + std::to_string(port) + path;
}

std::optional<Url> parse_url(std::string_view text) {
  const auto is_plain = [](char c) { return c > 0x20 && c < 0x7F && c != '\\'; };
  if (text.size() > kMaxUrlBytes || !std::ranges::all_of(text, is_plain)) return std::nullopt;
  Url url;
  url.is_https = takes_prefix(text, "https://");
  if (!url.is_https && !takes_prefix(text, "http://")) return std::nullopt;
  const std::size_t end = std::min(text.find_first_of("/?#"), text.size());
  std::string_view authority = text.substr(0, end);
  std::string_view rest = text.substr(end);
  rest = rest.substr(0, rest.find('#'));
  url.path = (rest.starts_with('/') ? "" : "/") + std::string(rest);
  if (!take_host(authority, url)) return std::nullopt;  // an @ is in no host
  url.port = url.is_https ? 443 : 80;
  if (authority.empty()) return url;
  if (authority.front() != ':') return std::nullopt;
  const auto port = parse_port(authority.substr(1));
  if (!port) return std::nullopt;
  url.port = *port;
  return url;
}

}  // namespace visavis::fetch
