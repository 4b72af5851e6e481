#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <visavis/core/file.hpp>
#include <visavis/jobs/url_list.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto urls = visavis::jobs::parse_url_list({reinterpret_cast<const char*>(data), size}, 50);
  if (!urls) return urls.error().message.empty() ? std::abort(), 0 : 0;
  if (urls->size() > 50) std::abort();
  for (const auto& one : *urls)
    if (one.url.empty() || one.url.find_first_of("\t\n\r") != one.url.npos ||
        !visavis::is_utf8(one.url) || !visavis::is_utf8(one.person))
      std::abort();
  return 0;
}
