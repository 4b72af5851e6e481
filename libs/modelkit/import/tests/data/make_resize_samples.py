"""Makes the small networks in resize/, which change the size of pictures in every way that a format has, and what their
own software answers (resize/answers.json). A development-time tool; each run replaces the networks of one software.

    python3.11 -m venv tf && tf/bin/pip install tensorflow-cpu==2.15.1
    tf/bin/python make_resize_samples.py tensorflow
    python3.11 -m venv ov && ov/bin/pip install openvino==2026.4.1
    ov/bin/python make_resize_samples.py openvino
    python3.11 -m venv cm && cm/bin/pip install "coremltools==9.0" "numpy==2.4.6"
    cm/bin/python make_resize_samples.py coreml

- frozen.pb: TensorFlow's ResizeBilinear and ResizeNearestNeighbor, larger, smaller, and to what another value has.
- lite.tflite: the same as TensorFlow's converter writes it, answered by TensorFlow Lite's plain kernels.
- sizes.xml, scales.xml: OpenVINO's Interpolate of operator sets 4 and 11, on its CPU plugin in f32.
- layers.mlmodel: Core ML's upsample and resizeBilinear, written by coremltools' own builder, answered by
  tests/golden/coreml_reference.py after Apple's documentation: Core ML itself runs on Apple's systems only.
Number i of an input is ((i * 7919) mod 251) / 128 - 1. Inputs and answers are NCHW here.
"""
import json
import os
import pathlib
import sys

import numpy as np

OUT = pathlib.Path(__file__).parent / "resize"
SHAPE = (1, 2, 5, 6)


def picture():
    return (((np.arange(np.prod(SHAPE)) * 7919) % 251) / 128 - 1).astype(np.float32).reshape(SHAPE)


def record(software, cases):
    """cases: net -> outputs by name, in the order of the network."""
    path = OUT / "answers.json"
    known = json.loads(path.read_text())["cases"] if path.exists() else []
    known = [case for case in known if case["net"] not in cases]
    for net, outputs in cases.items():
        known.append({"net": net, "software": software, "shape": SHAPE, "input": picture().ravel().tolist(),
                      "outputs": [{"name": k, "shape": v.shape, "values": [float(f"{n:.9g}") for n in v.ravel()]}
                                  for k, v in outputs.items()]})
    known.sort(key=lambda case: case["net"])
    path.write_text(json.dumps({"provenance": "make_resize_samples.py", "cases": known},
                               separators=(",", ":")).replace('{"net"', '\n{"net"') + "\n")


def tensorflow():
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    import tensorflow as tf

    def network(x):
        out = {}
        for kind, resize in (("linear", tf.raw_ops.ResizeBilinear), ("nearest", tf.raw_ops.ResizeNearestNeighbor)):
            for way in ({}, {"half_pixel_centers": True}, {"align_corners": True}):
                for size in ((10, 12), (7, 4)):
                    name = "_".join([kind, *way, str(size[0])])
                    out[name] = resize(images=x, size=tf.constant(size), name=name, **way)
        small = tf.nn.max_pool2d(x, 2, 2, "SAME")
        large = tf.raw_ops.ResizeNearestNeighbor(images=small, size=tf.shape(x)[1:3])
        out["together"] = tf.add(x, large, name="together")
        return out

    nhwc = picture().transpose(0, 2, 3, 1)
    graph = tf.Graph()
    with graph.as_default():
        made = network(tf.compat.v1.placeholder(tf.float32, (None, *nhwc.shape[1:]), "x"))
        names = list(made)
        (OUT / "frozen.pb").write_bytes(graph.as_graph_def().SerializeToString(deterministic=True))
        with tf.compat.v1.Session(graph=graph) as session:
            frozen = session.run([made[name] for name in names], {"x:0": nhwc})
    function = tf.function(network, input_signature=[tf.TensorSpec(nhwc.shape, tf.float32, "x")])
    converter = tf.lite.TFLiteConverter.from_concrete_functions([function.get_concrete_function()])
    lite = converter.convert()
    (OUT / "lite.tflite").write_bytes(lite)
    interpreter = tf.lite.Interpreter(
        model_content=lite,
        experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], nhwc)
    interpreter.invoke()
    answers = {detail["name"]: interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()}
    first = {name: value.transpose(0, 3, 1, 2) for name, value in zip(names, frozen)}
    record("tensorflow " + tf.__version__,
           {"frozen.pb": first, "lite.tflite": {k: v.transpose(0, 3, 1, 2) for k, v in answers.items()}})


