#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "audit_file.hpp"
#include "audit_line.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace visavis::access;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto place = parse_cursor(text))
    if (const auto again = parse_cursor(to_cursor(*place));
        !again || again->file != place->file || again->offset != place->offset)
      std::abort();
  if (auto entry = parse_line(text)) {
    const auto again = parse_line(to_line(*entry));
    if (!again || again->time != entry->time) std::abort();
  }
  // Whatever is given becomes one line that can be read.
  const AuditEntry odd{.time = 0, .request = std::string(text), .outcome = std::string(text)};
  const std::string line = to_line(odd);
  if (line.find('\n') != line.size() - 1 || !parse_line(line)) std::abort();
  return 0;
}
