#include "caffe_text.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <initializer_list>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {
namespace {

constexpr int kMostDepth = 16;
constexpr std::size_t kMostFields = 1'000'000;

std::unexpected<Error> malformed(std::size_t line, std::string_view what) {
  return fail(ErrorCode::kDecodeFailed,
              "the prototxt's line " + std::to_string(line) + ": " + std::string(what));
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/// Decimal, 0x… or 0…, with or without a sign.
bool parse(std::string_view text, std::int64_t& value) {
  const bool negative = text.starts_with('-');
  if (negative) text.remove_prefix(1);
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  } else if (text.size() > 1 && text.front() == '0') {
    base = 8;
  }
  std::uint64_t magnitude = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  constexpr std::uint64_t kMost = std::numeric_limits<std::int64_t>::max();
  if (error != std::errc() || end != text.data() + text.size() || magnitude > kMost) return false;
  value = static_cast<std::int64_t>(magnitude);
  if (negative) value = -value;
  return true;
}

bool parse(std::string_view text, double& value) {
  if (text.ends_with('f') || text.ends_with('F')) {
    const std::string_view stem = text.substr(0, text.size() - 1);
    if (!stem.empty() && (is_digit(stem.back()) || stem.back() == '.')) text = stem;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && std::isfinite(value);
}

}  // namespace

/// Recursive descent, one character of look-ahead.
class CaffeTextReader {
 public:
  explicit CaffeTextReader(std::string_view text) : text_(text) {}

  Result<CaffeText> run() {
    CaffeText out;
    VISAVIS_CHECK(fields(out, '\0', 0));
    return out;
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ == text_.size(); }
  [[nodiscard]] char peek() const { return at_end() ? '\0' : text_[at_]; }

  void skip_space() {
    while (!at_end()) {
      if (peek() == '#') {
        while (!at_end() && peek() != '\n') ++at_;
      } else if (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n' ||
                 peek() == '\v' || peek() == '\f') {
        if (peek() == '\n') ++line_;
        ++at_;
      } else {
        return;
      }
    }
  }

  bool take(char c) {
    skip_space();
    if (at_end() || peek() != c) return false;
    ++at_;
    return true;
  }

  /// Up to `close`, which is '\0' for the end of the file.
  Result<void> fields(CaffeText& out, char close, int depth) {
    if (depth > kMostDepth) return malformed(line_, "it is nested too deeply");
    for (;;) {
      skip_space();
      if (at_end()) {
        if (close == '\0') return {};
        return malformed(line_, "the text ends inside braces");
      }
      if (close != '\0' && take(close)) return {};
      VISAVIS_CHECK(field(out, depth));
      if (!take(';')) (void)take(',');
    }
  }

  Result<void> field(CaffeText& out, int depth) {
    if (!is_letter(peek())) return malformed(line_, "a field's name is missing");
    const std::string name = word();
    const bool colon = take(':');
    skip_space();
    if (colon && take('[')) return list(out, name, depth);
    if (!colon && peek() != '{' && peek() != '<')
      return malformed(line_, "a colon is missing behind a field's name");
    return value(out, name, depth);
  }

  Result<void> list(CaffeText& out, const std::string& name, int depth) {
    if (take(']')) return {};
    do {
      skip_space();
      VISAVIS_CHECK(value(out, name, depth));
    } while (take(','));
    if (!take(']')) return malformed(line_, "a list does not end");
    return {};
  }

  Result<void> value(CaffeText& out, const std::string& name, int depth) {
    if (++count_ > kMostFields) return malformed(line_, "there are more than a million fields");
    CaffeText::Field field{.name = name, .line = line_};
    const char first = peek();
    if (first == '{' || first == '<') {
      ++at_;
      field.kind = CaffeText::Field::Kind::kMessage;
      field.inside.line_ = line_;
      VISAVIS_CHECK(fields(field.inside, first == '{' ? '}' : '>', depth + 1));
    } else if (first == '"' || first == '\'') {
      field.kind = CaffeText::Field::Kind::kString;
      VISAVIS_TRY(text, strings());
      field.text = std::move(text);
    } else {
      const bool negative = take('-');
      skip_space();
      field.text = (negative ? "-" : "") + word();
      if (field.text.empty() || field.text == "-") return malformed(line_, "a value is missing");
    }
    out.fields_.push_back(std::move(field));
    return {};
  }

  /// A name, an enumerator or a number without its sign.
  std::string word() {
    const std::size_t start = at_;
    while (!at_end()) {
      const char c = peek();
      const bool exponent = (c == '-' || c == '+') && at_ > start && is_digit(text_[start]) &&
                            (text_[at_ - 1] == 'e' || text_[at_ - 1] == 'E');
      if (!is_letter(c) && !is_digit(c) && c != '.' && !exponent) break;
      ++at_;
    }
    return std::string(text_.substr(start, at_ - start));
  }

  /// Strings one behind the other are one.
  Result<std::string> strings() {
    std::string out;
    for (skip_space(); peek() == '"' || peek() == '\''; skip_space()) {
      const char quote = text_[at_++];
      while (!at_end() && peek() != quote) {
        if (peek() == '\n') return malformed(line_, "a string does not end");
        if (peek() == '\\') {
          VISAVIS_TRY(c, escaped());
          out += c;
        } else {
          out += text_[at_++];
        }
      }
      if (at_end()) return malformed(line_, "a string does not end");
      ++at_;
    }
    return out;
  }

