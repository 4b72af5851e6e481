"""Writes arcface_golden.hpp: ArcFace chips of a synthetic picture by scikit-image.

Usage: python make_arcface_golden.py > arcface_golden.hpp   (scikit-image, NumPy)
The similarity is skimage.transform.SimilarityTransform (Umeyama 1991), the warp is bilinear with 0
outside. InsightFace aligns with the same transform.
"""
import numpy as np
import skimage
from skimage.transform import SimilarityTransform, warp

TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366],
                     [41.5493, 92.3655], [70.7299, 92.2041]])


def synthetic(width, height):  # the formula of align_test.cpp
    y, x = np.mgrid[0:height, 0:width].astype(np.int64)
    planes = [(x * x + 3 * y) % 256, (7 * x + y * y) % 256, (x * y + 31 * x) % 256]
    return np.stack(planes, 2).astype(np.uint8)


def estimate(source, target):
    if hasattr(SimilarityTransform, "from_estimate"):
        return SimilarityTransform.from_estimate(source, target)
    transform = SimilarityTransform()
    assert transform.estimate(source, target)
    return transform


CASES = [  # five points in a picture of 200 x 160
    [(70.3, 60.1), (121.9, 58.4), (96.2, 90.7), (76.0, 118.8), (118.3, 116.9)],
    [(110.0, 40.0), (140.0, 60.5), (112.0, 68.0), (92.5, 72.0), (118.0, 90.0)],  # turned
    [(5.0, 8.0), (30.0, 7.0), (18.0, 22.0), (8.0, 36.0), (28.0, 35.5)],          # at the border
]
print(f"#pragma once\n\n/// Written by make_arcface_golden.py with scikit-image {skimage.__version__}.\n")
print("#include <cstdint>\n#include <vector>\n#include <visavis/vocab/face.hpp>\n\nnamespace visavis::align {\n")
print("struct ArcfaceGolden {\n  Landmarks points;\n  std::vector<int> bytes;  ///< Every 997th of the chip.\n};\n")
print("// clang-format off\ninline const std::vector<ArcfaceGolden> kArcfaceGolden{")
for points in CASES:
    transform = estimate(np.array(points, np.float32).astype(float), TEMPLATE)
    chip = warp(synthetic(200, 160), transform.inverse, output_shape=(112, 112), order=1, cval=0,
                preserve_range=True)
    values = np.round(chip).astype(int).ravel()[::997]
    marks = ", ".join(f"{{.x = {x}F, .y = {y}F}}" for x, y in points)
    print(f"    {{.points = {{{{{marks}}}}},\n     .bytes = {{{', '.join(map(str, values))}}}}},")
print("};\n// clang-format on\n\n}  // namespace visavis::align")
