#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <visavis/core/file.hpp>

#include "job_file.hpp"
#include "label.hpp"
#include "outcome_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace visavis::jobs;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto job = parse_job_file(text))
    if (const auto again = parse_job_file(to_job_file(*job)); !again || *again != *job)
      std::abort();
  if (const auto outcome = parse_line(text)) (void)to_line(*outcome);
  // Whatever is given becomes one line that is read as it was written.
  ItemOutcome odd{.item = size, .result = ItemResult::kFailed, .label = std::string(text)};
  std::string line = to_line(odd);
  if (line.find('\n') != line.size() - 1) std::abort();
  line.pop_back();
  odd.label = to_label(text);
  if (!visavis::is_utf8(odd.label) || odd.label.size() > 500 || parse_line(line) != odd)
    std::abort();
  return 0;
}
