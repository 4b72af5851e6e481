#pragma once

/// A gallery's folder as docs/formats/gallery.md describes it: rows in, rows out, durable. Knows
/// nothing of searching.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/store/key.hpp>
#include <visavis/vocab/face.hpp>

namespace visavis::store {

/// How vectors are stored. f16 halves the room; the rounding moves a cosine by less than 1e-3.
enum class Element : std::uint8_t { kF16, kF32 };
[[nodiscard]] std::string_view to_string(Element element) noexcept;  ///< "f16", "f32"

inline constexpr std::size_t kMaxNameBytes = 256;
inline constexpr std::size_t kMaxSourceBytes = 4096;
inline constexpr std::size_t kMaxAttributeBytes = std::size_t{64} << 10U;

/// What is known of a person. Times are seconds since 1970.
struct PersonFields {
  std::string public_id{};
  std::string name{};
  std::string attributes = "{}";  ///< A JSON object as text; its syntax is the caller's matter.
  std::optional<std::string> consent_basis{};
  std::optional<std::int64_t> consent_at{};
  std::optional<std::int64_t> expires_at{};
};

struct PersonRow {
  std::int64_t id = 0;
  PersonFields fields{};
  std::int64_t created = 0;
  std::uint64_t faces = 0;
};

/// What is known of a face besides its vector.
struct FaceFields {
  float norm = 0;     ///< Of the embedding before it was made a unit vector.
  float quality = 0;  ///< In [0, 1].
  Box box{};
  std::optional<Landmarks> landmarks{};
  std::string source{};
};

/// What a face may have been made of.
enum class KeptKind : std::uint8_t {
  kChip,   ///< The aligned face, without loss.
  kPhoto,  ///< The photo's bytes as they were.
};

inline constexpr std::size_t kMaxKeptBytes = std::size_t{64} << 20U;

/// A file to be kept with a face; empty bytes: none.
struct KeptFile {
  std::string_view form{};  ///< How its name ends: "arcface.png", "jpg". Of a-z, 0-9 and '.'.
  std::span<const std::byte> bytes{};
};

struct FaceRow {
  std::int64_t id = 0;
  std::int64_t person = 0;  ///< Row id.
  FaceFields fields{};
  std::int64_t enrolled = 0;
  std::string chip{};  ///< Names for `read_kept`; empty if none is kept.
  std::string photo{};
};

struct NewFace {
  std::string_view person;  ///< Public id; who is new is made, with the id for a name.
  std::string_view model;   ///< 16 hexadecimal digits.
  std::span<const float> unit;
  const FaceFields* fields = nullptr;
  KeptFile chip{};
  KeptFile photo{};
  /// Of a face that comes from another gallery: its row id, above every one given here, and time.
  std::optional<std::int64_t> id{};
  std::optional<std::int64_t> enrolled{};
};

/// Row ids from elsewhere end here, so that there are next ones, and JSON holds them.
inline constexpr std::int64_t kMaxForeignId = std::int64_t{1} << 53U;

struct AddedPerson {
  std::int64_t person = 0;  ///< Row id.
  bool is_new = false;
};

struct AddedFace {
  std::int64_t face = 0;
  std::int64_t person = 0;
  bool new_person = false;
  std::vector<float> unit{};  ///< As it was rounded to be stored.
};

/// A face and whose it is.
struct Owner {
  std::string public_id{};
  std::string name{};
  float norm = 0;
  float quality = 0;
  std::optional<std::int64_t> expires_at{};
};

struct Facts {
  std::string model{};  ///< Empty until the first face.
  std::size_t dimension = 0;
  Element element = Element::kF16;
  std::uint64_t generation = 0;
  std::int64_t created = 0;
  std::uint64_t persons = 0;
  std::uint64_t faces = 0;
  std::uint64_t bytes = 0;       ///< Of the database.
  std::uint64_t free_bytes = 0;  ///< Of them, what `compact` would give back.
  int format_version = 0;
  std::string encryption{};
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

struct AuditRow {
  std::int64_t at = 0;
  std::string action{};                ///< As docs/formats/gallery.md lists them.
  std::optional<std::int64_t> person;  ///< Row id.
  std::int64_t count = 0;              ///< Faces.
};

enum class Mode : std::uint8_t {
  kRead,    ///< Beside a writer; also from a folder that cannot be written.
  kWrite,   ///< The one writer.
  kCreate,  ///< The one writer, of a gallery that is made if there is none.
};

class Change;
class Store;

struct StoreOptions {
  Mode mode = Mode::kRead;
  /// Of a gallery that is made now.
  Element element = Element::kF16;
  /// Of an encrypted gallery, one that is made now too; null for a plain one.
  std::shared_ptr<const Key> key{};
  /// Fills a gallery that is made now before it gets its name, so that an error or a crash leaves
  /// all or nothing.
  std::function<Result<void>(Store&)> fill{};
};

/// Whether a change will add faces with chips or photos.
enum class Keeping : std::uint8_t { kNothing, kFiles };

/// Thread-safe. Reads and writes use a connection each and do not wait for one another.
///
/// Every call may answer kUnavailable (disk full, folder read-only, another process in the way) or
/// kDecodeFailed (the file or a row that is read is damaged); a change that failed has not
/// happened.
class Store {
 public:
  /// @return kNotFound if there is no gallery, kUnavailable if another process writes to it or the
  /// folder cannot be used, kDecodeFailed for a file that is no gallery or a damaged one,
  /// kUnsupported for a gallery of a later version or encrypted in an unknown way, kInvalidArgument
  /// for a key that is not the gallery's, is missing, or is not needed.
  [[nodiscard]] static Result<Store> open(const std::filesystem::path& folder,
                                          const StoreOptions& options);
  /// True if the folder holds a database, whatever is in it.
  [[nodiscard]] static bool exists(const std::filesystem::path& folder);

