// A request's target may be anything.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  visavis::server::Request request;
  if (!visavis::server::split_target({reinterpret_cast<const char*>(data), size}, request))
    return 0;
  for (const auto& segment : request.segments)
    if (segment == "." || segment == ".." || segment.find('\0') != std::string::npos) std::abort();
  return 0;
}
