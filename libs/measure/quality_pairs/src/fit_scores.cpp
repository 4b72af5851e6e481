#include "visavis/quality_pairs/fit_scores.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <random>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "visavis/matching/likelihood.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/metrics/normal_law.hpp"
#include "visavis/metrics/quality_aware.hpp"
#include "visavis/quality_pairs/quality_pairs.hpp"

namespace visavis::quality_pairs {
namespace {

constexpr std::size_t kMostOfAPerson = 5'000;  // pairs of one kind
constexpr std::size_t kImpostors = 400'000;    // of one kind
constexpr std::uint64_t kSeed = 20261127;
constexpr double kLeastVariance = 1e-12;

struct ChosenPair {
  const Look* a = nullptr;
  const Look* b = nullptr;
  double weight = 1;
};

/// Of one kind: bad with good, say.
struct Chosen {
  std::vector<ChosenPair> genuine;
  std::vector<ChosenPair> impostor;
};

using ByPerson = std::map<std::string_view, std::vector<const Look*>>;

ByPerson by_person(std::span<const Look> looks) {
  ByPerson people;
  for (const Look& look : looks)
    if (look.embedding) people[look.person].push_back(&look);
  return people;
}

/// All pairs of a person, or evenly chosen ones.
void choose_genuine(const std::vector<const Look*>& a, const std::vector<const Look*>& b,
                    bool is_one_list, std::vector<ChosenPair>& chosen) {
  std::vector<ChosenPair> all;
  for (std::size_t i = 0; i < a.size(); ++i)
    for (std::size_t j = is_one_list ? i + 1 : 0; j < b.size(); ++j)
      if (a[i]->path != b[j]->path) all.push_back({.a = a[i], .b = b[j]});
  const std::size_t step = all.size() / kMostOfAPerson + 1;
  const std::size_t taken = (all.size() + step - 1) / step;
  for (std::size_t i = 0; i < all.size(); i += step) {
    all[i].weight = 1 / std::sqrt(static_cast<double>(taken));
    chosen.push_back(all[i]);
  }
}

std::vector<const Look*> with_face(std::span<const Look> looks) {
  std::vector<const Look*> seen;
  for (const Look& look : looks)
    if (look.embedding) seen.push_back(&look);
  return seen;
}

std::vector<ChosenPair> draw_impostors(std::span<const Look> a, std::span<const Look> b) {
  const auto ours = with_face(a);
  const auto others = with_face(b);
  if (ours.empty() || others.empty()) return {};
  std::mt19937_64 random(kSeed);
  std::vector<ChosenPair> drawn;
  for (std::size_t i = 0; i < kImpostors; ++i) {
    // The remainder's tiny preference for small numbers does no harm here.
    const Look* one = ours[random() % ours.size()];
    const Look* other = others[random() % others.size()];
    if (one->person != other->person) drawn.push_back({.a = one, .b = other});
  }
  return drawn;
}

/// Pairs of one kind weigh as much as those of another.
void level(std::vector<ChosenPair>& pairs) {
  double all = 0;
  for (const ChosenPair& pair : pairs) all += pair.weight;
  for (ChosenPair& pair : pairs) pair.weight /= all;
}

Chosen choose(std::span<const Look> high, std::span<const Look> low) {
  Chosen all;
  const std::array kinds{std::pair(high, high), std::pair(low, high), std::pair(low, low)};
  for (const auto& [a, b] : kinds) {
    Chosen own{.genuine = {}, .impostor = draw_impostors(a, b)};
    const ByPerson others = by_person(b);
    for (const auto& [person, looks] : by_person(a))
      if (const auto found = others.find(person); found != others.end())
        choose_genuine(looks, found->second, a.data() == b.data(), own.genuine);
    level(own.genuine);
    level(own.impostor);
    all.genuine.insert(all.genuine.end(), own.genuine.begin(), own.genuine.end());
    all.impostor.insert(all.impostor.end(), own.impostor.begin(), own.impostor.end());
  }
  return all;
}

float cosine(const ChosenPair& pair) {
  return matching::similarity(pair.a->embedding->values, pair.b->embedding->values);
}

matching::FaceFacts facts_of(const Look& look) {
  return {.norm = look.embedding->norm, .quality = look.quality.score};
}

/// Brings both facts to mean 0 and spread 1 over all looks with a face.
void set_scale(std::span<const Look> high, std::span<const Look> low,
               matching::LikelihoodRatio& ratio) {
  std::array<double, 2> squares{};
  double count = 0;
  for (const std::span<const Look> looks : {high, low}) {
    for (const Look& look : looks) {
      if (!look.embedding) continue;
      const auto facts = matching::log_facts(facts_of(look));
      for (std::size_t k = 0; k < facts.size(); ++k) {
        ratio.centre[k] += facts[k];
        squares[k] += facts[k] * facts[k];
      }
      count += 1;
    }
  }
  for (std::size_t k = 0; k < squares.size(); ++k) {
    ratio.centre[k] /= count;
    const double variance = squares[k] / count - ratio.centre[k] * ratio.centre[k];
    ratio.scale[k] = variance > kLeastVariance ? std::sqrt(variance) : 1;
  }
}

std::optional<matching::CosineLaw> fit_law(std::span<const ChosenPair> pairs,
                                           const matching::LikelihoodRatio& ratio) {
  std::vector<double> terms;
  std::vector<double> values;
  std::vector<double> weights;
  terms.reserve(pairs.size() * matching::kPairTerms);
  for (const ChosenPair& pair : pairs) {
    const auto own = matching::pair_terms(facts_of(*pair.a), facts_of(*pair.b), ratio);
    terms.insert(terms.end(), own.begin(), own.end());
    values.push_back(cosine(pair));
    weights.push_back(pair.weight);
  }
  const auto law = metrics::fit_normal_law(
      {.width = matching::kPairTerms, .terms = terms, .values = values, .weights = weights});
  if (!law) return std::nullopt;
  matching::CosineLaw answer;
  std::ranges::copy(law->mean, answer.mean.begin());
  std::ranges::copy(law->log_variance, answer.log_variance.begin());
  return answer;
}

std::vector<metrics::NormedPair> normed(std::span<const ChosenPair> pairs) {
  std::vector<metrics::NormedPair> answer;
  for (const ChosenPair& pair : pairs)
    answer.push_back({.similarity = cosine(pair),
                      .norm = std::min(pair.a->embedding->norm, pair.b->embedding->norm)});
  return answer;
}

}  // namespace

std::optional<matching::QualityLine> fit_line(std::span<const Look> high,
                                              std::span<const Look> low) {
  const Chosen chosen = choose(high, low);
  const auto line = metrics::fit_quality_line(normed(chosen.genuine), normed(chosen.impostor));
  if (!line) return std::nullopt;
  return matching::QualityLine{.alpha = line->alpha, .beta = line->beta};
}

std::optional<matching::LikelihoodRatio> fit_ratio(std::span<const Look> high,
                                                   std::span<const Look> low) {
  const Chosen chosen = choose(high, low);
  if (chosen.genuine.empty() || chosen.impostor.empty()) return std::nullopt;
  matching::LikelihoodRatio ratio;
  set_scale(high, low, ratio);
  const auto genuine = fit_law(chosen.genuine, ratio);
  const auto impostor = fit_law(chosen.impostor, ratio);
  if (!genuine || !impostor) return std::nullopt;
  ratio.genuine = *genuine;
  ratio.impostor = *impostor;
  return ratio;
}

}  // namespace visavis::quality_pairs
