#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <visavis/store/npy.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto matrix = visavis::store::parse_npy(std::as_bytes(std::span(data, size)));
  if (matrix && matrix->values.size() != matrix->rows * matrix->columns) std::abort();
  return 0;
}
