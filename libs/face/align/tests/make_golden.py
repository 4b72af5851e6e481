"""Writes facenet_golden.hpp with facenet-pytorch 2.6.0's own extract_face (Pillow 10.2.0).

Usage: python make_golden.py astronaut.png > facenet_golden.hpp
astronaut.png: scikit-image 0.26.0, skimage/data (NASA, public domain). Only hashes are kept.
"""
import hashlib
import sys

import numpy as np
from facenet_pytorch.models.utils.detect_face import extract_face
from PIL import Image


def synthetic(width, height):  # the formula of align_test.cpp
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    planes = [(x * x + 3 * y) % 256, (7 * x + y * y) % 256, (x * y + 31 * x) % 256]
    return Image.fromarray(np.stack(planes, 2).astype(np.uint8))


pictures = {"synthetic": synthetic(97, 61), "astronaut": Image.open(sys.argv[1]).convert("RGB")}
cases = [
    ("synthetic", (10.7, 5.2, 57.9, 49.1), 160, 0),
    ("synthetic", (10.7, 5.2, 57.9, 49.1), 24, 0),
    ("synthetic", (10.7, 5.2, 57.9, 49.1), 48, 14),
    ("synthetic", (-20.3, -4.0, 120.0, 70.5), 32, 0),
    ("synthetic", (60.0, 30.0, 96.4, 60.9), 160, 44),
    ("synthetic", (0.0, 0.0, 97.0, 61.0), 61, 0),
    ("astronaut", (175.2, 68.4, 272.9, 186.3), 160, 0),
    ("astronaut", (175.2, 68.4, 272.9, 186.3), 160, 44),
    ("astronaut", (175.2, 68.4, 272.9, 186.3), 112, 20),
]
print("#pragma once\n\n/// Written by make_golden.py with facenet-pytorch 2.6.0 and Pillow 10.2.0.\n")
print("#include <string>\n#include <vector>\n\nnamespace visavis::align {\n")
print("struct FacenetGolden {\n  std::string picture;\n  float x1, y1, x2, y2;\n  int size, margin;\n"
      "  std::string sha256;  ///< Of the chip's bytes.\n};\n\n// clang-format off")
print("inline const std::vector<FacenetGolden> kFacenetGolden{")
for name, box, size, margin in cases:
    face = extract_face(pictures[name], np.array(box, np.float32), size, margin)
    chip = face.permute(1, 2, 0).numpy().astype(np.uint8)
    digest = hashlib.sha256(chip.tobytes()).hexdigest()
    edges = ", ".join(f"{v:.1f}F" for v in box)
    print(f'    {{"{name}", {edges}, {size}, {margin},\n     "{digest}"}},')
print("};\n// clang-format on\n\n}  // namespace visavis::align")
