#include "visavis/usecases/evaluate.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/degrade/degrade.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/protocols/all_pairs.hpp>
#include <visavis/protocols/calibrate.hpp>
#include <visavis/protocols/detection.hpp>
#include <visavis/protocols/identification.hpp>
#include <visavis/protocols/pairs.hpp>
#include <visavis/protocols/templates.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/quality_pairs/fit_scores.hpp>
#include <visavis/quality_pairs/quality_pairs.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/vocab/face.hpp>

#include "bench_impl.hpp"
#include "central_faces.hpp"
#include "library.hpp"
#include "lists.hpp"
#include "looks.hpp"
#include "outputs.hpp"

namespace visavis::usecases {
namespace {

namespace fs = std::filesystem;

std::vector<std::optional<Embedding>> embeddings_of(CentralFaces& looked) {
  std::vector<std::optional<Embedding>> embeddings;
  for (std::optional<pipeline::FaceRecord>& face : looked.faces)
    embeddings.push_back(face ? std::optional(std::move(face->embedding)) : std::nullopt);
  return embeddings;
}

Result<protocols::Embeddings> by_names(const std::vector<Photo>& photos, CentralFaces& looked) {
  auto embeddings = embeddings_of(looked);
  protocols::Embeddings by_name;
  for (std::size_t i = 0; i < photos.size(); ++i)
    by_name.emplace(photos[i].inside, std::move(embeddings[i]));
  return by_name;
}

Outcome<std::vector<protocols::LabelledPhoto>> read_labelled(const fs::path& path) {
  VISAVIS_TRY(text, named(path, read_text(path)));
  return named(path, protocols::parse_labelled(text));
}

/// Paths that are absolute or relative to the list's folder.
Outcome<std::vector<protocols::LabelledPhoto>> read_labelled_photos(const fs::path& path) {
  VISAVIS_TRY(photos, read_labelled(path));
  for (protocols::LabelledPhoto& photo : photos)
    photo.path = (path.parent_path() / photo.path).string();
  return photos;
}

/// Where the photos of some people are among all; of all people, if `people` is empty.
std::vector<std::size_t> chosen_photos(const People& people, const std::vector<Photo>& photos) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < photos.size(); ++i)
    if (people.empty() || people.contains(photos[i].parent())) chosen.push_back(i);
  return chosen;
}

/// The same photos once more, made worse, and what both tell of scores that know of quality.
Outcome<matching::QualityAware> fit_quality_aware(
    Workbench::Impl& bench, const std::vector<Photo>& photos, const CentralFaces& as_they_are,
    const std::vector<std::size_t>& chosen, const Progress& progress, std::string provenance) {
  VISAVIS_TRY(recipe, caused_by(Cause::kUsage, degrade::parse_recipe(degrade::default_ways(), 1)));
  std::vector<Photo> own;
  std::vector<quality_pairs::Look> high;
  for (const std::size_t i : chosen) {
    if (!as_they_are.faces[i]) continue;
    own.push_back(photos[i]);
    high.push_back(look_at(photos[i], as_they_are.faces[i]));
  }
  CentralFaces worse = central_faces(bench, own, progress, recipe);
  std::vector<quality_pairs::Look> low;
  for (std::size_t i = 0; i < own.size(); ++i)
    low.push_back(look_at(own[i], std::move(worse.faces[i])));
  const auto ratio = quality_pairs::fit_ratio(high, low);
  if (!ratio)
    return std::unexpected(
        Failure(Cause::kInput, {ErrorCode::kInvalidArgument,
                                "there are too few photos to fit a score that knows of quality"}));
  return matching::QualityAware{
      .line = quality_pairs::fit_line(high, low),
      .ratio = *ratio,
      .provenance =
          std::move(provenance) + ", as they are and made worse in the default ways, seed 1"};
}

/// The faces of some people; of all, if `people` is empty.
std::vector<protocols::LabelledFace> faces_of(
    const People& people, const std::vector<Photo>& photos,
    const std::vector<std::optional<Embedding>>& embeddings) {
  std::vector<protocols::LabelledFace> faces;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    std::string person = photos[i].parent();
    if (embeddings[i] && (people.empty() || people.contains(person)))
      faces.push_back({.person = std::move(person), .embedding = *embeddings[i]});
  }
  return faces;
}

