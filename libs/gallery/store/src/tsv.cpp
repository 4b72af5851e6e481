#include "visavis/store/tsv.hpp"

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "visavis/core/file.hpp"
#include "visavis/core/result.hpp"

namespace visavis::store {
namespace {

/// The text up to `separator`, which is taken away with it.
std::string_view take(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view head = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return head;
}

Result<std::vector<std::string>> parse_line(std::string_view line) {
  std::vector<std::string> fields;
  while (true) {
    const bool last = line.find('\t') == std::string_view::npos;
    VISAVIS_TRY(field, unescape_field(take(line, '\t')));
    fields.push_back(std::move(field));
    if (last) return fields;
  }
}

}  // namespace

std::string escape_field(std::string_view field) {
  std::string out;
  out.reserve(field.size());
  for (const char c : field) {
    if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\\') {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out;
}

Result<std::string> unescape_field(std::string_view field) {
  std::string out;
  out.reserve(field.size());
  for (std::size_t i = 0; i < field.size(); ++i) {
    if (field[i] != '\\') {
      out += field[i];
      continue;
    }
    const char next = ++i < field.size() ? field[i] : '\0';
    if (next != 't' && next != 'n' && next != '\\')
      return fail(ErrorCode::kDecodeFailed, R"(a backslash must be followed by t, n or \)");
    out += next == 't' ? '\t' : next == 'n' ? '\n' : '\\';
  }
  return out;
}

std::string to_line(std::initializer_list<std::string_view> fields) {
  std::string line;
  for (const std::string_view field : fields) line += escape_field(field) + '\t';
  if (!line.empty()) line.pop_back();
  return line + "\n";
}

Result<std::vector<std::vector<std::string>>> parse_tsv(std::string_view text) {
  if (!is_utf8(text)) return fail(ErrorCode::kDecodeFailed, "the table is not UTF-8 text");
  if (constexpr std::string_view kMark = "\xEF\xBB\xBF"; text.starts_with(kMark))
    text.remove_prefix(kMark.size());
  std::vector<std::vector<std::string>> rows;
  for (std::size_t number = 1; !text.empty(); ++number) {
    std::string_view line = take(text, '\n');
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty()) continue;
    auto row = parse_line(line);
    if (!row)
      return fail(row.error().code, "line " + std::to_string(number) + ": " + row.error().message);
    rows.push_back(*std::move(row));
  }
  return rows;
}

}  // namespace visavis::store
