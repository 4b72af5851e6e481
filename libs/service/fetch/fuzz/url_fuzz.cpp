#include <curl/curl.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "hosts.hpp"
#include "url.hpp"

namespace {

struct Free {
  void operator()(CURLU* url) const noexcept { ::curl_url_cleanup(url); }
  void operator()(char* text) const noexcept { ::curl_free(text); }
};

std::string part_of(CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (::curl_url_get(url, part, &text, 0) != CURLUE_OK) std::abort();
  return std::unique_ptr<char, Free>(text).get();
}

/// Who downloads must understand what we read as we do: the same host and the same port.
void compare_with_curl(const visavis::fetch::Url& url, const std::string& text) {
  const std::unique_ptr<CURLU, Free> other(::curl_url());
  if (::curl_url_set(other.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) std::abort();
  const bool is_v6 = url.address && url.address->is_v6;
  if (part_of(other.get(), CURLUPART_HOST) != (is_v6 ? "[" + url.host + "]" : url.host))
    std::abort();
  if (part_of(other.get(), CURLUPART_PORT) != std::to_string(url.port)) std::abort();
  if (part_of(other.get(), CURLUPART_SCHEME) != (url.is_https ? "https" : "http")) std::abort();
  char* user = nullptr;
  if (::curl_url_get(other.get(), CURLUPART_USER, &user, 0) == CURLUE_OK) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace visavis::fetch;
  const std::string text(reinterpret_cast<const char*>(data), size);
  (void)Hosts::make({text});
  if (const auto address = parse_address(text))
    if (parse_address(to_string(*address)) != address) std::abort();
  const auto url = parse_url(text);
  if (!url) return 0;
  const auto again = parse_url(url->text());
  if (url->text().size() <= 2048 && (!again || again->text() != url->text())) std::abort();
  compare_with_curl(*url, url->text());
  return 0;
}
