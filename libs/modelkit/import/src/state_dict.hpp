#pragma once

/// The weights that `torch.save(model.state_dict(), path)` wrote, read without PyTorch and without
/// executing the pickle. Both layouts: the zip of PyTorch 1.6 and later, and the chain of pickles
/// before it. The same weights may also come as `numpy.savez(path, **weights)` wrote them, or as
/// safetensors.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

enum class Dtype : std::uint8_t {
  kFloat32,
  kFloat64,
  kFloat16,
  kBfloat16,
  kInt64,
  kInt32,
  kInt16,
  kInt8,
  kUint8,
  kBool
};

[[nodiscard]] std::string_view to_string(Dtype dtype) noexcept;
[[nodiscard]] std::size_t bytes_of(Dtype dtype) noexcept;

/// A view into a storage; strides count elements and may be in any order.
struct Weight {
  Dtype dtype = Dtype::kFloat32;
  std::vector<std::int64_t> shape;
  std::vector<std::int64_t> stride;
  std::size_t offset = 0;
  std::span<const std::byte> storage;

  [[nodiscard]] std::size_t count() const noexcept;
};

class StateDict {
 public:
  StateDict() = default;  ///< Without weights.

  /// @return kDecodeFailed for what is no state dict, kUnsupported for a pickle that wants more.
  /// @pre `bytes` outlive the result.
  [[nodiscard]] static Result<StateDict> read(std::span<const std::byte> bytes);

  /// "PyTorch state dict", "NumPy arrays" or "safetensors".
  [[nodiscard]] std::string_view format() const noexcept { return format_; }

  [[nodiscard]] const std::map<std::string, Weight, std::less<>>& weights() const noexcept {
    return weights_;
  }

  /// A weight of exactly that shape as contiguous floats.
  /// @return kNotFound, or kModelMismatch for another shape or type.
  [[nodiscard]] Result<std::vector<float>> floats(std::string_view name,
                                                  std::span<const std::int64_t> shape) const;

 private:
  std::string_view format_ = "PyTorch state dict";
  std::map<std::string, Weight, std::less<>> weights_;
  std::map<std::string, std::vector<std::byte>, std::less<>> unpacked_;  ///< Members of the zip.
};

}  // namespace visavis::modelkit
