#!/usr/bin/env python3
"""Writes tests/golden/resize.json: small ONNX graphs with one Resize or Upsample each, noise as input and
ONNX Runtime's answers. The reference engine's tests compare with it.

Needs numpy, onnx and onnxruntime (versions are recorded in the file):

    python tests/golden/make_resize_golden.py
"""
import json
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper

OUT = pathlib.Path(__file__).parent / "resize.json"
rng = np.random.default_rng(20261128)
cases = []


def listed(array):
    return {"type": "float32", "shape": list(array.shape), "values": array.ravel().tolist()}


def case(name, op, shape, inputs, opset, **attributes):
    """inputs: what the operator reads behind its data; None is left out."""
    x = np.asarray(rng.normal(size=shape), np.float32)
    names, weights = ["x0"], []
    for i, given in enumerate(inputs):
        names.append("" if given is None else f"w{i}")
        if given is not None:
            weights.append(numpy_helper.from_array(np.asarray(given), f"w{i}"))
    node = h.make_node(op, names, ["y0"], **attributes)
    graph = h.make_graph([node], "g", [h.make_tensor_value_info("x0", TensorProto.FLOAT, shape)],
                         [h.make_tensor_value_info("y0", TensorProto.FLOAT, None)], weights)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    answer = ort.InferenceSession(model.SerializeToString(), options).run(None, {"x0": x})[0]
    model.graph.output[0].CopyFrom(h.make_tensor_value_info("y0", TensorProto.FLOAT, answer.shape))
    cases.append({"name": f"{op} {name}", "model": model.SerializeToString(deterministic=True).hex(),
                  "inputs": [listed(x)], "outputs": [listed(answer)]})


def scales(*values):
    return np.array(values, np.float32)


def sizes(*values):
    return np.array(values, np.int64)


X2 = scales(1, 1, 2, 2)
ODD = scales(1, 1, 1.75, .6)
COORDINATES = ("asymmetric", "half_pixel", "pytorch_half_pixel", "align_corners")
for coordinates in COORDINATES:
    for nearest in ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil"):
        case(f"nearest {coordinates} {nearest} x 2", "Resize", (1, 1, 3, 2), [None, X2], 13, mode="nearest",
             coordinate_transformation_mode=coordinates, nearest_mode=nearest)
        case(f"nearest {coordinates} {nearest} x 1.75, .6", "Resize", (1, 1, 5, 6), [None, ODD], 13, mode="nearest",
             coordinate_transformation_mode=coordinates, nearest_mode=nearest)
    case(f"linear {coordinates} x 2", "Resize", (1, 2, 3, 2), [None, X2], 13, mode="linear",
         coordinate_transformation_mode=coordinates)
    case(f"linear {coordinates} x 1.75, .6", "Resize", (1, 1, 5, 6), [None, ODD], 13, mode="linear",
         coordinate_transformation_mode=coordinates)
    case(f"linear {coordinates} to 7 x 3", "Resize", (1, 1, 4, 5), [None, None, sizes(1, 1, 7, 3)], 13, mode="linear",
         coordinate_transformation_mode=coordinates)
    case(f"linear {coordinates} to a single number", "Resize", (1, 2, 4, 5), [None, None, sizes(1, 2, 1, 1)], 13,
         mode="linear", coordinate_transformation_mode=coordinates)
    case(f"linear {coordinates} from a single number", "Resize", (2, 1, 1, 1), [None, None, sizes(2, 1, 3, 2)], 13,
         mode="linear", coordinate_transformation_mode=coordinates)
case("by default", "Resize", (1, 1, 4, 3), [None, scales(1, 1, 1.5, 2)], 13)
case("opset 10 larger", "Resize", (1, 1, 4, 5), [scales(1, 1, 1.5, 2)], 10, mode="nearest")
case("opset 10 smaller", "Resize", (1, 1, 7, 5), [scales(1, 1, .4, .6)], 10, mode="nearest")
case("opset 10 linear", "Resize", (1, 1, 4, 5), [scales(1, 1, 1.5, .6)], 10, mode="linear")
case("opset 11 with regions and scales", "Resize", (1, 1, 4, 5), [scales(), scales(1, 1, 1.5, 2)], 11, mode="linear")
case("opset 11 with sizes", "Resize", (1, 1, 4, 5), [scales(), scales(), sizes(1, 1, 9, 2)], 11, mode="nearest",
     coordinate_transformation_mode="asymmetric", nearest_mode="floor")
for x, size in (((1, 1, 3, 2), sizes(1, 1, 6, 4)), ((1, 1, 4, 5), sizes(1, 1, 7, 3))):
    case(f"tf_half_pixel_for_nn to {size[2]} x {size[3]}", "Resize", x, [scales(), scales(), size], 11, mode="nearest",
         coordinate_transformation_mode="tf_half_pixel_for_nn", nearest_mode="floor")
case("opset 18 of some axes", "Resize", (2, 3, 3, 2), [None, scales(2, 3)], 18, axes=[-2, -1], mode="linear")
case("opset 19 of rows", "Resize", (2, 5), [None, scales(1, 1.4)], 19, mode="nearest", nearest_mode="ceil")
case("of three axes", "Resize", (2, 3, 4), [None, scales(1.5, 1, 2)], 13, mode="nearest",
     coordinate_transformation_mode="asymmetric", nearest_mode="floor")
case("opset 7", "Upsample", (1, 2, 2, 3), [], 7, mode="nearest", scales=[1., 1., 2., 3.])
case("opset 8 linear", "Upsample", (1, 2, 2, 3), [], 8, mode="linear", scales=[1., 1., 2., 1.5])
case("opset 9", "Upsample", (1, 1, 2, 3), [scales(1, 1, 1.5, 2)], 9, mode="nearest")
case("opset 9 linear", "Upsample", (1, 1, 3, 2), [X2], 9, mode="linear")

OUT.write_text(json.dumps({
    "provenance": "tests/golden/make_resize_golden.py: inputs are noise, outputs are ONNX Runtime's",
    "onnxruntime": ort.__version__, "onnx": onnx.__version__, "numpy": np.__version__,
    "cases": cases}, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
print(len(cases), "cases,", OUT.stat().st_size, "bytes")
