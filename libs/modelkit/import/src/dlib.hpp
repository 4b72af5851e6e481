#pragma once

/// dlib's face recognition network (King, "High Quality Face Recognition with Deep Metric
/// Learning", 2017) from a file that dlib has serialized.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>

namespace visavis::modelkit {

/// What of a serialized network has weights.
struct DlibLayer {
  enum class Kind : std::uint8_t { kConvolution, kAffine, kDense };
  Kind kind = Kind::kConvolution;
  std::string name;           ///< As dlib calls it, with its version: "con_4", "affine_", "fc_2".
  std::int64_t outputs = 0;   ///< Filters or numbers; 0 for an affine layer, which does not say.
  std::vector<float> values;  ///< In one piece: kernels (out, in, height, width), then biases.
};

/// Goes through a serialized network from the input on. Between its layers lies what dlib keeps for
/// training, which is passed over.
class DlibReader {
 public:
  explicit DlibReader(std::span<const std::byte> bytes) noexcept : bytes_(bytes) {}

  /// Nothing after the last one. @return kDecodeFailed for a layer that is cut off or damaged
  [[nodiscard]] Result<std::optional<DlibLayer>> next();

 private:
  [[nodiscard]] std::optional<std::string> find_name();
  [[nodiscard]] Result<std::int64_t> integer();
  [[nodiscard]] Result<std::vector<float>> tensor();
  [[nodiscard]] std::uint8_t byte(std::size_t at) const noexcept {
    return std::to_integer<std::uint8_t>(bytes_[at]);
  }

  std::span<const std::byte> bytes_;
  std::size_t at_ = 0;
};

/// `anet_type` of dlib's dnn_face_recognition_ex: "input" n × 3 × 150 × 150, "embedding" n × 128.
/// @return kDecodeFailed for damaged bytes, kModelMismatch for another network.
[[nodiscard]] Result<std::vector<std::byte>> import_dlib_resnet(std::span<const std::byte> bytes);

}  // namespace visavis::modelkit
