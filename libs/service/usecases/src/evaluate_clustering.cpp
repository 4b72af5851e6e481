#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>
#include <visavis/metrics/clustering.hpp>
#include <visavis/pipeline/pipeline.hpp>

#include "bench_impl.hpp"
#include "central_faces.hpp"
#include "criterion.hpp"
#include "face_groups.hpp"
#include "visavis/usecases/evaluate.hpp"

namespace visavis::usecases {
namespace {

std::vector<std::uint32_t> numbered(const std::vector<std::string>& persons) {
  std::map<std::string, std::uint32_t> numbers;
  std::vector<std::uint32_t> result;
  for (const std::string& person : persons) {
    const auto next = static_cast<std::uint32_t>(numbers.size());
    result.push_back(numbers.try_emplace(person, next).first->second);
  }
  return result;
}

}  // namespace

Outcome<EvaluatedClustering> evaluate_clustering(Workbench& bench, const PeoplesPhotos& photos,
                                                 const Criterion& criterion,
                                                 const Progress& progress) {
  VISAVIS_TRY(bar, find_bar(bench.impl(), criterion_of_groups(criterion)));
  if (photos.photos.empty())
    return std::unexpected(
        Failure(Cause::kInput, {ErrorCode::kInvalidArgument, "there is no photo of a person"}));
  VISAVIS_TRY(run, bench.ready());
  CentralFaces looked = central_faces(bench.impl(), photos.photos, progress);
  std::vector<float> rows;
  std::vector<std::size_t> with_face;
  for (std::size_t i = 0; i < looked.faces.size(); ++i) {
    if (!looked.faces[i]) continue;
    const std::vector<float>& values = looked.faces[i]->embedding.values;
    rows.insert(rows.end(), values.begin(), values.end());
    with_face.push_back(i);
  }
  VISAVIS_TRY(found, group_faces(rows, with_face.size(), bar.threshold, *bench.impl().executor));
  std::uint32_t next = found.empty() ? 0 : *std::ranges::max_element(found) + 1;
  std::vector<std::optional<std::uint32_t>> placed(photos.photos.size());
  for (std::size_t k = 0; k < found.size(); ++k) placed[with_face[k]] = found[k];
  std::vector<std::uint32_t> groups;
  // What has no face is found with nobody.
  for (const auto& group : placed) groups.push_back(group ? *group : next++);
  const std::vector<std::uint32_t> persons = numbered(photos.persons);
  EvaluatedClustering answer{.run = std::move(run),
                             .bar = std::move(bar),
                             .people = *std::ranges::max_element(persons) + std::size_t{1},
                             .images = photos.photos.size(),
                             .failed_images = photos.photos.size() - with_face.size(),
                             .groups = next,
                             .pairwise = metrics::pairwise(groups, persons),
                             .bcubed = metrics::bcubed(groups, persons),
                             .in_no_folder = photos.in_no_folder,
                             .missing_people = photos.missing_people,
                             .from_cache = looked.from_cache,
                             .without_face = std::move(looked.without_face),
                             .errors = photos.errors};
  std::ranges::move(looked.errors, std::back_inserter(answer.errors));
  return answer;
}

}  // namespace visavis::usecases
