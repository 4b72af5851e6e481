#include "target.hpp"

#include <algorithm>
#include <charconv>
#include <utility>
#include <visavis/core/file.hpp>

namespace visavis::server {
namespace {

bool is_clean(std::string_view text) {
  return is_utf8(text) && std::ranges::none_of(text, [](char c) {
           return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
         });
}

bool split_query(std::string_view text, Fields& query) {
  while (!text.empty()) {
    const std::string_view pair = text.substr(0, text.find('&'));
    text.remove_prefix(std::min(pair.size() + 1, text.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    auto name = decode_percent(pair.substr(0, equals), true);
    auto value = decode_percent(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value || !is_clean(*name) || !is_clean(*value)) return false;
    query.insert_or_assign(*std::move(name), *std::move(value));
  }
  return true;
}

}  // namespace

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::optional<std::string> decode_percent(std::string_view text, bool plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus) {
      out += ' ';
      continue;
    }
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    unsigned value = 0;
    const char* const digits = text.data() + i + 1;
    const auto [end, error] = std::from_chars(digits, digits + 2, value, 16);
    if (error != std::errc() || end != digits + 2) return std::nullopt;
    out += static_cast<char>(value);
    i += 2;
  }
  return out;
}

bool split_target(std::string_view target, Request& request) {
  // The absolute form (RFC 9112 section 3.2.2), as to a proxy.
  for (const std::string_view scheme : {"http://", "https://"})
    if (target.starts_with(scheme))
      target.remove_prefix(std::min(target.find('/', scheme.size()), target.size()));
  if (!target.starts_with('/')) return false;
  target = target.substr(0, target.find('#'));
  const std::size_t mark = std::min(target.find('?'), target.size());
  const std::string_view path = target.substr(0, mark);
  request.path = path;
  for (std::size_t at = 1; at < path.size();) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    auto segment = decode_percent(path.substr(at, end - at), false);
    if (!segment || !is_clean(*segment) || *segment == "." || *segment == "..") return false;
    request.segments.push_back(*std::move(segment));
    at = end + 1;
  }
  // "/a/" is not "/a": its last segment is empty.
  if (path.size() > 1 && path.ends_with('/')) request.segments.emplace_back();
  return split_query(target.substr(std::min(mark + 1, target.size())), request.query);
}

}  // namespace visavis::server
