#include <cstddef>
#include <cstdint>
#include <span>
#include <visavis/import/import.hpp>

#include "tensorflow.hpp"

/// A frozen graph; whatever follows a byte 0xFF at the beginning is a SavedModel.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const bool saved = data[0] == 0xFF;
  const auto bytes = std::as_bytes(std::span(data, size).subspan(saved ? 1 : 0));
  const visavis::modelkit::Part part{.name = saved ? "saved_model.pb" : "graph.pb",
                                     .bytes = {bytes.begin(), bytes.end()}};
  (void)visavis::modelkit::inspect_tensorflow({&part, 1}, {});
  (void)visavis::modelkit::import_tensorflow({&part, 1}, {});
  return 0;
}
