#include "multipart.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>
#include <visavis/core/file.hpp>

#include "target.hpp"

namespace visavis::server {
namespace {

constexpr std::size_t kMaxBoundary = 70;  // RFC 2046 section 5.1.1
constexpr std::size_t kMaxHead = 8U << 10U;
constexpr std::size_t kMaxName = 1024;

auto bad(const char* sentence) { return fail(ErrorCode::kInvalidArgument, sentence); }

std::string_view trimmed(std::string_view text) {
  const auto is_space = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

using Parameters = std::map<std::string, std::string, std::less<>>;

/// What follows a value as ;name=token or ;name="quoted". In quotes browsers write %22 for '"' and
/// leave '\' alone (the WHATWG's form encoding); '\"' of older clients is understood.
std::optional<Parameters> parameters_of(std::string_view text) {
  Parameters parameters;
  for (;;) {
    text = trimmed(text);
    if (text.empty()) return parameters;
    if (text.front() != ';') return std::nullopt;
    text = trimmed(text.substr(1));
    if (text.empty()) return parameters;
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string name = lower(trimmed(text.substr(0, equals)));
    text = trimmed(text.substr(equals + 1));
    std::string value;
    if (text.starts_with('"')) {
      std::size_t at = 1;
      for (; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && at + 1 < text.size() && text[at + 1] == '"') ++at;
        value += text[at];
      }
      if (at == text.size()) return std::nullopt;
      text.remove_prefix(at + 1);
    } else {
      const std::size_t end = std::min(text.find(';'), text.size());
      value = trimmed(text.substr(0, end));
      text.remove_prefix(end);
    }
    parameters.insert_or_assign(name, std::move(value));
  }
}

std::string unquoted(std::string text) {
  for (std::size_t at = text.find("%22"); at != std::string::npos; at = text.find("%22", at))
    text.replace(at, 3, "\"");
  return text;
}

/// Reads one part's head into `part`.
Result<void> read_head(std::string_view head, Part& part) {
  bool named = false;
  while (!head.empty()) {
    const std::size_t end = std::min(head.find("\r\n"), head.size());
    const std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 2, head.size()));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return bad("a part of the form has a damaged head");
    const std::string field = lower(trimmed(line.substr(0, colon)));
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (field == "content-type") part.type = media_type(value);
    if (field != "content-disposition") continue;
    const std::size_t semicolon = std::min(value.find(';'), value.size());
    if (lower(trimmed(value.substr(0, semicolon))) != "form-data")
      return bad("a part of the form is no form-data");
    const auto parameters = parameters_of(value.substr(semicolon));
    if (!parameters || !parameters->contains("name")) return bad("a part of the form has no name");
    part.name = unquoted(parameters->find("name")->second);
    if (const auto file = parameters->find("filename"); file != parameters->end())
      part.filename = unquoted(file->second);
    named = true;
  }
  if (!named) return bad("a part of the form has no name");
  if (part.name.size() > kMaxName || part.filename.size() > kMaxName)
    return bad("a name in the form is too long");
  if (!is_utf8(part.name) || !is_utf8(part.filename)) return bad("a name in the form is not UTF-8");
  return {};
}

}  // namespace

std::string media_type(std::string_view content_type) {
  return lower(trimmed(content_type.substr(0, content_type.find(';'))));
}

Result<std::vector<Part>> parse_multipart(std::string_view content_type, std::string_view body,
                                          std::size_t max_parts) {
  if (media_type(content_type) != "multipart/form-data")
    return bad("the body is no multipart/form-data");
  const std::size_t semicolon = std::min(content_type.find(';'), content_type.size());
  const auto parameters = parameters_of(content_type.substr(semicolon));
  const auto boundary = parameters ? parameters->find("boundary") : Parameters::const_iterator();
  if (!parameters || boundary == parameters->end() || boundary->second.empty() ||
      boundary->second.size() > kMaxBoundary)
    return bad("the form's Content-Type names no boundary");
  const std::string first = "--" + boundary->second;
  const std::string next = "\r\n" + first;
  std::size_t at = 0;
  if (!body.starts_with(first)) {  // a preamble, which is to be passed over
    at = body.find(next);
    if (at == std::string_view::npos) return bad("the form's boundary is not in the body");
    at += 2;
  }
  at += first.size();
  std::vector<Part> parts;
  for (;;) {
    const std::string_view rest = body.substr(at);
    if (rest.starts_with("--")) return parts;
    const std::size_t line = rest.find("\r\n");
    if (line == std::string_view::npos || !trimmed(rest.substr(0, line)).empty())
      return bad("the form ends before its last boundary");
    at += line + 2;
    if (parts.size() == max_parts) return bad("the form has too many parts");
    Part part;
    const std::size_t head_end = body.substr(at, kMaxHead).find("\r\n\r\n");
    if (head_end == std::string_view::npos)
      return bad("a part of the form has no head, or one that is too long");
    VISAVIS_CHECK(read_head(body.substr(at, head_end), part));
    at += head_end + 4;
    // An empty part's boundary begins with the line end that ends its head.
    const std::size_t end = body.find(next, at - 2);
    if (end == std::string_view::npos) return bad("the form ends before its last boundary");
    part.data = end < at ? std::string_view() : body.substr(at, end - at);
    parts.push_back(std::move(part));
    at = end + next.size();
  }
}

}  // namespace visavis::server
