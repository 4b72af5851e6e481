#include "fold.hpp"

#include <locale.h>  // newlocale
#include <wctype.h>  // towlower_l

#include <cstddef>
#include <cstdint>
#include <visavis/core/file.hpp>

namespace visavis::store {
namespace {

/// Null where the system lacks it; then only ASCII has cases.
locale_t unicode() {
  static const locale_t locale = ::newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
  return locale;
}

std::uint32_t lower(std::uint32_t point) {
  if (point < 0x80) return point >= 'A' && point <= 'Z' ? point + ('a' - 'A') : point;
  const locale_t locale = unicode();
  return locale == nullptr ? point : static_cast<std::uint32_t>(::towlower_l(point, locale));
}

/// Takes the first code point away. @pre UTF-8, not empty
std::uint32_t take(std::string_view& text) {
  const auto lead = static_cast<unsigned char>(text.front());
  const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  std::uint32_t point = length == 1 ? lead : lead & (0x7fU >> length);
  for (const char c : text.substr(1, length - 1))
    point = (point << 6U) | (static_cast<unsigned char>(c) & 0x3fU);
  text.remove_prefix(length);
  return point;
}

void append(std::string& text, std::uint32_t point) {
  const unsigned more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
  const std::uint32_t lead = more == 0 ? 0 : (0xff00U >> (more + 1)) & 0xffU;
  text.push_back(static_cast<char>(lead | (point >> (6 * more))));
  for (unsigned i = more; i > 0; --i)
    text.push_back(static_cast<char>(0x80U | ((point >> (6 * (i - 1))) & 0x3fU)));
}

}  // namespace

std::string fold_case(std::string_view text) {
  if (!is_utf8(text)) return std::string(text);
  std::string folded;
  folded.reserve(text.size());
  while (!text.empty()) append(folded, lower(take(text)));
  return folded;
}

}  // namespace visavis::store
