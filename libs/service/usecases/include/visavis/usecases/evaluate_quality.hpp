#pragma once

/// How much recognition loses on bad photos, and whether quality foretells it.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/protocols/identification.hpp>
#include <visavis/quality/fit.hpp>
#include <visavis/quality_pairs/balance.hpp>
#include <visavis/quality_pairs/quality_pairs.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::usecases {

/// What makes a photo one of low quality; never the quality score, which is what is tested.
enum class QualitySplit : std::uint8_t {
  kDegrade,    ///< Every photo as it is (high) and made worse (low).
  kSize,       ///< Thirds by the distance of the eyes in the photo: the largest and the smallest.
  kSharpness,  ///< Thirds by the variance of the Laplacian of the aligned face.
};

struct QualityRequest {
  std::filesystem::path people{};  ///< A list of names; empty: every folder of photos.
  QualitySplit split = QualitySplit::kDegrade;
  std::string ways{};  ///< For kDegrade, as degrade::parse_recipe reads them; empty: the default.
  std::filesystem::path balance{};  ///< Attributes, of which every kind counts equally; or empty.
  std::uint64_t seed = 1;           ///< Of the ways and of the balance's draw.
  bool fit = false;                 ///< Also fit a quality score to these photos, for a manifest.
};

/// What a score that knows of quality does, compared with the cosine.
struct QualityAwareGain {
  std::string score;  ///< "quality_aware", "likelihood_ratio"
  quality_pairs::Lowered lowered;
};

inline constexpr std::array<std::string_view, 3> kQualityKinds{"high_high", "low_high", "low_low"};

struct QualityComparison {
  std::string kind;  ///< Of kQualityKinds.
  std::size_t genuine = 0;
  std::size_t impostor = 0;
  std::size_t failed = 0;  ///< Pairs in which a photo has no face.
  double average_precision = 0;
  std::vector<quality_pairs::MatchPoint> points;
  quality_pairs::Curves curves;
  protocols::IdentificationReport search;
  std::vector<quality_pairs::RejectPoint> reject;  ///< At FMR 1e-3.
  std::vector<QualityAwareGain> quality_aware;     ///< Empty for a model without such a score.
};

/// How photos were drawn, so that every kind is there equally often.
struct QualityBalance {
  bool of_people = true;
  std::vector<std::string> attributes{};
  quality_pairs::BalancedDraw high{};  ///< Its places mean nothing any more.
  quality_pairs::BalancedDraw low{};
};

struct EvaluatedQuality {
  RunFacts run{};
  std::string split{};
  std::string ways{};  ///< Empty unless photos were made worse.
  std::uint64_t seed = 0;
  std::size_t people = 0;  ///< Before a balance.
  std::size_t high = 0;    ///< Photos.
  std::size_t low = 0;
  std::size_t low_without_face = 0;
  std::optional<QualityBalance> balance{};
  std::vector<QualityComparison> comparisons{};
  std::optional<quality::Fit> fit{};  ///< If it was asked for and the photos differ enough.
  std::size_t from_cache = 0;
  std::vector<std::string> without_face{};  ///< Paths, of photos as they are: left out.
  std::vector<Problem> errors{};
};

/// The face nearest the centre of every photo, good and bad, all with all. A photo that shows no
/// face as it is, is left out; one that shows none when it is made worse stays and is never
/// accepted.
[[nodiscard]] Outcome<EvaluatedQuality> evaluate_quality(Workbench& bench, const Inputs& inputs,
                                                         const QualityRequest& request,
                                                         const Progress& progress);

}  // namespace visavis::usecases
