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

/// A face to be enrolled under a person's id.
struct NewFace {
  std::string person;
  Template face;
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

  /// Adds faces, all or none, in order; persons are made if new. Durable when it returns. The first
  /// face decides the gallery's model and dimension.
  /// @return kModelMismatch if an embedding is of another model or dimension, kInvalidArgument for
  /// a name that is empty, not UTF-8 or over 256 bytes, a source that is not UTF-8 or over 4,096
  /// bytes, or a vector that is empty, not finite or not a unit vector.
  [[nodiscard]] virtual Result<std::vector<Enrolled>> enrol(std::span<const NewFace> faces) = 0;

  /// The same for one person.
  [[nodiscard]] Result<std::vector<Enrolled>> enrol(std::string_view person,
                                                    std::span<const Template> faces);

  /// The best `limit` persons for a probe, one entry a person, by falling similarity; equal ones in
  /// the order of enrolment. An empty gallery answers with nobody.
  /// @return kModelMismatch for a probe of another model or dimension, kInvalidArgument for one
  /// that is not a finite unit vector.
  [[nodiscard]] virtual Result<std::vector<Candidate>> identify(const Embedding& probe,
                                                                std::size_t limit) const = 0;

  [[nodiscard]] virtual ModelId model() const noexcept = 0;  ///< 0 while empty.
  [[nodiscard]] virtual std::size_t persons() const noexcept = 0;
  [[nodiscard]] virtual std::size_t faces() const noexcept = 0;

 protected:
  Gallery() = default;
};

enum class OpenMode : std::uint8_t { kMustExist, kCreate };

/// The simple form: a folder with gallery.json and the two files of one generation that it names,
/// embeddings-N.npy (float32 [n, dimension], unit rows) and faces-N.tsv. An enrolment writes the
/// next generation beside the present one and then replaces gallery.json, so that a crash leaves
/// the old gallery or the new one. Processes take turns by a lock on the folder. The module's
/// README describes the files.
/// @return kNotFound if there is no gallery and `mode` is kMustExist, kDecodeFailed for files that
/// do not fit each other, kUnavailable if the folder cannot be read or written.
[[nodiscard]] Result<std::unique_ptr<Gallery>> open_folder_gallery(
    const std::filesystem::path& folder, OpenMode mode);

}  // namespace visavis::gallery
