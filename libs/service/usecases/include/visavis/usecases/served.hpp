#pragma once

/// The verbs on photos that came as bytes, for many callers at once. The answers are those of the
/// verbs on files.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <visavis/usecases/analyser.hpp>
#include <visavis/usecases/galleries.hpp>
#include <visavis/usecases/people.hpp>
#include <visavis/usecases/photos.hpp>
#include <visavis/usecases/shelf.hpp>

namespace visavis::usecases {

[[nodiscard]] Outcome<Detection> detect(Analyser& analyser, std::span<const Upload> photos,
                                        Deadline deadline);

/// A photo's faces with their embeddings.
struct DescribedFace {
  Face face{};
  Quality quality{};
  Embedding embedding{};  ///< No values for a face that could not be aligned.
};
struct DescribedPhoto {
  PhotoFacts photo{};
  std::vector<DescribedFace> faces{};
};
struct Description {
  RunFacts run{};
  std::vector<DescribedPhoto> photos{};
  std::vector<Problem> errors{};
};
[[nodiscard]] Outcome<Description> describe(Analyser& analyser, std::span<const Upload> photos,
                                            std::optional<Selection> selection, Deadline deadline);

[[nodiscard]] Outcome<Verification> verify(Analyser& analyser, const Upload& a, const Upload& b,
                                           const Criterion& criterion, Selection selection,
                                           Deadline deadline);

/// Is the face in the photo that person's? Compared with all of the person's templates; the best
/// score counts. `b` in the answer is the enrolled face, of which only the quality is known.
/// @return kNotFound for a person who is not there
[[nodiscard]] Outcome<Verification> verify_person(Analyser& analyser, const OpenGallery& gallery,
                                                  const std::string& person, const Upload& photo,
                                                  const Criterion& criterion, Selection selection,
                                                  Deadline deadline);

struct SearchOptions {
  Criterion criterion{};
  gallery::Fusion fusion = gallery::Fusion::kBest;
  std::size_t top = 1;
  std::optional<Selection> selection{};  ///< Nothing: every face.
};
[[nodiscard]] Outcome<Identification> identify(Analyser& analyser, const OpenGallery& gallery,
                                               std::span<const Upload> photos,
                                               const SearchOptions& options, Deadline deadline);

/// Enrols the one face of each photo under a person who is there already.
/// @return kNotFound for a person who is not there; else refusals and errors photo by photo. What
/// is told as enrolled is durable.
[[nodiscard]] Outcome<Enrolment> enrol(Analyser& analyser, const OpenGallery& gallery,
                                       const std::string& person, std::span<const Upload> photos,
                                       std::optional<Selection> selection, Deadline deadline);

/// Whether embeddings of this analyser fit the gallery. @return kModelMismatch
[[nodiscard]] Outcome<void> check_model(Analyser& analyser, const OpenGallery& gallery);

/// One person: a new id if `person.id` is empty.
[[nodiscard]] Outcome<gallery::PersonDetails> make_person(const OpenGallery& gallery,
                                                          const gallery::PersonChange& change,
                                                          std::string id);
[[nodiscard]] Outcome<gallery::PersonDetails> change_person(const OpenGallery& gallery,
                                                            const std::string& person,
                                                            const gallery::PersonChange& change);
[[nodiscard]] Outcome<gallery::PersonDetails> show_person(const OpenGallery& gallery,
                                                          const std::string& person);
[[nodiscard]] Outcome<PersonList> list_persons(const OpenGallery& gallery,
                                               const gallery::Page& page);
[[nodiscard]] Outcome<std::size_t> remove_person(const OpenGallery& gallery,
                                                 const std::string& person);
/// @return kNotFound also for a face of somebody else
[[nodiscard]] Outcome<gallery::EnrolledFace> find_face(const OpenGallery& gallery,
                                                       const std::string& person,
                                                       const std::string& face);
[[nodiscard]] Outcome<void> remove_face(const OpenGallery& gallery, const std::string& person,
                                        const std::string& face);

/// A kept photo, or else the kept chip.
struct FaceImage {
  std::string media_type{};
  std::vector<std::byte> bytes{};
};
/// @return kNotFound if neither was kept
[[nodiscard]] Outcome<FaceImage> face_image(const OpenGallery& gallery, const std::string& person,
                                            const std::string& face);

/// All that is kept of one person, the files included.
struct ServedExport {
  gallery::PersonExport person{};
  std::string model{};  ///< 16 hexadecimal digits.
  struct File {
    std::string name{};
    std::vector<std::byte> bytes{};
  };
  std::vector<File> files{};
};
[[nodiscard]] Outcome<ServedExport> export_person(const OpenGallery& gallery,
                                                  const std::string& person);

/// All of a gallery as one file, in clear (docs/formats/archive.md).
[[nodiscard]] Outcome<void> archive_gallery(const OpenGallery& gallery,
                                            const std::filesystem::path& file);

}  // namespace visavis::usecases