  Result<char> escaped() {
    ++at_;
    const char c = peek();
    if (!at_end()) ++at_;
    constexpr std::string_view kNames = "abfnrtv\\'\"?";
    constexpr std::string_view kMeanings = "\a\b\f\n\r\t\v\\'\"?";
    const std::size_t known = kNames.find(c);
    if (c != '\0' && known != std::string_view::npos) return kMeanings[known];
    const bool hex = c == 'x' || c == 'X';
    if (!hex && (c < '0' || c > '7')) return malformed(line_, "an unknown escape in a string");
    const std::size_t start = hex ? at_ : at_ - 1;
    unsigned value = 0;
    const std::size_t most = std::min(text_.size(), start + (hex ? 2U : 3U));
    const auto [end, error] =
        std::from_chars(text_.data() + start, text_.data() + most, value, hex ? 16 : 8);
    if (error != std::errc() || value > 255) return malformed(line_, "an escape that is no byte");
    at_ = static_cast<std::size_t>(end - text_.data());
    return static_cast<char>(value);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t line_ = 1;
  std::size_t count_ = 0;
};

Result<CaffeText> CaffeText::read(std::string_view text) { return CaffeTextReader(text).run(); }

std::vector<CaffeText::Field*> CaffeText::find(std::string_view field) {
  std::vector<Field*> found;
  for (Field& each : fields_) {
    if (each.name != field) continue;
    each.was_read = true;
    found.push_back(&each);
  }
  return found;
}

Result<CaffeText::Field*> CaffeText::find_one(std::string_view field) {
  const std::vector<Field*> found = find(field);
  if (found.size() > 1) return malformed(found[1]->line, std::string(field) + " is there twice");
  return found.empty() ? nullptr : found.front();
}

namespace {

// A template over the private type of the fields.
template <class Value, class Field>
Result<Value> number_of(const Field& field, std::string_view kind) {
  Value value{};
  if (field.kind != Field::Kind::kWord || !parse(field.text, value))
    return malformed(field.line, field.name + " is no " + std::string(kind));
  return value;
}

template <class Field>
Result<std::string> word_of(const Field& field) {
  if (field.kind == Field::Kind::kMessage)
    return malformed(field.line, field.name + " is no single value");
  return field.text;
}

template <class Field>
Result<CaffeText*> message_of(Field& field) {
  if (field.kind != Field::Kind::kMessage)
    return malformed(field.line, field.name + " has no fields of its own");
  return &field.inside;
}

template <class Value, class Fields, class Read>
Result<std::vector<Value>> all_of(const Fields& fields, Read read) {
  std::vector<Value> out;
  for (auto* field : fields) {
    VISAVIS_TRY(value, read(*field));
    out.push_back(std::move(value));
  }
  return out;
}

}  // namespace

bool CaffeText::has(std::string_view field) { return !find(field).empty(); }

Result<std::int64_t> CaffeText::integer(std::string_view field, std::int64_t otherwise) {
  VISAVIS_TRY(found, find_one(field));
  if (found == nullptr) return otherwise;
  return number_of<std::int64_t>(*found, "integer");
}

Result<double> CaffeText::number(std::string_view field, double otherwise) {
  VISAVIS_TRY(found, find_one(field));
  if (found == nullptr) return otherwise;
  return number_of<double>(*found, "number");
}

Result<bool> CaffeText::boolean(std::string_view field, bool otherwise) {
  VISAVIS_TRY(found, find_one(field));
  if (found == nullptr) return otherwise;
  const std::string& text = found->text;
  if (text == "true" || text == "True" || text == "t" || text == "1") return true;
  if (text == "false" || text == "False" || text == "f" || text == "0") return false;
  return malformed(found->line, found->name + " is neither true nor false");
}

Result<std::string> CaffeText::word(std::string_view field, const std::string& otherwise) {
  VISAVIS_TRY(found, find_one(field));
  if (found == nullptr) return otherwise;
  return word_of(*found);
}

Result<CaffeText*> CaffeText::message(std::string_view field) {
  VISAVIS_TRY(found, find_one(field));
  if (found == nullptr) return nullptr;
  return message_of(*found);
}

Result<std::vector<std::int64_t>> CaffeText::integers(std::string_view field) {
  return all_of<std::int64_t>(
      find(field), [](const Field& each) { return number_of<std::int64_t>(each, "integer"); });
}

Result<std::vector<double>> CaffeText::numbers(std::string_view field) {
  return all_of<double>(find(field),
                        [](const Field& each) { return number_of<double>(each, "number"); });
}

Result<std::vector<std::string>> CaffeText::words(std::string_view field) {
  return all_of<std::string>(find(field), word_of<Field>);
}

Result<std::vector<CaffeText*>> CaffeText::messages(std::string_view field) {
  return all_of<CaffeText*>(find(field), message_of<Field>);
}

void CaffeText::pass_over(std::initializer_list<std::string_view> fields) {
  for (Field& each : fields_) {
    if (std::ranges::find(fields, each.name) == fields.end()) continue;
    each.was_read = true;
    each.inside.fields_.clear();
  }
}

void CaffeText::pass_over_all() {
  for (Field& each : fields_) {
    each.was_read = true;
    each.inside.fields_.clear();
  }
}

void CaffeText::collect(const std::string& prefix, std::vector<std::string>& out) const {
  for (const Field& each : fields_) {
    if (!each.was_read)
      out.push_back(prefix + each.name + " (line " + std::to_string(each.line) + ")");
    else
      each.inside.collect(prefix + each.name + ".", out);
  }
}

std::vector<std::string> CaffeText::not_understood() const {
  std::vector<std::string> out;
  collect("", out);
  return out;
}

}  // namespace visavis::modelkit
