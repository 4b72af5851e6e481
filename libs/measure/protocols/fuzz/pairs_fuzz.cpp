#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <visavis/protocols/calibrate.hpp>
#include <visavis/protocols/detection.hpp>
#include <visavis/protocols/groups.hpp>
#include <visavis/protocols/pairs.hpp>
#include <visavis/protocols/templates.hpp>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto list = visavis::protocols::parse_pairs(text);
  if (list) {
    for (const auto& pair : list->pairs)
      if (list->folds > 0 && pair.fold >= list->folds) std::abort();
  }
  const auto people = visavis::protocols::parse_people(text);
  if (people && people->empty()) std::abort();
  const auto groups = visavis::protocols::parse_groups(text);
  if (groups && groups->empty()) std::abort();
  const auto templates = visavis::protocols::parse_templates(text);
  if (templates && templates->empty()) std::abort();
  const auto template_pairs = visavis::protocols::parse_template_pairs(text);
  if (template_pairs && template_pairs->pairs.empty()) std::abort();
  const auto truth = visavis::protocols::parse_truth(text);
  if (truth) {
    for (const auto& photo : truth->photos)
      if (photo.boxes.size() + photo.points.size() > photo.faces) std::abort();
  }
  return 0;
}
