#!/usr/bin/env python3
"""Writes tests/golden/reductions.json: small ONNX graphs with one reduction, normalisation, Expand, Erf or sum of
several each, noise as input and ONNX Runtime's answers. The reference engine's tests compare with it.

Needs numpy, onnx and onnxruntime (versions are recorded in the file):

    python tests/golden/make_reduction_golden.py
"""
import json
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper

OUT = pathlib.Path(__file__).parent / "reductions.json"
rng = np.random.default_rng(20261129)
cases = []


def listed(array):
    return {"type": "float32", "shape": list(array.shape), "values": array.ravel().tolist()}


def case(name, op, shapes, opset=13, constants=(), **attributes):
    """shapes: of inputs of noise, or the inputs; constants: what the operator reads behind them."""
    fed = {f"x{i}": np.asarray(s if isinstance(s, np.ndarray) else rng.normal(size=s), np.float32)
           for i, s in enumerate(shapes)}
    weights = [numpy_helper.from_array(np.asarray(c), f"w{i}") for i, c in enumerate(constants)]
    node = h.make_node(op, [*fed, *(w.name for w in weights)], ["y0"], **attributes)
    graph = h.make_graph([node], "g", [h.make_tensor_value_info(n, TensorProto.FLOAT, x.shape) for n, x in fed.items()],
                         [h.make_tensor_value_info("y0", TensorProto.FLOAT, None)], weights)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    answer = ort.InferenceSession(model.SerializeToString(), options).run(None, fed)[0]
    model.graph.output[0].CopyFrom(h.make_tensor_value_info("y0", TensorProto.FLOAT, answer.shape))
    cases.append({"name": f"{op} {name}", "model": model.SerializeToString(deterministic=True).hex(),
                  "inputs": [listed(x) for x in fed.values()], "outputs": [listed(answer)]})


def i64(*values):
    return np.array(values, np.int64)


def f32(*shape):
    return np.asarray(rng.normal(size=shape), np.float32)


for op in ("ReduceL2", "ReduceSum", "ReduceMax", "ReduceMin"):
    def axes(opset, *values):
        """As an attribute, or as an input: since 13 of ReduceSum, since 18 of the others."""
        is_input = opset >= (13 if op == "ReduceSum" else 18)
        return {"constants": [i64(*values)]} if is_input else {"axes": list(values)}
    for opset in (11, 13, 18):
        case(f"of the last axis, opset {opset}", op, [(2, 3, 4)], opset, **axes(opset, -1))
        case(f"of the middle, dropped, opset {opset}", op, [(2, 3, 4)], opset, keepdims=0, **axes(opset, 1))
    case("of height and width", op, [(2, 3, 4, 2)], 13, **axes(13, 2, 3))
    case("of all", op, [(2, 3, 4)], 13)
    case("of all, dropped", op, [(2, 3)], 13, keepdims=0)
    case("of none", op, [(2, 3)], 18, noop_with_empty_axes=1)
case("of height and width", "ReduceMean", [(2, 3, 4, 2)], 18, constants=[i64(2, 3)])
for p in (1, 2):
    case(f"p {p}", "LpNormalization", [(2, 5)], p=p)
    case(f"p {p} over channels", "LpNormalization", [(2, 3, 2, 2)], p=p, axis=1)
    case(f"p {p} of nothing but zeros", "LpNormalization", [np.zeros((2, 3))], p=p)
case("by default", "LpNormalization", [(3, 4)])
case("of rows", "LayerNormalization", [(2, 3, 4)], 17, constants=[f32(4), f32(4)])
case("without a bias", "LayerNormalization", [(2, 5)], 17, constants=[f32(5)], epsilon=1e-3)
case("of planes", "LayerNormalization", [(2, 3, 4)], 17, constants=[f32(3, 4), f32(3, 4)], axis=1)
case("of planes", "InstanceNormalization", [(2, 3, 4, 2)], constants=[f32(3), f32(3)])
case("of lines", "InstanceNormalization", [(2, 3, 5)], constants=[f32(3), f32(3)], epsilon=1e-2)
for op in ("Sum", "Max", "Min"):
    case("of one", op, [(2, 3)])
    case("of three", op, [(2, 3), (3,), (2, 1)])
    case("of four of a kind", op, [(2, 2)] * 4)
case("of rows", "Expand", [(3, 1)], constants=[i64(2, 1, 4)])
case("of a number", "Expand", [()], constants=[i64(2, 3)])
case("to less than it is", "Expand", [(2, 3, 4)], constants=[i64(3, 1)])
case("of noise", "Erf", [(3, 4)])

OUT.write_text(json.dumps({
    "provenance": "tests/golden/make_reduction_golden.py: inputs are noise, outputs are ONNX Runtime's",
    "onnxruntime": ort.__version__, "onnx": onnx.__version__, "numpy": np.__version__,
    "cases": cases}, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
print(len(cases), "cases,", OUT.stat().st_size, "bytes")
