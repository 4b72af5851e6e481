"""Makes tests/golden/mtcnn.json: what facenet-pytorch itself answers. A development-time tool.

    python -m venv venv && venv/bin/pip install facenet-pytorch==2.6.0 torch==2.2.2 \
        torchvision==0.17.2 "numpy<2"
    venv/bin/python tests/golden/make_mtcnn_golden.py --data ../shared/data \
        --downloads ~/.cache/visavis/downloads --out tests/golden/mtcnn.json

The golden holds numbers only. A photograph is named by where it comes from (a member of a package
archive, or its place among LFW's files in byte order), by the SHA-256 of the file and by that of
its RGB pixels, since JPEG decoders may differ. Variants (small faces, faces cut by the border, large
canvases) are made from a photograph by integer operations, which the test repeats:

    ["crop", x, y, width, height]     ["half"]  mean of 2x2 pixels, (sum + 2) >> 2, odd rest dropped
    ["pad", left, top, right, bottom, grey]     ["tile", columns, rows]     ["flip"]  left to right

`nets` holds the raw outputs of the three networks on such pictures and on a pattern made by a
formula. Boxes are x1, y1, x2, y2 as facenet-pytorch gives them; faces by falling probability.
"""

import argparse
import hashlib
import io
import json
import os
import tarfile
import zipfile
from unittest import mock

import facenet_pytorch
import numpy as np
import torch
from facenet_pytorch import MTCNN
from PIL import Image

FACE_RECOGNITION = "face_recognition-1.3.0.tar.gz"
FACE_API = "vladmandic-face-api-1.7.15.tgz"
SCIKIT = "scikit_image-0.26.0-cp311-cp311-manylinux_2_24_x86_64.manylinux_2_28_x86_64.whl"


def portrait(name):
    return {"archive": FACE_RECOGNITION, "member": f"face_recognition-1.3.0/tests/test_images/{name}.jpg"}


def group(n):
    return {"archive": FACE_API, "member": f"package/demo/sample{n}.jpg"}


def scene(name):
    return {"archive": SCIKIT, "member": f"skimage/data/{name}"}


def lfw(n):
    return {"lfw": n}


DEFAULT = {"min_face": 20, "thresholds": [0.6, 0.7, 0.7], "factor": 0.709}
BIG = {"min_face": 40, "thresholds": [0.6, 0.7, 0.7], "factor": 0.709}
STRICT = {"min_face": 50, "thresholds": [0.6, 0.7, 0.8], "factor": 0.709}
FACEALL = {"min_face": 40, "thresholds": [0.8, 0.8, 0.6], "factor": 0.709}
COARSE = {"min_face": 24, "thresholds": [0.6, 0.7, 0.7], "factor": 0.5}
FINE = {"min_face": 15, "thresholds": [0.5, 0.6, 0.6], "factor": 0.85}

# LFW by place: several faces first, then one in 1,000 or so.
LFW_SEVERAL = [5940, 4191, 11517, 10230, 8613, 6303, 5775, 5478, 3465, 2904, 8712, 7359]
LFW_PLAIN = list(range(7, 13233, 700))


def photographs():
    """(source, operations, parameters)"""
    for n in LFW_SEVERAL + LFW_PLAIN:
        yield lfw(n), [], DEFAULT
    for name in ("obama", "obama2", "obama3", "biden", "obama_partial_face", "obama_partial_face2"):
        yield portrait(name), [], DEFAULT
    for n in range(1, 7):
        yield group(n), [], DEFAULT
    for name in ("astronaut.png", "chelsea.png", "coffee.png", "rocket.jpg", "retina.jpg",
                 "hubble_deep_field.jpg", "coins.png", "brick.png", "motorcycle_left.png"):
        yield scene(name), [], DEFAULT
    yield from variants()


def variants():
    for parameters in (BIG, STRICT, FACEALL, COARSE, FINE):
        yield group(1), [["half"]], parameters
        yield group(5), [["half"]], parameters
        yield lfw(LFW_SEVERAL[0]), [], parameters
    for n in range(1, 7):  # small faces
        yield group(n), [["half"], ["half"]], DEFAULT
        yield group(n), [["half"], ["half"], ["half"]], DEFAULT
    for crop in ([60, 60, 190, 190], [0, 0, 190, 190], [90, 40, 100, 170], [110, 0, 140, 250],
                 [0, 0, 250, 120], [70, 110, 120, 140], [80, 80, 91, 91]):
        yield lfw(7), [["crop", *crop]], DEFAULT
        yield lfw(4907), [["crop", *crop]], DEFAULT
    yield lfw(707), [["half"], ["half"], ["pad", 100, 3, 411, 277, 128]], DEFAULT
    yield lfw(1407), [["half"], ["tile", 5, 4]], DEFAULT
    yield lfw(3507), [["half"], ["half"], ["tile", 20, 10]], DEFAULT  # 200 faces
    yield scene("astronaut.png"), [["pad", 700, 500, 708, 508, 0]], DEFAULT
    yield scene("astronaut.png"), [["flip"], ["crop", 190, 0, 200, 160]], DEFAULT
    yield lfw(7), [["half"], ["half"], ["half"], ["half"]], DEFAULT  # 15x15: smaller than a face
    yield scene("coffee.png"), [["crop", 0, 0, 600, 12]], DEFAULT
    yield scene("coffee.png"), [["crop", 0, 0, 600, 21]], DEFAULT


