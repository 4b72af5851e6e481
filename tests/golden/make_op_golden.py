#!/usr/bin/env python3
"""Writes tests/golden/operators.json: one small ONNX graph per operator and edge case, with noise as
input and ONNX Runtime's answer. The reference engine's tests compare with it.

Needs numpy, onnx and onnxruntime (versions are recorded in the file):

    python tests/golden/make_op_golden.py
"""
import json
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper as h, numpy_helper

OUT = pathlib.Path(__file__).parent / "operators.json"
rng = np.random.default_rng(20261123)
cases = []


def noise(*shape, positive=False):
    values = np.asarray(rng.normal(size=shape), np.float32)
    return np.asarray(np.abs(values) + np.float32(0.5)) if positive else values


def i64(*values):
    return np.array(values, np.int64)


def listed(array):
    array = np.asarray(array)
    kind = {"f": "float32", "i": "int64"}[array.dtype.kind]
    return {"type": kind, "shape": list(array.shape), "values": array.ravel().tolist()}


def case(name, op, inputs, opset=13, outputs=1, **attributes):
    """inputs: arrays are fed at run time; ("w", array) is a constant of the model; None is left out."""
    names, fed, weights = [], {}, []
    for i, given in enumerate(inputs):
        if given is None:
            names.append("")
        elif isinstance(given, tuple):
            names.append(f"w{i}")
            weights.append(numpy_helper.from_array(given[1], f"w{i}"))
        else:
            names.append(f"x{i}")
            fed[f"x{i}"] = given
    made = [f"y{i}" for i in range(outputs)]
    node = h.make_node(op, names, made, **attributes)
    add([node], name, fed, weights, made, opset)


def add(nodes, name, fed, weights, made, opset=13):
    kinds = {"f": TensorProto.FLOAT, "i": TensorProto.INT64}
    inputs = [h.make_tensor_value_info(n, kinds[a.dtype.kind], a.shape) for n, a in fed.items()]
    graph = h.make_graph(nodes, "g", inputs, [h.ValueInfoProto(name=n) for n in made], weights)
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8)
    # ONNX Runtime finds the types of the outputs; our reader wants them in the file.
    model = onnx.shape_inference.infer_shapes(model, strict_mode=True)
    options = ort.SessionOptions()
    options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
    answer = ort.InferenceSession(model.SerializeToString(), options).run(made, fed)
    for value, output in zip(answer, model.graph.output):
        output.CopyFrom(h.make_tensor_value_info(output.name, kinds[value.dtype.kind], value.shape))
    del model.graph.value_info[:]
    cases.append({"name": name, "model": model.SerializeToString(deterministic=True).hex(),
                  "inputs": [listed(a) for a in fed.values()], "outputs": [listed(a) for a in answer]})


def w(array):
    return "w", array


# Conv
case("Conv with bias", "Conv", [noise(1, 2, 5, 6), w(noise(3, 2, 3, 3)), w(noise(3))])
case("Conv 1x1 of a batch", "Conv", [noise(3, 4, 3, 2), w(noise(5, 4, 1, 1))])
case("Conv asymmetric pads", "Conv", [noise(1, 2, 5, 6), w(noise(2, 2, 3, 3)), w(noise(2))], pads=[0, 1, 2, 0])
case("Conv strides", "Conv", [noise(1, 1, 7, 8), w(noise(2, 1, 3, 2))], strides=[2, 3])
case("Conv dilations and pads", "Conv", [noise(1, 2, 7, 8), w(noise(2, 2, 3, 3))], dilations=[2, 3],
     pads=[2, 3, 1, 3])
case("Conv dilations and strides", "Conv", [noise(1, 1, 9, 9), w(noise(1, 1, 3, 3))], dilations=[2, 2],
     strides=[2, 3], pads=[1, 1, 1, 1])
case("Conv groups", "Conv", [noise(2, 4, 4, 4), w(noise(6, 2, 3, 3)), w(noise(6))], group=2)
case("Conv depthwise stride 2", "Conv", [noise(1, 3, 6, 7), w(noise(3, 1, 3, 3)), w(noise(3))], group=3,
     strides=[2, 2], pads=[1, 1, 1, 1])
case("Conv depthwise with two outputs each", "Conv", [noise(1, 3, 4, 4), w(noise(6, 1, 2, 2))], group=3)
case("Conv depthwise dilated", "Conv", [noise(1, 2, 6, 6), w(noise(2, 1, 3, 3))], group=2, dilations=[2, 2],
     pads=[2, 0, 1, 3])
