#pragma once

/// Cuts a face out. Stage 3: Image -> Face -> [Chip] -> Embedding -> Match.

#include <cstdint>
#include <visavis/core/result.hpp>
#include <visavis/vocab/chip.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::align {

/// Similarity transform of the five points onto the ArcFace template, scaled from 112 to `size`;
/// bilinear, 0 outside the image (Deng et al., ArcFace, CVPR 2019; points in TEMPLATES of the
/// module's README).
/// @return kInvalidArgument for a size outside 16 … 1024 or points that allow no transform.
[[nodiscard]] Result<Chip> align_arcface(ImageView image, const Landmarks& points, int size = 112);

/// facenet-pytorch's `extract_face`: the detector's box with `margin` in *output* pixels, clipped
/// at the image, area-resized to size × size, not rotated.
/// @return kInvalidArgument for a size outside 16 … 1024, a margin outside 0 … size − 1, or a box
/// that lies outside the image.
[[nodiscard]] Result<Chip> align_facenet(ImageView image, const Box& box, int size = 160,
                                         int margin = 0);

}  // namespace visavis::align
