#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <visavis/import/import.hpp>

/// Text, a byte of 0, weights.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto end = std::ranges::find(bytes, std::byte{0});
  const auto weights = end == bytes.end() ? end : end + 1;
  const std::array<visavis::modelkit::Part, 2> parts = {
      {{.name = "net.prototxt", .bytes = {bytes.begin(), end}},
       {.name = "net.caffemodel", .bytes = {weights, bytes.end()}}}};
  (void)visavis::modelkit::inspect(parts);
  (void)visavis::modelkit::inspect(bytes);
  (void)visavis::modelkit::import_parts("caffe", parts);
  return 0;
}
