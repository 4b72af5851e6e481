#pragma once

/// An open file, closed when it goes.

#include <utility>

namespace visavis {

class Descriptor {
 public:
  /// @param value  as `open` gave it; negative: none.
  explicit Descriptor(int value = -1) noexcept : value_(value) {}
  Descriptor(Descriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(value_, other.value_);
    return *this;
  }
  ~Descriptor();
  [[nodiscard]] int get() const noexcept { return value_; }

 private:
  int value_;
};

}  // namespace visavis
