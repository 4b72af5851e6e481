#include <cstddef>
#include <cstdint>
#include <string>
#include <visavis/import/import.hpp>

#include "state_dict.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto dict = visavis::modelkit::StateDict::read(bytes);
  if (!dict) return 0;
  for (const auto& [name, weight] : dict->weights()) (void)dict->floats(name, weight.shape);
  for (const char* network : {"mtcnn-pnet", "inception-resnet-v1", "inception-resnet-v1-classify",
                              "iresnet", "mobilefacenet"})
    (void)visavis::modelkit::import_model({.name = {},
                                           .sha256 = {},
                                           .source = {},
                                           .importer = std::string("pytorch:") + network,
                                           .onnx_sha256 = {}},
                                          bytes);
  return 0;
}
