#pragma once

/// From labelled faces to the thresholds of a model.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/result.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/metrics/bootstrap.hpp>
#include <visavis/metrics/reliability.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/vocab/embedding.hpp>

namespace visavis::protocols {

struct LabelledFace {
  std::string person;
  Embedding embedding;
};

/// Reads LFW's peopleDevTrain.txt, peopleDevTest.txt (a count, then "name<TAB>photos") or
/// people.txt (a number of folds, each with a count before it), or plain names, one a line, before
/// which a count may stand too. Names may be numbers: in a list of plain names nothing is a count
/// but a first row that is the only number.
/// @return kDecodeFailed with the number of the row that is wrong, or if the
/// announced number of people does not follow.
[[nodiscard]] Result<std::set<std::string, std::less<>>> parse_people(std::string_view text);

struct CalibrationOptions {
  /// Rates to look for, falling.
  std::vector<double> fars{1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6};
  /// A rate is promised only if FAR × (pairs of different people) is at least this. Photos of one
  /// pair of people are not independent trials, so people count, not photos; below 30 expected
  /// events an estimated rate is not worth its digits (Doddington's rule of 30: ±30 % at 90 %).
  double min_expected = 30;
  /// Galleries of so many people, rising. A gallery of more than half of the people that the data
  /// has is extrapolated: as much as ten times the people raised the threshold from the
  /// second-largest to the largest gallery that is not, so it is raised for each ten times more. A
  /// threshold grows ever slower with the size, so this errs on the strict side.
  std::vector<std::uint64_t> gallery_sizes{10,     30,     100,     300,     1000,     3000,
                                           10'000, 30'000, 100'000, 300'000, 1'000'000};
  /// Falling; promised only where FPIR × people is at least `min_expected`.
  std::vector<double> fpirs{1e-1, 1e-2, 1e-3};
  std::size_t replicates = 300;  ///< Of the bootstrap over people; 0: no intervals.
  ScoreRule rule{};
  /// Also note the norms that a thousandth and a half of the faces stay below.
  bool norm_is_quality = false;
  std::string provenance{};  ///< The data and the protocol; counts are added to it.
};

/// Compares every face with every other; thresholds come from all pairs of different people and are
/// at most 1e-6 stricter than they need be, because scores are counted and not kept: memory is
/// bounded whatever the number of pairs. FPIR points stand for a search by a random photo of a
/// random person in a gallery of random photos of others, one each.
/// @return kInvalidArgument for fewer than two people or no rate that the data supports;
/// kModelMismatch for faces of different models.
[[nodiscard]] Result<matching::Calibration> calibrate(std::span<const LabelledFace> faces,
                                                      const CalibrationOptions& options,
                                                      Executor& executor);

/// What a calibration's thresholds do on other people.
struct ObservedRate {
  double far = 0;  ///< Promised.
  double threshold = 0;
  double observed_far = 0;
  double observed_frr = 0;
  /// Were yet other people observed, 95 %; nothing for fewer than five people.
  std::optional<metrics::Interval> observed_far_interval{};
};
/// @param replicates  of the bootstrap over people; 0: no intervals
[[nodiscard]] Result<std::vector<ObservedRate>> observe(std::span<const LabelledFace> faces,
                                                        const matching::Calibration& calibration,
                                                        const ScoreRule& rule, Executor& executor,
                                                        std::size_t replicates = 300);

/// Whether the calibration's probabilities are what happens on other people's faces, both kinds of
/// pairs weighing the same; nothing without such a map, or if a kind of pairs is missing.
[[nodiscard]] std::optional<metrics::Reliability> observe_probability(
    std::span<const LabelledFace> faces, const matching::Calibration& calibration,
    const ScoreRule& rule, Executor& executor);

/// The same of searches: random galleries, in each a random photo of so many random people,
/// searched by a random photo of everybody else.
struct ObservedFpir {
  matching::FpirPoint promised;
  double mean = 0;  ///< Observed, over the draws.
  double low = 0;   ///< In the best and the worst draw.
  double high = 0;
};
/// For galleries of at most two thirds of the people. Every draw is the same for the same faces.
[[nodiscard]] std::vector<ObservedFpir> observe_fpir(std::span<const LabelledFace> faces,
                                                     const matching::Calibration& calibration,
                                                     const ScoreRule& rule, Executor& executor,
                                                     std::size_t draws = 50);

}  // namespace visavis::protocols
