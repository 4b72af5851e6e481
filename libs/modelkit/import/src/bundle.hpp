#pragma once

/// The variables of a TensorFlow checkpoint or SavedModel: a "tensor bundle" is an index and one or
/// more files of numbers. Where it is in the flow: Parts -> Bundle -> import_tensorflow.
///
/// The index is a table as LevelDB writes them (leveldb/doc/table_format.md): blocks of sorted,
/// prefix-compressed keys, each with a masked CRC-32C, and a footer that says where the block of
/// blocks is. TensorFlow leaves the blocks uncompressed.

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <visavis/core/result.hpp>

#include "builder.hpp"

namespace visavis::modelkit {

/// TensorFlow's numbers of element types (tensorflow/core/framework/types.proto).
enum class TensorflowType : std::int32_t {
  kNone = 0,  ///< It is not told.
  kFloat = 1,
  kDouble = 2,
  kInt32 = 3,
  kString = 7,
  kInt64 = 9,
  kBool = 10,
  kHalf = 19
};

class Bundle {
 public:
  /// A part of a variable that is kept by itself.
  struct Piece {
    std::string key;
    Shape start;
    Shape size;
  };
  struct Entry {
    std::int32_t type = 0;  ///< As TensorFlow numbers them.
    Shape shape;
    std::int32_t shard = 0;
    std::uint64_t offset = 0;
    std::uint64_t size = 0;
    std::uint32_t checksum = 0;  ///< Masked.
    std::vector<Piece> pieces;   ///< If it is kept so: in the order of their places.
  };

  /// @param shards  the files of numbers, as many as the index says. Both are kept as views.
  /// @return kDecodeFailed for a damaged index or for entries that lie outside of the shards,
  /// kUnsupported for compressed blocks and big-endian numbers, kInvalidArgument for another number
  /// of shards.
  [[nodiscard]] static Result<Bundle> read(std::span<const std::byte> index,
                                           std::vector<std::span<const std::byte>> shards);

  /// By their keys, in their order.
  [[nodiscard]] const std::map<std::string, Entry, std::less<>>& entries() const {
    return entries_;
  }

  /// The key under which a variable of that name is kept: as `bind` says, the name itself, or, in
  /// TensorFlow 2's checkpoints, the path that the object graph gives to this name alone.
  /// "NAME/part_I" is the piece I of a variable NAME that is kept in pieces. Null if there is none.
  [[nodiscard]] const std::string* key_of(std::string_view variable) const;

  /// From now on a variable of that name is the one that is object number `object` of the object
  /// graph, if that is one of full name `full_name`.
  void bind(std::string variable, std::size_t object, std::string_view full_name);

  /// The numbers of an entry of float32, float16 or float64, after their checksum was compared;
  /// pieces are put together.
  /// @return kDecodeFailed if they are damaged, kUnsupported for other types, kNotFound.
  [[nodiscard]] Result<Constant> floats(std::string_view key) const;

 private:
  [[nodiscard]] Result<std::span<const std::byte>> bytes_of(const Entry& entry) const;
  [[nodiscard]] Result<Constant> floats(std::string_view key, const Entry& entry) const;
  [[nodiscard]] Result<Constant> assembled(std::string_view key, const Entry& entry) const;
  [[nodiscard]] const std::string* key_of_part(std::string_view variable) const;
  [[nodiscard]] bool same_numbers(std::string_view key, std::string_view other) const;
  Result<void> read_object_graph();

  std::map<std::string, Entry, std::less<>> entries_;
  std::map<std::string, Entry, std::less<>> pieces_;       ///< Their keys are no names.
  std::map<std::string, std::string, std::less<>> keys_;   ///< By variables' full names.
  std::map<std::string, std::string, std::less<>> bound_;  ///< By names; found before the others.
  std::set<std::string, std::less<>> unclear_;             ///< Full names of variables that differ.
  std::map<std::pair<std::size_t, std::string>, std::string> objects_;  ///< Number, full name.
  std::vector<std::span<const std::byte>> shards_;
};

/// The entries of a LevelDB table, in their order.
/// @return kDecodeFailed for a damaged one, kUnsupported for compressed blocks.
[[nodiscard]] Result<std::vector<std::pair<std::string, std::span<const std::byte>>>> read_table(
    std::span<const std::byte> file);

}  // namespace visavis::modelkit
