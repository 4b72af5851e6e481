#include "label.hpp"

#include <cstddef>
#include <visavis/core/file.hpp>

namespace visavis::jobs {
namespace {

constexpr std::size_t kMaxBytes = 500;
constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool continues(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

std::string_view cut(std::string_view text) {
  if (text.size() <= kMaxBytes) return text;
  std::size_t end = kMaxBytes;
  while (end > 0 && continues(text[end])) --end;  // not within a character
  return text.substr(0, end);
}

}  // namespace

std::string to_label(std::string_view raw) {
  const bool is_text = is_utf8(raw);
  std::string label;
  for (const char c : raw.substr(0, 2 * kMaxBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    const bool is_control = byte < 0x20 || byte == 0x7F;
    if (is_control || (byte >= 0x80 && !is_text))
      label += kReplacement;
    else
      label += c;
  }
  return std::string(cut(label));
}

}  // namespace visavis::jobs
