#!/usr/bin/env python3
"""Times other projects on the same photographs, one thread, median over repetitions, as JSON.

    peers.py facenet-pytorch|mtcnn|onnxruntime|insightface|face-recognition --repeat N [--model F] IMAGE...

Every number is milliseconds for one photograph that is already decoded (face-recognition: from the
file, since its users start there). Run inside the environment that make_venv.sh made.
"""
import argparse
import json
import os
import statistics
import time

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
             "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# Some machines pin OpenBLAS to an older kernel for the sake of older builds; a peer gets its best.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)


def timed(call, repeat):
    call()
    samples = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        samples.append(1e3 * (time.perf_counter() - start))
    return samples


def summary(samples):
    ordered = sorted(samples)
    return {"p50_ms": round(statistics.median(ordered), 3),
            "p99_ms": round(ordered[min(len(ordered) - 1, int(0.99 * len(ordered)))], 3),
            "n": len(ordered)}


def facenet_pytorch(images, repeat, _):
    import torch
    from facenet_pytorch import MTCNN
    from PIL import Image
    torch.set_num_threads(1)
    net = MTCNN(keep_all=True, min_face_size=20, device="cpu")
    for path in images:
        picture = Image.open(path).convert("RGB")
        faces = net.detect(picture, landmarks=True)[0]
        yield path, 0 if faces is None else len(faces), timed(
            lambda: net.detect(picture, landmarks=True), repeat)


def mtcnn(images, repeat, _):
    import numpy as np
    from mtcnn import MTCNN
    from PIL import Image
    net = MTCNN(device="CPU:0")
    for path in images:
        pixels = np.asarray(Image.open(path).convert("RGB"))
        call = lambda: net.detect_faces(pixels, min_face_size=20)
        yield path, len(call()), timed(call, repeat)


def bare_session(model):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def onnxruntime_session(images, repeat, model):
    import numpy as np
    session = bare_session(model)
    name = session.get_inputs()[0].name
    chip = np.random.default_rng(1).standard_normal((1, 3, 112, 112), np.float32)
    yield "bare session", 1, timed(lambda: session.run(None, {name: chip}), 10 * repeat)


def insightface(images, repeat, model):
    """Its Python path for one face whose points are known: norm_crop, then ArcFaceONNX.get_feat."""
    import numpy as np
    from insightface.model_zoo.arcface_onnx import ArcFaceONNX
    from insightface.utils.face_align import norm_crop
    from PIL import Image
    recogniser = ArcFaceONNX(model_file=model, session=bare_session(model))
    points = np.array([[38.29, 51.70], [73.53, 51.50], [56.03, 71.74], [41.55, 92.37],
                       [70.73, 92.20]], np.float32) * 2 + 40
    for path in images:
        pixels = np.ascontiguousarray(np.asarray(Image.open(path).convert("RGB"))[:, :, ::-1])
        yield path, 1, timed(lambda: recogniser.get_feat(norm_crop(pixels, points)), 10 * repeat)


def face_recognition(images, repeat, _):
    import face_recognition as peer
    known = None
    for path in images:
        def call():
            nonlocal known
            picture = peer.load_image_file(path)
            encodings = peer.face_encodings(picture)
            if known is None and encodings:
                known = encodings
            if encodings and known:
                peer.face_distance(known, encodings[0])
            return encodings
        yield path, len(call()), timed(call, repeat)


PEERS = {"facenet-pytorch": facenet_pytorch, "mtcnn": mtcnn, "onnxruntime": onnxruntime_session,
         "insightface": insightface, "face-recognition": face_recognition}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("images", nargs="*")
    parser.add_argument("--repeat", type=int, default=10)
    parser.add_argument("--model")
    options = parser.parse_intermixed_args()
    rows = [{"image": os.path.basename(path), "faces": faces, **summary(samples)}
            for path, faces, samples in PEERS[options.peer](options.images, options.repeat,
                                                            options.model)]
    print(json.dumps({"peer": options.peer, "rows": rows}))


if __name__ == "__main__":
    main()
