"""Writes small Caffe networks into caffe/, and beside them what OpenCV's dnn, a reader of Caffe's files by other people, answers.

    python -m venv venv && venv/bin/pip install "opencv-python-headless==4.14.0.94" "numpy==2.4.6"
    venv/bin/python make_caffe_samples.py

The .caffemodel files are encoded here by hand from the format's field numbers (BVLC Caffe 1.0, caffe.proto). Averages whose
last window hangs over are also computed here by hand, as Caffe's pooling_layer.cpp defines them.
"""

import json
import pathlib
import struct

import cv2
import numpy

FOLDER = pathlib.Path(__file__).parent / "caffe"
draw = numpy.random.default_rng(20)


def varint(n):
    out = b""
    while n > 127:
        out += bytes([n & 127 | 128])
        n >>= 7
    return out + bytes([n])


def chunk(field, payload):
    payload = payload.encode() if isinstance(payload, str) else payload
    return varint(field << 3 | 2) + varint(len(payload)) + payload


def number(field, value):
    return varint(field << 3) + varint(value)


def blob(values):
    values = numpy.asarray(values, numpy.float32)
    data = chunk(5, struct.pack(f"<{values.size}f", *values.ravel()))
    return chunk(7, chunk(1, b"".join(varint(n) for n in values.shape))) + data


def old_blob(values):
    values = numpy.asarray(values, numpy.float32)
    shape = (1,) * (4 - values.ndim) + values.shape
    sizes = b"".join(number(i + 1, n) for i, n in enumerate(shape))
    return sizes + chunk(5, struct.pack(f"<{values.size}f", *values.ravel()))


def model(weights):
    """{layer: [blob, …]} as the present form has it."""
    return b"".join(
        chunk(100, chunk(1, layer) + b"".join(chunk(7, blob(b)) for b in blobs)) for layer, blobs in weights.items())


def old_model(weights):
    return b"".join(
        chunk(2, chunk(4, layer) + b"".join(chunk(6, old_blob(b)) for b in blobs)) for layer, blobs in weights.items())


def some(*shape, low=-1.0, high=1.0):
    """Numbers of few digits, so that JSON holds them exactly."""
    return (numpy.round(draw.uniform(low, high, shape) * 64) / 64).astype(numpy.float32)


def layer(kind, name, bottoms, tops, parameters=""):
    lines = "".join(f'  bottom: "{b}"\n' for b in bottoms.split()) + "".join(f'  top: "{t}"\n' for t in tops.split())
    return f'layer {{\n  name: "{name}"\n  type: "{kind}"\n{lines}  {parameters}\n}}\n'


def input_layer(*shape):
    return layer("Input", "data", "", "data", "input_param { shape { " + " ".join(f"dim: {n}" for n in shape) + " } }")


NETS = {}


def net(name, text, weights, shape, outputs, encode=model):
    NETS[name] = (f'name: "{name}"\n' + text, encode(weights), shape, outputs.split())


net("convolutions",
    input_layer(1, 4, 9, 8)
    + layer("Convolution", "plain", "data", "plain",
            "convolution_param { num_output: 6 kernel_size: 3 pad: 1 stride: 2 weight_filler { type: \"xavier\" } }")
    + layer("Convolution", "uneven", "data", "uneven",
            "convolution_param { num_output: 4 kernel_h: 3 kernel_w: 2 pad_h: 1 pad_w: 0 stride_h: 1 stride_w: 2 group: 2 }")
    + layer("Convolution", "dilated", "data", "dilated",
            "convolution_param { num_output: 2 kernel_size: 3 dilation: 2 bias_term: false }")
    + layer("Convolution", "two", "data", "two",
            "convolution_param { num_output: 4 kernel_size: [3, 1] pad: 1 pad: 0 group: 4 }"),
    {"plain": [some(6, 4, 3, 3), some(6)], "uneven": [some(4, 2, 3, 2), some(4)], "dilated": [some(2, 4, 3, 3)],
     "two": [some(4, 1, 3, 1), some(4)]},
    (1, 4, 9, 8), "plain uneven dilated two")

net("poolings",
    input_layer(1, 2, 8, 7)
    + layer("Pooling", "max", "data", "max", "pooling_param { pool: MAX kernel_size: 3 stride: 2 }")
    + layer("Pooling", "padded", "data", "padded", "pooling_param { kernel_size: 2 stride: 2 pad: 1 }")
    + layer("Pooling", "floor", "data", "floor", "pooling_param { kernel_size: 3 stride: 2 ceil_mode: false }")
    + layer("Pooling", "mean", "data", "mean", "pooling_param { pool: AVE kernel_size: 3 stride: 2 pad: 1 }")
    + layer("Pooling", "hanging", "data", "hanging", "pooling_param { pool: AVE kernel_size: 3 stride: 2 }")
    + layer("Pooling", "all", "data", "all", "pooling_param { pool: AVE global_pooling: true }")
    + layer("Pooling", "most", "data", "most", "pooling_param { pool: MAX global_pooling: true }"),
    {}, (1, 2, 8, 7), "max padded floor mean hanging all most")

