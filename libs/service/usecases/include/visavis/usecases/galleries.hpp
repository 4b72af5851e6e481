#pragma once

/// Verbs that look after a gallery. None of them needs a network.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>
#include <visavis/gallery/archive.hpp>
#include <visavis/gallery/gallery.hpp>
#include <visavis/usecases/failure.hpp>
#include <visavis/usecases/gallery_place.hpp>
#include <visavis/usecases/progress.hpp>

namespace visavis::usecases {

struct PersonList {
  std::vector<gallery::Person> persons{};  ///< In the order of enrolment.
};
[[nodiscard]] Outcome<PersonList> list_persons(const GalleryPlace& gallery);

[[nodiscard]] Outcome<gallery::PersonDetails> show_person(const GalleryPlace& gallery,
                                                          const std::string& person);

/// What is to be said of a person, as typed; empty: nothing.
struct PersonWords {
  std::string name{};
  std::vector<std::string> attribute{};  ///< KEY=VALUE each.
  std::string attributes{};              ///< A JSON object in place of all.
  std::string consent{};                 ///< The basis; the time is now unless it is said.
  std::string consent_at{};              ///< A time of RFC 3339, or a date.
  std::string expires{};  ///< The same, or so long from now: "30d", "12w", "1y"; or "never".
  std::vector<std::string>
      clear{};  ///< What is to be forgotten: "consent", "expiry", "attributes".
};
/// @param now  seconds since 1970
/// @return kUsage for what cannot be understood or kept
[[nodiscard]] Outcome<gallery::PersonChange> change_of(const PersonWords& words, std::int64_t now);

/// @return the person as changed; kNotFound for one who is not there
[[nodiscard]] Outcome<gallery::PersonDetails> set_person(const GalleryPlace& gallery,
                                                         const std::string& person,
                                                         const gallery::PersonChange& change);

/// Who and what is to go.
struct Removal {
  std::vector<std::string> persons{};
  std::vector<std::string> faces{};
  bool expired = false;  ///< Everybody whose time is over now.
};

struct Removed {
  std::size_t persons = 0;
  std::size_t faces = 0;  ///< One by one; those that went with their persons are not counted.
  std::vector<Problem> errors{};  ///< For each that is not there; the others are removed.
};
[[nodiscard]] Outcome<Removed> remove_from_gallery(const GalleryPlace& gallery,
                                                   const Removal& removal);

[[nodiscard]] Outcome<gallery::Stats> gallery_stats(const GalleryPlace& gallery);

struct ExportRequest {
  std::filesystem::path out{};          ///< .npy; the table goes beside it, with .tsv instead.
  std::optional<std::string> person{};  ///< Nothing: everybody.
};

struct Export {
  std::filesystem::path npy{};
  std::filesystem::path tsv{};
  std::filesystem::path files{};  ///< Folder of the kept chips and photos; empty if there are none.
  std::vector<gallery::PersonDetails> persons{};  ///< With their faces, in the rows' order.
  std::size_t rows = 0;
  std::vector<Problem> errors{};  ///< Chips and photos that are lost or damaged, by their names.
};

/// Writes float32 `[faces, dimension]`, unit rows, and a table with the columns row, path (where
/// the face came from), face (counted within the person), person, quality, norm, face_id: what
/// `enrol_rows` reads. Each person's export is noted in the audit log. Readable by their owner
/// alone.
/// @return kNotFound for a person who is not there; kUsage for a name without .npy.
[[nodiscard]] Outcome<Export> export_gallery(const GalleryPlace& gallery,
                                             const ExportRequest& request);

struct ArchivedGallery {
  gallery::Archived counts{};
  std::vector<Problem> errors{};  ///< Chips and photos that are lost or damaged, by their names.
};

/// All of a gallery as one file (docs/formats/archive.md), in clear, readable by its owner alone.
/// @return kEnvironment if it cannot be written
[[nodiscard]] Outcome<ArchivedGallery> archive_gallery(const GalleryPlace& gallery,
                                                       const std::filesystem::path& archive,
                                                       const Progress& progress);
/// Adds what an archive holds, all or nothing; the gallery is made if there is none.
[[nodiscard]] Outcome<gallery::Imported> import_gallery(const std::filesystem::path& archive,
                                                        const GalleryPlace& gallery,
                                                        const Progress& progress);

struct GalleryCheck {
  std::vector<std::string> findings{};  ///< Empty: all is well.
};
[[nodiscard]] Outcome<GalleryCheck> check_gallery(const GalleryPlace& gallery);

struct Compaction {
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
};
[[nodiscard]] Outcome<Compaction> compact_gallery(const GalleryPlace& gallery);

/// From now on the gallery is searched so, and its index is made.
/// @return what it is like then; kUsage for a word that is no choice
[[nodiscard]] Outcome<gallery::Stats> choose_index(const GalleryPlace& gallery,
                                                   const std::string& choice);

/// A new key for galleries that are to be encrypted, in a file that its owner alone can read.
/// @return kInvalidArgument if there is something of that name.
[[nodiscard]] Outcome<void> make_key_file(const std::filesystem::path& file);

}  // namespace visavis::usecases
