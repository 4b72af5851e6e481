"""Builds FaceNet's Inception-ResNet-v1 in TensorFlow 1's form, as graphs for its training are built (tf_slim,
pictures from a queue, batch normalisation and dropout that hang on `phase_train`), with the weights of
architectures/inception-resnet-v1.json, and freezes it. TensorFlow itself runs it and is compared with
facenet-pytorch's answers in that file. A development-time tool; the frozen graph (90 MB) is not committed:
tensorflow_golden_test.cpp writes one like it.

    python3.11 -m venv v && v/bin/pip install tensorflow-cpu==2.15.1 tf_slim==1.1.0
    v/bin/python tests/golden/make_facenet_graph.py facenet.pb [128]
    visavis convert facenet.pb facenet.onnx

Layers are called as davidsandberg/facenet calls them (its graphs 20170512-110547 and 20180402-114759).
Their batch normalisation has no factor; here it has one, for facenet-pytorch's has.
"""

import json
import math
import os
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import numpy as np
import tensorflow as tf
from tensorflow.python.framework import ops
from tensorflow.python.ops import control_flow_ops

# tf_slim was written for TensorFlow 2.3, which had these there.
ops.Tensor = tf.Tensor
control_flow_ops.cond = tf.compat.v1.cond

import tf_slim as slim

v1 = tf.compat.v1
GOLDEN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "architectures",
                      "inception-resnet-v1.json")


def numbers(name, count):
    """splitmix64 from the FNV-1a hash of a name, 24 bits each (make_architecture_goldens.py)."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.int64)


def unit(name, count):
    return numbers(name, count) / 2.0**24


def weights():
    """All of the golden's tensors by name."""
    out = {}
    for kind, name, shape, spread in json.load(open(GOLDEN))["modules"]:
        if kind == "bn":
            out[f"{name}.weight"] = .75 + unit(f"{name}.weight", shape[0]) / 2
            out[f"{name}.bias"] = (unit(f"{name}.bias", shape[0]) - .5) / 4
            out[f"{name}.running_mean"] = (unit(f"{name}.running_mean", shape[0]) - .5) * (spread / 4)
            out[f"{name}.running_var"] = (unit(f"{name}.running_var", shape[0]) + .5) * spread**2
            continue
        n = math.prod(shape[1:])
        k = numbers(f"{name}.weight", math.prod(shape)).reshape(shape[0], n)
        centred = (k * n - k.sum(1, keepdims=True)).astype(np.float64)
        out[f"{name}.weight"] = (centred * (spread * math.sqrt(3 / n) / (2.0**23 * n))).reshape(shape)
        if kind.endswith("bias"):
            out[f"{name}.bias"] = (2 * unit(f"{name}.bias", shape[0]) - 1) * (spread / 2)
    return out


class Network:
    """Builds with slim and remembers which of the golden's modules each layer is."""

    def __init__(self):
        self.modules = {}  # scope -> module

    def layer(self, net, module, scope, outputs, kernel, stride=1, padding="SAME"):
        with v1.variable_scope(scope) as inside:
            self.modules[inside.name] = module
        return slim.conv2d(net, outputs, kernel, stride=stride, padding=padding, scope=scope)

    def branch(self, net, name, module, layers):
        with v1.variable_scope(name):
            for i, (scope, outputs, kernel, stride, padding) in enumerate(layers):
                part = module if len(layers) == 1 else f"{module}.{i}"
                net = self.layer(net, part, scope, outputs, kernel, stride, padding)
        return net

    def block(self, net, scope, module, branches, scale, active=True):
        with v1.variable_scope(scope) as inside:
            parts = [self.branch(net, f"Branch_{i}", f"{module}.branch{i}", layers)
                     for i, layers in enumerate(branches)]
            mixed = tf.concat(parts, 3)
            self.modules[f"{inside.name}/Conv2d_1x1"] = f"{module}.conv2d"
            up = slim.conv2d(mixed, net.get_shape()[3], 1, normalizer_fn=None, activation_fn=None,
                             scope="Conv2d_1x1")
            net += scale * up
            return tf.nn.relu(net) if active else net

    def reduction(self, net, scope, module, branches):
        with v1.variable_scope(scope):
            parts = [self.branch(net, f"Branch_{i}", f"{module}.branch{i}", layers)
                     for i, layers in enumerate(branches)]
            with v1.variable_scope(f"Branch_{len(branches)}"):
                parts.append(slim.max_pool2d(net, 3, stride=2, padding="VALID", scope="MaxPool_1a_3x3"))
            return tf.concat(parts, 3)


