#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "key_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace visavis::access;
  const auto keys = parse_key_file({reinterpret_cast<const char*>(data), size});
  if (!keys) return keys.error().message.empty() ? std::abort(), 0 : 0;
  // What was read is written and read again without a change.
  const std::string text = to_key_file(*keys);
  const auto again = parse_key_file(text);
  if (!again || again->size() != keys->size() || to_key_file(*again) != text) std::abort();
  return 0;
}
