#include <cstddef>
#include <cstdint>
#include <visavis/import/import.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  (void)visavis::modelkit::inspect(bytes);
  (void)visavis::modelkit::import_model(
      {.name = {}, .sha256 = {}, .source = {}, .importer = "dlib:resnet", .onnx_sha256 = {}},
      bytes);
  return 0;
}