std::vector<protocols::JudgedPair> by_paths(const std::vector<protocols::FacePair>& pairs,
                                            const std::vector<std::string>& paths) {
  std::vector<protocols::JudgedPair> named;
  for (const protocols::FacePair& pair : pairs)
    named.push_back({.a = paths[pair.a], .b = paths[pair.b], .score = pair.score});
  return named;
}

/// What could not be read, where the answer that would have told of it is not given.
void tell(const LogSink& sink, const std::vector<Problem>& errors) {
  for (const Problem& error : errors)
    log(sink, LogLevel::kWarning, error.path + ": " + error.failure.error.message);
}

/// Photos by the names that lists have for them, each once.
std::vector<Photo> photos_named(const std::set<std::string>& names, const fs::path& folder) {
  std::vector<Photo> photos;
  photos.reserve(names.size());
  for (const std::string& name : names)
    photos.push_back({.path = (folder / name).string(), .inside = name});
  return photos;
}

std::vector<Photo> photos_of(const TemplateList& templates) {
  std::set<std::string> names;
  for (const protocols::TemplatePhoto& photo : templates.photos) names.insert(photo.path);
  return photos_named(names, {});
}

/// What the lists name: photos, or templates.
std::set<std::string> names_of(const PairsRequest& request) {
  std::set<std::string> names;
  for (const protocols::PairList* list :
       {&request.pairs, request.threshold_from ? &*request.threshold_from : nullptr})
    if (list != nullptr)
      for (std::string& name : protocols::images_of(*list)) names.insert(std::move(name));
  return names;
}

std::set<std::string> names_of(const ProbeLists& lists) {
  std::set<std::string> names;
  for (const auto& list : {lists.gallery, lists.probes})
    for (const protocols::LabelledPhoto& photo : list) names.insert(photo.path);
  return names;
}

/// Of each template the photo with the best face: what a person can look at.
std::map<std::string, std::string> shown_of(const std::vector<Photo>& photos,
                                            const CentralFaces& looked,
                                            const TemplateList& templates) {
  std::map<std::string, float> qualities;  // by path
  for (std::size_t i = 0; i < photos.size(); ++i)
    if (looked.faces[i])
      qualities.emplace(photos[i].inside.string(), looked.faces[i]->quality.score);
  std::map<std::string, std::string> shown;
  for (const protocols::TemplatePhoto& photo : templates.photos) {
    const auto quality = qualities.find(photo.path);
    if (quality == qualities.end()) continue;
    const auto [it, is_first] = shown.emplace(photo.name, photo.path);
    if (!is_first && quality->second > qualities.at(it->second)) it->second = photo.path;
  }
  return shown;
}

/// @return an error if the lists name a template that has no photos
Result<protocols::Embeddings> fused(const std::vector<Photo>& photos, CentralFaces& looked,
                                    const TemplateList& templates,
                                    const std::set<std::string>& names) {
  protocols::RatedFaces faces;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    std::optional<protocols::RatedFace> face;
    if (looked.faces[i])
      face = {.embedding = std::move(looked.faces[i]->embedding),
              .quality = looked.faces[i]->quality.score};
    faces.emplace(photos[i].inside, std::move(face));
  }
  VISAVIS_TRY(by_name, protocols::fuse_templates(templates.photos, faces, templates.fusion));
  if (!std::ranges::all_of(names, [&](const std::string& name) { return by_name.contains(name); }))
    return fail(ErrorCode::kInvalidArgument,
                "a list names a template that is not on the list of templates");
  return by_name;
}

/// Nothing if none was asked for.
Outcome<std::optional<double>> calibrated_threshold(const Workbench::Impl& bench,
                                                    const PairsRequest& request) {
  if (!request.far) return std::nullopt;
  if (request.threshold_from)
    return usage("the threshold comes from another list or from the calibration, not from both");
  if (!bench.calibration)
    return usage("the model has no calibration; take the threshold from another list");
  VISAVIS_TRY(point,
              caused_by(Cause::kUsage, matching::threshold_at(*bench.calibration, *request.far)));
  return point.threshold;
}

