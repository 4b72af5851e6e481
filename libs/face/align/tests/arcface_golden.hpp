#pragma once

/// Written by make_arcface_golden.py with scikit-image 0.26.0.

#include <cstdint>
#include <vector>
#include <visavis/vocab/face.hpp>

namespace visavis::align {

struct ArcfaceGolden {
  Landmarks points;
  std::vector<int> bytes;  ///< Every 997th of the chip.
};

// clang-format off
inline const std::vector<ArcfaceGolden> kArcfaceGolden{
    {.points = {{{.x = 70.3F, .y = 60.1F}, {.x = 121.9F, .y = 58.4F}, {.x = 96.2F, .y = 90.7F}, {.x = 76.0F, .y = 118.8F}, {.x = 118.3F, .y = 116.9F}}},
     .bytes = {0, 0, 0, 0, 30, 77, 31, 112, 181, 66, 55, 122, 80, 111, 181, 74, 120, 159, 166, 69, 208, 202, 119, 118, 188, 154, 110, 212, 155, 189, 186, 114, 104, 146, 94, 140, 113, 174}},
    {.points = {{{.x = 110.0F, .y = 40.0F}, {.x = 140.0F, .y = 60.5F}, {.x = 112.0F, .y = 68.0F}, {.x = 92.5F, .y = 72.0F}, {.x = 118.0F, .y = 90.0F}}},
     .bytes = {0, 241, 219, 40, 169, 157, 121, 101, 136, 128, 36, 74, 128, 24, 111, 138, 109, 179, 10, 118, 54, 245, 88, 115, 108, 116, 95, 77, 147, 218, 148, 59, 125, 193, 176, 25, 92, 39}},
    {.points = {{{.x = 5.0F, .y = 8.0F}, {.x = 30.0F, .y = 7.0F}, {.x = 18.0F, .y = 22.0F}, {.x = 8.0F, .y = 36.0F}, {.x = 28.0F, .y = 35.5F}}},
     .bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 116, 79, 127, 218, 138, 172, 204, 54, 42, 0, 0, 0, 0, 0, 0, 0, 0, 31, 136, 142, 203, 44, 141, 167}},
};
// clang-format on

}  // namespace visavis::align
