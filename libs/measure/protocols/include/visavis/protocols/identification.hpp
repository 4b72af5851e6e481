#pragma once

/// 1:N evaluation: a gallery of people whose photos are known, probes searched among them.

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/result.hpp>
#include <visavis/metrics/identification.hpp>
#include <visavis/protocols/groups.hpp>
#include <visavis/protocols/rate.hpp>
#include <visavis/protocols/verification.hpp>

namespace visavis::protocols {

struct LabelledPhoto {
  std::string path;
  std::string person;
};

/// Reads lines `path person` with a tab between, with or without a header line "path<TAB>person".
/// @return kDecodeFailed with the number of the row that is wrong, or when there is none.
[[nodiscard]] Result<std::vector<LabelledPhoto>> parse_labelled(std::string_view text);

struct OpenSetPoint {
  double fpir = 0;       ///< Asked for.
  double threshold = 0;  ///< On these lists: a measurement, not a promise.
  RateWithInterval fnir;
};

struct IdentificationReport {
  std::size_t people = 0;     ///< In the gallery, with or without a usable photo.
  std::size_t mated = 0;      ///< Probes of people in the gallery.
  std::size_t non_mated = 0;  ///< Of others.
  std::size_t images = 0;     ///< Distinct photos of both lists.
  std::size_t failed_images = 0;
  /// Cumulative match characteristic from rank 1 on, to rank 20 or the number of people; empty
  /// without mated probes.
  std::vector<double> ranks;
  std::optional<RateWithInterval> rank_1;
  /// FPIR 1e-1 … 1e-3, as far as three false positives are to be expected; empty without probes of
  /// both kinds.
  std::vector<OpenSetPoint> points;
  std::vector<metrics::IdentificationPoint> curve{};  ///< For plots; empty where `points` would be.
  /// Probes that were left out, because the gallery has the same photo.
  std::size_t probes_in_gallery = 0;
  std::optional<GroupSearchReport> groups{};  ///< At the thresholds of `points`.
};

/// A person scores as their best photo does. Their rank counts everybody who scores as high, so
/// that a tie never flatters. A probe without a face, or of a person without a usable photo in the
/// gallery, is never found; a non-mated probe without a face names nobody.
/// @param groups  by person; empty: no rates by groups
/// @return kInvalidArgument if a photo of a list is not in `embeddings`, is said to show two
/// people, no photo of the gallery has a face, there is no probe, or a score is not a number;
/// kModelMismatch for embeddings of different models.
[[nodiscard]] Result<IdentificationReport> identify_probes(std::span<const LabelledPhoto> gallery,
                                                           std::span<const LabelledPhoto> probes,
                                                           const Embeddings& embeddings,
                                                           const ScoreRule& rule,
                                                           Executor& executor,
                                                           const Groups& groups = {});

}  // namespace visavis::protocols
