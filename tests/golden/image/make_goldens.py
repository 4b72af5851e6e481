"""Makes the goldens of libs/base/image: what PyTorch and OpenCV give for pictures made by a formula.

    python make_goldens.py torch     (needs torch; made with 2.2.2)
    python make_goldens.py opencv    (needs opencv-python-headless; made with 5.0.0)

Files are raw little-endian: area_*.f32 planar float32 (channel, row, column),
bilinear_*.u8 and warp_*.u8 interleaved RGB bytes. The C++ tests know the sizes.
"""

import pathlib
import sys

import numpy as np

HERE = pathlib.Path(__file__).parent

# source width, height, output width, height
AREA = [(37, 29, 24, 24), (100, 75, 60, 45), (64, 48, 13, 11), (15, 17, 24, 24), (11, 9, 48, 48), (200, 150, 7, 5),
        (24, 24, 24, 24), (1, 1, 5, 5), (97, 61, 31, 60)]
BILINEAR = [(37, 29, 60, 45), (64, 48, 20, 15), (50, 40, 50, 40), (33, 21, 1, 1), (1, 1, 4, 3)]
# source width, height, a, b, tx, ty, side of the output
WARP = [(90, 80, 0.8, 0.15, 3.25, -4.5, 56), (40, 50, 1.7, -0.4, 10.0, 20.0, 112), (60, 60, -0.9, 0.3, 70.5, 50.25, 64)]


def noise(width, height):
    i = np.arange(width * height * 3, dtype=np.uint64) + 1
    h = (i * 2654435761) & 0xFFFFFFFF
    h ^= h >> np.uint64(15)
    h = (h * 2246822519) & 0xFFFFFFFF
    h ^= h >> np.uint64(13)
    return ((h >> np.uint64(8)) & 0xFF).astype(np.uint8).reshape(height, width, 3)


def waves(width, height):
    """Triangle waves: smooth enough to compare methods that round coordinates."""
    y, x, c = np.meshgrid(np.arange(height), np.arange(width), np.arange(3), indexing="ij")
    return np.abs((3 * x + (c + 1) * y + 40 * c) % 510 - 255).astype(np.uint8)


def make_torch():
    import torch

    print("torch", torch.__version__)
    for w, h, ow, oh in AREA:
        # Bytes as facenet-pytorch hands them over: interleaved in memory, permuted, to float.
        image = torch.from_numpy(noise(w, h)).unsqueeze(0).permute(0, 3, 1, 2).float()
        out = torch.nn.functional.interpolate(image, size=(oh, ow), mode="area")
        plain = torch.nn.functional.interpolate(image.contiguous(), size=(oh, ow), mode="area")
        print((w, h, ow, oh), "layouts agree:", bool((out == plain).all()))
        out = (out - 127.5) * 0.0078125
        (HERE / f"area_{w}x{h}_to_{ow}x{oh}.f32").write_bytes(out[0].contiguous().numpy().astype("<f4").tobytes())


def make_opencv():
    import cv2

    print("opencv", cv2.__version__)
    for w, h, ow, oh in BILINEAR:
        out = cv2.resize(waves(w, h), (ow, oh), interpolation=cv2.INTER_LINEAR)
        (HERE / f"bilinear_{w}x{h}_to_{ow}x{oh}.u8").write_bytes(out.tobytes())
    for i, (w, h, a, b, tx, ty, side) in enumerate(WARP):
        matrix = np.array([[a, -b, tx], [b, a, ty]])
        out = cv2.warpAffine(waves(w, h), matrix, (side, side), flags=cv2.INTER_LINEAR, borderValue=0)
        (HERE / f"warp_{i}.u8").write_bytes(out.tobytes())


{"torch": make_torch, "opencv": make_opencv}[sys.argv[1]]()