  Store(Store&&) noexcept;
  Store& operator=(Store&&) = delete;
  ~Store();

  // What changes the gallery. On disk when it returns; one change at a time.

  /// All or none, in order, after persons have been put. The first face of a gallery decides its
  /// model and dimension.
  /// @return as `put_person`; kInvalidArgument for a person's id, a source or a number outside the
  /// format's limits or a vector that is not finite and of length 1, or a file that is too large or
  /// of no form; kModelMismatch for a model or dimension other than the gallery's.
  [[nodiscard]] Result<std::vector<AddedFace>> add(std::span<const NewFace> faces,
                                                   std::span<const PersonFields> persons = {});

  /// Begins a change in many steps. Every other change waits until it goes.
  [[nodiscard]] Result<Change> begin(Keeping keeping);

  /// Makes a person or changes one; the audit log notes what kinds of things. @return the row id
  [[nodiscard]] Result<std::int64_t> put_person(const PersonFields& person);

  /// Removes rows. That is durable, and no byte of them left in the log, after `purge`.
  /// @return the removed faces' ids; kNotFound if there is no such row
  [[nodiscard]] Result<std::vector<std::int64_t>> remove_person(std::int64_t person);
  [[nodiscard]] Result<void> remove_face(std::int64_t face);

  /// Notes what a bulk enrolment refused, for one that goes on where it stopped. Every removal
  /// forgets all of it: a path or a message may name the person.
  [[nodiscard]] Result<void> note_refused(const Import& import,
                                          std::span<const RefusedPhoto> photos);
  /// Forgets that, whatever the settings.
  [[nodiscard]] Result<void> finish_import(std::string_view source);

  /// Leaves nothing of what was removed: overwrites chips and photos, empties the log.
  /// @return kUnavailable if another process's snapshot still needs old bytes.
  [[nodiscard]] Result<void> purge();

  /// Counts a change though no row has changed, so that whatever was made of them is made again.
  [[nodiscard]] Result<void> renew();

  /// Writes the database anew without free pages.
  [[nodiscard]] Result<void> compact();

  /// @param person  row id; nothing for the whole gallery
  [[nodiscard]] Result<void> note(std::string_view action, std::optional<std::int64_t> person,
                                  std::int64_t count);

  // What reads it.