std::string provenance(const Workbench::Impl& bench, const CalibrationRequest& request) {
  const std::string source =
      request.source.empty() ? "photographs of the caller's own" : request.source;
  return source + ", every photo with every photo of other people, the face nearest the centre, " +
         "detector " + bench.facts.detector + ", " + bench.facts.engine + " " +
         bench.facts.precision;
}

}  // namespace

Outcome<protocols::PairList> read_pairs(const fs::path& path) {
  VISAVIS_TRY(text, named(path, read_text(path)));
  return named(path, protocols::parse_pairs(text));
}

Outcome<TemplateList> read_templates(const fs::path& path, const fs::path& images,
                                     protocols::Fusion fusion) {
  VISAVIS_TRY(text, named(path, read_text(path)));
  VISAVIS_TRY(photos, named(path, protocols::parse_templates(text)));
  const fs::path folder = images.empty() ? path.parent_path() : images;
  for (protocols::TemplatePhoto& photo : photos) photo.path = (folder / photo.path).string();
  return TemplateList{.photos = std::move(photos), .fusion = fusion};
}

Outcome<protocols::PairList> read_template_pairs(const fs::path& path) {
  VISAVIS_TRY(text, named(path, read_text(path)));
  return named(path, protocols::parse_template_pairs(text));
}

Outcome<protocols::Groups> read_groups(const fs::path& path) {
  VISAVIS_TRY(text, named(path, read_text(path)));
  return named(path, protocols::parse_groups(text));
}

Outcome<EvaluatedPairs> evaluate_verification(Workbench& bench, const PairsRequest& request,
                                              const Progress& progress) {
  protocols::VerificationOptions options{
      .rule = bench.impl().rule, .groups = request.groups, .worst = request.worst};
  VISAVIS_TRY(calibrated, calibrated_threshold(bench.impl(), request));
  options.threshold = calibrated;
  const std::set<std::string> names = names_of(request);
  const std::vector<Photo> photos =
      request.templates ? photos_of(*request.templates) : photos_named(names, request.images);
  VISAVIS_TRY(run, bench.ready());
  CentralFaces embedded = central_faces(bench.impl(), photos, progress);
  std::map<std::string, std::string> shown;
  if (request.templates && request.worst > 0)
    shown = shown_of(photos, embedded, *request.templates);
  const auto judge = [&]() -> Result<protocols::VerificationReport> {
    VISAVIS_TRY(by_name, request.templates ? fused(photos, embedded, *request.templates, names)
                                           : by_names(photos, embedded));
    if (request.threshold_from) {
      VISAVIS_TRY(best, protocols::best_threshold(*request.threshold_from, by_name, options.rule));
      options.threshold = best;
    }
    return protocols::verify_pairs(request.pairs, by_name, options);
  };
  auto report = caused_by(Cause::kInput, judge());
  if (!report) {
    tell(bench.impl().sink, embedded.errors);
    return std::unexpected(std::move(report).error());
  }
  return EvaluatedPairs{.run = std::move(run),
                        .report = *std::move(report),
                        .template_photos = request.templates ? photos.size() : 0,
                        .shown = std::move(shown),
                        .from_cache = embedded.from_cache,
                        .without_face = std::move(embedded.without_face),
                        .errors = std::move(embedded.errors)};
}

Outcome<PeoplesPhotos> read_peoples_photos(const std::string& images, const fs::path& people) {
  People wanted;
  if (!people.empty()) {
    VISAVIS_TRY(read, read_people(people));
    wanted = std::move(read);
  }
  Inputs inputs = collect_photos({images});
  PeoplesPhotos answer{.errors = std::move(inputs.errors)};
  People found;
  for (Photo& photo : inputs.photos) {
    const fs::path folder = photo.inside.parent_path();
    const std::string name = folder.filename().string();
    if (folder.empty()) {
      ++answer.in_no_folder;
    } else if (wanted.empty() || wanted.contains(name)) {
      found.insert(name);
      answer.persons.push_back(folder.string());
      answer.photos.push_back(std::move(photo));
    }
  }
  if (!wanted.empty()) answer.missing_people = wanted.size() - found.size();
  return answer;
}