class Sources:
    def __init__(self, data, downloads):
        self.data, self.downloads, self.archives = data, downloads, {}
        root = os.path.join(data, "lfw", "images")
        self.lfw = sorted(f"{person}/{name}" for person in os.listdir(root)
                          for name in os.listdir(os.path.join(root, person)))

    def read(self, source):
        if "lfw" in source:
            with open(os.path.join(self.data, "lfw", "images", self.lfw[source["lfw"]]), "rb") as f:
                return f.read()
        path = os.path.join(self.downloads, source["archive"])
        if path.endswith(".whl"):
            with zipfile.ZipFile(path) as z:
                return z.read(source["member"])
        with tarfile.open(path) as t:
            return t.extractfile(source["member"]).read()


def apply(pixels, operations):
    for name, *a in operations:
        if name == "crop":
            x, y, w, h = a
            pixels = pixels[y:y + h, x:x + w]
        elif name == "half":
            h, w = pixels.shape[0] // 2 * 2, pixels.shape[1] // 2 * 2
            p = pixels[:h, :w].astype(np.uint16)
            pixels = ((p[::2, ::2] + p[1::2, ::2] + p[::2, 1::2] + p[1::2, 1::2] + 2) >> 2).astype(np.uint8)
        elif name == "pad":
            left, top, right, bottom, grey = a
            pixels = np.pad(pixels, ((top, bottom), (left, right), (0, 0)), constant_values=grey)
        elif name == "tile":
            pixels = np.tile(pixels, (a[1], a[0], 1))
        elif name == "flip":
            pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def pattern(width, height):
    """A picture by formula: smooth gradients with a bit of texture."""
    y, x = np.mgrid[0:height, 0:width]
    return np.stack([(x * 7 + y * 13 + c * 29 + (x * y) % 31) % 256 for c in range(3)], -1).astype(np.uint8)


def digits(values, places):
    return [round(float(v), places) for v in np.asarray(values).ravel()]


def stable(values):
    return ARGSORT(values, kind="stable")


def stable_backwards(values):
    return len(values) - 1 - ARGSORT(values[::-1], kind="stable")


ARGSORT = np.argsort


def detect(pixels, p):
    """Refuses a picture whose answer depends on how an unstable sort orders equal probabilities."""
    answers = []
    for order in (ARGSORT, stable, stable_backwards):
        with mock.patch.object(np, "argsort", order):
            answers.append(detect_once(pixels, p))
    if any(by_place(a) != by_place(answers[0]) for a in answers):
        raise SystemExit("equal probabilities decide here: choose another picture")
    return answers[0]


def by_place(faces):
    return sorted(f["box"] for f in faces)


def detect_once(pixels, p):
    mtcnn = MTCNN(min_face_size=p["min_face"], thresholds=p["thresholds"], factor=p["factor"],
                  select_largest=False)
    try:
        boxes, probs, points = mtcnn.detect(pixels, landmarks=True)
    except (RuntimeError, ValueError):  # facenet-pytorch fails where the pyramid is empty
        boxes = None
    if boxes is None:
        return []
    return [{"box": digits(b, 3), "probability": round(float(s), 6), "landmarks": digits(l, 3)}
            for b, s, l in zip(boxes, probs, points)]


def nets(sources):
    mtcnn = MTCNN()
    astronaut = scene("astronaut.png")
    pictures = [(None, [], [31, 24]), (None, [], [12, 12]),
                (astronaut, [["half"], ["half"], ["crop", 36, 8, 40, 37]], None)]
    small = [(None, [], [24, 24]), (astronaut, [["crop", 180, 70, 96, 96], ["half"], ["half"]], None),
             (astronaut, [["crop", 20, 300, 24, 24]], None)]
    large = [(None, [], [48, 48]), (astronaut, [["crop", 180, 70, 96, 96], ["half"]], None),
             (astronaut, [["crop", 200, 90, 48, 48]], None)]
    for name, net, inputs in (("pnet", mtcnn.pnet, pictures), ("rnet", mtcnn.rnet, small),
                              ("onet", mtcnn.onet, large)):
        for source, operations, size in inputs:
            entry = {"net": name, "operations": operations}
            if source is None:
                entry["pattern"] = size
                pixels = pattern(*size)
            else:
                data = sources.read(source)
                entry |= source | {"sha256": hashlib.sha256(data).hexdigest()}
                pixels = apply(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")), operations)
            x = torch.as_tensor(pixels).permute(2, 0, 1)[None].float()
            with torch.no_grad():
                out = net((x - 127.5) * 0.0078125)
            entry["outputs"] = [{"shape": list(o.shape), "values": digits(o, 7)} for o in out]
            yield entry


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--downloads", required=True)
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    torch.set_num_threads(1)
    sources = Sources(args.data, os.path.expanduser(args.downloads))

    entries = []
    for source, operations, parameters in photographs():
        data = sources.read(source)
        whole = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
        pixels = apply(whole, operations)
        entries.append(source | {
            "sha256": hashlib.sha256(data).hexdigest(),
            "pixels_sha256": hashlib.sha256(whole.tobytes()).hexdigest(),
            "operations": operations, "size": [pixels.shape[1], pixels.shape[0]], **parameters,
            "faces": detect(pixels, parameters)})
        print(len(entries), source, operations, pixels.shape, len(entries[-1]["faces"]))

    golden = {"schema": "visavis.golden-mtcnn/1",
              "provenance": f"facenet-pytorch {facenet_pytorch_version()}, torch {torch.__version__}, CPU, "
                            "one thread; tests/golden/make_mtcnn_golden.py",
              "nets": list(nets(sources)), "photographs": entries}
    with open(args.out, "w") as f:
        f.write(json.dumps(golden, separators=(",", ":")).replace('{"lfw"', '\n{"lfw"')
                .replace('{"archive"', '\n{"archive"').replace('{"net"', '\n{"net"') + "\n")


def facenet_pytorch_version():
    from importlib.metadata import version
    return version(facenet_pytorch.__name__.replace("_", "-"))


if __name__ == "__main__":
    main()
