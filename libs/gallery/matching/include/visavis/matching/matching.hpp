#pragma once

/// Scores and decisions. Stage 5: Image -> Face -> Chip -> Embedding -> [Match].

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/matching/likelihood.hpp>
#include <visavis/vocab/embedding.hpp>

namespace visavis::matching {

enum class ScoreKind : std::uint8_t { kCosine, kQualityAware, kL2, kSquaredL2 };
/// "cosine", "quality_aware", "l2", "squared_l2"
[[nodiscard]] std::string_view to_string(ScoreKind kind) noexcept;
[[nodiscard]] std::optional<ScoreKind> parse_score_kind(std::string_view text) noexcept;

/// Distances: the smaller, the more alike. A threshold of theirs is the largest that is accepted.
[[nodiscard]] bool is_distance(ScoreKind kind) noexcept;

/// Cosine, in [−1, 1]. @pre equal dimensions; both unit vectors
[[nodiscard]] float similarity(std::span<const float> a, std::span<const float> b) noexcept;

/// Of unit vectors: ‖a − b‖² = 2 − 2·similarity for kSquaredL2, its root for kL2; the similarity
/// itself for the other kinds.
[[nodiscard]] double distance(double similarity, ScoreKind kind) noexcept;

/// Several templates of one person as one: their mean weighted by `weight`, made a unit vector.
/// Where all weights are 0, the plain mean. Thread-compatible.
class FusedTemplate {
 public:
  explicit FusedTemplate(std::size_t dimension) : weighted_(dimension), plain_(dimension) {}
  /// @pre the unit vector's dimension is the template's; a weight below 0 counts as 0
  void add(std::span<const float> unit, float weight);
  /// Cosine; -1 for templates that cancel each other out: they have no direction in common.
  [[nodiscard]] float similarity(std::span<const float> probe) const;

 private:
  std::vector<double> weighted_;
  std::vector<double> plain_;
  double weights_ = 0;
};

/// QMagFace (Terhörst et al., WACV 2023, eq. 3–5): q = min(‖fa‖, ‖fb‖), ω = min(0, β·s − α),
/// score = ω·q + s.
[[nodiscard]] float quality_aware_score(float similarity, float norm_a, float norm_b, double alpha,
                                        double beta) noexcept;

/// A ModelId as files carry it: 16 lower-case hexadecimal digits.
[[nodiscard]] std::string to_text(ModelId model);
/// @return nothing unless `text` is exactly 16 lower-case hexadecimal digits.
[[nodiscard]] std::optional<ModelId> parse_model_id(std::string_view text) noexcept;

/// Both in [0, 1].
struct RateInterval {
  double low = 0;
  double high = 0;
};

/// One calibrated operating point.
struct Threshold {
  double far = 0;        ///< Share of impostor comparisons that would be accepted, in (0, 1).
  double threshold = 0;  ///< Accept if score >= threshold.
  /// Share of genuine comparisons refused there, on the calibration's own data; -1 if unknown.
  double frr = -1;
  /// Where the rate at this threshold lies with 95 % confidence, were other people drawn.
  std::optional<RateInterval> far_interval{};
};

/// An operating point of searches among so many persons.
struct FpirPoint {
  std::uint64_t persons = 0;  ///< In the gallery, at least 1.
  double fpir = 0;  ///< Share of searches for people who are not there that would name someone.
  double threshold = 0;
  bool extrapolated = false;  ///< The data had fewer people than such a gallery takes.
};

/// From a score to the probability that two photos show one person, if that is as likely as not
/// before they are compared: 1 / (1 + exp(−(slope · score + intercept))) (Platt, "Probabilistic
/// outputs for support vector machines", 1999).
struct ProbabilityMap {
  double slope = 0;  ///< Above 0.
  double intercept = 0;

  [[nodiscard]] double operator()(double score) const noexcept;
};

/// Raw norms that mark an unusable and a good face, for models whose norm is quality.
struct NormRange {
  double low = 0;
  double high = 0;
};

/// α and β of `quality_aware_score`.
struct QualityLine {
  double alpha = 0;
  double beta = 0;
};

/// Scores that know of quality, as they were fitted to good and bad photos. Their values compare
/// with no threshold of the cosine's.
struct QualityAware {
  std::optional<QualityLine> line{};  ///< Nothing: no ω below 0 saved a miss.
  LikelihoodRatio ratio{};
  std::string provenance{};  ///< One sentence.
};

/// The thresholds of one ModelId, from its calibration.json.
struct Calibration {
  ModelId model{};
  ScoreKind score_kind = ScoreKind::kCosine;
  std::vector<Threshold> by_far{};  ///< Falling FAR, rising threshold; may be empty.
  /// By rising number of persons, for each by falling FPIR and rising threshold; may be empty.
  std::vector<FpirPoint> by_fpir{};
  std::optional<ProbabilityMap> probability{};
  std::uint64_t impostor_pairs = 0;  ///< Comparisons that the points rest on.
  std::uint64_t genuine_pairs = 0;
  std::optional<NormRange> norm{};
  std::optional<QualityAware> quality_aware{};
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

/// The next stricter calibrated point for a gallery of so many persons: of the smallest calibrated
/// gallery that is not smaller, the largest FPIR that is not above `fpir`.
/// @return kInvalidArgument if `fpir` is outside (0, 1), and with the list of points if there is no
/// such point.
[[nodiscard]] Result<FpirPoint> threshold_at_fpir(const Calibration& calibration, double fpir,
                                                  std::uint64_t persons);

}  // namespace visavis::matching
