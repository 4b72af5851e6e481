#include <cstddef>
#include <cstdint>
#include <visavis/models/manifest.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto manifest =
      visavis::models::parse_manifest({reinterpret_cast<const char*>(data), size});
  if (manifest) (void)visavis::models::model_id(*manifest, true);
  return 0;
}
