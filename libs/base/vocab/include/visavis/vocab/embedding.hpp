#pragma once

/// The fourth noun: a face as a vector. Made by embed, compared by matching.

#include <cstdint>
#include <vector>

namespace visavis {

/// What made a vector: the first 8 bytes (big-endian) of a SHA-256 over the model's files,
/// preparation, alignment template, flip-averaging and fusion weights. Embeddings of different ids
/// never compare.
enum class ModelId : std::uint64_t {};

/// A face as a point on the unit sphere. Two embeddings compare only if their `model` is equal.
struct Embedding {
  ModelId model{};
  std::vector<float> values;  ///< Unit L2 norm.
  /// L2 norm before it was made one: quality, for the models whose manifest says so.
  float norm = 0;
};

}  // namespace visavis