net("normalisations",
    input_layer(1, 3, 4, 5)
    + layer("Convolution", "conv", "data", "conv", "convolution_param { num_output: 4 kernel_size: 1 }")
    + layer("BatchNorm", "bn", "conv", "conv", "batch_norm_param { use_global_stats: true eps: 0.01 }\n"
            "  param { lr_mult: 0 } param { lr_mult: 0 } param { lr_mult: 0 }")
    + layer("Scale", "scale", "conv", "conv", "scale_param { bias_term: true }")
    + layer("PReLU", "prelu", "conv", "conv")
    + layer("BatchNorm", "alone", "conv", "alone")
    + layer("Scale", "factor", "alone", "factor", "scale_param { axis: 1 bias_term: false }")
    + layer("PReLU", "shared", "alone", "shared", "prelu_param { channel_shared: true }")
    + layer("ReLU", "leaky", "alone", "leaky", "relu_param { negative_slope: 0.125 }")
    + layer("Scale", "columns", "factor", "columns", "scale_param { axis: 2 num_axes: 2 bias_term: true }"),
    {"conv": [some(4, 3, 1, 1), some(4)], "bn": [some(4), some(4, low=.5, high=2), [.5]],
     "scale": [some(4), some(4)], "prelu": [some(4)], "alone": [some(4), some(4, low=.001, high=.1), [2]], "factor": [some(4)],
     "shared": [[.25]], "columns": [some(4, 5), some(4, 5)]},
    (1, 3, 4, 5), "shared leaky columns")

net("merges",
    input_layer(1, 6, 3, 3)
    + layer("Slice", "slice", "data", "a b c", "slice_param { axis: 1 slice_point: 2 slice_point: 4 }")
    + layer("Eltwise", "sum", "a b c", "sum", "eltwise_param { operation: SUM coeff: 1 coeff: -0.5 coeff: 2 }")
    + layer("Eltwise", "prod", "a b", "prod", "eltwise_param { operation: PROD }")
    + layer("Eltwise", "max", "b c", "max", "eltwise_param { operation: MAX }")
    + layer("Split", "split", "sum", "left right")
    + layer("Sigmoid", "sigmoid", "left", "sigmoid")
    + layer("TanH", "tanh", "right", "tanh")
    + layer("AbsVal", "abs", "prod", "abs")
    + layer("Power", "power", "abs", "power", "power_param { power: 1.5 scale: 2 shift: 0.25 }")
    + layer("Exp", "exp", "max", "exp", "exp_param { base: 2 scale: 0.5 shift: 1 }")
    + layer("ELU", "elu", "a", "elu", "elu_param { alpha: 0.5 }")
    + layer("Concat", "concat", "sigmoid tanh power", "concat", "concat_param { axis: 2 }")
    + layer("Concat", "again", "exp elu", "again"),
    {}, (1, 6, 3, 3), "concat again")

net("heads",
    input_layer(1, 4, 5, 5)
    + layer("Pooling", "smaller", "data", "smaller", "pooling_param { pool: MAX kernel_size: 3 stride: 1 }")
    + layer("Crop", "crop", "data smaller", "crop", "crop_param { axis: 2 offset: 1 offset: 2 }")
    + layer("Permute", "permute", "crop", "permute", "permute_param { order: 0 order: 2 order: 3 order: 1 }")
    + layer("Flatten", "rows", "permute", "rows")
    + layer("InnerProduct", "fc", "rows", "fc", "inner_product_param { num_output: 8 }")
    + layer("ReLU", "relu", "fc", "fc")
    + layer("Dropout", "dropout", "fc", "fc", "dropout_param { dropout_ratio: 0.5 }")
    + layer("Reshape", "table", "fc", "table", "reshape_param { shape { dim: 0 dim: 2 dim: -1 } }")
    + layer("Softmax", "softmax", "table", "softmax", "softmax_param { axis: 2 }")
    + layer("Normalize", "unit", "crop", "unit", "norm_param { across_spatial: false channel_shared: false }")
    + layer("InnerProduct", "last", "fc", "last", "inner_product_param { num_output: 3 bias_term: false }"),
    {"fc": [some(8, 36), some(8)], "unit": [some(4)], "last": [some(3, 8)]},
    (1, 4, 5, 5), "softmax unit last")

