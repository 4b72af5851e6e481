#pragma once

/// Enrolled people. The interface does not say where they are kept, nor on how many machines.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/result.hpp>
#include <visavis/store/key.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/face.hpp>

namespace visavis::gallery {

/// A file that is kept with a face, so that another model can see it.
struct KeptFile {
  /// How its name ends: a chip's template and format ("arcface.png"), a photo's format ("jpg").
  std::string form{};
  std::vector<std::byte> bytes{};
};

/// One face to be enrolled.
struct Template {
  Embedding embedding;
  float quality = 0;  ///< In [0, 1].
  Box box;            ///< In the source photo.
  std::optional<Landmarks> landmarks{};
  std::string source;               ///< The path or the row it came from, as typed.
  std::optional<KeptFile> chip{};   ///< As the recogniser saw it, without loss.
  std::optional<KeptFile> photo{};  ///< As it was.
};

struct Candidate {
  std::string person;     ///< Id.
  std::string name;       ///< The id too, unless another was given.
  float similarity = 0;   ///< Cosine: of the best template, or of the fused one.
  float norm = 0;         ///< Raw norm of the best template's embedding.
  std::string face_id{};  ///< Of the best template.
};

/// A face to be enrolled under a person's id.
struct NewFace {
  std::string person;
  Template face;
};

struct Enrolled {
  std::string person;
  std::string face_id;
};

/// From this similarity on two faces are taken for the same picture, and a second template of it
/// tells nothing new. Measured in docs/accuracy.md.
inline constexpr float kSamePicture = .98F;

/// The face that another one is the same picture as.
struct Duplicate {
  std::string person{};   ///< Whose it is: perhaps somebody else's.
  std::string face_id{};  ///< Empty: it comes before the other one in the same batch.
  float similarity = 0;
};

/// What became of a face that was to be enrolled.
using Decision = std::variant<Enrolled, Duplicate>;

/// What several templates of one person count for.
enum class Fusion : std::uint8_t {
  kBest,             ///< The most similar one.
  kMean,             ///< Their mean, made a unit vector.
  kQualityWeighted,  ///< Their mean weighted by quality, made a unit vector.
};

[[nodiscard]] std::string_view to_string(Fusion fusion) noexcept;  ///< "best", "mean", "quality"

struct IdentifyOptions {
  std::size_t limit = 1;
  Fusion fusion = Fusion::kBest;
};

/// A person as the gallery knows it. Times are seconds since 1970.
struct Person {
  std::string id{};
  std::string name{};
  std::string attributes = "{}";  ///< A JSON object as text.
  std::optional<std::string> consent_basis{};
  std::optional<std::int64_t> consent_at{};
  std::optional<std::int64_t> expires_at{};  ///< Not found from then on, and to be removed.
  std::int64_t created = 0;
  std::uint64_t faces = 0;
  std::int64_t number = 0;  ///< What the audit log calls the person; never given twice.

  bool operator==(const Person&) const = default;
};

/// What is to become of a person; what is not said stays as it is.
struct PersonChange {
  std::optional<std::string> name{};
  std::optional<std::string> attributes{};                 ///< A JSON object, in place of the old.
  std::map<std::string, std::string> single_attributes{};  ///< Set after that, the others stay.
  std::optional<std::string> consent_basis{};
  std::optional<std::int64_t> consent_at{};
  std::optional<std::int64_t> expires_at{};
  bool never_expires = false;
  bool forgets_consent = false;  ///< Basis and time, before those that are said here.