def same(scope, outputs, kernel):
    return scope, outputs, kernel, 1, "SAME"


def half(outputs):
    return "Conv2d_1a_3x3", outputs, 3, 2, "VALID"


def inference(network, net, phase_train, size):
    norm = {"decay": .995, "epsilon": .001, "updates_collections": None, "scale": True, "fused": False,
            "variables_collections": [v1.GraphKeys.TRAINABLE_VARIABLES]}
    with v1.variable_scope("InceptionResnetV1"), \
            slim.arg_scope([slim.conv2d, slim.fully_connected], normalizer_fn=slim.batch_norm,
                           normalizer_params=norm), \
            slim.arg_scope([slim.batch_norm, slim.dropout], is_training=phase_train):
        net = network.layer(net, "conv2d_1a", "Conv2d_1a_3x3", 32, 3, 2, "VALID")
        net = network.layer(net, "conv2d_2a", "Conv2d_2a_3x3", 32, 3, 1, "VALID")
        net = network.layer(net, "conv2d_2b", "Conv2d_2b_3x3", 64, 3)
        net = slim.max_pool2d(net, 3, stride=2, padding="VALID", scope="MaxPool_3a_3x3")
        net = network.layer(net, "conv2d_3b", "Conv2d_3b_1x1", 80, 1, 1, "VALID")
        net = network.layer(net, "conv2d_4a", "Conv2d_4a_3x3", 192, 3, 1, "VALID")
        net = network.layer(net, "conv2d_4b", "Conv2d_4b_3x3", 256, 3, 2, "VALID")
        for i in range(5):
            net = network.block(net, f"Repeat/block35_{i + 1}", f"repeat_1.{i}", [
                [same("Conv2d_1x1", 32, 1)],
                [same("Conv2d_0a_1x1", 32, 1), same("Conv2d_0b_3x3", 32, 3)],
                [same("Conv2d_0a_1x1", 32, 1), same("Conv2d_0b_3x3", 32, 3),
                 same("Conv2d_0c_3x3", 32, 3)]], .17)
        net = network.reduction(net, "Mixed_6a", "mixed_6a", [
            [half(384)],
            [same("Conv2d_0a_1x1", 192, 1), same("Conv2d_0b_3x3", 192, 3), half(256)]])
        for i in range(10):
            net = network.block(net, f"Repeat_1/block17_{i + 1}", f"repeat_2.{i}", [
                [same("Conv2d_1x1", 128, 1)],
                [same("Conv2d_0a_1x1", 128, 1), same("Conv2d_0b_1x7", 128, [1, 7]),
                 same("Conv2d_0c_7x1", 128, [7, 1])]], .10)
        net = network.reduction(net, "Mixed_7a", "mixed_7a", [
            [same("Conv2d_0a_1x1", 256, 1), half(384)],
            [same("Conv2d_0a_1x1", 256, 1), half(256)],
            [same("Conv2d_0a_1x1", 256, 1), same("Conv2d_0b_3x3", 256, 3), half(256)]])
        block8 = [[same("Conv2d_1x1", 192, 1)],
                  [same("Conv2d_0a_1x1", 192, 1), same("Conv2d_0b_1x3", 192, [1, 3]),
                   same("Conv2d_0c_3x1", 192, [3, 1])]]
        for i in range(5):
            net = network.block(net, f"Repeat_2/block8_{i + 1}", f"repeat_3.{i}", block8, .20)
        net = network.block(net, "Block8", "block8", block8, 1., active=False)
        with v1.variable_scope("Logits"):
            net = slim.avg_pool2d(net, net.get_shape()[1:3], padding="VALID", scope="AvgPool_1a_8x8")
            net = slim.flatten(net)
            net = slim.dropout(net, .8, scope="Dropout")
        network.modules["InceptionResnetV1/Bottleneck"] = "last_linear"
        return slim.fully_connected(net, size, activation_fn=None, scope="Bottleneck")


