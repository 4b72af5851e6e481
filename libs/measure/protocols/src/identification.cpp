#include "visavis/protocols/identification.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "found.hpp"
#include "group_rates.hpp"
#include "visavis/core/executor.hpp"
#include "visavis/core/result.hpp"
#include "visavis/metrics/bootstrap.hpp"
#include "visavis/metrics/identification.hpp"
#include "visavis/protocols/groups.hpp"
#include "visavis/protocols/rate.hpp"
#include "visavis/protocols/verification.hpp"
#include "visavis/store/tsv.hpp"
#include "visavis/vocab/embedding.hpp"

namespace visavis::protocols {
namespace {

constexpr std::size_t kMostRanks = 20;
constexpr std::array kFpirs{1e-1, 1e-2, 1e-3};
constexpr double kMinExpected = 3;  // fewer false positives make no rate
constexpr float kNever = -std::numeric_limits<float>::infinity();

/// A photo of the gallery that can be searched.
struct Template {
  const Embedding* embedding;
  std::size_t person;
};

struct Gallery {
  std::map<std::string_view, std::size_t> people;
  std::vector<Template> templates;
};

Result<Gallery> open(std::span<const LabelledPhoto> photos, const Embeddings& embeddings) {
  Gallery gallery;
  for (const LabelledPhoto& photo : photos) {
    const auto next = gallery.people.size();
    const std::size_t person = gallery.people.try_emplace(photo.person, next).first->second;
    VISAVIS_TRY(embedding, find_embedding(embeddings, photo.path));
    if (embedding != nullptr)
      gallery.templates.push_back({.embedding = embedding, .person = person});
  }
  if (gallery.templates.empty())
    return fail(ErrorCode::kInvalidArgument, "no photo of the gallery shows a usable face");
  return gallery;
}

Result<std::vector<const Embedding*>> looks_of(std::span<const LabelledPhoto> probes,
                                               const Embeddings& embeddings) {
  if (probes.empty()) return fail(ErrorCode::kInvalidArgument, "there is no probe");
  std::vector<const Embedding*> looks;
  for (const LabelledPhoto& probe : probes) {
    VISAVIS_TRY(embedding, find_embedding(embeddings, probe.path));
    looks.push_back(embedding);
  }
  return looks;
}

Result<void> check_models(const Gallery& gallery, std::span<const Embedding* const> looks) {
  const Embedding& first = *gallery.templates.front().embedding;
  const auto is_other = [&](const Embedding* e) {
    return e != nullptr && (e->model != first.model || e->values.size() != first.values.size());
  };
  if (std::ranges::any_of(looks, is_other) ||
      std::ranges::any_of(gallery.templates, is_other, &Template::embedding))
    return fail(ErrorCode::kModelMismatch, "the photos were embedded by different models");
  return {};
}

/// What a search answered.
struct Found {
  metrics::MatedSearch own;  ///< Of a person in the gallery.
  float best = kNever;       ///< Of all people.
  bool is_number = true;     ///< Every score.
};

/// The scores of all people, each as their best photo.
std::vector<float> scores_of(const Gallery& gallery, const Embedding& probe,
                             const ScoreRule& rule) {
  std::vector<float> scores(gallery.people.size(), kNever);
  for (const Template& one : gallery.templates) {
    const float s = score(*one.embedding, probe, rule);
    // What is not a number stays, to be told of.
    if (std::isnan(s) || s > scores[one.person]) scores[one.person] = s;
  }
  return scores;
}

Found search(const Gallery& gallery, const Embedding* probe, std::optional<std::size_t> person,
             const ScoreRule& rule) {
  Found found;
  if (probe == nullptr) return found;
  const std::vector<float> scores = scores_of(gallery, *probe, rule);
  found.is_number = std::ranges::none_of(scores, [](float s) { return std::isnan(s); });
  found.best = *std::ranges::max_element(scores);
  if (!person || scores[*person] == kNever) return found;
  const float own = scores[*person];
  const auto as_high = std::ranges::count_if(scores, [&](float s) { return s >= own; });
  found.own = {.rank = static_cast<std::size_t>(as_high), .score = own};
  return found;
}

/// A share of the probes, with its interval by the people on them.
template <class IsError>
RateWithInterval rate(std::span<const std::uint32_t> person, IsError is_error) {
  std::vector<metrics::PairTrials> trials;
  std::uint64_t errors = 0;
  std::uint32_t people = 0;
  for (std::size_t i = 0; i < person.size(); ++i) {
    const std::uint64_t error = is_error(i) ? 1 : 0;
    errors += error;
    people = std::max(people, person[i] + 1);
    trials.push_back({.a = person[i], .b = person[i], .errors = error, .trials = 1});
  }
  constexpr std::uint32_t kFewest = 5;
  RateWithInterval result{.value = static_cast<double>(errors) / static_cast<double>(person.size()),
                          .interval = std::nullopt};
  if (people >= kFewest)
    result.interval = metrics::bootstrap_people(
        people, [&](metrics::Draw draw) { return metrics::error_share(trials, draw); });
  return result;
}

/// Searches of one kind, with a number for each person searched for.
struct Searches {
  std::vector<metrics::MatedSearch> mated;
  std::vector<std::uint32_t> person;    ///< Of each mated search.
  std::vector<std::string> people;      ///< Who they are.
  std::vector<float> non_mated;         ///< Their best scores.
  std::vector<std::uint32_t> stranger;  ///< On each of them.
  std::vector<std::string> strangers;   ///< Who they are.
};

/// The number of somebody, a new one for who is new.
std::uint32_t number_of(const std::string& name, std::map<std::string_view, std::uint32_t>& numbers,
                        std::vector<std::string>& names) {
  const auto next = static_cast<std::uint32_t>(numbers.size());
  const auto [it, is_new] = numbers.try_emplace(name, next);
  if (is_new) names.push_back(name);
  return it->second;
}

Searches sort_out(std::span<const LabelledPhoto> probes,
                  std::span<const std::optional<std::size_t>> own, std::span<const Found> found) {
  Searches searches;
  std::map<std::string_view, std::uint32_t> people;
  std::map<std::string_view, std::uint32_t> strangers;
  for (std::size_t i = 0; i < own.size(); ++i) {
    if (own[i]) {
      searches.mated.push_back(found[i].own);
      searches.person.push_back(number_of(probes[i].person, people, searches.people));
    } else {
      searches.non_mated.push_back(found[i].best);
      searches.stranger.push_back(number_of(probes[i].person, strangers, searches.strangers));
    }
  }
  return searches;
}

/// Errors by person, of one group.
template <class IsError>
std::optional<RateWithInterval> rate_in(const GroupIndex& index, std::size_t group,
                                        std::span<const std::uint32_t> person, IsError is_error,
                                        std::size_t& searches) {
  std::vector<metrics::PairTrials> trials;
  for (std::size_t i = 0; i < person.size(); ++i) {
    if (index.group(person[i]) != group) continue;
    ++searches;
    const std::uint32_t place = index.place(person[i]);
    trials.push_back(
        {.a = place, .b = place, .errors = is_error(i) ? std::uint64_t{1} : 0, .trials = 1});
  }
  constexpr std::size_t kReplicates = metrics::BootstrapOptions{}.replicates;
  return rate_of(trials, index.people(group), kReplicates);
}

GroupSearchReport by_groups(const Searches& searches, std::span<const OpenSetPoint> points,
                            const Groups& groups) {
  // Everybody under one numbering: first who is in the gallery, then the strangers.
  std::vector<std::string> all = searches.people;
  all.insert(all.end(), searches.strangers.begin(), searches.strangers.end());
  std::vector<std::uint32_t> strangers;
  for (const std::uint32_t number : searches.stranger)
    strangers.push_back(number + static_cast<std::uint32_t>(searches.people.size()));
  const GroupIndex index(groups, all);
  GroupSearchReport report{.ungrouped_people = index.ungrouped()};
  for (const OpenSetPoint& point : points) {
    GroupSearchPoint at{.fpir = point.fpir, .threshold = point.threshold};
    const auto is_missed = [&](std::size_t i) {
      const metrics::MatedSearch& own = searches.mated[i];
      return own.rank != 1 || own.score < point.threshold;
    };
    const auto is_named = [&](std::size_t i) { return searches.non_mated[i] >= point.threshold; };
    for (std::size_t group = 0; group < index.size(); ++group) {
      GroupSearches rates{.group = index.name(group), .people = index.people(group)};
      rates.fnir = rate_in(index, group, searches.person, is_missed, rates.mated);
      rates.fpir = rate_in(index, group, strangers, is_named, rates.non_mated);
      at.groups.push_back(std::move(rates));
    }
    report.points.push_back(std::move(at));
  }
  return report;
}

/// The first point, the last, and of the others those that a plot can tell apart.
std::vector<metrics::IdentificationPoint> thinned(
    const std::vector<metrics::IdentificationPoint>& curve) {
  constexpr double kStep = 1.02;  // of a false positive rate, on a logarithmic axis
  std::vector<metrics::IdentificationPoint> kept;
  for (const metrics::IdentificationPoint& point : curve) {
    const bool is_last = &point == &curve.back();
    if (kept.empty() || is_last || point.fpir >= kept.back().fpir * kStep) kept.push_back(point);
  }
  return kept;
}

/// Who is on each photo; a photo cannot be of two people.
Result<void> check_persons(std::span<const LabelledPhoto> gallery,
                           std::span<const LabelledPhoto> probes) {
  std::map<std::string_view, std::string_view> persons;
  for (const auto& list : {gallery, probes})
    for (const LabelledPhoto& photo : list)
      if (persons.try_emplace(photo.path, photo.person).first->second != photo.person)
        return fail(ErrorCode::kInvalidArgument, "a photo of the lists is said to show two people");
  return {};
}

/// A photo finds itself: that is no search.
std::vector<LabelledPhoto> not_in(std::span<const LabelledPhoto> gallery,
                                  std::span<const LabelledPhoto> probes) {
  std::set<std::string_view> known;
  for (const LabelledPhoto& photo : gallery) known.insert(photo.path);
  std::vector<LabelledPhoto> others;
  for (const LabelledPhoto& probe : probes)
    if (!known.contains(probe.path)) others.push_back(probe);
  return others;
}

Result<void> check_numbers(std::span<const Found> found) {
  if (std::ranges::all_of(found, &Found::is_number)) return {};
  return fail(ErrorCode::kInvalidArgument, "the score of a search is not a number");
}

void count_images(std::span<const LabelledPhoto> gallery, std::span<const LabelledPhoto> probes,
                  const Embeddings& embeddings, IdentificationReport& report) {
  std::set<std::string_view> images;
  for (const auto& list : {gallery, probes})
    for (const LabelledPhoto& photo : list)
      if (images.insert(photo.path).second && !embeddings.find(photo.path)->second)
        ++report.failed_images;
  report.images = images.size();
}

void add_ranks(const Searches& searches, std::size_t people, IdentificationReport& report) {
  report.ranks = metrics::cumulative_match(searches.mated, std::min(kMostRanks, people));
  RateWithInterval missed =
      rate(searches.person, [&](std::size_t i) { return searches.mated[i].rank != 1; });
  if (missed.interval)
    missed.interval = {.low = 1 - missed.interval->high, .high = 1 - missed.interval->low};
  report.rank_1 = {.value = 1 - missed.value, .interval = missed.interval};
}

void add_points(const Searches& searches, IdentificationReport& report) {
  for (const double fpir : kFpirs) {
    if (fpir * static_cast<double>(searches.non_mated.size()) < kMinExpected) continue;
    const auto point = metrics::fnir_at_fpir(searches.mated, searches.non_mated, fpir);
    const auto is_missed = [&](std::size_t i) {
      const metrics::MatedSearch& own = searches.mated[i];
      return own.rank != 1 || own.score < point.threshold;
    };
    report.points.push_back(
        {.fpir = fpir, .threshold = point.threshold, .fnir = rate(searches.person, is_missed)});
  }
}

}  // namespace

Result<std::vector<LabelledPhoto>> parse_labelled(std::string_view text) {
  VISAVIS_TRY(rows, store::parse_tsv(text));
  std::vector<LabelledPhoto> photos;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (i == 0 && rows[0] == std::vector<std::string>{"path", "person"}) continue;
    if (rows[i].size() != 2 || rows[i][0].empty() || rows[i][1].empty())
      return fail(ErrorCode::kDecodeFailed,
                  "row " + std::to_string(i + 1) + " of the list is not a path and a person");
    photos.push_back({.path = rows[i][0], .person = rows[i][1]});
  }
  if (photos.empty()) return fail(ErrorCode::kDecodeFailed, "the list of photos is empty");
  return photos;
}

