#pragma once

/// The weights in a .caffemodel.

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

struct CaffeBlob {
  std::vector<std::int64_t> shape;  ///< In old files of four dimensions, whatever the blob holds.
  std::vector<float> values;        ///< As many as the shape says.
};

/// Blobs by the names of their layers.
using CaffeWeights = std::map<std::string, std::vector<CaffeBlob>>;

/// @return kDecodeFailed for damaged bytes, shapes that lie and layers of the same name.
[[nodiscard]] Result<CaffeWeights> read_caffe_weights(std::span<const std::byte> bytes);

}  // namespace visavis::modelkit