  [[nodiscard]] bool is_empty() const {
    return !name && !attributes && single_attributes.empty() && !consent_basis && !consent_at &&
           !expires_at && !never_expires && !forgets_consent;
  }
};

/// The person as changed.
/// @return kInvalidArgument for texts that are too long or not UTF-8, attributes that are no JSON
/// object, have over 64 KiB or are nested more than 64 deep.
[[nodiscard]] Result<Person> apply_change(Person person, const PersonChange& change);

struct EnrolOptions {
  /// A face that is the same picture as one that is enrolled already, under whatever person, or
  /// that comes before it in the same call, is not enrolled.
  bool refuse_duplicates = false;
  /// Nobody is made: kNotFound if one of the persons is not there, and nothing is enrolled.
  bool known_persons_only = false;
  /// Applied to everybody of whom a face is enrolled.
  PersonChange change{};
};

struct EnrolledFace {
  std::string face_id{};
  float quality = 0;
  float norm = 0;
  Box box{};
  std::optional<Landmarks> landmarks{};
  std::string source{};
  std::int64_t enrolled_at = 0;
  std::string chip{};  ///< Names for `kept_file`; empty if none is kept.
  std::string photo{};
};

struct PersonDetails {
  Person person{};
  std::vector<EnrolledFace> faces{};
};

/// All that is kept of one person.
struct PersonExport {
  PersonDetails details{};
  ModelId model{};
  std::size_t dimension = 0;
  std::vector<float> vectors{};  ///< faces × dimension, unit rows, in the order of the faces.
};

/// One bulk enrolment: of what, and how its photos are judged.
struct Import {
  std::string source{};    ///< As typed.
  std::string settings{};  ///< Whatever decides on a photo; compared as text.
};

/// A photo that a bulk enrolment has looked at and not enrolled.
struct RefusedPhoto {
  std::string path{};
  std::string reason{};
  std::string message{};
};

/// A face by whose it is.
struct FaceOf {
  std::string person{};
  std::string face_id{};
};

/// What a face can be embedded again from.
struct Material {
  FaceOf face{};
  Box box{};  ///< In the photo.
  std::optional<KeptFile> chip{};
  std::optional<KeptFile> photo{};
};

/// Where in its photo a face was found, and how good.
struct Finding {
  float quality = 0;  ///< In [0, 1].
  Box box{};
  Landmarks landmarks{};
};

/// A face as another model sees it.
struct Remade {
  Embedding embedding{};
  std::optional<Finding> found{};  ///< If it was looked for in its photo; nothing: as it was.
};

/// Embeds faces again, in order; nothing for one that cannot be.
using Remake = std::function<Result<std::vector<std::optional<Remade>>>(std::span<const Material>)>;

struct MoveOptions {
  ModelId model{};
  std::size_t dimension = 0;
  bool drop_missing = false;  ///< Removes faces that cannot be embedded again.
};

struct Moved {
  bool changed = false;           ///< False if faces are missing that must not be dropped.
  std::vector<FaceOf> missing{};  ///< Could not be embedded again; removed if `changed`.
};

/// Somewhere in the list of persons: pass the last page's to get the next.
struct Page {
  std::int64_t after = 0;  ///< Person::number.
  std::size_t limit = 1000;
  /// Only those whose name holds this, upper and lower case being one; empty: everybody.
  std::string name{};
};

/// How a gallery is searched.
enum class IndexChoice : std::uint8_t {
  kAuto,   ///< As is best for its size: exactly.
  kExact,  ///< The best are found for certain, in a time that grows with the gallery.
  kHnsw,   ///< A graph finds most of the best, in a time that hardly grows.
};

[[nodiscard]] std::string_view to_string(IndexChoice choice) noexcept;  ///< "auto", …
[[nodiscard]] std::optional<IndexChoice> parse_index_choice(std::string_view word) noexcept;

struct Stats {
  std::uint64_t persons = 0;
  std::uint64_t faces = 0;
  std::string model{};  ///< 16 hexadecimal digits; empty while nobody was enrolled.
  std::size_t dimension = 0;
  std::string element{};                          ///< "f16", "f32"
  std::string index{};                            ///< How it is searched: "exact", "hnsw".
  IndexChoice index_choice = IndexChoice::kAuto;  ///< Why.
  std::uint64_t index_bytes = 0;                  ///< Of the index's file; 0 if there is none.
  std::uint64_t generation = 0;
  std::uint64_t bytes = 0;
  std::uint64_t free_bytes = 0;  ///< What `compact` would give back.
  int format_version = 0;
  std::string encryption{};
  std::int64_t created = 0;
};

struct Archived;  // <visavis/gallery/archive.hpp>

/// Thread-safe: any number of searches run beside one change; a change waits for the one before.
/// Every call may answer kUnavailable (disk, another process) or kDecodeFailed (damaged files).
class Gallery {
 public:
  virtual ~Gallery() = default;
  Gallery(const Gallery&) = delete;
  Gallery& operator=(const Gallery&) = delete;