Outcome<EvaluatedAllPairs> evaluate_all_pairs(Workbench& bench, const AllPairsRequest& request,
                                              const Progress& progress) {
  const PeoplesPhotos& photos = request.photos;
  VISAVIS_TRY(run, bench.ready());
  CentralFaces embedded = central_faces(bench.impl(), photos.photos, progress);
  std::vector<protocols::LabelledFace> faces;
  std::vector<std::string> failed;
  std::vector<std::string> paths;  // of the faces
  auto embeddings = embeddings_of(embedded);
  for (std::size_t i = 0; i < embeddings.size(); ++i) {
    if (!embeddings[i]) {
      failed.push_back(photos.persons[i]);
      continue;
    }
    faces.push_back({.person = photos.persons[i], .embedding = *std::move(embeddings[i])});
    paths.push_back(photos.photos[i].path);
  }
  std::vector<Problem> errors = photos.errors;
  std::ranges::move(embedded.errors, std::back_inserter(errors));
  auto report =
      caused_by(Cause::kInput,
                protocols::compare_all(
                    faces, failed,
                    {.rule = bench.impl().rule, .groups = request.groups, .worst = request.worst},
                    *bench.impl().executor));
  if (!report) {
    tell(bench.impl().sink, errors);
    return std::unexpected(std::move(report).error());
  }
  auto false_matches = by_paths(report->false_matches, paths);
  auto false_non_matches = by_paths(report->false_non_matches, paths);
  return EvaluatedAllPairs{.run = std::move(run),
                           .report = *std::move(report),
                           .false_matches = std::move(false_matches),
                           .false_non_matches = std::move(false_non_matches),
                           .in_no_folder = photos.in_no_folder,
                           .missing_people = photos.missing_people,
                           .from_cache = embedded.from_cache,
                           .without_face = std::move(embedded.without_face),
                           .errors = std::move(errors)};
}

Outcome<ProbeLists> read_probe_lists(const fs::path& gallery, const fs::path& probes) {
  VISAVIS_TRY(people, read_labelled_photos(gallery));
  VISAVIS_TRY(searches, read_labelled_photos(probes));
  return ProbeLists{.gallery = std::move(people), .probes = std::move(searches)};
}

Outcome<ProbeLists> read_template_probes(const fs::path& gallery, const fs::path& probes,
                                         TemplateList templates) {
  VISAVIS_TRY(people, read_labelled(gallery));
  VISAVIS_TRY(searches, read_labelled(probes));
  ProbeLists lists{.gallery = std::move(people), .probes = std::move(searches)};
  lists.templates = std::move(templates);
  return lists;
}

Outcome<EvaluatedProbes> evaluate_identification(Workbench& bench, const ProbeLists& lists,
                                                 const Progress& progress) {
  const std::set<std::string> names = names_of(lists);
  const std::vector<Photo> photos =
      lists.templates ? photos_of(*lists.templates) : photos_named(names, {});
  VISAVIS_TRY(run, bench.ready());
  CentralFaces embedded = central_faces(bench.impl(), photos, progress);
  const auto search = [&]() -> Result<protocols::IdentificationReport> {
    VISAVIS_TRY(by_name, lists.templates ? fused(photos, embedded, *lists.templates, names)
                                         : by_names(photos, embedded));
    return protocols::identify_probes(lists.gallery, lists.probes, by_name, bench.impl().rule,
                                      *bench.impl().executor, lists.groups);
  };
  auto report = caused_by(Cause::kInput, search());
  if (!report) {
    tell(bench.impl().sink, embedded.errors);
    return std::unexpected(std::move(report).error());
  }
  return EvaluatedProbes{.run = std::move(run),
                         .score_kind = bench.impl().rule.kind,
                         .report = *std::move(report),
                         .template_photos = lists.templates ? photos.size() : 0,
                         .from_cache = embedded.from_cache,
                         .without_face = std::move(embedded.without_face),
                         .errors = std::move(embedded.errors)};
}

Outcome<FaceTruth> read_truth(const fs::path& path) {
  VISAVIS_TRY(text, named(path, read_text(path)));
  VISAVIS_TRY(truth, named(path, protocols::parse_truth(text)));
  FaceTruth answer{.truth = std::move(truth), .photos = {}};
  for (const protocols::TruePhoto& photo : answer.truth.photos)
    answer.photos.push_back(
        {.path = (path.parent_path() / photo.path).string(), .inside = photo.path});
  return answer;
}

