"""Holds Inception-ResNet-v1 as `visavis convert` writes it for TensorFlow against facenet-pytorch, at several sizes.

    visavis models new inception-resnet-v1 weights.npz --classes 2
    for to in irv1.savedmodel irv1.pb irv1.tflite; do visavis convert weights.npz $to --importer pytorch:inception-resnet-v1 --size 160; done
    A/bin/python check_any_size.py ask weights.npz answers/     # facenet-pytorch 2.6.0, torch 2.2.2
    B/bin/python check_any_size.py check answers/ irv1.savedmodel irv1.pb irv1.tflite     # tensorflow-cpu 2.21.0

The files leave height and width free. Each size gets eight pictures of noise.
"""

import os
import pathlib
import sys

import numpy

SIZES = (112, 160, 181)


def ask(weights, folder):
    import torch
    from facenet_pytorch import InceptionResnetV1
    if weights.endswith(".npz"):
        given = {k: torch.from_numpy(v) for k, v in numpy.load(weights).items()}
    else:
        given = torch.load(weights, map_location="cpu")
    network = InceptionResnetV1()
    left = network.load_state_dict(given, strict=False)
    assert not left.missing_keys and all(k.startswith("logits.") for k in left.unexpected_keys), left
    network.eval()
    folder.mkdir(exist_ok=True)
    for size in SIZES:
        x = numpy.stack([numpy.random.default_rng(i).uniform(-1, 1, (3, size, size)).astype("f") for i in range(8)])
        with torch.no_grad():
            numpy.savez(folder / f"{size}.npz", x=x, y=network(torch.from_numpy(x)).numpy())


def runner(path):
    import tensorflow as tf
    if path.suffix == ".savedmodel":
        loaded = tf.saved_model.load(str(path))
        signature = loaded.signatures["serving_default"]
        return lambda x, keep=loaded: next(iter(signature(tf.constant(x)).values())).numpy()
    if path.suffix == ".pb":
        graph = tf.compat.v1.GraphDef.FromString(path.read_bytes())

        def frozen(x):
            with tf.Graph().as_default(), tf.compat.v1.Session() as session:
                tf.import_graph_def(graph, name="")
                return session.run("embedding:0", {"input:0": x})

        return frozen
    lite = tf.lite.Interpreter(str(path), num_threads=1)
    place, answer = lite.get_input_details()[0]["index"], lite.get_output_details()[0]["index"]

    def run(x):
        lite.resize_tensor_input(place, x.shape)
        lite.allocate_tensors()
        lite.set_tensor(place, x)
        lite.invoke()
        return lite.get_tensor(answer)

    return run


def check(folder, paths):
    for path in map(pathlib.Path, paths):
        run = runner(path)
        for size in SIZES:
            asked = numpy.load(folder / f"{size}.npz")
            answers = run(numpy.ascontiguousarray(asked["x"].transpose(0, 2, 3, 1))).astype(float)
            expected = asked["y"].astype(float)
            most = abs(answers - expected).max()
            cosines = (answers * expected).sum(1) / numpy.linalg.norm(answers, axis=1) / numpy.linalg.norm(expected, axis=1)
            print(f"{path.suffix} {size}: {most:.1e}, 1 - cosine {1 - cosines.min():.1e}", flush=True)
            assert most <= 1e-5 and cosines.min() >= .999999


if __name__ == "__main__":
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    if sys.argv[1] == "ask":
        ask(sys.argv[2], pathlib.Path(sys.argv[3]))
    else:
        check(pathlib.Path(sys.argv[2]), sys.argv[3:])
