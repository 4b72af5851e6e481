#pragma once

/// Nearest neighbours among the templates of a gallery. The store is the truth; an index is rebuilt
/// from it at any time and knows only keys, groups and vectors.

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>
#include <visavis/core/executor.hpp>
#include <visavis/core/result.hpp>
#include <visavis/vocab/embedding.hpp>

namespace visavis::index {

/// What a vector stands for: `key` is one face, `group` is the person it belongs to.
struct Hit {
  std::uint64_t key = 0;
  std::uint64_t group = 0;
  float similarity = 0;  ///< Cosine of the query and the vector as stored in 16-bit floats.
};

enum class Grouping : std::uint8_t {
  kNone,
  kBestPerGroup,  ///< At most one hit per group, its most similar vector.
};

struct SearchOptions {
  std::size_t k = 10;  ///< Hits per query, at least 1. A smaller index gives fewer.
  Grouping grouping = Grouping::kNone;
  /// How many rows a graph's walk keeps in view at least, the more the surer; 0: as many as pay
  /// among so many.
  std::size_t reach = 0;
};

enum class IndexKind : std::uint8_t {
  kExact,  ///< Every query is answered as if it met every vector.
  kHnsw,   ///< A graph leads to most of the nearest vectors; what it finds is compared exactly.
};

[[nodiscard]] std::string_view to_string(IndexKind kind) noexcept;  ///< "exact", "hnsw".

/// Which state of which gallery a file was made from.
struct Stamp {
  std::uint64_t count = 0;       ///< Vectors in the store.
  std::uint64_t generation = 0;  ///< The store's change counter.
  ModelId model{};

  friend bool operator==(const Stamp&, const Stamp&) = default;
};

inline constexpr std::size_t kFileSaltBytes = 16;
using FileKeyBytes = std::array<std::byte, 32>;

/// Gives the key of a file that is encrypted: of the salt that stands in the file, always the same,
/// and another one of another salt. An empty function means a file in clear.
using FileKey = std::function<FileKeyBytes(std::span<const std::byte, kFileSaltBytes> salt)>;

/// Thread-safe: searches run beside each other and beside one writer. A search sees all of an `add`
/// or `remove` or nothing of it.
///
///     VISAVIS_TRY(index, make_exact_index(512));
///     VISAVIS_CHECK(index->add(keys, persons, rows));
///     VISAVIS_TRY(hits, index->search(probe, 1, {.k = 5, .grouping = Grouping::kBestPerGroup}));
class VectorIndex {
 public:
  virtual ~VectorIndex() = default;
  VectorIndex(const VectorIndex&) = delete;
  VectorIndex& operator=(const VectorIndex&) = delete;

  /// Adds `keys.size()` vectors, row after row in `rows`, rounded to 16-bit floats. All or none.
  /// They are in memory only, until `save`. With an executor its workers link them in a graph.
  /// @return kInvalidArgument for sizes that disagree, a row that is not of unit norm (within 1 %;
  /// NaN and zero are not), or a key that is there already or twice in `keys`.
  [[nodiscard]] virtual Result<void> add(std::span<const std::uint64_t> keys,
                                         std::span<const std::uint64_t> groups,
                                         std::span<const float> rows,
                                         Executor* executor = nullptr) = 0;

  /// Forgets vectors: their bytes, keys and groups are overwritten before this returns, in memory
  /// and in the file that the index was opened from or saved to last, which is then synced. Under
  /// the new stamp that file goes on to serve, unless vectors were added that it does not hold:
  /// then only after a `save`. A graph's links to and from them stay until it is made again.
  /// @return how many of `keys` were there; kUnavailable if the file cannot be synced (memory is
  /// overwritten all the same).
  [[nodiscard]] virtual Result<std::size_t> remove(std::span<const std::uint64_t> keys,
                                                   const Stamp& stamp) = 0;

  /// The hits of each query, most similar first, equal similarities by rising key. A batch reads
  /// memory once. `queries` holds `count` rows of unit norm. With an executor the work is shared
  /// between its workers.
  /// @return kInvalidArgument for sizes that disagree, k = 0 or a query that is not of unit norm;
  /// kDecodeFailed if an encrypted file turns out to be damaged: rebuild from the store.
  [[nodiscard]] virtual Result<std::vector<std::vector<Hit>>> search(
      std::span<const float> queries, std::size_t count, const SearchOptions& options,
      Executor* executor = nullptr) const = 0;

  [[nodiscard]] virtual std::size_t size() const = 0;
  [[nodiscard]] virtual std::size_t dimension() const noexcept = 0;
  /// Memory that the vectors and what is derived from them take, mapped files included.
  [[nodiscard]] virtual std::size_t memory_bytes() const = 0;
  [[nodiscard]] virtual IndexKind kind() const noexcept = 0;

  /// Writes everything to `path`, synced, and goes on with that file as if opened from it. A reader
  /// of that path sees the old file or the new one. Searches go on meanwhile. With a key the file
  /// is encrypted, under another one each time.
  /// @return kUnavailable with the system's reason; kDecodeFailed as `search`.
  [[nodiscard]] virtual Result<void> save(const std::filesystem::path& path, const Stamp& stamp,
                                          const FileKey& key = {}) = 0;

 protected:
  VectorIndex() = default;
};

/// An empty index that compares every query with every vector.
/// @return kInvalidArgument unless dimension is in [1, 65536].
[[nodiscard]] Result<std::unique_ptr<VectorIndex>> make_exact_index(std::size_t dimension);

/// An empty index that finds most of the nearest vectors by way of a graph. Smaller ones are
/// searched as an exact index is, and adding takes far longer.
/// @return as make_exact_index
[[nodiscard]] Result<std::unique_ptr<VectorIndex>> make_hnsw_index(std::size_t dimension);

[[nodiscard]] Result<std::unique_ptr<VectorIndex>> make_index(IndexKind kind,
                                                              std::size_t dimension);

/// The stamp that a file claims, so that a caller can open an older state and add what is missing.
/// @return as `open_index`, without a look at anything behind the header.
[[nodiscard]] Result<Stamp> read_stamp(const std::filesystem::path& path, const FileKey& key = {});

/// Maps a file that `save` wrote. Every byte of it is checked against its checksums; of an
/// encrypted one vectors are decrypted, and checked, when they are needed first. The file must be
/// writable: `remove` overwrites it in place.
/// @return kNotFound; kDecodeFailed for bytes that are not such a file or not the ones that were
/// written, or are encrypted otherwise than `key` says; kModelMismatch for another model and
/// kInvalidArgument for another count or generation than `expected`: rebuild from the store in all
/// these cases. kUnavailable if it cannot be read.
[[nodiscard]] Result<std::unique_ptr<VectorIndex>> open_index(const std::filesystem::path& path,
                                                              const Stamp& expected,
                                                              const FileKey& key = {});

/// Checks every byte of a file, of an encrypted one too.
/// @return as `open_index`
[[nodiscard]] Result<void> check_index(const std::filesystem::path& path, const Stamp& expected,
                                       const FileKey& key = {});

}  // namespace visavis::index
