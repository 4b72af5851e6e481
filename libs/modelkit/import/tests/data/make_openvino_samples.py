"""Makes the small OpenVINO IRs beside it, in openvino/, and what OpenVINO itself answers on its CPU
plugin in f32 (openvino/answers.json). A development-time tool.

    python3.11 -m venv venv && venv/bin/pip install openvino==2026.4.1
    venv/bin/python make_openvino_samples.py

- windows: convolutions and poolings with each kind of padding and rounding, groups, PReLU.
- arithmetic: what acts number by number, and what is of a row: NormalizeL2, MVN, sums, softmax.
- shapes: Reshape with 0 and -1 and with shapes that are computed, Slice, StridedSlice, Split, Gather, Pad.
- halves: weights kept in 16 bits, behind a Convert.
- steps: FakeQuantize of weights and of what is computed.
- old: version 10, as releases before 2022 wrote it.
Weights have two binary digits behind the point; number i of an input is ((i * 7919) mod 251) / 128 - 1.
"""

import json
import os
import shutil

import numpy as np
import openvino as ov
from openvino import opset8 as ops

HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "openvino")
answers = {}
rng = np.random.default_rng(1)


def numbers(*shape):
    return (np.round(rng.uniform(-1, 1, shape) * 4) / 4).astype(np.float32)


def picture(shape):
    count = int(np.prod(shape))
    return (((np.arange(count) * 7919) % 251) / 128 - 1).astype(np.float32).reshape(shape)


def named(node, name):
    node.output(0).set_names({name})
    return node


def save(name, given, shape, outputs, compress=False):
    """`shape` is that of the input that is asked with."""
    model = ov.Model(outputs, [given], name)
    path = os.path.join(OUT, name + ".xml")
    ov.save_model(model, path, compress_to_fp16=compress)
    answer(name, shape)


def answer(name, shape):
    compiled = ov.Core().compile_model(os.path.join(OUT, name + ".xml"), "CPU",
                                       {"INFERENCE_PRECISION_HINT": "f32"})
    given = picture(shape)
    found = compiled([given])

    def listed(values):
        return [float(f"{x:.9g}") for x in values.reshape(-1)]

    answers[name] = {"net": name, "shape": list(shape), "input": listed(given),
                     "outputs": [{"name": port.any_name, "shape": list(found[port].shape), "values": listed(found[port])}
                                 for port in compiled.outputs]}


def input_of(shape):
    return named(ops.parameter(ov.PartialShape(shape), np.float32, name="picture"), "picture")


