#include "visavis/usecases/evaluate_quality.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/degrade/degrade.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/quality/fit.hpp>
#include <visavis/quality_pairs/balance.hpp>
#include <visavis/quality_pairs/fit_quality.hpp>
#include <visavis/quality_pairs/quality_pairs.hpp>

#include "bench_impl.hpp"
#include "central_faces.hpp"
#include "lists.hpp"
#include "looks.hpp"

namespace visavis::usecases {
namespace {

using Looks = std::vector<quality_pairs::Look>;

constexpr double kFmr = 1e-3;  // error versus reject
constexpr std::array kShares{0.0, .01, .02, .05, .1, .2};
constexpr std::array kAwareFmrs{1e-3, 1e-4};

std::string name_of(QualitySplit split) {
  switch (split) {
    case QualitySplit::kDegrade:
      return "degrade";
    case QualitySplit::kSize:
      return "size";
    case QualitySplit::kSharpness:
      return "sharpness";
  }
  return "";
}

/// Those of the people on a list; all, without one.
Outcome<std::vector<Photo>> photos_of(const std::vector<Photo>& photos,
                                      const std::filesystem::path& list) {
  if (list.empty()) return photos;
  VISAVIS_TRY(people, read_people(list));
  std::vector<Photo> own;
  std::ranges::copy_if(photos, std::back_inserter(own),
                       [&](const Photo& photo) { return people.contains(photo.parent()); });
  return own;
}

struct HighAndLow {
  Looks high;
  Looks low;
};

/// Largest and smallest third by a fact.
HighAndLow thirds(Looks looks, const std::function<float(const quality_pairs::Look&)>& fact) {
  std::ranges::stable_sort(looks, {}, fact);
  const auto third = static_cast<std::ptrdiff_t>(looks.size() / 3);
  HighAndLow parts;
  parts.low.assign(looks.begin(), looks.begin() + third);
  parts.high.assign(looks.end() - third, looks.end());
  return parts;
}

/// Photos of the people that are asked for, all that show a face.
struct Seen {
  std::vector<Photo> photos;
  Looks looks;
};

Seen look_at_all(Workbench::Impl& bench, std::vector<Photo> photos, const Progress& progress,
                 EvaluatedQuality& answer) {
  CentralFaces faces = central_faces(bench, photos, progress);
  answer.from_cache += faces.from_cache;
  answer.without_face = std::move(faces.without_face);
  std::ranges::move(faces.errors, std::back_inserter(answer.errors));
  Seen seen;
  for (std::size_t i = 0; i < photos.size(); ++i) {
    if (!faces.faces[i]) continue;
    seen.looks.push_back(look_at(photos[i], std::move(faces.faces[i])));
    seen.photos.push_back(std::move(photos[i]));
  }
  return seen;
}

Looks look_again(Workbench::Impl& bench, const std::vector<Photo>& photos,
                 const degrade::Recipe& recipe, const Progress& progress,
                 EvaluatedQuality& answer) {
  CentralFaces faces = central_faces(bench, photos, progress, recipe);
  answer.from_cache += faces.from_cache;
  std::ranges::move(faces.errors, std::back_inserter(answer.errors));
  Looks looks;
  for (std::size_t i = 0; i < photos.size(); ++i)
    looks.push_back(look_at(photos[i], std::move(faces.faces[i])));
  return looks;
}

struct NamedScorer {
  std::string name;
  quality_pairs::Scorer scorer;
};

/// The model's scores that know of quality, from its manifest and its calibration.
std::vector<NamedScorer> aware_scorers(const Workbench::Impl& bench) {
  std::vector<NamedScorer> scorers;
  const std::string line(matching::to_string(matching::ScoreKind::kQualityAware));
  const auto* aware = bench.calibration && bench.calibration->quality_aware
                          ? &*bench.calibration->quality_aware
                          : nullptr;
  if (bench.rule.kind == matching::ScoreKind::kQualityAware)
    scorers.push_back({line, quality_pairs::scorer_of(bench.rule)});
  else if (aware != nullptr && aware->line)
    scorers.push_back({line, quality_pairs::scorer_of({.kind = matching::ScoreKind::kQualityAware,
                                                       .alpha = aware->line->alpha,
                                                       .beta = aware->line->beta})});
  if (aware != nullptr)
    scorers.push_back({"likelihood_ratio", quality_pairs::scorer_of(aware->ratio)});
  return scorers;
}

Outcome<QualityComparison> compare(std::string_view kind, const Looks& a, const Looks& b,
                                   Workbench::Impl& bench) {
  const protocols::ScoreRule cosine;
  VISAVIS_TRY(pairs, caused_by(Cause::kInput,
                               quality_pairs::all_pairs(a, b, quality_pairs::scorer_of(cosine),
                                                        *bench.executor)));
  VISAVIS_TRY(search,
              caused_by(Cause::kInput, quality_pairs::search(a, b, cosine, *bench.executor)));
  QualityComparison answer{.kind = std::string(kind),
                           .genuine = pairs.genuine.size(),
                           .impostor = pairs.impostor.count(),
                           .failed = pairs.failed,
                           .average_precision = quality_pairs::average_precision(pairs),
                           .points = quality_pairs::match_points(pairs),
                           .curves = quality_pairs::curves_of(pairs),
                           .search = std::move(search),
                           .reject = quality_pairs::reject(pairs, a, b, kFmr, kShares),
                           .quality_aware = {}};
  for (const NamedScorer& one : aware_scorers(bench)) {
    VISAVIS_TRY(aware, caused_by(Cause::kInput,
                                 quality_pairs::all_pairs(a, b, one.scorer, *bench.executor)));
    for (const double fmr : kAwareFmrs)
      answer.quality_aware.push_back(
          {.score = one.name, .lowered = quality_pairs::lowered(pairs, aware, fmr)});
  }
  return answer;
}

/// To how often bad photos are accepted against good ones.
Outcome<std::optional<quality::Fit>> fit(const Looks& low, const Looks& high,
                                         Workbench::Impl& bench) {
  VISAVIS_TRY(pairs, caused_by(Cause::kInput,
                               quality_pairs::all_pairs(
                                   low, high, quality_pairs::scorer_of(protocols::ScoreRule{}),
                                   *bench.executor)));
  const auto samples = quality_pairs::samples_of(pairs, low, kFmr);
  return quality_pairs::fit_quality(samples);
}

Outcome<std::optional<quality_pairs::Attributes>> read_attributes(
    const std::filesystem::path& path) {
  if (path.empty()) return std::nullopt;
  VISAVIS_TRY(text, named(path, read_text(path)));
  VISAVIS_TRY(attributes, named(path, quality_pairs::parse_attributes(text)));
  return attributes;
}

/// Only those that a balanced draw takes.
Outcome<quality_pairs::BalancedDraw> keep_balanced(Looks& looks,
                                                   const quality_pairs::Attributes& attributes,
                                                   const std::map<std::string, std::string>& inside,
                                                   std::uint64_t seed) {
  std::vector<std::string> keys;
  for (const quality_pairs::Look& look : looks)
    keys.push_back(attributes.of_people ? look.person : inside.at(look.path));
  VISAVIS_TRY(draw, caused_by(Cause::kInput, quality_pairs::draw_balanced(keys, attributes, seed)));
  Looks kept;
  for (const std::size_t i : draw.chosen) kept.push_back(std::move(looks[i]));
  looks = std::move(kept);
  return draw;
}

Outcome<QualityBalance> balance(HighAndLow& parts, const quality_pairs::Attributes& attributes,
                                const std::vector<Photo>& photos, std::uint64_t seed) {
  std::map<std::string, std::string> inside;
  for (const Photo& photo : photos) inside.emplace(photo.path, photo.inside.string());
  VISAVIS_TRY(high, keep_balanced(parts.high, attributes, inside, seed));
  VISAVIS_TRY(low, keep_balanced(parts.low, attributes, inside, seed));
  return QualityBalance{.of_people = attributes.of_people,
                        .attributes = attributes.names,
                        .high = std::move(high),
                        .low = std::move(low)};
}

std::size_t count_people(const Looks& looks) {
  std::set<std::string_view> people;
  for (const quality_pairs::Look& look : looks) people.insert(look.person);
  return people.size();
}

}  // namespace

Outcome<EvaluatedQuality> evaluate_quality(Workbench& bench, const Inputs& inputs,
                                           const QualityRequest& request,
                                           const Progress& progress) {
  const std::string_view ways =
      request.ways.empty() ? degrade::default_ways() : std::string_view(request.ways);
  VISAVIS_TRY(recipe, caused_by(Cause::kUsage, degrade::parse_recipe(ways, request.seed)));
  if (request.split != QualitySplit::kDegrade && !request.ways.empty())
    return usage("photos are made worse only where that splits them");
  VISAVIS_TRY(attributes, read_attributes(request.balance));
  VISAVIS_TRY(photos, photos_of(inputs.photos, request.people));
  VISAVIS_TRY(run, bench.ready());
  EvaluatedQuality answer{.run = std::move(run), .split = name_of(request.split)};
  answer.errors = inputs.errors;
  Workbench::Impl& impl = bench.impl();
  Seen seen = look_at_all(impl, std::move(photos), progress, answer);
  answer.people = count_people(seen.looks);
  HighAndLow parts;
  if (request.split == QualitySplit::kDegrade) {
    answer.ways = to_string(recipe);
    answer.seed = request.seed;
    parts.low = look_again(impl, seen.photos, recipe, progress, answer);
    parts.high = std::move(seen.looks);
  } else {
    const bool by_size = request.split == QualitySplit::kSize;
    parts = thirds(std::move(seen.looks), [by_size](const quality_pairs::Look& look) {
      return by_size ? look.quality.eye_distance_px : look.quality.sharpness;
    });
  }
  if (attributes) {
    VISAVIS_TRY(drawn, balance(parts, *attributes, inputs.photos, request.seed));
    answer.balance = std::move(drawn);
    answer.seed = request.seed;
  }
  answer.high = parts.high.size();
  answer.low = parts.low.size();
  answer.low_without_face = static_cast<std::size_t>(std::ranges::count_if(
      parts.low, [](const quality_pairs::Look& look) { return !look.embedding; }));
  VISAVIS_TRY(high, compare(kQualityKinds[0], parts.high, parts.high, impl));
  VISAVIS_TRY(mixed, compare(kQualityKinds[1], parts.low, parts.high, impl));
  VISAVIS_TRY(low, compare(kQualityKinds[2], parts.low, parts.low, impl));
  if (request.fit) {
    VISAVIS_TRY(fitted, fit(parts.low, parts.high, impl));
    answer.fit = fitted;
  }
  answer.comparisons = {std::move(high), std::move(mixed), std::move(low)};
  return answer;
}

}  // namespace visavis::usecases
