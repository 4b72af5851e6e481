#pragma once

/// Cuts a face out. Stage 3: Image -> Face -> [Chip] -> Embedding -> Match.

#include <visavis/core/result.hpp>
#include <visavis/vocab/chip.hpp>
#include <visavis/vocab/face.hpp>
#include <visavis/vocab/image.hpp>

namespace visavis::align {

/// Similarity transform of the five points onto the ArcFace template, bilinear, 0 outside the image
/// (Deng et al., "ArcFace", CVPR 2019; the points are InsightFace's for 112 pixels). For other
/// sizes the template grows about the picture's corner, so that the chip is the same cut in finer
/// pixels.
/// @return kInvalidArgument for a size outside 16 … 1024 or points that allow no transform.
[[nodiscard]] Result<Chip> align_arcface(ImageView image, const Landmarks& points, int size = 112);

/// Similarity transform of the five points onto where they lie in dlib's mean face, with a quarter
/// of its extent around it (`get_face_chip` with padding .25), bilinear, 0 outside the image. dlib
/// itself takes the corners of the eyes and the base of the nose, which no detector here gives:
/// eyes are the means of its six points each, the nose's tip and the mouth's corners are its own
/// (`mean_face_shape` in dlib's image_transforms/interpolation.h).
/// @return as `align_arcface`
[[nodiscard]] Result<Chip> align_dlib(ImageView image, const Landmarks& points, int size = 150);

/// facenet-pytorch's `extract_face` for a Pillow image: the detector's box with `margin` in
/// *output* pixels, cut to whole pixels and clipped at the image, resized to size × size with
/// Pillow's BILINEAR (a triangle filter that averages when it shrinks), bit for bit. Not rotated;
/// the aspect changes where the box is no square or is clipped.
/// @return kInvalidArgument for a size outside 16 … 1024, a margin outside 0 … size − 1, or a box
/// that holds no pixel of the image.
[[nodiscard]] Result<Chip> align_facenet(ImageView image, const Box& box, int size = 160,
                                         int margin = 0);

}  // namespace visavis::align
