#pragma once

/// Faces that an earlier run embedded, on disk: what measuring asks for again and again.

#include <cstddef>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <visavis/core/hash.hpp>
#include <visavis/core/log.hpp>
#include <visavis/pipeline/pipeline.hpp>
#include <visavis/vocab/embedding.hpp>

namespace visavis::usecases {

/// Raise it whenever the same photo and options give another face, embedding or quality than
/// before: a change of decoding, detection, selection, alignment, preparation or assessment. Old
/// files are then passed over. (A test compares an embedding with the one noted for this number.)
inline constexpr int kEmbeddingPipeline = 2;

/// What is remembered of a photo: the chosen face without its chip, and how many there were.
using RememberedPhoto = pipeline::Pipeline::One;

/// One file of the folder, chosen by the origin of the embeddings: everything but the photo that
/// decides what they are. It holds biometric data, so its folder is the owner's alone. What is
/// damaged, torn or of another origin is passed over and never an error; several processes may
/// write at once. Thread-safe.
class EmbeddingCache {
 public:
  /// @param folder  made if it is not there; empty: nothing is remembered
  /// @param name  begins the file's name
  EmbeddingCache(const std::filesystem::path& folder, std::string_view name,
                 std::string_view origin, ModelId model, std::size_t dimension, LogSink sink);
  EmbeddingCache(EmbeddingCache&&) noexcept;
  EmbeddingCache& operator=(EmbeddingCache&&) noexcept;
  ~EmbeddingCache();  ///< Writes what is still to be written.

  /// @param image  of the photo's file
  [[nodiscard]] std::optional<RememberedPhoto> find(const Sha256& image) const;

  /// Where the disk refuses, the sink is told once and the rest is not kept.
  /// @pre the embedding has the dimension, or is empty
  void keep(const Sha256& image, const RememberedPhoto& photo);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis::usecases
