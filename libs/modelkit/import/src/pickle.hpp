#pragma once

/// Reads what PyTorch pickles without executing anything: a fixed list of opcodes and of names,
/// each with one meaning known here; everything else is refused. Opcodes: Python's pickletools.
/// Memory is linear in the input, and objects are a million at most: every step consumes bytes and
/// adds at most one.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

using NodeId = std::uint32_t;

/// An object of the pickle. Objects refer to each other by index, so cycles do no harm.
struct Node {
  enum class Kind : std::uint8_t {
    kNone,
    kBoolean,  ///< `integer` is 0 or 1.
    kInteger,
    kLong,  ///< More than 64 bits: `text` holds the bytes, little-endian.
    kReal,
    kText,
    kTuple,
    kList,
    kDict,     ///< `items`: key, value, key, value, … (an OrderedDict too).
    kName,     ///< An allowed global; `text` is "module name".
    kStorage,  ///< `items`: what the persistent id holds (type, key, location, count, …).
    kTensor,   ///< `items`: storage, offset, size, stride.
  };
  Kind kind = Kind::kNone;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<NodeId> items;
};

struct Pickle {
  std::vector<Node> nodes;
  NodeId root = 0;
  std::size_t size = 0;  ///< Bytes up to and with STOP; another pickle may follow.

  [[nodiscard]] const Node& operator[](NodeId id) const { return nodes[id]; }
};

/// @return kDecodeFailed for a damaged pickle, kUnsupported for an opcode or name not on the lists,
/// kResourceExhausted for more than a million objects.
[[nodiscard]] Result<Pickle> read_pickle(std::span<const std::byte> bytes);

}  // namespace visavis::modelkit
