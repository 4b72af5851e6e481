#pragma once

/// Pictures made by a formula, and the ones of tests/data, for tests.

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "visavis/core/file.hpp"
#include "visavis/vocab/image.hpp"

namespace visavis::image {

/// The same bytes as tests/golden/image/make_goldens.py's noise(): a hash of the position.
inline Image noise(int width, int height) {
  Image image(width, height);
  std::uint32_t i = 0;
  for (std::uint8_t& byte : image.bytes()) {
    std::uint32_t h = (i++ + 1) * 2654435761U;
    h ^= h >> 15;
    h *= 2246822519U;
    h ^= h >> 13;
    byte = static_cast<std::uint8_t>(h >> 8);
  }
  return image;
}

/// make_goldens.py's waves().
inline Image waves(int width, int height) {
  Image image(width, height);
  for (int y = 0; y < height; ++y)
    for (int x = 0; x < width; ++x)
      for (int c = 0; c < 3; ++c)
        image.row(y)[3 * x + c] =
            static_cast<std::uint8_t>(std::abs((3 * x + (c + 1) * y + 40 * c) % 510 - 255));
  return image;
}

inline std::vector<std::byte> source_file(const std::string& path) {
  const auto bytes = read_file(std::string(VISAVIS_SOURCE_DIR) + "/" + path, 1 << 24);
  EXPECT_TRUE(bytes) << path << " " << bytes.error().message;
  return bytes.value_or(std::vector<std::byte>{});
}

/// A file of tests/data.
inline std::vector<std::byte> picture_file(const std::string& name) {
  return source_file("libs/base/image/tests/data/" + name);
}

}  // namespace visavis::image
