#pragma once

/// Bytes and bits of coded headers, from the front. Whoever reads too far gets zeros.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace visavis::image {

using Bytes = std::span<const std::byte>;

/// Reads from the front; zeros after the end.
class Reader {
 public:
  explicit Reader(Bytes bytes) : bytes_(bytes) {}
  [[nodiscard]] bool done() const noexcept { return bytes_.empty(); }
  [[nodiscard]] Bytes rest() const noexcept { return bytes_; }
  std::uint64_t number(std::size_t size) {
    std::uint64_t value = 0;
    for (const std::byte b : take(size)) value = value << 8 | std::to_integer<std::uint64_t>(b);
    return value;
  }
  Bytes take(std::uint64_t size) {
    const Bytes front = bytes_.first(std::min<std::uint64_t>(size, bytes_.size()));
    bytes_ = bytes_.subspan(front.size());
    return front;
  }

 private:
  Bytes bytes_;
};

/// The bits of a NAL unit or an OBU; zeros after the end.
class Bits {
 public:
  explicit Bits(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}
  std::uint64_t take(int n) {
    std::uint64_t value = 0;
    for (int i = 0; i < n; ++i, ++at_) {
      const std::size_t byte = at_ / 8;
      const unsigned bit =
          byte < bytes_.size() ? std::to_integer<unsigned>(bytes_[byte]) >> (7 - at_ % 8) & 1U : 0U;
      value = value << 1 | bit;
    }
    return value;
  }
  [[nodiscard]] bool done() const noexcept { return at_ / 8 >= bytes_.size(); }
  void skip(std::size_t n) { at_ += n; }
  /// Exponential Golomb code.
  std::uint64_t golomb() {
    int zeros = 0;
    while (zeros < 32 && take(1) == 0) ++zeros;
    return (std::uint64_t{1} << zeros) - 1 + take(zeros);
  }

 private:
  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace visavis::image
