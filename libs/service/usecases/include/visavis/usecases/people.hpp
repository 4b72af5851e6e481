#pragma once

/// Verbs that ask who somebody is: verify (1:1), enrol, identify (1:N).

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/matching/matching.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/gallery_place.hpp>
#include <visavis/usecases/inputs.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/progress.hpp>
#include <visavis/usecases/workbench.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/quality.hpp>

namespace visavis::usecases {

/// How the threshold is chosen: one of the first three, or none of them. Then it is `kDefaultFpir`
/// for a search with a model whose calibration has such points, and `kDefaultFar` otherwise.
struct Criterion {
  std::optional<double> far{};        ///< False accept rate of single comparisons.
  std::optional<double> fpir{};       ///< False positive identification rate.
  std::optional<double> threshold{};  ///< A score.
  /// Of scores and threshold, in place of the model's own; distances are accepted up to it.
  std::optional<matching::ScoreKind> metric{};
};

/// One in a thousand comparisons of different people is accepted.
inline constexpr double kDefaultFar = 1e-3;
/// One in a hundred searches for a stranger names somebody, however many people are searched.
inline constexpr double kDefaultFpir = 1e-2;

struct Promise {
  std::string kind{};  ///< "far", "fpir"
  double value = 0;
  std::optional<std::uint64_t> gallery_size{};  ///< With an FPIR: up to so many persons.
  bool extrapolated = false;  ///< The calibration had fewer people than such a gallery takes.
};

/// What scores are compared with.
struct Bar {
  double threshold = 0;
  matching::ScoreKind score_kind{};
  std::optional<Promise> promise{};  ///< Nothing for a threshold that was given.

  [[nodiscard]] bool accepts(double score) const noexcept {
    return matching::is_distance(score_kind) ? score <= threshold : score >= threshold;
  }
};

struct JudgedFace {
  Box box{};
  float confidence = 0;
  std::optional<Landmarks> landmarks{};
  Quality quality{};
};

struct Verification {
  RunFacts run{};
  Bar bar{};
  bool answered = false;  ///< False if a photo is missing or shows no face; `errors` says which.
  bool same = false;
  float similarity = 0;
  float score = 0;
  /// That both photos show one person, if that was as likely as not before; nothing for a score or
  /// a model without such a calibration.
  std::optional<double> probability{};
  JudgedFace a{};
  JudgedFace b{};
  std::vector<std::string> warnings{};
  std::vector<Problem> errors{};
};

/// @return kUsage for a criterion that the model's calibration cannot fulfil.
[[nodiscard]] Outcome<Verification> verify(Workbench& bench, const Photo& a, const Photo& b,
                                           const Criterion& criterion, Selection selection);

enum class Refusal : std::uint8_t { kNoFace, kManyFaces, kLowQuality, kDuplicate, kExpired };
/// "no_face", "many_faces", "low_quality", "duplicate", "expired"
[[nodiscard]] std::string_view to_string(Refusal refusal) noexcept;

struct EnrolPhoto {
  Photo photo{};
  std::string person{};
};

/// What of a photo stays in the gallery besides its embedding.
enum class Keep : std::uint8_t {
  kNone,
  kChips,   ///< The aligned face, as the recogniser saw it: enough for a model of that template.
  kPhotos,  ///< The photo's bytes: enough for any model.
};

struct EnrolRequest {
  GalleryPlace gallery{};
  float min_quality = 0.1F;  ///< In [0, 1].
  /// Which face of several; nothing: a photo of several is refused unless one dominates.
  std::optional<Selection> selection{};
  /// The folder of a bulk enrolment, as typed. One that was stopped goes on where it was: without a
  /// look into them it passes over photos whose path the gallery knows of that person already, and
  /// tells again of those that were refused with the same settings. Empty: looks at every photo.
  std::string from{};
  bool allow_duplicates = false;  ///< Else a picture that is enrolled, as whomever, is refused.
  Keep keep = Keep::kNone;        ///< kChips: the workbench was opened with Need::chips.
  /// Applied to everybody of whom a face is enrolled, before it is.
  gallery::PersonChange change{};
};

struct Enrolment {
  struct Enrolled {
    std::string path{};
    std::string person{};
    std::string face_id{};
    float quality = 0;
  };
  struct Refused {
    std::string path{};
    Refusal reason{};
    std::string message{};
  };
  RunFacts run{};
  std::vector<Enrolled> enrolled{};
  std::vector<Refused> refused{};
  std::size_t already = 0;  ///< Photos that were enrolled before; see EnrolRequest::from.
  std::vector<Problem> errors{};
};

/// What is wrong with a person's name, as a sentence; nothing if it can be enrolled.
[[nodiscard]] std::optional<std::string_view> wrong_person(std::string_view name);

/// Photos sorted into persons by the first folder below `folder`.
struct SortedPhotos {
  std::vector<EnrolPhoto> photos{};
  std::vector<Problem> errors{};  ///< Photos that lie in no person's folder, among others.
};
[[nodiscard]] SortedPhotos sort_by_folder(const std::string& folder);

/// Enrols the one face that each photo is of: the selected one, or without a selection the largest,
/// which must have at least four times the area of the next (MTCNN finds a "face" in desks and
/// flags now and then). The gallery is made if there is none.
[[nodiscard]] Outcome<Enrolment> enrol(Workbench& bench, const std::vector<EnrolPhoto>& photos,
                                       const EnrolRequest& request, const Progress& progress);

/// Embeddings from elsewhere with the person of every row. `labels` is what `embed` writes, or one
/// person a line, or lines of path and person.
struct LabelledRows {
  std::filesystem::path npy{};
  std::filesystem::path labels{};
};

/// Enrols rows; they are taken to be made by `recogniser` (with `flip`).
[[nodiscard]] Outcome<Enrolment> enrol_rows(const Places& places, const std::string& recogniser,
                                            bool flip, const LabelledRows& rows,
                                            const EnrolRequest& request);

struct Candidate {
  std::string person{};
  std::string name{};
  float similarity = 0;
  float score = 0;
};

struct IdentifiedFace {
  JudgedFace face{};
  std::optional<std::string> person{};  ///< Nothing: unknown.
  std::vector<Candidate> candidates{};  ///< The best score first.
};

struct IdentifiedPhoto {
  PhotoFacts photo{};
  std::vector<IdentifiedFace> faces{};
  std::filesystem::path drawn{};
};

struct Identification {
  RunFacts run{};
  Bar bar{};
  std::size_t persons = 0;  ///< In the gallery.
  gallery::Fusion fusion{};
  std::vector<IdentifiedPhoto> photos{};
  std::vector<Problem> errors{};
};

struct IdentifyRequest {
  GalleryPlace gallery{};              ///< A gallery,
  std::optional<LabelledRows> rows{};  ///< or rows instead of one.
  Criterion criterion{};
  gallery::Fusion fusion = gallery::Fusion::kBest;
  std::size_t top = 1;  ///< Candidates to tell for each face.
  std::filesystem::path draw{};
};

[[nodiscard]] Outcome<Identification> identify(Workbench& bench, const Inputs& inputs,
                                               const IdentifyRequest& request,
                                               const Progress& progress);

}  // namespace visavis::usecases
