#pragma once

/// What lies in the folder of a simple gallery, and how it is read and replaced as a whole.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/face.hpp>

namespace visavis::gallery {

/// One row of faces-N.tsv; row i belongs to row i of the vectors.
struct FaceRow {
  std::string face_id;
  std::string person;
  float quality = 0;
  float norm = 0;
  Box box;
  std::string source;
};

/// One generation of a gallery.
struct Contents {
  std::uint64_t generation = 0;  ///< 0: nothing was ever written.
  std::uint64_t next_face = 1;   ///< Number of the next face id; ids are never used twice.
  ModelId model{};
  std::size_t dimension = 0;
  std::vector<FaceRow> faces;
  std::vector<float> vectors;  ///< faces.size() × dimension
};

/// Holds the folder's lock until it goes.
class FolderLock {
 public:
  enum class Kind : std::uint8_t { kShared, kExclusive };
  /// Waits for it. @return kNotFound if there is no such folder, kUnavailable otherwise.
  [[nodiscard]] static Result<FolderLock> take(const std::filesystem::path& folder, Kind kind);

  FolderLock(FolderLock&& other) noexcept;
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

  /// Makes renames in the folder durable.
  [[nodiscard]] Result<void> sync() const;

 private:
  explicit FolderLock(int descriptor) noexcept : descriptor_(descriptor) {}
  int descriptor_;
};

/// The number of the folder's present generation; 0 if there is no gallery.json.
/// @pre the lock is held
[[nodiscard]] Result<std::uint64_t> read_generation(const std::filesystem::path& folder);

/// @return an empty Contents if there is no gallery.json. @pre the lock is held
[[nodiscard]] Result<Contents> read_contents(const std::filesystem::path& folder);

/// Writes `contents` as its generation, then removes the files of the one before.
/// @pre the exclusive lock is held
[[nodiscard]] Result<void> write_contents(const std::filesystem::path& folder,
                                          const FolderLock& lock, const Contents& contents);

}  // namespace visavis::gallery
