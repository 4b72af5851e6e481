"""Writes small Core ML networks into coreml/ with coremltools' own builder, and beside them what tests/golden/coreml_reference.py,
an interpreter in numpy after Apple's documentation, answers: Core ML itself runs on Apple's systems only.

    python -m venv venv && venv/bin/pip install "coremltools==9.0" "numpy==2.4.6"
    venv/bin/python make_coreml_samples.py
"""

import copy
import json
import pathlib
import sys

import coremltools
import numpy
from coremltools.models import datatypes
from coremltools.models.neural_network import NeuralNetworkBuilder

HERE = pathlib.Path(__file__).parent
sys.path.append(str(HERE.parents[4] / "tests/golden"))
import coreml_reference  # noqa: E402

FOLDER = HERE / "coreml"
draw = numpy.random.default_rng(21)


def some(*shape, low=-1.0, high=1.0):
    """Numbers of few digits, so that JSON holds them exactly."""
    return (numpy.round(draw.uniform(low, high, shape) * 64) / 64).astype(numpy.float32)


def builder(shape, outputs, exact):
    return NeuralNetworkBuilder([("data", datatypes.Array(*shape))], [(o, None) for o in outputs],
                                disable_rank5_shape_mapping=exact)


def convolution(b, name, source, out, channels, kernel, **how):
    how = {"stride": (1, 1), "border": "valid", "groups": 1} | how
    weights = some(kernel[0], kernel[1], channels // how["groups"], out)
    b.add_convolution(name, channels // how["groups"], out, kernel[0], kernel[1], how["stride"][0], how["stride"][1],
                      how["border"], how["groups"], weights, some(out) if how.get("bias", True) else None,
                      how.get("bias", True), input_name=source, output_name=name,
                      dilation_factors=list(how.get("dilation", (1, 1))),
                      same_padding_asymmetry_mode=how.get("mode", "BOTTOM_RIGHT_HEAVY"), **how.get("pads", {}))


def old():
    """As coremltools has always written them: [C, H, W], a batch is not spoken of."""
    b = builder((3, 9, 8), ["prob", "map"], False)
    convolution(b, "conv", "data", 4, 3, (3, 3), stride=(2, 2), border="same")
    b.add_batchnorm("bn", 4, some(4), some(4), some(4), some(4, low=.5, high=2), "conv", "bn", epsilon=1e-3)
    b.add_activation("prelu", "PRELU", "bn", "prelu", some(4))
    b.add_pooling("pool", 3, 3, 2, 2, "MAX", "INCLUDE_LAST_PIXEL", "prelu", "pool")
    b.add_scale("scale", some(4, 1, 1), some(4), True, "pool", "scale", shape_scale=[4], shape_bias=[4])
    b.add_flatten("flat", 0, "scale", "flat")
    b.add_inner_product("fc", some(6, 16), some(6), 16, 6, True, "flat", "fc")
    b.add_softmax("softmax", "fc", "prob")
    b.add_pooling("all", 1, 1, 1, 1, "AVERAGE", "VALID", "prelu", "all", is_global=True)
    b.add_elementwise("times", ["prelu", "all"], "times", "MULTIPLY")
    b.add_unary("power", "times", "power", "power", alpha=2, shift=.5, scale=.25)
    b.add_elementwise("concat", ["power", "times"], "map", "CONCAT")
    return b, (1, 3, 9, 8)


def windows():
    b = builder((1, 4, 9, 8), ["plain", "same", "dilated", "max", "last", "mean", "counted", "l2"], True)
    convolution(b, "plain", "data", 6, 4, (3, 2), stride=(2, 1),
                pads={"padding_top": 1, "padding_bottom": 0, "padding_left": 0, "padding_right": 2})
    convolution(b, "same", "data", 4, 4, (4, 3), border="same", groups=4, stride=(2, 1), mode="TOP_LEFT_HEAVY", bias=False)
    convolution(b, "dilated", "data", 2, 4, (3, 3), dilation=(2, 1))
    b.add_pooling("max", 3, 3, 2, 2, "MAX", "VALID", "data", "max", padding_top=1, padding_right=1)
    b.add_pooling("last", 3, 3, 2, 2, "MAX", "INCLUDE_LAST_PIXEL", "data", "last", padding_top=1, padding_bottom=1,
                  padding_left=1, padding_right=1)
    b.add_pooling("mean", 3, 3, 1, 1, "AVERAGE", "VALID", "data", "mean", exclude_pad_area=True, padding_top=1,
                  padding_bottom=1, padding_left=1, padding_right=1)
    b.add_pooling("counted", 3, 3, 1, 1, "AVERAGE", "VALID", "data", "counted", exclude_pad_area=False, padding_top=1,
                  padding_bottom=1, padding_left=1, padding_right=1)
    b.add_l2_normalize("l2", "data", "l2", epsilon=5)
    return b, (1, 4, 9, 8)


def functions():
    names = ["relu", "leaky", "elu", "sigmoid", "hard", "tanh", "scaled", "linear", "rsqrt", "inverse", "sqrt", "exp", "log", "abs",
             "least", "clip"]
    b = builder((1, 2, 3, 4), names, True)
    for name, kind, numbers in (("relu", "RELU", None), ("leaky", "LEAKYRELU", [.2]), ("elu", "ELU", .5), ("sigmoid", "SIGMOID", None),
                                ("hard", "SIGMOID_HARD", [.7, .4]), ("scaled", "SCALED_TANH", [1.5, .5]),
                                ("linear", "LINEAR", [-2, .25])):
        b.add_activation(name, kind, "data", name, numbers)
    b.add_tanh("tanh", "data", "tanh")
    for name, mode in (("rsqrt", "rsqrt"), ("inverse", "inverse"), ("sqrt", "sqrt"), ("exp", "exp"), ("log", "log"), ("abs", "abs")):
        b.add_unary(name, "data", name, mode, shift=1.5, scale=.5, epsilon=.125)
    b.add_unary("least", "data", "least", "threshold", alpha=.25)
    b.add_clip("clip", "data", "clip", -.5, .25)
    return b, (1, 2, 3, 4)


def shapes():
    b = builder((1, 4, 3, 5), ["turned", "rows", "cut", "b", "padded", "mean", "soft", "sum", "quotient", "product", "thin"], True)
    b.add_transpose("turned", [0, 2, 3, 1], "data", "turned")
    b.add_flatten_to_2d("flat", "turned", "flat", axis=1)
    b.add_inner_product("rows", some(3, 60), some(3), 60, 3, True, "flat", "rows")
    b.add_slice_static("cut", "data", "cut", [0, 1, 0, -3], [1, 3, 3, 5], [1, 1, 1, 1], [True, False, True, False],
                       [True, False, True, True])
    b.add_split_nd("split", "data", ["a", "b"], 1, split_sizes=[1, 3])
    b.add_constant_pad("padded", ["data"], "padded", .5, False, [0, 0, 1, 0, 0, 2, 1, 1])
    b.add_reduce_mean("mean", "data", "mean", axes=[2, -1], keepdims=False)
    b.add_softmax_nd("soft", "data", "soft", 3)
    b.add_load_constant_nd("row", "row", some(5, low=1, high=2), [5])
    b.add_add_broadcastable("sum", ["data", "row"], "sum")
    b.add_divide_broadcastable("quotient", ["data", "row"], "quotient")
    b.add_rank_preserving_reshape("reshaped", "data", "reshaped", [0, 2, 2, 15])
    b.add_slice_static("first", "reshaped", "first", [0, 0, 0, 0], [0, 1, 0, 0], [1] * 4, [True] * 4, [True, False, True, True])
    b.add_squeeze("squeezed", "first", "squeezed", [1])
    b.add_inner_product("product", some(2, 15), some(2), 15, 2, True, "squeezed", "product")
    b.add_expand_dims("wide", "product", "wide", [1])
    b.add_concat_nd("thin", ["wide", "wide"], "thin", 1)
    return b, (1, 4, 3, 5)


def picture():
    """As most networks for faces come: a picture with a factor and biases, BGR."""
    b = builder((3, 4, 5), ["map"], False)
    convolution(b, "map", "data", 2, 3, (3, 3), border="same")
    b.set_pre_processing_parameters(["data"], is_bgr={"data": True}, red_bias={"data": -1}, green_bias={"data": -.5},
                                    blue_bias={"data": .25}, image_scale={"data": 1 / 128})
    return b, (1, 3, 4, 5)


FOLDER.mkdir(exist_ok=True)
cases = []
for make in (old, windows, functions, shapes, picture):
    made, shape = make()
    for output in made.spec.description.output:
        output.type.multiArrayType.dataType = 65568
    for given in made.spec.description.input:
        if given.type.HasField("multiArrayType"):
            given.type.multiArrayType.dataType = 65568
    specs = {make.__name__: made.spec}
    if make is old:  # the same in halves
        specs["halves"] = coremltools.utils._convert_neural_network_spec_weights_to_fp16(copy.deepcopy(made.spec))
    x = some(*shape) if make is not picture else draw.integers(0, 256, shape).astype(numpy.float32)
    for name, spec in specs.items():
        path = FOLDER / f"{name}.mlmodel"
        path.write_bytes(spec.SerializeToString(deterministic=True))
        answers = coreml_reference.load(path).run({"data": x})
        cases.append({
            "net": name, "shape": list(shape), "input": [float(v) for v in x.ravel()],
            "outputs": [{"name": o, "shape": list(a.shape), "values": [float(f"{v:.8g}") for v in a.ravel()]}
                        for o, a in answers.items()]})
        print(name, path.stat().st_size, {o: a.shape for o, a in answers.items()})
(FOLDER / "answers.json").write_text(json.dumps(
    {"provenance": f"make_coreml_samples.py; coremltools {coremltools.__version__} wrote, coreml_reference.py ran",
     "cases": cases}) + "\n")
