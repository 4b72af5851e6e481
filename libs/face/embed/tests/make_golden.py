"""Writes embedding_golden.hpp: embeddings of a photograph by OpenCV and ONNX Runtime.

Usage: python make_golden.py astronaut.png FACEPLUGIN.onnx MOBILEFACENET.onnx > embedding_golden.hpp
astronaut.png: scikit-image 0.26.0, skimage/data (NASA, public domain). The five points are an MTCNN's
(P-, R- and O-Net of facenet-pytorch 2.6.0, run by an independent cascade in NumPy).
"""
import sys

import cv2
import numpy as np
import onnxruntime

TEMPLATE = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366],
                     [41.5493, 92.3655], [70.7299, 92.2041]])
POINTS = np.array([[204.463, 101.298], [246.953, 103.325], [225.050, 129.087],
                   [202.150, 139.801], [245.492, 141.984]])


def umeyama(source, target):  # Umeyama 1991, eq. 40-42
    ms, mt = source.mean(0), target.mean(0)
    u, d, vt = np.linalg.svd((target - mt).T @ (source - ms) / len(source))
    s = np.diag([1, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    scale = np.trace(np.diag(d) @ s) / (source - ms).var(0).sum()
    rotation = scale * u @ s @ vt
    return np.hstack([rotation, (mt - rotation @ ms)[:, None]])


photo = cv2.imread(sys.argv[1])
chip = cv2.warpAffine(photo, umeyama(POINTS, TEMPLATE), (112, 112), flags=cv2.INTER_LINEAR)
tensor = ((chip.astype(np.float32) - 127.5) / 128).transpose(2, 0, 1)[None]  # BGR
print("#pragma once\n\n/// Written by make_golden.py with OpenCV " + cv2.__version__ +
      " and ONNX Runtime " + onnxruntime.__version__ + ".\n")
print("#include <string>\n#include <vector>\n\nnamespace visavis::embed {\n")
print("struct EmbeddingGolden {\n  std::string model;\n  float norm;\n  std::vector<float> values;\n};\n")
print("// clang-format off\ninline const std::vector<EmbeddingGolden> kEmbeddingGolden{")
for name, path, order in (("faceplugin-512", sys.argv[2], 1), ("mobilefacenet-192", sys.argv[3], -1)):
    session = onnxruntime.InferenceSession(path)
    raw = session.run(None, {session.get_inputs()[0].name: tensor[:, ::order]})[0].ravel()
    norm = float(np.linalg.norm(raw.astype(np.float64)))
    values = [f"{v:.6f}F" for v in raw / norm]
    print(f'    {{.model = "{name}", .norm = {norm:.5f}F, .values = {{')
    for i in range(0, len(values), 9):
        print("        " + ", ".join(values[i:i + 9]) + ("," if i + 9 < len(values) else "}},"))
print("};\n// clang-format on\n\n}  // namespace visavis::embed")
