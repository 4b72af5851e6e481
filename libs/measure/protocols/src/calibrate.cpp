#include "visavis/protocols/calibrate.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "visavis/core/executor.hpp"
#include "visavis/core/result.hpp"
#include "visavis/matching/matching.hpp"
#include "visavis/metrics/verification.hpp"
#include "visavis/protocols/verification.hpp"
#include "visavis/store/tsv.hpp"

namespace visavis::protocols {
namespace {

constexpr double kLowNorm = .001;  // of the faces have a smaller norm
constexpr double kHighNorm = .5;

struct AllPairs {
  std::vector<float> genuine;
  std::vector<float> impostor;
  std::size_t people = 0;
};

Result<void> check(std::span<const LabelledFace> faces) {
  for (const LabelledFace& face : faces)
    if (face.embedding.model != faces[0].embedding.model ||
        face.embedding.values.size() != faces[0].embedding.values.size())
      return fail(ErrorCode::kModelMismatch, "the faces were embedded by different models");
  return {};
}

/// A number for every face's person.
std::vector<std::size_t> number_people(std::span<const LabelledFace> faces, std::size_t& people) {
  std::map<std::string_view, std::size_t> numbers;
  std::vector<std::size_t> of_face;
  for (const LabelledFace& face : faces)
    of_face.push_back(numbers.try_emplace(face.person, numbers.size()).first->second);
  people = numbers.size();
  return of_face;
}

/// Every face against every face before it.
AllPairs compare_all(std::span<const LabelledFace> faces, const ScoreRule& rule,
                     Executor& executor) {
  AllPairs pairs;
  const std::vector<std::size_t> person = number_people(faces, pairs.people);
  const auto row_start = [](std::size_t i) { return i * (i - 1) / 2; };
  std::vector<float> scores(faces.empty() ? 0 : row_start(faces.size()));
  executor.parallel_for(faces.size(), [&](std::size_t i, int) {
    for (std::size_t j = 0; j < i; ++j)
      scores[row_start(i) + j] = score(faces[i].embedding, faces[j].embedding, rule);
  });
  // The impostors stay where they are, closed up: a second copy would cost as much memory again.
  std::size_t kept = 0;
  for (std::size_t i = 1; i < faces.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const float value = scores[row_start(i) + j];
      if (person[i] == person[j]) {
        pairs.genuine.push_back(value);
      } else {
        scores[kept++] = value;
      }
    }
  }
  scores.resize(kept);
  pairs.impostor = std::move(scores);
  return pairs;
}

matching::NormRange norm_range(std::span<const LabelledFace> faces) {
  std::vector<float> norms;
  for (const LabelledFace& face : faces) norms.push_back(face.embedding.norm);
  std::ranges::sort(norms);
  const auto at = [&](double share) {
    return norms[static_cast<std::size_t>(share * static_cast<double>(norms.size() - 1))];
  };
  return {.low = at(kLowNorm), .high = at(kHighNorm)};
}

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// LFW announces how many people follow: once, or a number of folds and then once a fold.
bool adds_up(const std::vector<std::size_t>& announced, std::size_t people) {
  if (announced.empty()) return true;
  if (announced.size() == 1) return announced[0] == people;
  std::size_t sum = 0;
  for (const std::size_t n : std::span(announced).subspan(1)) sum += n;
  return announced[0] == announced.size() - 1 && sum == people;
}

}  // namespace

Result<std::set<std::string, std::less<>>> parse_people(std::string_view text) {
  VISAVIS_TRY(rows, store::parse_tsv(text));
  std::set<std::string, std::less<>> people;
  std::vector<std::size_t> announced;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const auto& row = rows[i];
    const auto count = row.size() == 1 ? whole_number(row[0]) : std::nullopt;
    if (count) {
      announced.push_back(*count);
    } else if (row.size() > 2 || row[0].empty() || !people.insert(row[0]).second) {
      return fail(ErrorCode::kDecodeFailed,
                  "row " + std::to_string(i + 1) + " of the list of people is not a new name");
    }
  }
  if (people.empty()) return fail(ErrorCode::kDecodeFailed, "the list of people is empty");
  if (!adds_up(announced, people.size()))
    return fail(ErrorCode::kDecodeFailed, "the list of people announces another number of names");
  return people;
}

Result<matching::Calibration> calibrate(std::span<const LabelledFace> faces,
                                        const CalibrationOptions& options, Executor& executor) {
  VISAVIS_CHECK(check(faces));
  const AllPairs pairs = compare_all(faces, options.rule, executor);
  if (pairs.people < 2)
    return fail(ErrorCode::kInvalidArgument, "a calibration needs at least two people");
  const auto people = static_cast<double>(pairs.people);
  const double pairs_of_people = people * (people - 1) / 2;
  matching::Calibration calibration{.model = faces[0].embedding.model,
                                    .score_kind = options.rule.kind,
                                    .by_far = {},
                                    .impostor_pairs = pairs.impostor.size(),
                                    .genuine_pairs = pairs.genuine.size(),
                                    .norm = std::nullopt,
                                    .provenance = {}};
  for (const double far : options.fars) {
    if (far * pairs_of_people < options.min_expected) continue;
    const double threshold = metrics::threshold_at_far(pairs.impostor, far);
    const double frr =
        pairs.genuine.empty() ? -1 : 1 - metrics::accepted_share(pairs.genuine, threshold);
    calibration.by_far.push_back({.far = far, .threshold = threshold, .frr = frr});
  }
  if (calibration.by_far.empty())
    return fail(ErrorCode::kInvalidArgument, "there are too few people to calibrate any rate");
  if (options.norm_is_quality) calibration.norm = norm_range(faces);
  calibration.provenance = options.provenance + " (" + std::to_string(faces.size()) + " faces of " +
                           std::to_string(pairs.people) + " people)";
  return calibration;
}

Result<std::vector<ObservedRate>> observe(std::span<const LabelledFace> faces,
                                          const matching::Calibration& calibration,
                                          const ScoreRule& rule, Executor& executor) {
  VISAVIS_CHECK(check(faces));
  if (!faces.empty() && faces[0].embedding.model != calibration.model)
    return fail(ErrorCode::kModelMismatch, "the calibration belongs to another model");
  const AllPairs pairs = compare_all(faces, rule, executor);
  if (pairs.impostor.empty() || pairs.genuine.empty())
    return fail(ErrorCode::kInvalidArgument,
                "the faces give no pairs of one person or no pairs of two people");
  std::vector<ObservedRate> rates;
  for (const matching::Threshold& point : calibration.by_far)
    rates.push_back({.far = point.far,
                     .threshold = point.threshold,
                     .observed_far = metrics::accepted_share(pairs.impostor, point.threshold),
                     .observed_frr = 1 - metrics::accepted_share(pairs.genuine, point.threshold)});
  return rates;
}

}  // namespace visavis::protocols
