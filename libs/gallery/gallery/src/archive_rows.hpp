#pragma once

/// What an archive's text says: the manifest, and a line of JSON for each person and face.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/hash.hpp>
#include <visavis/core/result.hpp>
#include <visavis/store/store.hpp>

namespace visavis::gallery {

inline constexpr std::string_view kManifest = "manifest.json";
inline constexpr std::string_view kPersons = "persons.jsonl";
inline constexpr std::string_view kFaces = "faces.jsonl";
inline constexpr std::string_view kVectors = "vectors.npy";

/// A member as it is promised.
struct MemberFacts {
  std::uint64_t bytes = 0;
  std::string sha256{};  ///< 64 hexadecimal digits.
};

struct ArchiveManifest {
  std::string model{};  ///< 16 hexadecimal digits; empty if there is no face.
  std::size_t dimension = 0;
  store::Element element = store::Element::kF16;
  std::uint64_t persons = 0;
  std::uint64_t faces = 0;
  std::int64_t created = 0;
  MemberFacts person_lines{};
  MemberFacts face_lines{};
  MemberFacts vectors{};

  /// What vectors.npy begins with.
  [[nodiscard]] std::string npy_header() const;
  [[nodiscard]] std::uint64_t vector_bytes() const;  ///< Of one face.
};

[[nodiscard]] std::string to_text(const ArchiveManifest& manifest);
/// @return kDecodeFailed, kUnsupported for a later version
[[nodiscard]] Result<ArchiveManifest> parse_archive_manifest(std::string_view text);

struct PersonLine {
  store::PersonFields fields{};
  std::int64_t created = 0;
};
[[nodiscard]] std::string to_line(const store::PersonRow& person);
/// @return kDecodeFailed with what is wrong, like parse_face_line
[[nodiscard]] Result<PersonLine> parse_person_line(std::string_view line);

/// A kept file: its name's ending, and what it holds.
struct KeptFacts {
  std::string form{};
  MemberFacts member{};
};

struct FaceLine {
  std::int64_t id = 0;
  std::string person{};
  store::FaceFields fields{};
  std::int64_t enrolled = 0;
  std::optional<KeptFacts> chip{};
  std::optional<KeptFacts> photo{};
};
[[nodiscard]] std::string to_line(const FaceLine& face);
[[nodiscard]] Result<FaceLine> parse_face_line(std::string_view line);

/// "chips/f12.arcface.png"
[[nodiscard]] std::string member_name(store::KeptKind kind, std::int64_t face,
                                      std::string_view form);

}  // namespace visavis::gallery
