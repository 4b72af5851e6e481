"""Runs networks that visavis wrote for TensorFlow by TensorFlow, beside their ONNX in ONNX Runtime. A
development-time tool.

    visavis convert net.onnx folder/net.savedmodel       and net.onnx copied into the folder
    VISAVIS_KEEP_EXPORTS=folder build/release/bin/export_test
    python3.11 -m venv v && v/bin/pip install tensorflow-cpu==2.15.1 onnxruntime==1.17.3
    v/bin/python tests/golden/check_tensorflow_exports.py folder

For each X.onnx: the largest difference of X.savedmodel or X.pb, on noise in [-1, 1).
"""

import glob
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import onnxruntime
import tensorflow as tf


def turned(values, order):
    return values.transpose(order) if values.ndim == 4 else values


def saved_model(folder, names):
    model = tf.saved_model.load(folder)
    return lambda inputs: model.signatures["serving_default"](**inputs)


def frozen(path, names):
    graph = tf.compat.v1.GraphDef()
    with open(path, "rb") as file:
        graph.ParseFromString(file.read())
    whole = tf.compat.v1.wrap_function(lambda: tf.compat.v1.import_graph_def(graph, name=""), [])

    def run(inputs):
        part = whole.prune([f"{name}:0" for name in inputs], [f"{name}:0" for name in names])
        return dict(zip(names, part(*inputs.values())))
    return run


def main(folder):
    for path in sorted(glob.glob(os.path.join(folder, "*.onnx"))):
        session = onnxruntime.InferenceSession(path)
        given = session.get_inputs()[0]
        # 52 is large enough for any detector's window.
        shape = [n if isinstance(n, int) else (3 if k == 0 else 52)
                 for k, n in enumerate(given.shape)]
        x = np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32)
        names = [output.name for output in session.get_outputs()]
        wanted = dict(zip(names, session.run(names, {given.name: x})))
        for suffix, load in ((".savedmodel", saved_model), (".pb", frozen)):
            written = path.removesuffix(".onnx") + suffix
            if not os.path.exists(written):
                continue
            found = load(written, names)({given.name: tf.constant(turned(x, (0, 2, 3, 1)))})
            worst = 0.
            for name in names:
                answer = turned(found[name].numpy(), (0, 3, 1, 2))
                assert answer.shape == wanted[name].shape, (written, name)
                worst = max(worst, float(np.abs(answer - wanted[name]).max()))
            print(f"{os.path.basename(written)}: {worst:.2g}")


if __name__ == "__main__":
    main(sys.argv[1])
