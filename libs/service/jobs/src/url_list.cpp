#include "visavis/jobs/url_list.hpp"

#include <algorithm>
#include <utility>
#include <visavis/core/file.hpp>

namespace visavis::jobs {
namespace {

constexpr std::size_t kMaxUrlBytes = 2048;
constexpr std::size_t kMaxPersonBytes = 200;

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  std::string_view line = text.substr(0, end);
  text.remove_prefix(end == text.npos ? text.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool has_control(std::string_view text) {
  return std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
}

Result<ListedUrl> parse_line(std::string_view line) {
  const std::size_t tab = line.find('\t');
  const std::string_view url = line.substr(0, tab);
  const std::string_view person = tab == line.npos ? std::string_view() : line.substr(tab + 1);
  if (!is_utf8(line)) return fail(ErrorCode::kDecodeFailed, "it is not UTF-8 text");
  if (url.empty()) return fail(ErrorCode::kDecodeFailed, "it has no URL");
  if (url.size() > kMaxUrlBytes) return fail(ErrorCode::kDecodeFailed, "its URL is too long");
  if (person.size() > kMaxPersonBytes)
    return fail(ErrorCode::kDecodeFailed, "its person has more than 200 bytes");
  if (has_control(url) || has_control(person))
    return fail(ErrorCode::kDecodeFailed, "it has more than a URL, a tab and a person");
  return ListedUrl{std::string(url), std::string(person)};
}

}  // namespace

Result<std::vector<ListedUrl>> parse_url_list(std::string_view text, std::size_t max_urls) {
  if (constexpr std::string_view kMark = "\xEF\xBB\xBF"; text.starts_with(kMark))
    text.remove_prefix(kMark.size());
  std::vector<ListedUrl> urls;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::string_view line = take_line(text);
    if (line.empty() || line.starts_with('#')) continue;
    auto url = parse_line(line);
    if (!url)
      return fail(url.error().code,
                  "line " + std::to_string(number) + " of the list: " + url.error().message);
    if (urls.size() == max_urls)
      return fail(ErrorCode::kResourceExhausted,
                  "the list has more than " + std::to_string(max_urls) + " URLs");
    urls.push_back(*std::move(url));
  }
  return urls;
}

}  // namespace visavis::jobs
