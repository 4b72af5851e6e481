"""Holds what `visavis convert` wrote in formats of others against ONNX Runtime, by readers that are not ours.

    python -m venv venv && venv/bin/pip install "opencv-python-headless==4.14.0.94" "onnxruntime==1.32.0" \
        "coremltools==9.0" "numpy==2.4.6" "ai-edge-litert==2.3.0"
    venv/bin/python check_exports.py CHIPS FILE.onnx=EXPORT.prototxt|EXPORT.mlmodel|EXPORT.tflite …

Caffe's files are run by OpenCV's dnn, TensorFlow Lite's by LiteRT with XNNPACK. Weights of 16 bits are held against an ONNX file that has
them, too. Core ML cannot run here: coremltools reads the file and has to know each field of it, and
coreml_reference.py computes what Apple's documentation of each layer says, with numpy. CHIPS is a folder of aligned faces; each is resized to the network's input
and scaled to about [-1, 1]. Beside them go eight inputs of noise. Dimensions that are free become 1 and 160.
Networks of single operators: VISAVIS_KEEP_EXPORTS=FOLDER export_test leaves them in FOLDER.
"""

import pathlib
import sys

import cv2
import numpy
import onnxruntime


def inputs_of(session, chips):
    free = [n if isinstance(n, int) else (1 if i == 0 else 160) for i, n in enumerate(session.get_inputs()[0].shape)]
    noise = [numpy.random.default_rng(i).uniform(-1, 1, free).astype(numpy.float32) for i in range(8)]
    faces = []
    for path in sorted(pathlib.Path(chips).glob("*.png")):
        picture = cv2.imread(str(path), cv2.IMREAD_GRAYSCALE if free[1] == 1 else cv2.IMREAD_COLOR_RGB)
        picture = cv2.resize(picture, (free[3], free[2]), interpolation=cv2.INTER_AREA).reshape(free[2], free[3], -1)
        faces.append(((picture.transpose(2, 0, 1)[None] - 127.5) / 128).astype(numpy.float32))
    return {"noise": noise, "chips": faces}


def run_caffe(path, names):
    net = cv2.dnn.readNetFromCaffe(str(path), str(path.with_suffix(".caffemodel")))

    def run(name, x):
        net.setInput(x, name)
        return net.forward(names)

    return run


def run_coreml(path, names):
    import coreml_reference
    import coremltools
    from google.protobuf.unknown_fields import UnknownFieldSet
    coremltools.models.MLModel(str(path), skip_model_load=True)
    model = coreml_reference.load(path)
    for layer in model.spec.neuralNetwork.layers:
        kind = layer.WhichOneof("layer")
        assert kind and not len(UnknownFieldSet(layer)) and not len(UnknownFieldSet(getattr(layer, kind))), layer.name
    return lambda name, x: [model.run({name: x})[n] for n in names]


def run_tflite(path, names):
    from ai_edge_litert.interpreter import Interpreter
    runner = Interpreter(str(path), num_threads=1)
    signature = runner.get_signature_list()["serving_default"]

    def run(name, x):
        place = runner.get_input_details()[0]["index"]
        given = numpy.ascontiguousarray(x.transpose(0, 2, 3, 1)) if x.ndim == 4 else x
        runner.resize_tensor_input(place, given.shape)
        runner.allocate_tensors()
        answers = runner.get_signature_runner("serving_default")(**{signature["inputs"][0]: given})
        return [answers[n].transpose(0, 3, 1, 2) if answers[n].ndim == 4 else answers[n] for n in names]

    return run


RUNNERS = {".prototxt": run_caffe, ".mlmodel": run_coreml, ".tflite": run_tflite}


def compare(onnx, export, chips):
    session = onnxruntime.InferenceSession(onnx)
    name = session.get_inputs()[0].name
    names = [o.name for o in session.get_outputs()]
    run = RUNNERS[export.suffix](export, names)
    for kind, inputs in inputs_of(session, chips).items():
        most, least, largest = 0.0, 1.0, 0.0
        for x in inputs:
            for a, b in zip(session.run(names, {name: x}), run(name, x), strict=True):
                assert a.shape == b.shape, (a.shape, b.shape)
                a, b = a.ravel().astype(float), b.ravel().astype(float)
                most, largest = max(most, abs(a - b).max()), max(largest, abs(a).max())
                least = min(least, a @ b / numpy.sqrt((a @ a) * (b @ b)))
        print(f"| {export.name} | {kind} ({len(inputs)}) | {most:.1e} of {largest:.2g} | 1 - {max(1 - least, 0):.1e} |", flush=True)
        assert most <= 1e-4 and least >= .999999


for pair in sys.argv[2:]:
    before, after = pair.split("=")
    compare(before, pathlib.Path(after), sys.argv[1])
