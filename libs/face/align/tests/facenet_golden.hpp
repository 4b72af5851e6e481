#pragma once

/// Written by make_golden.py with facenet-pytorch 2.6.0 and Pillow 10.2.0.

#include <string>
#include <vector>

namespace visavis::align {

struct FacenetGolden {
  std::string picture;
  float x1, y1, x2, y2;
  int size, margin;
  std::string sha256;  ///< Of the chip's bytes.
};

// clang-format off
inline const std::vector<FacenetGolden> kFacenetGolden{
    {"synthetic", 10.7F, 5.2F, 57.9F, 49.1F, 160, 0,
     "5b1eaefa61f7dcc965eab1076999e8252267b0e3279b28386f663348e70dbf25"},
    {"synthetic", 10.7F, 5.2F, 57.9F, 49.1F, 24, 0,
     "2dc201e57310cf1307c7f735b069ca843221b8bf01d3f31a55783061df48cbce"},
    {"synthetic", 10.7F, 5.2F, 57.9F, 49.1F, 48, 14,
     "e234279c1bb85a7e58608636bd14e83df1a4b5669406d75bc3394d1aec908567"},
    {"synthetic", -20.3F, -4.0F, 120.0F, 70.5F, 32, 0,
     "64034934634166eb6555644f1a0129e7d0d86b6a75cfcd61beff1d669cbfa111"},
    {"synthetic", 60.0F, 30.0F, 96.4F, 60.9F, 160, 44,
     "5fc835f1f5f9fb15d85649f094c9dc018fdc99af339bae5dd98f7cc61f8bf16e"},
    {"synthetic", 0.0F, 0.0F, 97.0F, 61.0F, 61, 0,
     "0fa5e9b6f42726065736f4d24746f2ed01fe4f664bc452eae947a124693c5a95"},
    {"astronaut", 175.2F, 68.4F, 272.9F, 186.3F, 160, 0,
     "7f4da26c1ecc7385143dbd5f5512bdc6850129c57d8aa9410ad29541d5dbfbc4"},
    {"astronaut", 175.2F, 68.4F, 272.9F, 186.3F, 160, 44,
     "9206c6f3c4bb42a5da052614269237def6ed7940387c900c838d68028c272558"},
    {"astronaut", 175.2F, 68.4F, 272.9F, 186.3F, 112, 20,
     "b52e2731ef228d582ddb82365537975f5d386dad4ea76a210d69c79d3468e87a"},
};
// clang-format on

}  // namespace visavis::align
