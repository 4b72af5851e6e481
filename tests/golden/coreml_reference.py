"""Runs a Core ML NeuralNetwork with numpy: each layer as the comments of Apple's NeuralNetwork.proto define it (coremltools,
mlmodel/format). For checking what visavis writes and reads where Apple's runtime is not; of the layers there are those that
face networks have. Networks of the first three versions are seen as [batch, channels, height, width].
"""

import numpy
from coremltools.proto import Model_pb2
from numpy.lib.stride_tricks import sliding_window_view


def load(path):
    spec = Model_pb2.Model()
    with open(path, "rb") as file:
        spec.ParseFromString(file.read())
    return Model(spec)


def numbers(params, shape):
    if params.float16Value:
        return numpy.frombuffer(params.float16Value, numpy.float16).astype(numpy.float32).reshape(shape)
    return numpy.array(params.floatValue, numpy.float32).reshape(shape)


def borders(valid):
    edges = [(e.startEdgeSize, e.endEdgeSize) for e in valid.paddingAmounts.borderAmounts]
    return edges or [(0, 0), (0, 0)]


def same(sizes, kernel, stride, mode):
    out = []
    for n, k, s in zip(sizes, kernel, stride, strict=True):
        total = max(0, (-(-n // s) - 1) * s + k - n)
        half = total // 2
        out.append((half, total - half) if mode == 0 else (total - half, half))
    return out


def pixels_at(x, axis, places):
    """Between the neighbours of each place along an axis; places lie within it."""
    low = numpy.floor(places).astype(int)
    high = numpy.minimum(low + 1, x.shape[axis] - 1)
    weight = numpy.expand_dims(places - low, tuple(range(1, x.ndim - axis)))
    return numpy.take(x, low, axis) * (1 - weight) + numpy.take(x, high, axis) * weight


def resized(x, sizes, place):
    """place(i, size before, size after): where number i of the result lies."""
    for axis, size in zip((-2, -1), sizes, strict=True):
        before = x.shape[axis]
        places = place(numpy.arange(size, dtype=numpy.float64), before, size)
        x = pixels_at(x.astype(numpy.float64), axis % x.ndim, numpy.clip(places, 0, before - 1))
    return x


def from_start(i, before, after):
    return i * (before - before / after) / (after - 1)


def by_corners(i, before, after):
    return i * (before - 1) / (after - 1)


def by_middles(i, before, after):
    return i * before / after + .5 * before / after - .5


def upsample(x, p):
    factors = list(p.scalingFactor) or [1, 1]
    if p.mode == 0:
        return x.repeat(factors[0], -2).repeat(factors[1], -1)
    sizes = [n * f for n, f in zip(x.shape[-2:], factors, strict=True)]
    return resized(x, sizes, (from_start, by_corners, by_middles)[p.linearUpsampleMode])


def resize_bilinear(x, p):
    return resized(x, list(p.targetSize), {0: by_corners, 2: from_start}[p.mode.samplingMethod])


def deconvolution(x, p):
    """Weights: in, out / groups, height, width; what VALID pads is cut off."""
    kernel = list(p.kernelSize) or [3, 3]
    stride = list(p.stride) or [1, 1]
    dilation = list(p.dilationFactor) or [1, 1]
    groups = p.nGroups or 1
    count = p.outputChannels // groups
    each = p.kernelChannels // groups
    weights = numbers(p.weights, (p.kernelChannels, count, *kernel)).astype(numpy.float64)
    n, _, height, width = x.shape
    whole = [(size - 1) * s + (k - 1) * d + 1 for size, s, k, d in zip((height, width), stride, kernel, dilation, strict=True)]
    y = numpy.zeros((n, p.outputChannels, *whole))
    for i in range(p.kernelChannels):
        out = slice(i // each * count, (i // each + 1) * count)
        for ky in range(kernel[0]):
            for kx in range(kernel[1]):
                rows = slice(ky * dilation[0], ky * dilation[0] + (height - 1) * stride[0] + 1, stride[0])
                columns = slice(kx * dilation[1], kx * dilation[1] + (width - 1) * stride[1] + 1, stride[1])
                y[:, out, rows, columns] += x[:, i, None] * weights[i, :, ky, kx][None, :, None, None]
    (top, bottom), (left, right) = borders(p.valid)
    y = y[:, :, top:whole[0] - bottom, left:whole[1] - right]
    return y + (numbers(p.bias, (1, -1, 1, 1)) if p.hasBias else 0)


def convolution(x, p):
    if p.isDeconvolution:
        return deconvolution(x, p)
    kernel = list(p.kernelSize) or [3, 3]
    stride = list(p.stride) or [1, 1]
    dilation = list(p.dilationFactor) or [1, 1]
    groups = p.nGroups or 1
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    if p.WhichOneof("ConvolutionPaddingType") == "same":
        pads = same(x.shape[2:], reach, stride, p.same.asymmetryMode)
    else:
        pads = borders(p.valid)
    weights = numbers(p.weights, (p.outputChannels, p.kernelChannels, *kernel)).astype(numpy.float64)
    padded = numpy.pad(x.astype(numpy.float64), [(0, 0), (0, 0), *pads])
    views = sliding_window_view(padded, reach, axis=(2, 3))
    views = views[:, :, ::stride[0], ::stride[1], ::dilation[0], ::dilation[1]]
    n, _, height, width = views.shape[:4]
    parts = []
    for g in range(groups):
        channels = slice(g * p.kernelChannels, (g + 1) * p.kernelChannels)
        rows = views[:, channels].transpose(0, 2, 3, 1, 4, 5).reshape(n * height * width, -1)
        count = p.outputChannels // groups
        part = rows @ weights[g * count:(g + 1) * count].reshape(count, -1).T
        parts.append(part.reshape(n, height, width, count))
    y = numpy.concatenate(parts, 3).transpose(0, 3, 1, 2)
    return y + (numbers(p.bias, (1, -1, 1, 1)) if p.hasBias else 0)


def pooling(x, p):
    x = x.astype(numpy.float64)
    average = p.type == 1
    if p.globalPooling:
        return (x.mean if average else x.max)((2, 3), keepdims=True)
    kernel = list(p.kernelSize) or [3, 3]
    stride = list(p.stride) or [1, 1]
    kind = p.WhichOneof("PoolingPaddingType")
    if kind == "includeLastPixel":
        amounts = list(p.includeLastPixel.paddingAmounts) or [0, 0]
        pads, limits = [], []
        for n, k, s, a in zip(x.shape[2:], kernel, stride, amounts, strict=True):
            count = -(-(n + 2 * a - k) // s) + 1
            if any(amounts) and (count - 1) * s >= n + a:
                count -= 1
            pads.append((a, max(0, (count - 1) * s + k - n - a)))
            limits.append(n + 2 * a)  # as Caffe, from which the rule is: what is behind the padding does not count
    else:
        pads = same(x.shape[2:], kernel, stride, p.same.asymmetryMode) if kind == "same" else borders(p.valid)
        limits = [n + a + b for n, (a, b) in zip(x.shape[2:], pads, strict=True)]
    windows = lambda a, fill: sliding_window_view(
        numpy.pad(a, [(0, 0), (0, 0), *pads], constant_values=fill), kernel, axis=(2, 3))[:, :, ::stride[0], ::stride[1]]
    if not average:
        return windows(x, -numpy.inf).max((4, 5))
    inside = numpy.zeros((1, 1, *[n + a + b for n, (a, b) in zip(x.shape[2:], pads, strict=True)]))
    if p.avgPoolExcludePadding:
        inside[:, :, pads[0][0]:pads[0][0] + x.shape[2], pads[1][0]:pads[1][0] + x.shape[3]] = 1
    else:
        inside[:, :, :limits[0], :limits[1]] = 1
    counts = sliding_window_view(inside, kernel, axis=(2, 3))[:, :, ::stride[0], ::stride[1]].sum((4, 5))
    return windows(x, 0).sum((4, 5)) / counts


def activation(x, p):
    kind = p.WhichOneof("NonlinearityType")
    q = getattr(p, kind)
    if kind == "PReLU":
        slopes = numbers(q.alpha, (-1, 1, 1))
        assert x.ndim >= 3
        return numpy.where(x >= 0, x, slopes * x)
    return {
        "linear": lambda: q.alpha * x + q.beta,
        "ReLU": lambda: numpy.maximum(x, 0),
        "leakyReLU": lambda: numpy.where(x >= 0, x, q.alpha * x),
        "tanh": lambda: numpy.tanh(x),
        "scaledTanh": lambda: q.alpha * numpy.tanh(q.beta * x),
        "sigmoid": lambda: 1 / (1 + numpy.exp(-x)),
        "sigmoidHard": lambda: numpy.minimum(numpy.maximum(q.alpha * x + q.beta, 0), 1),
        "ELU": lambda: numpy.where(x >= 0, x, q.alpha * numpy.expm1(numpy.minimum(x, 0))),
    }[kind]()


def inner_product(x, p):
    weights = numbers(p.weights, (p.outputChannels, p.inputChannels)).astype(numpy.float64)
    shape = {2: lambda: (x.shape[0], -1), 3: lambda: (x.shape[0], x.shape[1], -1), 4: lambda: (x.shape[0], -1, 1, 1)}[x.ndim]()
    rows = x.reshape(-1, p.inputChannels).astype(numpy.float64)
    return (rows @ weights.T + (numbers(p.bias, -1) if p.hasBias else 0)).reshape(shape)


def batchnorm(x, p):
    gamma, beta, mean, variance = (numbers(w, (-1, 1, 1)).astype(numpy.float64) for w in (p.gamma, p.beta, p.mean, p.variance))
    assert x.ndim >= 3 and not p.computeMeanVar
    return gamma * (x - mean) / numpy.sqrt(variance + (p.epsilon or 1e-5)) + beta


def unary(x, p):
    x = (p.scale or 1) * x + p.shift
    epsilon = p.epsilon or 1e-6
    return [lambda: numpy.sqrt(x), lambda: 1 / numpy.sqrt(x + epsilon), lambda: 1 / (x + epsilon), lambda: x ** p.alpha,
            lambda: numpy.exp(x), lambda: numpy.log(x), lambda: abs(x), lambda: numpy.maximum(p.alpha, x)][p.type]()


def softmax(x, axis):
    e = numpy.exp(x - x.max(axis, keepdims=True))
    return e / e.sum(axis, keepdims=True)


def per_channel(params, shape):
    return numbers(params, tuple(shape) if len(shape) == 3 else (-1, 1, 1))


def slice_static(x, p):
    return x[tuple(
        slice(None if bm else b, None if em else e, s)
        for b, bm, e, em, s in zip(p.beginIds, p.beginMasks, p.endIds, p.endMasks, p.strides, strict=True))]


def split(x, p):
    if p.splitSizes:
        return numpy.split(x, numpy.cumsum(p.splitSizes)[:-1], p.axis)
    return numpy.split(x, p.numSplits, p.axis)


def rank_preserving(x, p):
    return x.reshape([x.shape[i] if n == 0 else n for i, n in enumerate(p.targetShape)])


def reduced(p):
    return None if p.reduceAll else tuple(p.axes)


def several(of_one, of_all):
    def run(p, first, *rest):
        if not rest:
            return of_one(first, p)
        for other in rest:
            first = of_all(first, other)
        return first
    return run


LAYERS = {
    "convolution": lambda p, x: convolution(x, p),
    "pooling": lambda p, x: pooling(x, p),
    "activation": lambda p, x: activation(x, p),
    "innerProduct": lambda p, x: inner_product(x, p),
    "batchnorm": lambda p, x: batchnorm(x, p),
    "l2normalize": lambda p, x: x / numpy.sqrt((x ** 2).sum((-3, -2, -1), keepdims=True) + (p.epsilon or 1e-6)),
    "softmax": lambda p, x: softmax(x, -3),
    "softmaxND": lambda p, x: softmax(x, p.axis),
    "unary": lambda p, x: unary(x, p),
    "add": several(lambda x, p: x + p.alpha, numpy.add),
    "multiply": several(lambda x, p: x * p.alpha, numpy.multiply),
    "max": several(None, numpy.maximum),
    "addBroadcastable": lambda p, a, b: a + b,
    "subtractBroadcastable": lambda p, a, b: a - b,
    "multiplyBroadcastable": lambda p, a, b: a * b,
    "divideBroadcastable": lambda p, a, b: a / b,
    "maxBroadcastable": lambda p, a, b: numpy.maximum(a, b),
    "powBroadcastable": lambda p, a, b: a ** b,
    "scale": lambda p, x: x * per_channel(p.scale, p.shapeScale) + (per_channel(p.bias, p.shapeBias) if p.hasBias else 0),
    "bias": lambda p, x: x + per_channel(p.bias, p.shape),
    "loadConstant": lambda p: numbers(p.data, (1, *p.shape)),
    "loadConstantND": lambda p: numbers(p.data, tuple(p.shape)),
    "upsample": lambda p, x: upsample(x, p),
    "resizeBilinear": lambda p, x: resize_bilinear(x, p),
    "concat": lambda p, *x: numpy.concatenate(x, -3),
    "concatND": lambda p, *x: numpy.concatenate(x, p.axis),
    "flatten": lambda p, x: x.reshape(x.shape[0], -1, 1, 1),
    "flattenTo2D": lambda p, x: x.reshape(int(numpy.prod(x.shape[:p.axis])), -1),
    "reshape": lambda p, x: x.reshape(x.shape[0], *p.targetShape),
    "reshapeStatic": lambda p, x: x.reshape(tuple(p.targetShape)),
    "rankPreservingReshape": lambda p, x: rank_preserving(x, p),
    "permute": lambda p, x: x.transpose(tuple(p.axis)),
    "transpose": lambda p, x: x.transpose(tuple(p.axes)),
    "clip": lambda p, x: numpy.minimum(numpy.maximum(x, p.minVal), p.maxVal),
    "tanh": lambda p, x: numpy.tanh(x),
    "sliceStatic": lambda p, x: slice_static(x, p),
    "splitND": lambda p, x: split(x, p),
    "squeeze": lambda p, x: x.squeeze(tuple(p.axes)),
    "expandDims": lambda p, x: numpy.expand_dims(x, tuple(p.axes)),
    "constantPad": lambda p, x: numpy.pad(x, numpy.array(p.padAmounts).reshape(-1, 2).tolist(), constant_values=p.value),
    "reduceMean": lambda p, x: x.mean(reduced(p), keepdims=p.keepDims),
}


class Model:
    def __init__(self, spec):
        self.spec = spec

    def run(self, inputs):
        values = dict(inputs)
        images = {i.name: i.type.imageType.colorSpace for i in self.spec.description.input if i.type.HasField("imageType")}
        for p in self.spec.neuralNetwork.preprocessing:
            s = p.scaler
            bias = {10: [s.grayBias], 20: [s.redBias, s.greenBias, s.blueBias], 30: [s.blueBias, s.greenBias, s.redBias]}
            values[p.featureName] = s.channelScale * values[p.featureName] + numpy.reshape(bias[images[p.featureName]], (-1, 1, 1))
        for layer in self.spec.neuralNetwork.layers:
            kind = layer.WhichOneof("layer")
            out = LAYERS[kind](getattr(layer, kind), *[values[name] for name in layer.input])
            for name, value in zip(layer.output, out if isinstance(out, list) else [out], strict=True):
                values[name] = numpy.asarray(value, numpy.float32)
        return {o.name: values[o.name] for o in self.spec.description.output}