case("Conv padding wider than the kernel", "Conv", [noise(1, 1, 2, 2), w(noise(1, 1, 2, 2)), w(noise(1))],
     pads=[3, 3, 3, 3])
case("Conv depthwise padding wider than the kernel", "Conv", [noise(1, 2, 2, 2), w(noise(2, 1, 2, 2))],
     group=2, pads=[3, 3, 3, 3], strides=[2, 2])
case("Conv SAME_UPPER", "Conv", [noise(1, 1, 6, 5), w(noise(1, 1, 3, 2))], auto_pad="SAME_UPPER", strides=[2, 2])
case("Conv SAME_LOWER", "Conv", [noise(1, 1, 6, 5), w(noise(1, 1, 3, 2))], auto_pad="SAME_LOWER", strides=[2, 2])
case("Conv VALID", "Conv", [noise(1, 1, 6, 5), w(noise(1, 1, 3, 2))], auto_pad="VALID", strides=[2, 2])
# More columns than one block of 16 and more rows than one block of 4, with both remainders.
case("Conv with remainders of blocks", "Conv", [noise(1, 3, 5, 7), w(noise(7, 3, 1, 1))])

# Pooling
for size in (4, 5, 6, 7):
    for kernel, stride in ((2, 2), (3, 2), (2, 3)):
        for ceil in (0, 1):
            case(f"MaxPool {kernel}/{stride} ceil {ceil} of {size}", "MaxPool", [noise(1, 1, size, size)],
                 kernel_shape=[kernel, kernel], strides=[stride, stride], ceil_mode=ceil)
case("MaxPool pads of negative numbers", "MaxPool", [-noise(1, 2, 5, 6, positive=True)], kernel_shape=[3, 3],
     strides=[2, 2], pads=[1, 0, 1, 1])
case("MaxPool pads and ceil", "MaxPool", [noise(1, 1, 6, 7)], kernel_shape=[3, 3], strides=[2, 2],
     pads=[1, 1, 1, 1], ceil_mode=1)
case("MaxPool dilations", "MaxPool", [noise(1, 1, 7, 7)], kernel_shape=[2, 3], dilations=[3, 2])
case("MaxPool SAME_UPPER", "MaxPool", [noise(2, 1, 5, 6)], kernel_shape=[2, 2], strides=[2, 2],
     auto_pad="SAME_UPPER")
case("AveragePool", "AveragePool", [noise(2, 2, 5, 6)], kernel_shape=[2, 3], strides=[2, 1])
case("AveragePool pads not counted", "AveragePool", [noise(1, 1, 5, 5)], kernel_shape=[3, 3],
     pads=[1, 0, 1, 2], strides=[2, 2])
case("AveragePool pads counted", "AveragePool", [noise(1, 1, 5, 5)], kernel_shape=[3, 3], pads=[1, 0, 1, 2],
     strides=[2, 2], count_include_pad=1)
case("AveragePool ceil", "AveragePool", [noise(1, 1, 6, 6)], kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)
case("AveragePool ceil, pads counted", "AveragePool", [noise(1, 1, 6, 6)], kernel_shape=[3, 3],
     strides=[2, 2], ceil_mode=1, pads=[1, 1, 0, 0], count_include_pad=1)
case("GlobalAveragePool", "GlobalAveragePool", [noise(2, 3, 4, 5)])
case("GlobalMaxPool", "GlobalMaxPool", [noise(2, 3, 4, 5)])

# Elementwise
for op in ("Relu", "Sigmoid", "Tanh", "Exp", "Neg", "Abs", "Identity", "HardSwish"):
    case(op, op, [noise(2, 3, 4)], opset=14)
for op in ("Log", "Sqrt"):
    case(op, op, [noise(2, 3, positive=True)])
case("LeakyRelu", "LeakyRelu", [noise(2, 5)], alpha=0.2)
case("LeakyRelu by default", "LeakyRelu", [noise(2, 5)])
case("Elu", "Elu", [noise(2, 5)], alpha=0.7)
case("HardSigmoid", "HardSigmoid", [noise(2, 5) * 4], alpha=0.3, beta=0.4)
for name, slope in (("of a channel", (3, 1, 1)), ("of the last axis", (5,)), ("single", (1,)),
                    ("of all", (2, 3, 4, 5))):
    case(f"PRelu slope {name}", "PRelu", [noise(2, 3, 4, 5), w(noise(*slope))])