def value_of(variable, modules, tensors, size):
    scope, _, part = variable.op.name.rpartition("/")
    if scope.endswith("/BatchNorm"):
        module = modules[scope.removesuffix("/BatchNorm")]
        name = {"gamma": "weight", "beta": "bias", "moving_mean": "running_mean",
                "moving_variance": "running_var"}[part]
        norm = "last_bn" if module == "last_linear" else f"{module}.bn"
        return tensors[f"{norm}.{name}"][:variable.shape[0]]
    module = modules[scope]
    if part == "biases":
        return tensors[f"{module}.bias"]
    if module == "last_linear":
        return tensors["last_linear.weight"][:size].T
    plain = module if module.endswith("conv2d") else f"{module}.conv"
    return tensors[f"{plain}.weight"].transpose(2, 3, 1, 0)


def main(path, size=512):
    v1.disable_eager_execution()
    v1.disable_control_flow_v2()
    v1.disable_resource_variables()
    golden = json.load(open(GOLDEN))["networks"][0]
    count, width, height = golden["shape"][0], golden["width"], golden["height"]
    with v1.Session() as session:
        phase_train = v1.placeholder(tf.bool, name="phase_train")
        batch_size = v1.placeholder(tf.int32, name="batch_size")
        queue = v1.FIFOQueue(8, [tf.float32, tf.int64], [[height, width, 3], []], name="input_queue")
        images, labels = queue.dequeue_up_to(batch_size, name="batch_join")
        images = tf.identity(tf.identity(images, "image_batch"), "input")
        tf.identity(labels, "label_batch")
        network = Network()
        embeddings = tf.nn.l2_normalize(inference(network, images, phase_train, size), 1, 1e-10,
                                        name="embeddings")
        tensors = weights()
        for variable in v1.global_variables():
            variable.load(value_of(variable, network.modules, tensors, size).astype(np.float32), session)
        pictures = np.stack([unit(f"picture {k}", 36 * width * height).reshape(-1, 12).sum(1) - 6
                             for k in range(count)]).reshape(count, 3, height, width)
        answers = session.run(embeddings, {images: pictures.transpose(0, 2, 3, 1).astype(np.float32),
                                           phase_train: False})
        expected = np.array(golden["values"]).reshape(count, -1)[:, :size]
        expected /= np.linalg.norm(expected, axis=1, keepdims=True)
        print(f"TensorFlow {tf.__version__} and facenet-pytorch: largest difference "
              f"{np.abs(answers - expected).max():.2g}, 1 - cosine "
              f"{1 - (answers.astype(np.float64) * expected).sum(1).min():.2g}, length of the difference "
              f"{np.linalg.norm(answers - expected):.3g}")
        definition = session.graph.as_graph_def()
        for node in definition.node:
            if node.op == "RefSwitch":
                node.op = "Switch"
                node.input[0] += "/read" if "moving_" in node.input[0] else ""
            elif node.op == "AssignSub":
                node.op = "Sub"
                del node.attr["use_locking"]
        frozen = v1.graph_util.convert_variables_to_constants(session, definition,
                                                              ["embeddings", "label_batch"])
    with open(path, "wb") as file:
        file.write(frozen.SerializeToString(deterministic=True))


if __name__ == "__main__":
    main(sys.argv[1], *(int(n) for n in sys.argv[2:]))
