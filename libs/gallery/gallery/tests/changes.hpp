#pragma once

/// Seeded changes of a gallery, and what it must hold after them.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/gallery/gallery.hpp>
#include <visavis/store/key.hpp>

namespace visavis::gallery {

/// A face is 64 signs: the unit vector of 64 numbers ±1/8, which binary16 holds exactly.
using Signs = std::uint64_t;

/// Who is enrolled with which faces, in the order of enrolment.
using People = std::map<std::string, std::vector<Signs>>;

enum class Kind : std::uint8_t { kEnrol, kRemovePerson, kRemoveFace, kCompact, kExport };

struct Change {
  Kind kind = Kind::kEnrol;
  std::string person{};
  std::vector<Signs> faces{};  ///< The new ones, or the one that goes.
};

/// Whether faces whose first sign is a minus are enrolled with a chip.
enum class Chips : std::uint8_t { kNone, kSome };

/// Changes of `people`, which becomes what they leave.
[[nodiscard]] std::vector<Change> make_changes(std::mt19937_64& random, People& people,
                                               std::size_t count, Chips chips);
void apply_change(const Change& change, People& people);
[[nodiscard]] Result<void> perform(const Change& change, Gallery& gallery);

/// Of an encrypted gallery; null for a plain one.
using SomeKey = std::shared_ptr<const store::Key>;
[[nodiscard]] SomeKey make_key();

/// What the gallery's database holds.
[[nodiscard]] Result<People> read_people(const std::filesystem::path& folder, const SomeKey& key);

/// What a change writes or removes, as a plain gallery's files hold it: vectors, chips, and ids.
[[nodiscard]] std::vector<std::string> marks(const Change& change);
/// What of a change's removed rows must not be found in a file.
[[nodiscard]] std::vector<std::string> traces(const Change& change);
/// How many of `needles` a file of the folder holds. Only while nobody has the gallery open. With a
/// key what its index files hold once they are decrypted counts, too.
[[nodiscard]] std::size_t count_traces(const std::filesystem::path& folder,
                                       const std::vector<std::string>& needles,
                                       const SomeKey& key = nullptr);

/// Opens the gallery for writing and compares. @return what is wrong, or ""
[[nodiscard]] std::string judge(const std::filesystem::path& folder, const People& acknowledged,
                                const People& in_flight, const SomeKey& key, People& found);

}  // namespace visavis::gallery
