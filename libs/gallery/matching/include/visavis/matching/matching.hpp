#pragma once

/// Scores and decisions. Stage 5: Image -> Face -> Chip -> Embedding -> [Match].

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/vocab/embedding.hpp>

namespace visavis::matching {

enum class ScoreKind : std::uint8_t { kCosine, kQualityAware };
[[nodiscard]] std::string_view to_string(ScoreKind kind) noexcept;  ///< "cosine", "quality_aware"

/// Cosine, in [−1, 1]. @pre equal dimensions; both unit vectors
[[nodiscard]] float similarity(std::span<const float> a, std::span<const float> b) noexcept;

/// QMagFace (Terhörst et al., WACV 2023, eq. 3–5): q = min(‖fa‖, ‖fb‖), ω = min(0, β·s − α),
/// score = ω·q + s.
[[nodiscard]] float quality_aware_score(float similarity, float norm_a, float norm_b, double alpha,
                                        double beta) noexcept;

/// A ModelId as files carry it: 16 lower-case hexadecimal digits.
[[nodiscard]] std::string to_text(ModelId model);
/// @return nothing unless `text` is exactly 16 lower-case hexadecimal digits.
[[nodiscard]] std::optional<ModelId> parse_model_id(std::string_view text) noexcept;

/// One calibrated operating point.
struct Threshold {
  double far = 0;        ///< Share of impostor comparisons that would be accepted, in (0, 1).
  double threshold = 0;  ///< Accept if score >= threshold.
  /// Share of genuine comparisons refused there, on the calibration's own data; -1 if unknown.
  double frr = -1;
};

/// Raw norms that mark an unusable and a good face, for models whose norm is quality.
struct NormRange {
  double low = 0;
  double high = 0;
};

/// The thresholds of one ModelId, from its calibration.json.
struct Calibration {
  ModelId model{};
  ScoreKind score_kind = ScoreKind::kCosine;
  std::vector<Threshold> by_far{};   ///< Falling FAR, rising threshold; may be empty.
  std::uint64_t impostor_pairs = 0;  ///< Comparisons that the points rest on.
  std::uint64_t genuine_pairs = 0;
  std::optional<NormRange> norm{};
  std::string provenance{};  ///< Data, protocol, counts, date: one sentence.
};

/// Reads calibration.json (schema "visavis.calibration/1"); unknown fields are ignored.
/// @return kDecodeFailed with the field that is wrong.
[[nodiscard]] Result<Calibration> parse_calibration(std::string_view json);
[[nodiscard]] std::string to_json(const Calibration& calibration);

/// The next stricter calibrated point: the largest FAR that is not above `far`.
/// @return kInvalidArgument if `far` is outside (0, 1), and with the list of points if it is
/// stricter than all of them.
[[nodiscard]] Result<Threshold> threshold_at(const Calibration& calibration, double far);

}  // namespace visavis::matching
