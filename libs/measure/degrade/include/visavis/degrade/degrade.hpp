#pragma once

/// Good photos made bad, by as much as one says: what recognisers are tested on.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>
#include <visavis/core/result.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::degrade {

/// A picture at 1/factor of its size, enlarged again: what a camera of fewer pixels would have
/// seen. Averages down, bilinear up; no side falls below a pixel. @pre factor >= 1
[[nodiscard]] Image downscale(ImageView image, double factor);

/// Gaussian, cut off at three sigmas, the border repeated outwards. @pre sigma_px > 0
[[nodiscard]] Image blur(ImageView image, double sigma_px);

/// Through a JPEG file and back. @pre 1 <= quality <= 100
[[nodiscard]] Result<Image> jpeg(ImageView image, int quality);

/// Adds to every value of every pixel a number of its own with mean 0 and this standard deviation,
/// in levels: the sum of twelve even ones (Irwin–Hall), nearly a normal distribution and, in whole
/// numbers, the same on every machine. @pre sigma_levels > 0
[[nodiscard]] Image noise(ImageView image, double sigma_levels, std::uint64_t seed);

/// Every level times `factor`, as a shorter exposure gives. @pre 0 < factor <= 1
[[nodiscard]] Image darken(ImageView image, double factor);

enum class Kind : std::uint8_t { kDownscale, kBlur, kJpeg, kNoise, kDarken };
/// "downscale", "blur", "jpeg", "noise", "dark"
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;

/// One thing done to a photo, and how strongly: factor, sigma in pixels, quality, sigma in levels,
/// factor.
struct Step {
  Kind kind = Kind::kBlur;
  double strength = 0;
  bool operator==(const Step&) const = default;
};

/// Steps one after the other, written "downscale:3,noise:10".
/// @return kInvalidArgument naming the step that is not understood or whose strength is out of
/// range: downscale 1 to 64, blur above 0 to 64, jpeg 1 to 100 (whole), noise above 0 to 128, dark
/// above 0 to 1; or if there are none or more than eight.
[[nodiscard]] Result<std::vector<Step>> parse_steps(std::string_view text);
[[nodiscard]] std::string to_string(const std::vector<Step>& steps);

/// @param seed  of the noise; the same seed gives the same picture.
[[nodiscard]] Result<Image> apply(ImageView image, const std::vector<Step>& steps,
                                  std::uint64_t seed);

/// Several ways to make photos worse, of which each photo gets one.
struct Recipe {
  std::vector<std::vector<Step>> ways{};
  std::uint64_t seed = 0;
};

/// What is measured with unless one says otherwise: fewer pixels, blur, JPEG, noise and darkness,
/// each from hardly visible to hardly recognisable, and three mixtures.
[[nodiscard]] std::string_view default_ways() noexcept;

/// Ways with semicolons between: "downscale:3;blur:2,noise:10".
/// @return kInvalidArgument as parse_steps, or for more than 256 ways.
[[nodiscard]] Result<Recipe> parse_recipe(std::string_view ways, std::uint64_t seed);
[[nodiscard]] std::string to_string(const Recipe& recipe);  ///< The ways alone.

/// @param photo  a number that belongs to the photo: it and the seed decide which way is gone and
/// what the noise is. @pre the recipe has a way
[[nodiscard]] const std::vector<Step>& way_of(const Recipe& recipe, std::uint64_t photo);
[[nodiscard]] Result<Image> apply(ImageView image, const Recipe& recipe, std::uint64_t photo);

}  // namespace visavis::degrade
