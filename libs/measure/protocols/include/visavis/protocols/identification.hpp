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
#include <visavis/metrics/bootstrap.hpp>
#include <visavis/protocols/verification.hpp>

namespace visavis::protocols {

struct LabelledPhoto {
  std::string path;
  std::string person;
};

/// Reads lines `path person` with a tab between, with or without a header line "path<TAB>person".
/// @return kDecodeFailed with the number of the row that is wrong, or when there is none.
[[nodiscard]] Result<std::vector<LabelledPhoto>> parse_labelled(std::string_view text);

struct RateWithInterval {
  double value = 0;
  /// Were other people searched for, 95 %; nothing where too few were.
  std::optional<metrics::Interval> interval;
};

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
};

/// A person scores as their best photo does. Their rank counts everybody who scores as high, so
/// that a tie never flatters. A probe without a face, or of a person without a usable photo in the
/// gallery, is never found; a non-mated probe without a face names nobody.
/// @return kInvalidArgument if a photo of a list is not in `embeddings`, no photo of the gallery
/// has a face, or there is no probe; kModelMismatch for embeddings of different models.
[[nodiscard]] Result<IdentificationReport> identify_probes(std::span<const LabelledPhoto> gallery,
                                                           std::span<const LabelledPhoto> probes,
                                                           const Embeddings& embeddings,
                                                           const ScoreRule& rule,
                                                           Executor& executor);

}  // namespace visavis::protocols
