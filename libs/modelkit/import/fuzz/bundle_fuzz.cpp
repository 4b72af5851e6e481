#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

#include "bundle.hpp"

/// Two bytes say how much of the rest is the index; what follows are the numbers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::uint16_t index_size = 0;
  if (size < sizeof index_size) return 0;
  std::memcpy(&index_size, data, sizeof index_size);
  const auto rest = std::as_bytes(std::span(data, size).subspan(sizeof index_size));
  const std::size_t cut = index_size < rest.size() ? index_size : rest.size();
  const auto bundle = visavis::modelkit::Bundle::read(rest.first(cut), {rest.subspan(cut)});
  if (!bundle) return 0;
  for (const auto& [key, entry] : bundle->entries()) {
    (void)bundle->floats(key);
    (void)bundle->key_of(key);
  }
  return 0;
}