  /// Adds faces, all or none, in order; persons are made if new. Durable when it returns. The first
  /// face decides the gallery's model and dimension. Comparing and adding are one step: of threads
  /// that enrol the same picture at once, one does and the others are told of its face.
  /// @return one entry a face; kModelMismatch if an embedding is of another model or dimension,
  /// kInvalidArgument for an id that is empty, not UTF-8 or over 256 bytes, a source that is not
  /// UTF-8 or over 4,096 bytes, a kept file over 64 MiB or of no form, or a vector that is empty,
  /// not finite or not a unit vector; as `apply_change`.
  [[nodiscard]] virtual Result<std::vector<Decision>> enrol(std::span<const NewFace> faces,
                                                            const EnrolOptions& options) = 0;

  /// The same, whatever is enrolled already.
  [[nodiscard]] Result<std::vector<Enrolled>> enrol(std::span<const NewFace> faces);
  /// And that for one person.
  [[nodiscard]] Result<std::vector<Enrolled>> enrol(std::string_view person,
                                                    std::span<const Template> faces);

  /// The best persons for a probe, one entry a person, by falling similarity; equal ones in the
  /// order of enrolment. An empty gallery answers with nobody, and nobody is found whose time is
  /// over, whether `remove_expired` has run or not. With a fusion of templates, the
  /// persons are first found by their best template, four times as many as are told.
  /// @return kModelMismatch for a probe of another model or dimension, kInvalidArgument for one
  /// that is not a finite unit vector.
  [[nodiscard]] virtual Result<std::vector<Candidate>> identify(
      const Embedding& probe, const IdentifyOptions& options) const = 0;
  [[nodiscard]] Result<std::vector<Candidate>> identify(const Embedding& probe,
                                                        std::size_t limit) const {
    return identify(probe, IdentifyOptions{.limit = limit});
  }

  /// Makes a person without faces, or changes everything but the id, `created`, `faces` and
  /// `number` of one.
  [[nodiscard]] virtual Result<void> put_person(const Person& person) = 0;

  /// Applies a change to a person, who is made if new; as `put_person`.
  /// @return also as `apply_change`
  [[nodiscard]] virtual Result<void> change_person(std::string_view id,
                                                   const PersonChange& change) = 0;
  /// Whose time is over at `now`.
  [[nodiscard]] virtual Result<std::vector<Person>> expired(std::int64_t now) const = 0;

  /// Removes a person with all faces, or one face. When it returns, the gallery's files hold none
  /// of the removed bytes and nobody finds them.
  /// @return how many faces went; kNotFound if there is none of that id; kUnavailable with the rows
  /// gone but old bytes left, if another process's snapshot kept them: `compact` finishes that.
  [[nodiscard]] virtual Result<std::size_t> remove_person(std::string_view id) = 0;
  [[nodiscard]] virtual Result<void> remove_face(std::string_view face_id) = 0;
  /// Removes whoever's time is over at `now` (seconds since 1970). @return how many persons
  [[nodiscard]] virtual Result<std::size_t> remove_expired(std::int64_t now) = 0;

