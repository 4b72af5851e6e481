#!/usr/bin/env python3
"""Writes external/net.onnx with net.onnx.data, and external/whole.onnx, the same network in one file, with the onnx
package (all numbers invented).

    python libs/modelkit/import/tests/data/make_external_onnx.py
"""
import pathlib

import numpy as np
import onnx
from onnx import TensorProto as T, helper as h, numpy_helper

OUT = pathlib.Path(__file__).parent / "external"
OUT.mkdir(exist_ok=True)
rng = np.random.default_rng(3)
weights = [numpy_helper.from_array(rng.normal(size=s).astype(np.float32), n) for n, s in (("w", (5, 4)), ("b", (5,)))]
graph = h.make_graph(
    [h.make_node("Gemm", ["x", "w", "b"], ["g"], transB=1), h.make_node("ReduceL2", ["g"], ["l"], axes=[1]),
     h.make_node("Div", ["g", "l"], ["y"])], "external",
    [h.make_tensor_value_info("x", T.FLOAT, ["n", 4])], [h.make_tensor_value_info("y", T.FLOAT, ["n", 5])], weights)
model = h.make_model(graph, opset_imports=[h.make_opsetid("", 13)], ir_version=8)
onnx.save_model(model, str(OUT / "whole.onnx"))
onnx.save_model(model, str(OUT / "net.onnx"), save_as_external_data=True, location="net.onnx.data", size_threshold=0)