def openvino():
    import openvino as ov
    from openvino import opset10, opset11, opset13 as ops

    def named(node, name):
        node.output(0).set_names({name})
        return node

    def pixels(x, values, mode, coordinates, rounding="floor", **more):
        by_size = isinstance(values[0], int)
        values = np.array(values, np.int64 if by_size else np.float32)
        name = "_".join([mode, coordinates, rounding, *more, "sizes" if by_size else "scales"])
        return named(opset11.interpolate(x, values, mode, "sizes" if by_size else "scales",
                                         coordinate_transformation_mode=coordinates, nearest_mode=rounding,
                                         axes=np.array([2, 3], np.int64), **more), name)

    def answered(name, x, outputs):
        model = ov.Model(outputs, [x], name)
        path = str(OUT / (name + ".xml"))
        ov.save_model(model, path, compress_to_fp16=False)
        compiled = ov.Core().compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
        results = compiled([picture()])
        return {output.get_any_name(): results[i] for i, output in enumerate(compiled.outputs)}

    def parameter():
        return named(ops.parameter([-1, *SHAPE[1:]], np.float32, name="x"), "x")

    coordinates = ("half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners")
    x = parameter()
    outputs = [pixels(x, size, "linear_onnx", each) for each in coordinates for size in ([10, 12], [7, 4])]
    outputs += [pixels(x, [10, 12], "linear", "half_pixel"), pixels(x, [7, 4], "nearest", "tf_half_pixel_for_nn")]
    small = ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [2, 2], auto_pad="same_upper").output(0)
    sizes = ops.gather(ops.shape_of(x), np.array([2, 3], np.int64), np.int64(0))
    large = opset11.interpolate(small, sizes, "nearest", "sizes", coordinate_transformation_mode="asymmetric",
                                nearest_mode="floor", axes=np.array([2, 3], np.int64))
    outputs.append(named(ops.add(x, large), "together"))
    cases = {"sizes.xml": answered("sizes", x, outputs)}
    x = parameter()
    outputs = [pixels(x, [2., 1.5], "nearest", each, rounding) for each in coordinates
               for rounding in ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")]
    outputs += [pixels(x, [2., 3.], "nearest", "asymmetric", "simple"), pixels(x, [1.5, .6], "linear_onnx", "half_pixel")]
    four = opset10.interpolate(x, np.array([1, 2, 10, 12], np.int64), np.array([1, 1, 2, 2], np.float32), "nearest",
                              "scales", coordinate_transformation_mode="asymmetric", nearest_mode="floor",
                              axes=np.array([0, 1, 2, 3], np.int64))
    cases["scales.xml"] = answered("scales", x, outputs + [named(four, "four")])
    record("openvino " + ov.__version__, cases)


def coreml():
    from coremltools.models import datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder

    sys.path.append(str(pathlib.Path(__file__).parents[5] / "tests/golden"))
    import coreml_reference

    ways = [("nearest", "NN", "DEFAULT"), ("starts", "BILINEAR", "DEFAULT"), ("corners", "BILINEAR", "ALIGN_CORNERS_TRUE"),
            ("middles", "BILINEAR", "ALIGN_CORNERS_FALSE")]
    modes = [("to_corners", "STRICT_ALIGN_ENDPOINTS_MODE"), ("to_starts", "UPSAMPLE_MODE")]
    names = [name for name, *_ in ways + modes]
    b = NeuralNetworkBuilder([("x", datatypes.Array(*SHAPE))], [(name, None) for name in names],
                             disable_rank5_shape_mapping=True)
    for name, mode, linear in ways:
        b.add_upsample(name, 2, 3, "x", name, mode=mode, linear_upsample_mode=linear)
    for name, mode in modes:
        b.add_resize_bilinear(name, "x", name, target_height=7, target_width=4, mode=mode)
    (OUT / "layers.mlmodel").write_bytes(b.spec.SerializeToString(deterministic=True))
    answers = coreml_reference.load(OUT / "layers.mlmodel").run({"x": picture()})
    record("coreml_reference.py", {"layers.mlmodel": {name: answers[name] for name in names}})


OUT.mkdir(exist_ok=True)
{"tensorflow": tensorflow, "openvino": openvino, "coreml": coreml}[sys.argv[1]]()