case("PRelu of a matrix", "PRelu", [noise(3, 4), w(noise(4))])
for op in ("Add", "Sub", "Mul", "Div"):
    for a, b in (((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (3, 1)), ((4,), (2, 3, 1)), ((2, 1, 4), (1, 3, 1)),
                 ((2, 3), ()), ((), (2, 3)), ((3, 1, 2), (1, 4, 2))):
        case(f"{op} {a} {b}", op, [noise(*a), noise(*b, positive=True)])
    case(f"{op} of integers", op, [i64(7, -7, 9, -9, 4), i64(2, 2, -4, -4, 1)])
case("Pow", "Pow", [noise(2, 3, positive=True), noise(3)])
case("Clip", "Clip", [noise(3, 4), w(np.float32(-0.5)), w(np.float32(0.25))])
case("Clip below", "Clip", [noise(3, 4), w(np.float32(-0.5))])
case("Clip above", "Clip", [noise(3, 4), None, w(np.float32(0.25))])
case("Clip opset 6", "Clip", [noise(3, 4)], opset=10, min=0.0, max=0.5)
case("BatchNormalization of images", "BatchNormalization",
     [noise(2, 3, 2, 2), w(noise(3)), w(noise(3)), w(noise(3)), w(noise(3, positive=True))], opset=9, epsilon=0.01)
case("BatchNormalization of vectors", "BatchNormalization",
     [noise(4, 3), w(noise(3)), w(noise(3)), w(noise(3)), w(noise(3, positive=True))], opset=14)

# Reductions
for opset in (11, 13):
    for axis in (0, 1, 2, -1):
        case(f"Softmax axis {axis} opset {opset}", "Softmax", [noise(2, 3, 4)], opset=opset, axis=axis)
    case(f"Softmax by default opset {opset}", "Softmax", [noise(2, 3, 4)], opset=opset)
case("Softmax of large numbers", "Softmax", [noise(2, 5) * 200])
case("ReduceMean", "ReduceMean", [noise(2, 3, 4)], axes=[1], keepdims=0)
case("ReduceMean of all", "ReduceMean", [noise(2, 3, 4)])
case("ReduceMean opset 18", "ReduceMean", [noise(2, 3, 4), w(i64(-1, 0))], opset=18)

# Products
case("Gemm", "Gemm", [noise(2, 3), w(noise(3, 4)), w(noise(4))])
case("Gemm transA", "Gemm", [noise(3, 2), w(noise(3, 4))], transA=1)
case("Gemm transB", "Gemm", [noise(2, 3), w(noise(4, 3)), w(noise(2, 1))], transB=1)
case("Gemm both turned, alpha, beta", "Gemm", [noise(3, 5), w(noise(4, 3)), w(noise(5, 4))], transA=1, transB=1,
     alpha=0.5, beta=-2.0)
case("Gemm scalar bias", "Gemm", [noise(2, 3), w(noise(3, 4)), w(noise())])
case("Gemm with remainders of blocks", "Gemm", [noise(7, 9), w(noise(9, 19)), w(noise(1, 19))])
case("MatMul", "MatMul", [noise(2, 3), w(noise(3, 4))])
case("MatMul of stacks", "MatMul", [noise(2, 2, 3), noise(2, 3, 4)])
case("MatMul of a stack and a matrix", "MatMul", [noise(2, 2, 2, 3), w(noise(3, 4))])

# Shapes
for shape in ((6, 4), (0, -1), (-1, 2, 3), (0, 0, 2, -1), (24,)):
    case(f"Reshape to {shape}", "Reshape", [noise(2, 3, 4), w(i64(*shape))])
for axis in (0, 1, 2, 3, -1):
    case(f"Flatten axis {axis}", "Flatten", [noise(2, 3, 4)], axis=axis)
case("Squeeze", "Squeeze", [noise(1, 3, 1, 2), w(i64(0, -2))])
case("Squeeze of all", "Squeeze", [noise(1, 3, 1, 2)])
case("Squeeze opset 11", "Squeeze", [noise(1, 3, 1, 2)], opset=11, axes=[2])
case("Unsqueeze", "Unsqueeze", [noise(3, 2), w(i64(0, -1))])
case("Unsqueeze opset 11", "Unsqueeze", [noise(3, 2)], opset=11, axes=[1, 3])
case("Shape", "Shape", [noise(3, 1, 2)])
case("Shape from the second axis", "Shape", [noise(3, 1, 2)], opset=15, start=-2, end=2)
case("Cast to int64", "Cast", [np.array([-2.7, -0.5, 0.5, 2.7], np.float32)], to=TensorProto.INT64)
case("Cast to float32", "Cast", [i64(-3, 0, 16777217)], to=TensorProto.FLOAT)

# Selections
case("Transpose by default", "Transpose", [noise(2, 3, 4)])
case("Transpose", "Transpose", [noise(2, 3, 4, 2)], perm=[0, 3, 1, 2])
case("Transpose of integers", "Transpose", [np.arange(6).reshape(2, 3)], perm=[1, 0])
far = np.iinfo(np.int64)
for starts, ends, axes, steps in (((1,), (3,), (1,), (1,)), ((-3, 0), (-1, 9), (1, 0), (1, 1)),
                                  ((far.max,), (far.min,), (1,), (-1,)), ((4,), (0,), (1,), (-2,)),
                                  ((-1,), (-4,), (-1,), (-2,)), ((0,), (5,), (1,), (3,)),
                                  ((0,), (far.max,), (1,), (far.max,)), ((2,), (far.min,), (1,), (far.min,)),
                                  ((3,), (1,), (1,), (1,)), ((-9,), (9,), (1,), (1,))):
    case(f"Slice {starts} {ends} {axes} {steps}", "Slice",
         [noise(2, 5), w(i64(*starts)), w(i64(*ends)), w(i64(*axes)), w(i64(*steps))])
case("Slice without axes", "Slice", [noise(3, 4), w(i64(1, 2)), w(i64(3, 4))])
case("Slice opset 9", "Slice", [noise(3, 4)], opset=9, axes=[1], starts=[-3], ends=[far.max])
case("Gather rows", "Gather", [noise(3, 2), w(i64(2, 0, -1))])
case("Gather a matrix of indices", "Gather", [noise(2, 3, 2), w(np.array([[0, 2], [1, 1]]))], axis=1)
case("Gather one", "Gather", [i64(5, 6, 7), w(np.int64(1))])
case("Concat", "Concat", [noise(2, 1, 3), noise(2, 2, 3), noise(2, 3, 3)], axis=1)
case("Concat last axis", "Concat", [noise(2, 3), noise(2, 1)], axis=-1)
case("Concat of integers", "Concat", [i64(1, 2), i64(3)], axis=0)
case("Split", "Split", [noise(2, 6)], outputs=3, axis=1)
case("Split in given parts", "Split", [noise(5, 2), w(i64(1, 0, 4))], outputs=3)
case("Split opset 11", "Split", [noise(2, 5)], opset=11, outputs=2, axis=-1, split=[2, 3])
for mode in ("constant", "edge", "reflect"):
    case(f"Pad {mode}", "Pad", [noise(1, 3, 4), w(i64(0, 1, 2, 0, 2, 1))], mode=mode)
case("Pad with a constant", "Pad", [noise(2, 3), w(i64(1, 0, 0, 2)), w(np.float32(7))])
case("Pad that cuts", "Pad", [noise(3, 5), w(i64(0, -1, 1, -2))])
case("Pad opset 10", "Pad", [noise(2, 3)], opset=10, pads=[0, 1, 1, 0], value=0.5)
case("Pad of chosen axes", "Pad", [noise(2, 3), w(i64(1, 2)), None, w(i64(-1))], opset=18)

# A shape that is computed while the network runs.
shape = [h.make_node("Shape", ["x0"], ["s"]), h.make_node("Constant", [], ["k"], value_ints=[0]),
         h.make_node("Gather", ["s", "k"], ["n"]), h.make_node("Concat", ["n", "rest"], ["t"], axis=0),
         h.make_node("Reshape", ["x0", "t"], ["y0"])]
nodes_weights = [numpy_helper.from_array(i64(-1, 2), "rest")]
add(shape, "Reshape to a computed shape", {"x0": noise(3, 2, 4)}, nodes_weights, ["y0"])

OUT.write_text(json.dumps({
    "provenance": "tests/golden/make_op_golden.py: inputs are noise, outputs are ONNX Runtime's",
    "onnxruntime": ort.__version__, "onnx": onnx.__version__, "numpy": np.__version__,
    "cases": cases}, separators=(",", ":")).replace('{"name"', '\n{"name"') + "\n")
print(len(cases), "cases,", OUT.stat().st_size, "bytes")