Result<IdentificationReport> identify_probes(std::span<const LabelledPhoto> gallery_photos,
                                             std::span<const LabelledPhoto> all_probes,
                                             const Embeddings& embeddings, const ScoreRule& rule,
                                             Executor& executor, const Groups& groups) {
  VISAVIS_CHECK(check_persons(gallery_photos, all_probes));
  const std::vector<LabelledPhoto> probes = not_in(gallery_photos, all_probes);
  VISAVIS_TRY(gallery, open(gallery_photos, embeddings));
  VISAVIS_TRY(looks, looks_of(probes, embeddings));
  VISAVIS_CHECK(check_models(gallery, looks));
  std::vector<std::optional<std::size_t>> own(probes.size());
  for (std::size_t i = 0; i < probes.size(); ++i)
    if (const auto it = gallery.people.find(probes[i].person); it != gallery.people.end())
      own[i] = it->second;
  std::vector<Found> found(probes.size());
  executor.parallel_for(probes.size(), [&](std::size_t i, int) {
    found[i] = search(gallery, looks[i], own[i], rule);
  });
  VISAVIS_CHECK(check_numbers(found));
  const Searches searches = sort_out(probes, own, found);
  IdentificationReport report;
  report.people = gallery.people.size();
  report.mated = searches.mated.size();
  report.non_mated = searches.non_mated.size();
  report.probes_in_gallery = all_probes.size() - probes.size();
  count_images(gallery_photos, probes, embeddings, report);
  if (!searches.mated.empty()) add_ranks(searches, report.people, report);
  if (!searches.mated.empty() && !searches.non_mated.empty()) {
    add_points(searches, report);
    report.curve = thinned(metrics::identification_curve(searches.mated, searches.non_mated));
  }
  if (!groups.empty()) report.groups = by_groups(searches, report.points, groups);
  return report;
}

}  // namespace visavis::protocols
