#include "visavis/gallery/gallery.hpp"

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "visavis/core/result.hpp"

namespace visavis::gallery {

std::string_view to_string(Fusion fusion) noexcept {
  switch (fusion) {
    case Fusion::kBest:
      return "best";
    case Fusion::kMean:
      return "mean";
    case Fusion::kQualityWeighted:
      return "quality";
  }
  return "";
}

Result<std::vector<Enrolled>> Gallery::enrol(std::span<const NewFace> faces) {
  VISAVIS_TRY(decisions, enrol(faces, {}));
  std::vector<Enrolled> enrolled;
  for (Decision& decision : decisions) enrolled.push_back(std::get<Enrolled>(std::move(decision)));
  return enrolled;
}

Result<std::vector<Enrolled>> Gallery::enrol(std::string_view person,
                                             std::span<const Template> faces) {
  std::vector<NewFace> batch;
  batch.reserve(faces.size());
  for (const Template& face : faces) batch.push_back({std::string(person), face});
  return enrol(batch);
}

}  // namespace visavis::gallery
