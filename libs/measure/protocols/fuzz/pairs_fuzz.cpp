#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <visavis/protocols/calibrate.hpp>
#include <visavis/protocols/pairs.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto list = visavis::protocols::parse_pairs(text);
  if (list) {
    for (const auto& pair : list->pairs)
      if (list->folds > 0 && pair.fold >= list->folds) std::abort();
  }
  const auto people = visavis::protocols::parse_people(text);
  if (people && people->empty()) std::abort();
  return 0;
}
