#pragma once

/// The files around the database: the writer's lock, the folder itself, what is overwritten.

#include <filesystem>
#include <utility>
#include <visavis/core/result.hpp>

namespace visavis::store {

/// An open file or folder.
class Handle {
 public:
  explicit Handle(int descriptor = -1) noexcept : descriptor_(descriptor) {}
  Handle(Handle&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Handle& operator=(Handle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  ~Handle();
  [[nodiscard]] int get() const noexcept { return descriptor_; }

 private:
  int descriptor_;
};

/// The right to write to a gallery, until it goes.
/// @return kUnavailable if another process has it or the folder cannot be written.
[[nodiscard]] Result<Handle> take_write_lock(const std::filesystem::path& folder);

/// Makes what was renamed or removed in a folder, or written to a file, durable.
[[nodiscard]] Result<void> sync(const std::filesystem::path& path);

}  // namespace visavis::store