def make_windows():
    x = input_of([-1, 4, -1, -1])
    c = ops.convolution(x, numbers(6, 4, 3, 3), [2, 2], [0, 1], [1, 2], [1, 1], name="conv")
    c = ops.add(c, numbers(1, 6, 1, 1), name="biased")
    c = ops.prelu(c, numbers(6), name="slopes")
    upper = named(ops.convolution(c, numbers(3, 6, 2, 3), [2, 2], [0, 0], [0, 0], [1, 1], auto_pad="same_upper"), "upper")
    lower = named(ops.convolution(c, numbers(3, 6, 2, 2), [1, 2], [0, 0], [0, 0], [1, 1], auto_pad="same_lower"), "lower")
    valid = named(ops.convolution(c, numbers(2, 6, 2, 2), [1, 1], [9, 9], [9, 9], [2, 1], auto_pad="valid"), "valid")
    groups = ops.group_convolution(c, numbers(3, 2, 2, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    groups = named(ops.prelu(groups, numbers(6, 1, 1)), "groups")
    up = named(ops.max_pool(x, [2, 2], [1, 1], [0, 0], [0, 0], [3, 2], "ceil").outputs()[0].node, "most")
    padded = named(ops.avg_pool(x, [2, 2], [1, 1], [1, 1], [3, 3], False, "floor"), "mean")
    real = named(ops.avg_pool(x, [2, 2], [1, 0], [1, 0], [3, 3], True, "ceil"), "mean.real")
    whole = named(ops.reduce_max(x, np.int64([2, 3]), True), "largest")
    save("windows", x, (2, 4, 12, 11), [upper, lower, valid, groups, up, padded, real, whole])


def make_arithmetic():
    x = input_of([-1, 3, 4, 5])
    a = ops.sigmoid(ops.multiply(x, numbers(3, 1, 1)))
    a = ops.subtract(ops.tanh(a), ops.exp(ops.negative(ops.absolute(x))))
    a = ops.divide(a, ops.sqrt(ops.add(ops.power(x, np.float32(2)), np.float32(.5))))
    a = ops.maximum(ops.minimum(a, np.float32(.75)), numbers(1, 1, 4, 1))
    b = ops.add(ops.hswish(x), ops.hsigmoid(x))
    b = ops.add(b, ops.swish(x, np.float32(1.5)))
    b = ops.add(b, ops.swish(x))
    b = ops.add(ops.elu(b, 1.25), ops.clamp(x, -.25, .5))
    b = ops.squared_difference(b, ops.hard_sigmoid(x, np.float32(.3), np.float32(.4)))
    c = ops.batch_norm_inference(x, numbers(3), numbers(3), numbers(3), np.abs(numbers(3)) + 1, 1e-3)
    c = ops.log(ops.add(ops.relu(c), np.float32(.125)))
    unit = named(ops.normalize_l2(x, np.int64([1]), 1e-3, "add"), "unit.add")
    most = named(ops.normalize_l2(x, np.int64([1, 3]), 4., "max"), "unit.max")
    mvn = named(ops.mvn(x, np.int64([2, 3]), True, 1e-2, "inside_sqrt"), "mvn.inside")
    out = named(ops.mvn(x, np.int64([-1]), True, 1e-2, "outside_sqrt"), "mvn.outside")
    flat = named(ops.mvn(x, np.int64([1]), False, 1e-2, "inside_sqrt"), "mvn.mean")
    total = named(ops.reduce_sum(x, np.int64([1, -1]), False), "sum")
    length = named(ops.reduce_l2(x, np.int64([2]), True), "length")
    rows = ops.matmul(ops.reshape(x, np.int64([0, -1]), True), numbers(60, 4), False, False)
    rows = named(ops.softmax(ops.add(rows, numbers(1, 4)), -1), "rows")
    product = named(ops.matmul(x, x, False, True), "product")
    save("arithmetic", x, (2, 3, 4, 5),
         [named(a, "a"), named(b, "b"), named(c, "c"), unit, most, mvn, out, flat, total, length, rows, product])
    # The Python of 2026.4.1 hands on no other mode than add.
    rewrite("arithmetic", 'eps="4" eps_mode="add"', 'eps="4" eps_mode="max"', (2, 3, 4, 5))


def make_shapes():
    x = input_of([-1, 4, -1, 6])
    size = ops.shape_of(x)
    first = ops.gather(size, np.int64([0]), np.int64(0))
    rest = ops.strided_slice(size, np.int64([1]), np.int64([9]), np.int64([1]), [0], [1])
    swapped = ops.concat([first, ops.gather(rest, np.int64([2, 0]), np.int64(0)), np.int64([-1])], 0)
    turned = named(ops.reshape(x, swapped, False), "turned")
    kept = named(ops.reshape(x, np.int64([0, 2, -1, 12]), True), "kept")
    tall = ops.transpose(x, np.int64([0, 3, 1, 2]))
    tall = named(ops.pad(tall, np.int64([0, 1, 0, 0]), np.int64([0, 0, 2, 1]), "constant", np.float32(.5)), "padded")
    edge = named(ops.pad(x, np.int64([0, 0, 1, 2]), np.int64([0, 0, 1, 0]), "edge"), "edge")
    parts = ops.variadic_split(x, np.int64(1), np.int64([1, -1])).outputs()
    halves = ops.split(x, np.int64(3), 2).outputs()
    joined = named(ops.concat([ops.relu(halves[1]), halves[0]], 3), "joined")
    part = named(ops.relu(parts[1]), "part")
    some = named(ops.slice(x, np.int64([1, 4]), np.int64([3, -7]), np.int64([1, -2]), np.int64([1, 3])), "some")
    strided = named(ops.strided_slice(x, np.int64([0, 1, 0, 1]), np.int64([0, 9, 0, -1]), np.int64([1, 2, 1, 2]),
                                      [1, 0, 1, 0], [1, 0, 1, 0]), "strided")
    gathered = named(ops.gather(x, np.int64([3, 0, -1]), np.int64(1)), "gathered")
    wide = ops.unsqueeze(x, np.int64([1]))
    wide = named(ops.squeeze(ops.tanh(wide), np.int64([1])), "same")
    save("shapes", x, (2, 4, 5, 6),
         [turned, kept, tall, edge, joined, part, some, strided, gathered, wide])


def make_halves():
    x = input_of([-1, 3, 6, 6])
    c = ops.convolution(x, numbers(4, 3, 3, 3), [1, 1], [1, 1], [1, 1], [1, 1])
    c = ops.prelu(ops.add(c, numbers(1, 4, 1, 1)), numbers(4))
    c = ops.group_convolution(c, numbers(4, 1, 1, 3, 3), [2, 2], [1, 1], [1, 1], [1, 1])
    rows = ops.matmul(ops.reshape(c, np.int64([0, -1]), True), numbers(5, 36), False, True)
    save("halves", x, (2, 3, 6, 6), [named(rows, "rows")], compress=True)


def make_steps():
    x = input_of([-1, 2, 5, 5])
    stepped = ops.fake_quantize(x, np.float32(-1), np.float32(127 / 128), np.float32(-1), np.float32(127 / 128), 256)
    kernel = ops.constant(np.int8(np.round(rng.uniform(-127, 127, (3, 2, 3, 3)))))
    kernel = ops.multiply(ops.subtract(ops.convert(kernel, np.float32), np.float32(3)),
                          np.float32([1 / 64, 1 / 128, 1 / 32]).reshape(3, 1, 1, 1))
    c = ops.convolution(stepped, kernel, [1, 1], [0, 0], [0, 0], [1, 1])
    few = ops.fake_quantize(ops.constant(numbers(2, 3, 1, 1) / 3), np.float32([[[[-1]]], [[[-.5]]]]), np.float32(1),
                            np.float32([[[[-1]]], [[[-.5]]]]), np.float32(1), 16)
    save("steps", x, (1, 2, 5, 5), [named(c, "y"), named(ops.convolution(c, few, [1, 1], [0, 0], [0, 0], [1, 1]), "z")])


def rewrite(name, old, new, shape):
    path = os.path.join(OUT, name + ".xml")
    with open(path) as file:
        text = file.read()
    assert text.count(old) == 1, (name, old)
    with open(path, "w") as file:
        file.write(text.replace(old, new))
    answer(name, shape)


def make_old():
    """Version 10 says the same of these layers."""
    x = input_of([1, 3, 4, 4])
    c = ops.convolution(x, numbers(2, 3, 2, 2), [1, 1], [0, 0], [1, 1], [1, 1])
    save("old", x, (1, 3, 4, 4), [named(ops.relu(c), "y")])
    rewrite("old", 'version="11"', 'version="10"', (1, 3, 4, 4))


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    for make in (make_windows, make_arithmetic, make_shapes, make_halves, make_steps, make_old):
        make()
    with open(os.path.join(OUT, "answers.json"), "w") as file:
        json.dump({"made_by": "make_openvino_samples.py", "versions": "openvino " + ov.__version__, "cases": list(answers.values())},
                  file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