Outcome<EvaluatedDetection> evaluate_detection(Workbench& bench, const FaceTruth& truth,
                                               const Progress& progress) {
  VISAVIS_TRY(detection, detect(bench, {.photos = truth.photos}, {}, progress));
  std::map<std::string, std::vector<Face>, std::less<>> faces;
  for (DetectedPhoto& photo : detection.photos) faces[photo.photo.path] = std::move(photo.faces);
  std::vector<std::optional<std::vector<Face>>> found;
  for (const Photo& photo : truth.photos) {
    const auto it = faces.find(photo.path);
    found.push_back(it == faces.end() ? std::nullopt : std::optional(it->second));
  }
  return EvaluatedDetection{.run = std::move(detection.run),
                            .report = protocols::judge_detections(truth.truth, found),
                            .errors = std::move(detection.errors)};
}

Outcome<Calibrated> calibrate(Workbench& bench, const Inputs& inputs,
                              const CalibrationRequest& request, const Progress& progress) {
  Workbench::Impl& impl = bench.impl();
  const models::Manifest& manifest = *impl.manifest;
  People people;
  People others;
  if (!request.people.empty()) {
    VISAVIS_TRY(read, read_people(request.people));
    people = std::move(read);
  }
  if (!request.observe.empty()) {
    VISAVIS_TRY(read, read_people(request.observe));
    others = std::move(read);
  }
  const std::filesystem::path path =
      request.out.empty() ? own_calibration(impl.places, manifest, impl.flip) : request.out;
  VISAVIS_CHECK(check_files({path}, inputs.photos, {request.people, request.observe}));
  VISAVIS_TRY(run, bench.ready());
  Calibrated answer{.run = std::move(run),
                    .path = path,
                    .calibration = {},
                    .observed = {},
                    .observed_fpir = {},
                    .observed_probability = {},
                    .from_cache = 0,
                    .without_face = {},
                    .errors = inputs.errors};
  CentralFaces embedded = central_faces(impl, inputs.photos, progress);
  const bool nothing_was_read = embedded.errors.size() == inputs.photos.size();
  std::ranges::move(embedded.errors, std::back_inserter(answer.errors));
  answer.without_face = std::move(embedded.without_face);
  answer.from_cache = embedded.from_cache;
  // A folder that is missing, or nothing in it that can be read, is not a lack of people.
  if (nothing_was_read && !answer.errors.empty()) {
    const Problem& first = answer.errors.front();
    return std::unexpected(
        Failure(Cause::kInput,
                {first.failure.error.code, first.path + ": " + first.failure.error.message}));
  }

  std::optional<matching::QualityAware> aware;
  if (request.quality_aware) {
    VISAVIS_TRY(fitted, fit_quality_aware(impl, inputs.photos, embedded,
                                          chosen_photos(people, inputs.photos), progress,
                                          provenance(impl, request)));
    aware = std::move(fitted);
  }
  const auto embeddings = embeddings_of(embedded);
  protocols::CalibrationOptions options;
  options.rule = impl.rule;
  options.norm_is_quality = manifest.norm_is_quality;
  options.provenance = provenance(impl, request);
  auto calibration = caused_by(
      Cause::kInput,
      protocols::calibrate(faces_of(people, inputs.photos, embeddings), options, *impl.executor));
  if (!calibration) {
    tell(impl.sink, answer.errors);
    return std::unexpected(std::move(calibration).error());
  }
  if (!others.empty()) {
    const auto faces = faces_of(others, inputs.photos, embeddings);
    VISAVIS_TRY(observed, caused_by(Cause::kInput, protocols::observe(faces, *calibration,
                                                                      impl.rule, *impl.executor)));
    answer.observed = std::move(observed);
    answer.observed_fpir = protocols::observe_fpir(faces, *calibration, impl.rule, *impl.executor);
    answer.observed_probability =
        protocols::observe_probability(faces, *calibration, impl.rule, *impl.executor);
  }
  answer.calibration = *std::move(calibration);
  answer.calibration.quality_aware = std::move(aware);
  VISAVIS_CHECK(caused_by(Cause::kEnvironment,
                          write_file(answer.path, matching::to_json(answer.calibration))));
  return answer;
}

}  // namespace visavis::usecases
