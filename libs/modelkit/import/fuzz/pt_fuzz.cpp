#include <cstddef>
#include <cstdint>

#include "state_dict.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto dict = visavis::modelkit::StateDict::read(bytes);
  if (!dict) return 0;
  for (const auto& [name, weight] : dict->weights()) (void)dict->floats(name, weight.shape);
  return 0;
}
