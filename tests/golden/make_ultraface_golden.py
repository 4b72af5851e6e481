"""Makes tests/golden/ultraface.json: the single-shot detector by ONNX Runtime and numpy.

    python -m venv venv && venv/bin/pip install onnxruntime numpy pillow
    venv/bin/python tests/golden/make_ultraface_golden.py --model fr_detect.onnx \
        --mtcnn tests/golden/mtcnn.json --downloads ~/.cache/visavis/downloads \
        --out tests/golden/ultraface.json

Independent of our code: the photograph stretched to 320x240 (bilinear, half-pixel centres, rounded to
nearest, in double precision: OpenCV's fixed-point INTER_LINEAR differs from that by one here and there,
which moves scores between .6 and .8 by up to .05), (x - 127) / 128, RGB; scores above .65; greedy suppression at an intersection over union of .4. The photographs are those
of mtcnn.json that come from packages, as they are. Numbers only: boxes x, y, width, height and scores.
"""

import argparse
import io
import json
import os
import tarfile
import zipfile

import numpy as np
import onnxruntime
from PIL import Image


def read(downloads, entry):
    path = os.path.join(os.path.expanduser(downloads), entry["archive"])
    if path.endswith(".whl"):
        with zipfile.ZipFile(path) as z:
            return z.read(entry["member"])
    with tarfile.open(path) as t:
        return t.extractfile(entry["member"]).read()


def overlap(a, b):
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    both = width * height
    return both / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - both)


def stretch(pixels, size, axis):
    n = pixels.shape[axis]
    at = np.clip((np.arange(size) + 0.5) * n / size - 0.5, 0, n - 1)
    first = np.minimum(at.astype(int), n - 1)
    second = np.minimum(first + 1, n - 1)
    weight = (at - first).reshape([-1 if k == axis else 1 for k in range(3)])
    return pixels.take(first, axis) * (1 - weight) + pixels.take(second, axis) * weight


def detect(session, pixels):
    height, width = pixels.shape[:2]
    small = stretch(stretch(pixels.astype(np.float64), 240, 0), 320, 1)
    small = np.floor(small + 0.5)
    tensor = ((small.astype(np.float32) - 127) / 128).transpose(2, 0, 1)[None]
    by_name = dict(zip((o.name for o in session.get_outputs()),
                       session.run(None, {session.get_inputs()[0].name: tensor})))
    scores = next(v for v in by_name.values() if v.shape[-1] == 2)[0, :, 1]
    boxes = next(v for v in by_name.values() if v.shape[-1] == 4)[0] * [width, height, width, height]
    kept = []
    for i in sorted(np.flatnonzero(scores > 0.65), key=lambda i: -scores[i]):
        if all(overlap(boxes[i], boxes[k]) <= 0.4 for k in kept):
            kept.append(i)
    return [{"box": [round(float(v), 2) for v in (b[0], b[1], b[2] - b[0], b[3] - b[1])],
             "score": round(float(s), 5)} for b, s in zip(boxes[kept], scores[kept])]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    for name in ("model", "mtcnn", "downloads", "out"):
        parser.add_argument("--" + name, required=True)
    args = parser.parse_args()
    session = onnxruntime.InferenceSession(args.model)
    entries = []
    with open(args.mtcnn) as f:
        photographs = json.load(f)["photographs"]
    for entry in photographs:
        if "archive" not in entry or entry["operations"]:
            continue
        pixels = np.asarray(Image.open(io.BytesIO(read(args.downloads, entry))).convert("RGB"))
        entries.append({k: entry[k] for k in ("archive", "member", "sha256", "pixels_sha256", "operations")}
                       | {"faces": detect(session, pixels)})
        print(entry["member"], len(entries[-1]["faces"]))
    golden = {"schema": "visavis.golden-ultraface/1",
              "provenance": f"onnxruntime {onnxruntime.__version__}, numpy {np.__version__}; "
                            "tests/golden/make_ultraface_golden.py",
              "photographs": entries}
    with open(args.out, "w") as f:
        f.write(json.dumps(golden, separators=(",", ":")).replace('{"archive"', '\n{"archive"') + "\n")


if __name__ == "__main__":
    main()
