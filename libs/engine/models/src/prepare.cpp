#include "visavis/models/prepare.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <visavis/models/manifest.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::models {
namespace {

/// One plane from interleaved bytes: (byte − mean) · scale.
void plane_from(const std::uint8_t* rgb, std::size_t channel, float mean, float scale,
                std::span<float> out) {
  const std::uint8_t* in = rgb + channel;
  float* to = out.data();
  const std::size_t count = out.size();
  for (std::size_t i = 0; i < count; ++i) to[i] = (static_cast<float>(in[3 * i]) - mean) * scale;
}

/// Rec. 601 luma rounded to a whole number, as a grey camera would have given it; the weights
/// .299, .587 and .114 in units of 1/32768.
void luma_from(const std::uint8_t* rgb, float mean, float scale, std::span<float> out) {
  float* to = out.data();
  const std::size_t count = out.size();
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint8_t* pixel = rgb + 3 * i;
    const int luma = (9798 * pixel[0] + 19235 * pixel[1] + 3735 * pixel[2] + 16384) >> 15;
    to[i] = (static_cast<float>(luma) - mean) * scale;
  }
}

/// facenet.prewhiten (davidsandberg/facenet, facenet.py): mean and standard deviation over all
/// pixels and channels; the floor 1/√N keeps a flat picture finite. Sums of bytes and of their
/// squares are exact in integers.
void prewhiten(std::span<float> values) {
  std::uint64_t sum = 0;
  std::uint64_t squares = 0;
  for (const float value : values) {
    const auto byte = static_cast<std::uint64_t>(value);
    sum += byte;
    squares += byte * byte;
  }
  const auto count = static_cast<double>(values.size());
  const double mean = static_cast<double>(sum) / count;
  const double variance = std::max(0.0, static_cast<double>(squares) / count - mean * mean);
  const double deviation = std::max(std::sqrt(variance), 1.0 / std::sqrt(count));
  for (float& value : values)
    value = static_cast<float>((static_cast<double>(value) - mean) / deviation);
}

}  // namespace

int channels(const Preparation& preparation) noexcept {
  return preparation.colour == ColourOrder::kGrey ? 1 : 3;
}

void prepare(ImageView image, const Preparation& preparation, std::span<float> out) {
  const Preparation plain{.scale = {1, 1, 1}};  // prewhitening starts from the bytes themselves
  const Preparation& p = preparation.prewhiten ? plain : preparation;
  if (preparation.colour == ColourOrder::kGrey) {
    luma_from(image.rgb, p.mean[0], p.scale[0], out);
  } else {
    const std::size_t plane = out.size() / 3;
    const bool reversed = preparation.colour == ColourOrder::kBgr;
    for (std::size_t c = 0; c < 3; ++c)
      plane_from(image.rgb, reversed ? 2 - c : c, p.mean[c], p.scale[c],
                 out.subspan(c * plane, plane));
  }
  if (preparation.prewhiten) prewhiten(out);
}

}  // namespace visavis::models
