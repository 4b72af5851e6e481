#pragma once

/// Resampling. Which one a network was trained behind is part of the network: never swap them.

#include <cstddef>
#include <span>
#include <visavis/geometry/similarity.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::image {

/// A window in whole pixels, half-open; inside the image.
struct Window {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};

/// Average over whole source pixels: output i is the mean of source pixels
/// [floor(i·n/m), ceil((i+1)·n/m)), as PyTorch's adaptive_avg_pool2d / interpolate(mode="area")
/// computes it. Writes planar floats (channel, row, column), (mean − offset) · scale, with
/// `row_stride` floats between rows and `plane_stride` between channels, so that a picture can land
/// inside a larger canvas. Up- and down-scaling.
/// @pre the window lies in the image and is not empty; width, height >= 1
void resize_area_planar(ImageView image, Window window, int width, int height, float offset,
                        float scale, float* out, std::ptrdiff_t row_stride,
                        std::ptrdiff_t plane_stride);

/// Writes only `part` of that width × height output, so that a large one need never exist whole.
/// @pre the part lies in the output and is not empty
void resize_area_part_planar(ImageView image, Window window, int width, int height, Window part,
                             float offset, float scale, float* out, std::ptrdiff_t row_stride,
                             std::ptrdiff_t plane_stride);

/// All of it to 8 bit, rounded to nearest.
[[nodiscard]] Image resize_area(ImageView image, Window window, int width, int height);

/// Bilinear with half-pixel centres and clamped borders (OpenCV's INTER_LINEAR in exact
/// arithmetic).
[[nodiscard]] Image resize_bilinear(ImageView image, Window window, int width, int height);

/// Draws the source through `to_output` (source point to output point, pixel centres at integers)
/// with bilinear interpolation; what lies outside the source is 0.
/// @pre to_output.scale() > 0
[[nodiscard]] Image warp_similarity(ImageView image, const geometry::Similarity& to_output,
                                    int width, int height);

[[nodiscard]] Image flip_horizontal(ImageView image);

}  // namespace visavis::image
