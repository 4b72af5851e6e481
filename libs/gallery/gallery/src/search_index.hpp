#pragma once

/// The vectors of a gallery in memory, and the file that saves making them again.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/index/vector_index.hpp>
#include <visavis/store/key.hpp>
#include <visavis/store/store.hpp>
#include <visavis/vocab/embedding.hpp>

#include "visavis/gallery/gallery.hpp"

namespace visavis::gallery {

/// In step with one store. The file is the writer's: it is kept from `file_from` faces on, has the
/// stamp of the store's state or is wiped, and never holds a vector that the store has not.
/// Thread-compatible; the index itself is thread-safe.
class SearchIndex {
 public:
  SearchIndex(std::filesystem::path folder, index::IndexKind kind, bool writes,
              const GalleryOptions& options);

  /// Wipes the file if it is of another state than the store's, and one of another kind: a removal
  /// or a choice may have been stopped between the two. For the writer, when it opens.
  [[nodiscard]] Result<void> forget_stale(const store::Facts& facts);

  /// All vectors are others: nothing of the old ones stays in memory or in a file of any kind.
  [[nodiscard]] Result<void> forget();

  /// The file that the vectors are of has turned out to be damaged: of this state of the store it
  /// is not used again, and the next `load` reads the store.
  void distrust();

  /// Maps the file or reads the store.
  [[nodiscard]] Result<void> load(const store::Store& store);
  [[nodiscard]] const std::filesystem::path& file() const noexcept { return file_; }
  [[nodiscard]] index::IndexKind kind() const noexcept { return kind_; }
  [[nodiscard]] bool is_loaded() const noexcept { return loaded_; }
  [[nodiscard]] std::uint64_t generation() const noexcept { return generation_; }
  /// Null while the gallery is empty. What searches it keeps it alive.
  [[nodiscard]] std::shared_ptr<const index::VectorIndex> vectors() const { return vectors_; }

  /// What the store has added. Not loaded: nothing is done.
  void add(std::span<const store::AddedFace> faces);
  /// What the store has removed: gone from memory and file when this returns.
  /// @param generation  the store's after the removal; where it cannot tell, all is made again
  [[nodiscard]] Result<void> remove(const Result<std::uint64_t>& generation,
                                    std::span<const std::int64_t> faces);
  /// Writes the file if one is wanted and it does not hold all.
  [[nodiscard]] Result<void> save(const store::Store& store);

  /// What is wrong with the file of a gallery in this state; nothing if it is whole, of another
  /// state, or not there.
  [[nodiscard]] std::optional<std::string> finding(const store::Facts& facts) const;

 private:
  [[nodiscard]] Result<std::shared_ptr<index::VectorIndex>> read(const store::Store& store,
                                                                 const store::Facts& facts);
  [[nodiscard]] Result<void> wipe();
  [[nodiscard]] std::filesystem::path file_of(index::IndexKind kind) const;

  std::filesystem::path folder_;
  index::IndexKind kind_;
  std::filesystem::path file_;
  bool writes_;
  std::size_t file_from_;
  index::FileKey key_;
  std::function<std::unique_ptr<Executor>()> workers_;
  bool loaded_ = false;
  std::uint64_t generation_ = 0;
  ModelId model_{};  ///< When it was loaded, which is of use only beside a file.
  std::shared_ptr<index::VectorIndex> vectors_;
  std::optional<std::uint64_t> distrusted_;  ///< The generation whose file is damaged.
  bool in_file_ = false;                     ///< Whether the file holds all that `vectors_` holds.
};

}  // namespace visavis::gallery