# The form until 2014: layers, four dimensions for every blob, training layers among the others.
net("old",
    'input: "data"\ninput_dim: 10\ninput_dim: 1\ninput_dim: 6\ninput_dim: 6\n'
    'layers { name: "labels" type: DUMMY_DATA top: "label" include { phase: TRAIN } }\n'
    'layers { name: "conv" type: CONVOLUTION bottom: "data" top: "conv" blobs_lr: 1 blobs_lr: 2 weight_decay: 1\n'
    '  convolution_param { num_output: 2 kernel_size: 3 } }\n'
    'layers { name: "relu" type: RELU bottom: "conv" top: "conv" }\n'
    'layers { name: "pool" type: POOLING bottom: "conv" top: "pool" pooling_param { pool: MAX kernel_size: 2 stride: 2 } }\n'
    'layers { name: "ip" type: INNER_PRODUCT bottom: "pool" top: "ip" inner_product_param { num_output: 3 } }\n'
    'layers { name: "prob" type: SOFTMAX bottom: "ip" top: "prob" }\n',
    {"conv": [some(2, 1, 3, 3), some(2)], "ip": [some(3, 8), some(3)]}, (1, 1, 6, 6), "prob", old_model)

# Convolutions all through: the file says 12 × 12, any other size is as good.
net("sizes",
    input_layer(1, 3, 12, 12)
    + layer("Convolution", "conv1", "data", "conv1", "convolution_param { num_output: 4 kernel_size: 3 }")
    + layer("PReLU", "prelu1", "conv1", "conv1")
    + layer("Pooling", "pool1", "conv1", "pool1", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }")
    + layer("Convolution", "conv4-1", "pool1", "conv4-1", "convolution_param { num_output: 2 kernel_size: 5 }")
    + layer("Convolution", "conv4-2", "pool1", "conv4-2", "convolution_param { num_output: 4 kernel_size: 5 }")
    + layer("Softmax", "prob1", "conv4-1", "prob1"),
    {"conv1": [some(4, 3, 3, 3), some(4)], "prelu1": [some(4)], "conv4-1": [some(2, 4, 5, 5), some(2)],
     "conv4-2": [some(4, 4, 5, 5), some(4)]},
    (1, 3, 15, 20), "conv4-2 prob1")


def caffe_mean(x, kernel, stride, pad):
    """pooling_layer.cpp, PoolingParameter_PoolMethod_AVE: divided by the window as far as the padding reaches."""
    n, channels, height, width = x.shape

    def count(size):
        steps = -(-(size + 2 * pad - kernel) // stride) + 1
        return steps - (pad > 0 and (steps - 1) * stride >= size + pad)

    out = numpy.zeros((n, channels, count(height), count(width)), numpy.float64)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            top, left = i * stride - pad, j * stride - pad
            bottom, right = min(top + kernel, height + pad), min(left + kernel, width + pad)
            area = (bottom - top) * (right - left)
            part = x[:, :, max(top, 0):min(bottom, height), max(left, 0):min(right, width)]
            out[:, :, i, j] = part.sum((2, 3)) / area
    return out


FOLDER.mkdir(exist_ok=True)
cases = []
for name, (text, weights, shape, outputs) in NETS.items():
    (FOLDER / f"{name}.prototxt").write_text(text)
    (FOLDER / f"{name}.caffemodel").write_bytes(weights)
    x = some(*shape)
    # OpenCV reads layers of the old form whatever phase they are of.
    shown = "".join(line for line in text.splitlines(True) if "TRAIN" not in line)
    reader = cv2.dnn.readNetFromCaffe(*[numpy.frombuffer(b, numpy.uint8) for b in (shown.encode(), weights) if b])
    reader.setInput(x, "data")
    answers = dict(zip(outputs, reader.forward(outputs)))
    if name == "poolings":
        for output, given in (("mean", (3, 2, 1)), ("hanging", (3, 2, 0))):
            by_hand = caffe_mean(x.astype(numpy.float64), *given)
            off = abs(by_hand - answers[output]).max() if by_hand.shape == answers[output].shape else "another shape"
            print(f"{output}: OpenCV differs from Caffe's definition by {off}")
            answers[output] = by_hand.astype(numpy.float32)
    cases.append({
        "net": name, "shape": list(shape), "input": [float(v) for v in x.ravel()],
        "outputs": [{"name": o, "shape": list(a.shape), "values": [float(f"{v:.8g}") for v in a.ravel()]}
                    for o, a in answers.items()]})
    print(name, len(text), len(weights), {o: a.shape for o, a in answers.items()})
(FOLDER / "answers.json").write_text(json.dumps(
    {"provenance": f"make_caffe_samples.py; OpenCV {cv2.__version__} dnn; averages by hand", "cases": cases}) + "\n")
