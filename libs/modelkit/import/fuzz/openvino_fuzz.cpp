#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>
#include <visavis/import/import.hpp>

/// The XML, and behind its end the numbers.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::string_view kEnd = "</net>";
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t found = text.find(kEnd);
  const std::size_t middle = found == std::string_view::npos ? size : found + kEnd.size();
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto copy = [](std::span<const std::byte> from) {
    return std::vector<std::byte>(from.begin(), from.end());
  };
  const std::vector<visavis::modelkit::Part> parts = {
      {.name = "net.xml", .bytes = copy(bytes.first(middle))},
      {.name = "net.bin", .bytes = copy(bytes.subspan(middle))}};
  (void)visavis::modelkit::inspect(parts);
  (void)visavis::modelkit::import_parts("openvino", parts);
  return 0;
}
