#pragma once

/// Lists of URLs, as jobs import them.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::jobs {

struct ListedUrl {
  std::string url;     ///< As it stands there; whoever fetches it checks it.
  std::string person;  ///< Empty: the list says none.

  bool operator==(const ListedUrl&) const = default;
};

/// One a line, optionally a tab and the person; empty lines and lines that begin with # are passed
/// over, a byte order mark and carriage returns too.
/// @return kDecodeFailed with the line's number for text that is not UTF-8, control characters, an
/// empty URL, a URL of more than 2048 or a person of more than 200 bytes, a second tab;
/// kResourceExhausted for more than `max_urls`.
[[nodiscard]] Result<std::vector<ListedUrl>> parse_url_list(std::string_view text,
                                                            std::size_t max_urls = 100'000);

}  // namespace visavis::jobs
