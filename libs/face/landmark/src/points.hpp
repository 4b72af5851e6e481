#pragma once

/// What the networks' numbers mean.

#include <span>
#include <visavis/vocab/face.hpp>

namespace visavis::landmark {

/// O-Net: five x, then five y, as fractions of the square's inclusive side, counted from one pixel
/// before it (facenet-pytorch 2.6, detect_face.py: w = x2 − x1 + 1; x = w·p + x1 − 1).
/// @pre values.size() == 10
[[nodiscard]] Landmarks points_of_onet(std::span<const float> values, const Box& square) noexcept;

/// 68 points (x, y) as fractions of the box, in the iBUG 300-W order: eyes are the means of their
/// four lid points (37 38 40 41 and 43 44 46 47, from 0), the nose is its tip (30), mouth corners
/// are the means of the outer and inner corner (48 60 and 54 64).
/// @pre values.size() == 136
[[nodiscard]] Landmarks points_of_68(std::span<const float> values, const Box& box) noexcept;

}  // namespace visavis::landmark