  [[nodiscard]] Result<Facts> facts() const;
  [[nodiscard]] Result<std::uint64_t> generation() const;
  /// By row id, from the first after `after` on.
  [[nodiscard]] Result<std::vector<PersonRow>> persons(std::int64_t after, std::size_t limit) const;
  /// The same of those whose name holds `part`, upper and lower case being one, code point by code
  /// point. Every name is looked at.
  [[nodiscard]] Result<std::vector<PersonRow>> persons_named(std::string_view part,
                                                             std::int64_t after,
                                                             std::size_t limit) const;
  [[nodiscard]] Result<std::optional<PersonRow>> find_person(std::string_view public_id) const;
  /// A person's row, whatever is in it: one that is damaged can be removed.
  [[nodiscard]] Result<std::optional<std::int64_t>> row_of(std::string_view public_id) const;
  [[nodiscard]] Result<std::vector<PersonRow>> expired(std::int64_t now) const;
  [[nodiscard]] Result<std::uint64_t> count_expired(std::int64_t now) const;
  [[nodiscard]] Result<std::vector<FaceRow>> faces_of(std::int64_t person) const;
  [[nodiscard]] Result<std::optional<FaceRow>> find_face(std::int64_t face) const;
  /// By row id, from the first after `after` on.
  [[nodiscard]] Result<std::vector<FaceRow>> faces(std::int64_t after, std::size_t limit) const;
  [[nodiscard]] Result<std::optional<Owner>> owner_of(std::int64_t face) const;
  /// Of one state, in the order of the faces.
  [[nodiscard]] Result<std::vector<std::optional<Owner>>> owners_of(
      std::span<const std::int64_t> faces) const;
  /// The bytes of a file that a face's row names.
  /// @return kNotFound if it is gone, kDecodeFailed for a name that no file can have or one that
  /// has changed since.
  [[nodiscard]] Result<std::vector<std::byte>> read_kept(KeptKind kind,
                                                         std::string_view name) const;
  [[nodiscard]] Result<std::vector<AuditRow>> audit() const;
  /// What was refused with these settings, by path.
  [[nodiscard]] Result<std::vector<RefusedPhoto>> refused(const Import& import) const;

  using Visit = std::function<void(std::int64_t face, std::int64_t person, float quality,
                                   std::span<const float> unit)>;
  /// Calls `visit` for every vector in the order of ids, from one snapshot.
  /// @return the snapshot's generation; kDecodeFailed for a row whose vector is not what the
  /// gallery says.
  [[nodiscard]] Result<std::uint64_t> scan(const Visit& visit) const;
  /// The vectors of one person.
  [[nodiscard]] Result<void> scan_person(std::int64_t person, const Visit& visit) const;

  /// Everything that is wrong, a sentence each; empty if all is well. Names no one.
  [[nodiscard]] Result<std::vector<std::string>> check() const;

 private:
  struct Impl;
  explicit Store(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

/// A change in many steps: all of it happens with `commit`, none of it without. Meanwhile readers
/// see the gallery as it was. Thread-compatible; must not outlive its store.
class Change {
 public:
  Change(Change&&) noexcept;
  Change& operator=(Change&&) = delete;
  ~Change();

  /// From here on vectors are of this model. Those that are there must be replaced or removed.
  [[nodiscard]] Result<void> set_model(std::string_view model, std::size_t dimension);
  /// As Store::add, but for the audit log.
  [[nodiscard]] Result<AddedFace> add(const NewFace& face);
  /// Makes a person who is not there yet; leaves one who is as they are.
  [[nodiscard]] Result<AddedPerson> add_person(const PersonFields& person, std::int64_t created);
  /// Gives a face another vector and other fields. @return as Store::add; kNotFound
  [[nodiscard]] Result<void> replace(std::int64_t face, std::span<const float> unit,
                                     const FaceFields& fields);
  [[nodiscard]] Result<void> remove_face(std::int64_t face);
  [[nodiscard]] Result<void> note(std::string_view action, std::optional<std::int64_t> person,
                                  std::int64_t count);
  /// Ends the change. @return after an error nothing of it has happened
  [[nodiscard]] Result<void> commit();

 private:
  friend class Store;
  struct Impl;
  explicit Change(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::store
