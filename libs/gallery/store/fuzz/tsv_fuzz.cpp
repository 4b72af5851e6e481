#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <visavis/store/tsv.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto back = visavis::store::unescape_field(visavis::store::escape_field(text));
  if (!back || *back != text) std::abort();
  const auto rows = visavis::store::parse_tsv(text);
  if (!rows) return 0;
  for (const auto& row : *rows)
    if (row.empty()) std::abort();
  return 0;
}
