#pragma once

/// The vectors in memory, searched by comparing with all of them.

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

namespace visavis::gallery {

struct Hit {
  std::int64_t face = 0;
  std::int64_t person = 0;
  float similarity = 0;
};

/// Thread-compatible.
class Scan {
 public:
  /// @pre all of one dimension
  void add(std::int64_t face, std::int64_t person, std::span<const float> unit);
  void remove(std::int64_t face);

  /// The best face of each of the best persons, by falling similarity, then by rising person.
  [[nodiscard]] std::vector<Hit> search(std::span<const float> probe, std::size_t persons) const;

 private:
  std::vector<std::int64_t> faces_;
  std::vector<std::int64_t> persons_;
  std::vector<float> vectors_;
  std::unordered_map<std::int64_t, std::size_t> rows_;  ///< By face.
};

}  // namespace visavis::gallery
