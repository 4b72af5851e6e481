// A form's body may be anything, and its Content-Type too: the first line of the input.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "multipart.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t line = std::min(input.find('\n'), input.size());
  const std::string_view body = input.substr(std::min(line + 1, input.size()));
  const auto parts = visavis::server::parse_multipart(input.substr(0, line), body, 64);
  if (!parts) return 0;
  for (const auto& part : *parts) {
    const bool inside =
        part.data.empty() || (part.data.data() >= body.data() &&
                              part.data.data() + part.data.size() <= body.data() + body.size());
    if (!inside || part.name.size() > 1024) std::abort();
  }
  return 0;
}
