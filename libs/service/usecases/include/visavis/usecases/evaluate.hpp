#pragma once

/// Verbs that measure: how well a recogniser tells people apart, and at which thresholds.

#include <cstddef>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>
#include <visavis/matching/matching.hpp>
#include <visavis/metrics/clustering.hpp>
#include <visavis/metrics/reliability.hpp>
#include <visavis/protocols/all_pairs.hpp>
#include <visavis/protocols/calibrate.hpp>
#include <visavis/protocols/detection.hpp>
#include <visavis/protocols/groups.hpp>
#include <visavis/protocols/identification.hpp>
#include <visavis/protocols/pairs.hpp>
#include <visavis/protocols/templates.hpp>
#include <visavis/protocols/verification.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/people.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>

namespace visavis::usecases {

/// Reads LFW's pairs.txt and View 1 lists, or TSV lines `path_a path_b same`.
[[nodiscard]] Outcome<protocols::PairList> read_pairs(const std::filesystem::path& path);

/// Photos that are judged together; lists then name templates instead of photos.
struct TemplateList {
  std::vector<protocols::TemplatePhoto> photos;
  protocols::Fusion fusion = protocols::Fusion::kMean;
};

/// Reads lines `path template media`. A path is absolute or relative to `images`; empty: to the
/// list's folder.
[[nodiscard]] Outcome<TemplateList> read_templates(const std::filesystem::path& path,
                                                   const std::filesystem::path& images,
                                                   protocols::Fusion fusion);

/// Reads lines `template template same`.
[[nodiscard]] Outcome<protocols::PairList> read_template_pairs(const std::filesystem::path& path);

/// Reads lines `person group`, with or without a header.
[[nodiscard]] Outcome<protocols::Groups> read_groups(const std::filesystem::path& path);

struct PairsRequest {
  std::filesystem::path images;  ///< The folder that the lists' paths are relative to.
  protocols::PairList pairs;
  /// Where the threshold comes from, as LFW's View 1 has it: from the best one of another list, or
  /// from the calibration's next stricter point. Neither: from nowhere.
  std::optional<protocols::PairList> threshold_from{};
  std::optional<double> far{};
  protocols::Groups groups{};  ///< Empty: no rates by groups.
  std::size_t worst = 0;       ///< How many pairs of either kind are named.
  std::optional<TemplateList> templates{};
};

struct EvaluatedPairs {
  RunFacts run;
  protocols::VerificationReport report;
  std::size_t template_photos = 0;  ///< Where `report` counts templates as its images.
  /// Of each template the photo with the best face, where there are templates and worst pairs.
  std::map<std::string, std::string> shown{};
  std::size_t from_cache = 0;             ///< Photos whose face an earlier run embedded.
  std::vector<std::string> without_face;  ///< Paths; `report.failed_images` counts them too.
  std::vector<Problem> errors;            ///< Photos that could not be read.
};

/// Finds the face nearest each photo's centre, embeds it and judges the pairs. A photo without a
/// face, or that cannot be read, makes its pairs non-matches; the former is a finding about the
/// detector, the latter also an error.
/// @return kUsage if both sources of a threshold are given, or the calibration lacks such a point
[[nodiscard]] Outcome<EvaluatedPairs> evaluate_verification(Workbench& bench,
                                                            const PairsRequest& request,
                                                            const Progress& progress);

/// Photos in a folder for each person.
struct PeoplesPhotos {
  std::vector<Photo> photos{};
  std::vector<std::string> persons{};  ///< Of each photo: its folder.
  std::size_t in_no_folder = 0;        ///< Photos that were left out for that.
  std::size_t missing_people = 0;      ///< On the list, without a photo.
  std::vector<Problem> errors{};       ///< What could not be collected.
};

/// @param people  a list of the names (folders) to take; empty: all.
[[nodiscard]] Outcome<PeoplesPhotos> read_peoples_photos(const std::string& images,
                                                         const std::filesystem::path& people);

struct AllPairsRequest {
  PeoplesPhotos photos;
  protocols::Groups groups{};  ///< Empty: no rates by groups.
  std::size_t worst = 0;       ///< How many pairs of either kind are named.
};

struct EvaluatedAllPairs {
  RunFacts run;
  protocols::AllPairsReport report;
  /// The report's worst pairs by the photos' paths.
  std::vector<protocols::JudgedPair> false_matches{};
  std::vector<protocols::JudgedPair> false_non_matches{};
  std::size_t in_no_folder = 0;
  std::size_t missing_people = 0;
  std::size_t from_cache = 0;
  std::vector<std::string> without_face;  ///< Paths; `report.failed_images` counts them too.
  std::vector<Problem> errors;            ///< Photos that could not be read.
};

/// The same for every photo with every other.
[[nodiscard]] Outcome<EvaluatedAllPairs> evaluate_all_pairs(Workbench& bench,
                                                            const AllPairsRequest& request,
                                                            const Progress& progress);

struct EvaluatedClustering {
  RunFacts run;
  Bar bar;  ///< From which on two faces are neighbours.
  std::size_t people = 0;
  std::size_t images = 0;
  std::size_t failed_images = 0;
  std::size_t groups = 0;  ///< Every photo without a face is one.
  metrics::PrecisionRecall pairwise;
  metrics::PrecisionRecall bcubed;
  std::size_t in_no_folder = 0;
  std::size_t missing_people = 0;
  std::size_t from_cache = 0;
  std::vector<std::string> without_face;  ///< Paths; `failed_images` counts them too.
  std::vector<Problem> errors;            ///< Photos that could not be read.
};

/// Groups the faces nearest the photos' centres as `cluster` does and compares with their folders.
[[nodiscard]] Outcome<EvaluatedClustering> evaluate_clustering(Workbench& bench,
                                                               const PeoplesPhotos& photos,
                                                               const Criterion& criterion,
                                                               const Progress& progress);

/// Who is in the gallery, and who is searched for.
struct ProbeLists {
  std::vector<protocols::LabelledPhoto> gallery;
  std::vector<protocols::LabelledPhoto> probes;
  protocols::Groups groups{};  ///< Empty: no rates by groups.
  std::optional<TemplateList> templates{};
};

/// Reads two lists of lines `path person`, with or without a header. A path in a list is absolute
/// or relative to the list's folder.
[[nodiscard]] Outcome<ProbeLists> read_probe_lists(const std::filesystem::path& gallery,
                                                   const std::filesystem::path& probes);
/// The same of lines `template person`.
[[nodiscard]] Outcome<ProbeLists> read_template_probes(const std::filesystem::path& gallery,
                                                       const std::filesystem::path& probes,
                                                       TemplateList templates);

struct EvaluatedProbes {
  RunFacts run;
  matching::ScoreKind score_kind = matching::ScoreKind::kCosine;
  protocols::IdentificationReport report;
  std::size_t template_photos = 0;        ///< Where `report` counts templates as its images.
  std::size_t from_cache = 0;             ///< Photos whose face an earlier run embedded.
  std::vector<std::string> without_face;  ///< Paths; `report.failed_images` counts them too.
  std::vector<Problem> errors;            ///< Photos that could not be read.
};

/// Finds the face nearest each photo's centre, embeds it and searches every probe in the gallery.
[[nodiscard]] Outcome<EvaluatedProbes> evaluate_identification(Workbench& bench,
                                                               const ProbeLists& lists,
                                                               const Progress& progress);

/// What is known of photos, for detectors.
struct FaceTruth {
  protocols::Truth truth;     ///< Its paths as the list has them.
  std::vector<Photo> photos;  ///< The same, where they are.
};

/// Reads a list of photos with numbers of faces, boxes or points. A path in it is absolute or
/// relative to the list's folder.
[[nodiscard]] Outcome<FaceTruth> read_truth(const std::filesystem::path& path);

struct EvaluatedDetection {
  RunFacts run;
  protocols::DetectionReport report;
  std::vector<Problem> errors;  ///< Photos that could not be read: their faces are not found.
};

/// Detects as the verb `detect` does, and compares with the truth. @pre a bench without recogniser
[[nodiscard]] Outcome<EvaluatedDetection> evaluate_detection(Workbench& bench,
                                                             const FaceTruth& truth,
                                                             const Progress& progress);

struct CalibrationRequest {
  std::filesystem::path people;   ///< A list of names; empty: every folder of photos.
  std::filesystem::path observe;  ///< Names of others to observe the thresholds on; may be empty.
  std::filesystem::path out;      ///< Empty: where the program looks for it.
  std::string source;             ///< What the photos are, for the provenance.
  /// Also fit scores that know of quality, to the same photos as they are and made worse.
  bool quality_aware = false;
};

struct Calibrated {
  RunFacts run;
  std::filesystem::path path;  ///< Where it was written.
  matching::Calibration calibration;
  std::vector<protocols::ObservedRate> observed;
  std::vector<protocols::ObservedFpir> observed_fpir;
  std::optional<metrics::Reliability> observed_probability;
  std::size_t from_cache = 0;             ///< Photos whose face an earlier run embedded.
  std::vector<std::string> without_face;  ///< Paths; these photos are left out.
  std::vector<Problem> errors;
};

/// Compares the faces nearest the photos' centres, all with all, and writes the thresholds by false
/// accept rate. A person is the folder that a photo lies in.
[[nodiscard]] Outcome<Calibrated> calibrate(Workbench& bench, const Inputs& inputs,
                                            const CalibrationRequest& request,
                                            const Progress& progress);

}  // namespace visavis::usecases
