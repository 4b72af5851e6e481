#pragma once

/// Verbs that look after a gallery. None of them needs a network.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>
#include <visavis/gallery/gallery.hpp>
#include <visavis/usecases/failure.hpp>

namespace visavis::usecases {

struct PersonList {
  std::vector<gallery::Person> persons{};  ///< In the order of enrolment.
};
[[nodiscard]] Outcome<PersonList> list_persons(const std::filesystem::path& gallery);

[[nodiscard]] Outcome<gallery::PersonDetails> show_person(const std::filesystem::path& gallery,
                                                          const std::string& person);

/// Who or what is to go: one of the three.
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
[[nodiscard]] Outcome<Removed> remove_from_gallery(const std::filesystem::path& gallery,
                                                   const Removal& removal);

[[nodiscard]] Outcome<gallery::Stats> gallery_stats(const std::filesystem::path& gallery);

struct GalleryCheck {
  std::vector<std::string> findings{};  ///< Empty: all is well.
};
[[nodiscard]] Outcome<GalleryCheck> check_gallery(const std::filesystem::path& gallery);

struct Compaction {
  std::uint64_t bytes_before = 0;
  std::uint64_t bytes_after = 0;
};
[[nodiscard]] Outcome<Compaction> compact_gallery(const std::filesystem::path& gallery);

}  // namespace visavis::usecases
