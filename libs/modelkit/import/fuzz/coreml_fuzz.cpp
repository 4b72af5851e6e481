#include <cstddef>
#include <cstdint>
#include <visavis/import/import.hpp>

#include "coreml.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  (void)visavis::modelkit::inspect_coreml(bytes);
  (void)visavis::modelkit::import_coreml(bytes);
  return 0;
}