  /// By Person::number, that is in the order of enrolment.
  [[nodiscard]] virtual Result<std::vector<Person>> list(const Page& page) const = 0;
  /// @return kNotFound
  [[nodiscard]] virtual Result<PersonDetails> show(std::string_view person) const = 0;
  /// The person's templates, without what is kept beside them, in the order of enrolment.
  /// @return kNotFound
  [[nodiscard]] virtual Result<std::vector<Template>> templates(std::string_view person) const = 0;
  /// The bytes of a chip or photo as EnrolledFace names it.
  /// @return kNotFound if there is none of that name
  [[nodiscard]] virtual Result<std::vector<std::byte>> kept_file(std::string_view name) const = 0;
  /// Notes in the audit log that it was asked for.
  [[nodiscard]] virtual Result<PersonExport> export_person(std::string_view person) = 0;

  /// As `export_archive`; searches go on meanwhile, changes wait.
  [[nodiscard]] virtual Result<Archived> archive(const std::filesystem::path& file) = 0;

  /// Notes what a bulk enrolment has refused, for one that goes on where this stops. Every removal
  /// forgets all of it.
  [[nodiscard]] virtual Result<void> note_refused(const Import& import,
                                                  std::span<const RefusedPhoto> photos) = 0;
  /// What was refused with these settings, by path.
  [[nodiscard]] virtual Result<std::vector<RefusedPhoto>> refused(const Import& import) const = 0;
  /// Forgets that, whatever the settings: the enrolment is done.
  [[nodiscard]] virtual Result<void> finish_import(std::string_view source) = 0;

  /// Moves all faces to another model, in one step: searches find the old vectors or the new ones,
  /// and whatever stops it leaves the old ones. Other changes wait meanwhile. Calls `remake` with
  /// some faces at a time; its error ends the move.
  virtual Result<Moved> move_to(const MoveOptions& options, const Remake& remake) = 0;

  [[nodiscard]] virtual Result<Stats> stats() const = 0;
  /// Everything that is wrong, a sentence each; empty if all is well. Names no one.
  [[nodiscard]] virtual Result<std::vector<std::string>> check() const = 0;
  /// Gives the room of removed rows back.
  [[nodiscard]] virtual Result<void> compact() = 0;
  /// From now on it is searched so; the index is made when this returns.
  [[nodiscard]] virtual Result<void> choose_index(IndexChoice choice) = 0;

  [[nodiscard]] virtual ModelId model() const noexcept = 0;  ///< 0 while nobody was enrolled.
  [[nodiscard]] virtual std::size_t persons() const noexcept = 0;
  [[nodiscard]] virtual std::size_t faces() const noexcept = 0;

 protected:
  Gallery() = default;
};

enum class OpenMode : std::uint8_t {
  kRead,    ///< Beside a writer, whose changes are seen by the next search.
  kWrite,   ///< Refused while another process writes.
  kCreate,  ///< The same; makes the gallery if there is none.
};

struct GalleryOptions {
  /// From so many faces on the writer keeps the index in a file; fewer are soon read from the
  /// database.
  std::size_t index_file_from = 20'000;
  /// Of an encrypted gallery, one that is made now too; null for a plain one. The index file is
  /// encrypted like the rest.
  std::shared_ptr<const store::Key> key{};
  /// Asked for the workers that make a graph from the database, which are gone afterwards; empty:
  /// the calling thread does it.
  std::function<std::unique_ptr<Executor>()> workers{};
};

/// A gallery on this machine: a folder as docs/formats/gallery.md describes it. One of the past
/// version is brought to the present one, which needs the right to write whatever the mode.
/// @return kNotFound if there is no gallery, kDecodeFailed for files that are no gallery or damaged
/// ones, kUnsupported for one of a later version, kInvalidArgument for a key that is not the
/// gallery's, is missing, or is not needed, kUnavailable if the folder cannot be used or another
/// process writes to it.
[[nodiscard]] Result<std::unique_ptr<Gallery>> open_gallery(const std::filesystem::path& folder,
                                                            OpenMode mode,
                                                            const GalleryOptions& options = {});

}  // namespace visavis::gallery
