#pragma once

/// SHA-256 of what comes piece by piece.

#include <cstddef>
#include <memory>
#include <span>
#include <visavis/core/hash.hpp>

namespace visavis {

/// Thread-compatible.
class Sha256Stream {
 public:
  Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  Sha256Stream& operator=(Sha256Stream&&) noexcept;
  ~Sha256Stream();

  void append(std::span<const std::byte> bytes);
  /// Of all that was appended; the next piece begins anew.
  [[nodiscard]] Sha256 finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace visavis
