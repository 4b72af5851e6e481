#pragma once

/// What an evaluation found, kept as a document and drawn as a page.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/metrics/bootstrap.hpp>
#include <visavis/metrics/curves.hpp>
#include <visavis/metrics/identification.hpp>

namespace visavis::report {

/// What made the embeddings.
struct Subject {
  std::string recogniser{};
  std::string model{};  ///< ModelId, 16 hexadecimal digits.
  bool flip = false;
  std::string engine{};
  std::string engine_version{};
  std::string precision{};
  std::string detector{};
  std::string program{};  ///< Version of visavis.
};

/// A share of something, in [0, 1] unless its name says otherwise.
struct Figure {
  std::string name{};
  double value = 0;
  std::optional<metrics::Interval> interval{};  ///< 95 %, other people drawn.
};

/// FNMR (1:1) or FNIR (1:N) at a false match rate or FPIR that was asked for.
struct OperatingPoint {
  double rate = 0;
  double missed = 0;
  double threshold = 0;
  std::optional<metrics::Interval> interval{};  ///< Of `missed`.
};

/// Pairs by score, in bins of equal width from `low` to `high`.
struct Histogram {
  double low = 0;
  double high = 0;
  std::vector<std::uint64_t> genuine{};
  std::vector<std::uint64_t> impostor{};
};

/// FNMR when a share of the pairs is refused as too bad, by two ways to tell them.
struct RejectPoint {
  double share = 0;
  double by_quality = 0;
  double by_norm = 0;  ///< Of the embedding.
};

/// Two photographs by their paths, never their pixels.
struct PhotoPair {
  std::string a{};
  std::string b{};
  double score = 0;
  /// Templates that the photos stand for; empty where photos were compared.
  std::string a_template{};
  std::string b_template{};
};

/// Whatever a protocol does not give is empty.
struct Report {
  std::string protocol{};
  std::string dataset{};
  std::string date{};  ///< ISO 8601, UTC.
  std::string score_kind{};
  Subject subject{};
  std::vector<Figure> figures{};
  std::vector<metrics::ErrorRates> rates{};  ///< 1:1, by falling thresholds.
  /// 1:1, at the thresholds of `rates`, with as many impostors as the data have.
  std::vector<metrics::PrecisionRecallPoint> precision_recall{};
  std::vector<OperatingPoint> points{};
  Histogram histogram{};
  std::vector<double> ranks{};  ///< Cumulative match characteristic from rank 1 on.
  std::vector<metrics::IdentificationPoint> open_set{};  ///< 1:N, by falling thresholds.
  std::vector<OperatingPoint> open_set_points{};
  std::vector<RejectPoint> reject{};           ///< By rising shares.
  std::vector<PhotoPair> false_matches{};      ///< The impostor pairs that score highest.
  std::vector<PhotoPair> false_non_matches{};  ///< The genuine pairs that score lowest.
};

/// A document "visavis.report/1", UTF-8; numbers that are not finite are left out.
[[nodiscard]] std::string to_json(const Report& report);

/// @return kDecodeFailed, with the field, for what is no such document.
[[nodiscard]] Result<Report> parse_report(std::string_view json);

/// One page that needs nothing beside it: tables, and ROC, DET, precision-recall, FNIR, CMC,
/// error-versus-reject and histogram as SVG, several reports in one plot. Photographs of pairs are
/// shown by their paths, which the browser looks up from the page's folder. @pre at least one
/// report
[[nodiscard]] std::string to_html(std::span<const Report> reports);

}  // namespace visavis::report
