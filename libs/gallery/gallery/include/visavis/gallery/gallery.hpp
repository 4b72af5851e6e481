#pragma once

/// Enrolled people. The interface does not say where they are kept.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/vocab/embedding.hpp>
#include <visavis/vocab/face.hpp>

namespace visavis::gallery {

/// One enrolled face.
struct Template {
  Embedding embedding;
  float quality = 0;   ///< In [0, 1].
  Box box;             ///< In the source photo.
  std::string source;  ///< The path or the row it came from, as typed.
};

struct Candidate {
  std::string person;    ///< Id.
  std::string name;      ///< The name that was enrolled; equals the id in the folder gallery.
  float similarity = 0;  ///< Cosine of the best template.
  float norm = 0;        ///< Raw norm of that template's embedding.
};

struct Enrolled {
  std::string person;
  std::string face_id;
};

/// Thread-compatible until the galleries' own store comes.
class Gallery {
 public:
  virtual ~Gallery() = default;
  Gallery(const Gallery&) = delete;
  Gallery& operator=(const Gallery&) = delete;

  /// Adds faces of a person, who is made if new. Durable when it returns.
  /// @return kModelMismatch if the embedding is of another model, kInvalidArgument for a name that
  /// is empty, not UTF-8 or over 256 bytes, or a vector that is not finite or not a unit vector.
  [[nodiscard]] virtual Result<std::vector<Enrolled>> enrol(std::string_view person,
                                                            std::span<const Template> faces) = 0;

  /// The best `limit` persons for a probe, one entry a person, by falling similarity.
  [[nodiscard]] virtual Result<std::vector<Candidate>> identify(const Embedding& probe,
                                                                std::size_t limit) const = 0;

  [[nodiscard]] virtual ModelId model() const noexcept = 0;  ///< 0 while empty.
  [[nodiscard]] virtual std::size_t persons() const noexcept = 0;
  [[nodiscard]] virtual std::size_t faces() const noexcept = 0;

 protected:
  Gallery() = default;
};

/// The simple form: a folder with embeddings.npy (float32 [n, dim], unit rows), faces.tsv and
/// gallery.json, rewritten as a whole at each enrolment.
enum class OpenMode : std::uint8_t { kMustExist, kCreate };
[[nodiscard]] Result<std::unique_ptr<Gallery>> open_folder_gallery(
    const std::filesystem::path& folder, OpenMode mode);

}  // namespace visavis::gallery
