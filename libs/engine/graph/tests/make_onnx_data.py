#!/usr/bin/env python3
"""Writes tests/data/*.onnx with the onnx package (all numbers invented).

    python libs/engine/graph/tests/make_onnx_data.py
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T, helper as h

OUT = pathlib.Path(__file__).parent / "data"
OUT.mkdir(exist_ok=True)


def value(name, shape, kind=T.FLOAT):
    return h.make_tensor_value_info(name, kind, shape)


def save(name, nodes, inputs, outputs, weights, opset=13):
    graph = h.make_graph(nodes, name, inputs, outputs, weights)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    (OUT / f"{name}.onnx").write_bytes(model.SerializeToString(deterministic=True))


w = np.array([[1.5, -2.0, 0.25], [3.0, 1e-30, -0.0]], np.float32)
gemm = [h.make_node("Gemm", ["x", "w"], ["y"], "fc", transB=1, alpha=0.5)]
io = [value("x", ["n", 3])], [value("y", ["n", 2])]
# The same weights in raw_data and in float_data, and listed among the inputs as before IR version 4.
save("raw_data", gemm, *io, [h.make_tensor("w", T.FLOAT, [2, 3], w.tobytes(), raw=True)])
save("float_data", gemm, *io, [h.make_tensor("w", T.FLOAT, [2, 3], w.ravel().tolist())])
save("weights_as_inputs", gemm, io[0] + [value("w", [2, 3])], io[1],
     [h.make_tensor("w", T.FLOAT, [2, 3], w.ravel().tolist())])
save("attributes", [
    h.make_node("Constant", [], ["k"], value=h.make_tensor("", T.INT64, [2], [0, -1])),
    h.make_node("Reshape", ["x", "k"], ["r"]),
    h.make_node("Unsqueeze", ["r", "axes"], ["r4"]),
    h.make_node("Conv", ["r4", "w"], ["y"], auto_pad="NOTSET", kernel_shape=[1, 1], group=1)],
    [value("x", ["n", 1, 4])], [value("y", ["n", 2, "h", "w"])],
    [h.make_tensor("axes", T.INT64, [2], [1, 2]),
     h.make_tensor("w", T.FLOAT, [2, 1, 1, 1], [1.0, 2.0])])
save("small_integers", [h.make_node("DequantizeLinear", ["q", "s", "z"], ["y"])], [],
     [value("y", [3])],
     [h.make_tensor("q", T.INT8, [3], [-128, 0, 127]), h.make_tensor("s", T.FLOAT, [], [0.5]),
      h.make_tensor("z", T.INT8, [], [3])])
