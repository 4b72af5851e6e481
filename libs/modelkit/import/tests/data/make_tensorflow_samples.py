"""Makes the small TensorFlow networks beside it, in tensorflow/, and what TensorFlow itself answers
(tensorflow/expected.json). A development-time tool.

    python3.11 -m venv venv && venv/bin/pip install tensorflow-cpu==2.15.1 tf_slim==1.1.0
    venv/bin/python make_tensorflow_samples.py

- slim.pb: made as graphs for training are, then frozen: pictures come from a queue, batch
  normalisation (tf_slim's, fused and not) and dropout hang on the placeholder `phase_train`.
- slim.meta, slim.index, slim.data-*: a checkpoint of the same.
- one.savedmodel: TensorFlow 1's, with two signatures and resource variables, data_format NCHW inside.
- keras.savedmodel: TensorFlow 2's, whose signature is a function.
- several.savedmodel: TensorFlow 1's, with three graphs of different tags, one of them with two signatures and none
  called serving_default, another with a variable in three pieces.
- operators.pb: what is left of the operators, PReLU in its ways of being written.
Numbers are np.random.default_rng's; weights and pictures have two binary digits behind the point, so
that the files are small. A picture's number i is ((i * 7919) mod 251) / 128 - 1.
"""

import importlib.metadata
import json
import os
import shutil

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
HERE = os.path.dirname(os.path.abspath(__file__))
OUT = os.path.join(HERE, "tensorflow")
expected = {}


def picture(shape):
    count = int(np.prod(shape))
    return (((np.arange(count) * 7919) % 251) / 128 - 1).astype(np.float32).reshape(shape)


def record(name, pictures, outputs):
    expected[name] = {"input": list(pictures.shape),
                      "outputs": {k: {"shape": list(v.shape),
                                      "values": [float(f"{x:.9g}") for x in v.reshape(-1)]}
                                  for k, v in outputs.items()}}


def fill(session, seed):
    """Every variable another number; variances positive."""
    rng = np.random.default_rng(seed)
    for variable in v1.global_variables():
        values = np.round(rng.uniform(-1, 1, variable.shape.as_list()) * 4) / 4
        if "variance" in variable.name:
            values = np.abs(values) / 4 + 1 / 16
        if "moving_mean" in variable.name:
            values = values / 2
        session.run(variable.assign(values) if hasattr(variable, "assign")
                    else v1.assign(variable, values))


def slim_network(images, phase_train):
    def norm(fused):
        return {"decay": .995, "epsilon": .001, "updates_collections": None, "fused": fused,
                "variables_collections": [v1.GraphKeys.TRAINABLE_VARIABLES]}
    with slim.arg_scope([slim.batch_norm, slim.dropout], is_training=phase_train):
        with slim.arg_scope([slim.conv2d], normalizer_fn=slim.batch_norm,
                            normalizer_params=norm(False)):
            net = slim.conv2d(images, 3, 3, stride=2, padding="VALID", scope="First")
            branch_0 = slim.conv2d(net, 2, 1, scope="Branch_0")
            branch_1 = slim.conv2d(net, 2, [1, 3], scope="Branch_1")
            mixed = tf.concat([branch_0, branch_1], 3)
            up = slim.conv2d(mixed, 3, 1, normalizer_fn=None, activation_fn=None, scope="Up")
            net = tf.nn.relu(net + .17 * up)
        with slim.arg_scope([slim.conv2d], normalizer_fn=slim.batch_norm,
                            normalizer_params=norm(True)):
            net = slim.conv2d(net, 4, 3, stride=2, padding="SAME", scope="Second")
        net = slim.max_pool2d(net, 3, stride=1, padding="SAME", scope="Pool")
        net = slim.avg_pool2d(net, net.get_shape()[1:3], padding="VALID", scope="Average")
        net = slim.flatten(net)
        net = slim.dropout(net, .8, is_training=phase_train, scope="Dropout")
        return slim.fully_connected(net, 5, activation_fn=None, normalizer_fn=slim.batch_norm,
                                    normalizer_params=norm(False), scope="Bottleneck")


def make_slim():
    with tf.Graph().as_default() as graph, v1.Session() as session:
        phase_train = v1.placeholder(tf.bool, name="phase_train")
        batch_size = v1.placeholder(tf.int32, name="batch_size")
        queue = v1.FIFOQueue(8, [tf.float32, tf.int64], [[15, 14, 3], []], name="input_queue")
        images, labels = queue.dequeue_up_to(batch_size, name="batch_join")
        images = tf.identity(images, "image_batch")
        images = tf.identity(images, "input")
        tf.identity(labels, "label_batch")
        embeddings = tf.nn.l2_normalize(slim_network(images, phase_train), 1, 1e-10, name="embeddings")
        saver = v1.train.Saver()
        fill(session, 1)
        pictures = picture((2, 15, 14, 3))
        answers = session.run(embeddings, {images: pictures, phase_train: False})
        record("slim", pictures, {"embeddings": answers})
        saver.save(session, os.path.join(OUT, "slim"), write_state=False, strip_default_attrs=True)
        # As facenet's freeze_graph.py does: what reads and changes variables becomes what reads constants.
        definition = graph.as_graph_def()
        for node in definition.node:
            if node.op == "RefSwitch":
                node.op = "Switch"
                node.input[0] += "/read" if "moving_" in node.input[0] else ""
            elif node.op == "AssignSub":
                node.op = "Sub"
                del node.attr["use_locking"]
        frozen = v1.graph_util.convert_variables_to_constants(
            session, definition, ["embeddings", "label_batch"])
        with open(os.path.join(OUT, "slim.pb"), "wb") as file:
            file.write(frozen.SerializeToString(deterministic=True))


def make_one():
    folder = os.path.join(OUT, "one.savedmodel")
    with tf.Graph().as_default(), v1.Session() as session:
        v1.enable_resource_variables()
        x = v1.placeholder(tf.float32, [None, 6, 7, 2], name="images")
        kernel = v1.get_variable("a/kernel", [3, 2, 2, 3], use_resource=True)
        bias = v1.get_variable("a/bias", [3], use_resource=True)
        depth = v1.get_variable("b/depth", [3, 3, 3, 2], use_resource=True)
        turned = tf.transpose(x, [0, 3, 1, 2])
        # The CPU runs channels last only; the file says channels first.
        conv = tf.nn.conv2d(tf.transpose(turned, [0, 2, 3, 1]), kernel, [1, 2, 1, 1], "SAME")
        net = tf.nn.relu6(tf.nn.bias_add(conv, bias) * 4)
        net = tf.nn.depthwise_conv2d(net, depth, [1, 1, 1, 1], "SAME")
        maps = tf.nn.leaky_relu(net, alpha=.3, name="maps")
        rows = tf.reshape(tf.transpose(maps, [0, 2, 1, 3]), [-1, 3 * 7 * 6], name="rows")
        fill(session, 2)
        pictures = picture((2, 6, 7, 2))
        answers = session.run({"maps": maps, "rows": rows}, {x: pictures})
        record("one", pictures, answers)
        builder = v1.saved_model.Builder(folder)
        def signature(outputs):
            return v1.saved_model.predict_signature_def({"pictures": x}, outputs)
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature({"rows": rows}),
                                 "as_maps": signature({"maps": maps})})
        builder.save()


def make_several():
    """Splits, stacks, ranges; a variable in pieces."""
    def parts(x):
        a, b = tf.split(x, 2, axis=3)
        c, d, e = tf.split(x, [1, 2, -1], axis=2)
        rows = tf.unstack(x, axis=1)
        row = tf.expand_dims(rows[0] - 2 * rows[3], 1)
        return tf.concat([a * 2, b], 3) + tf.concat([e, c, d], 2) + row

    folder = os.path.join(OUT, "several.savedmodel")
    builder = v1.saved_model.Builder(folder)

    def signature(x, outputs):
        return v1.saved_model.predict_signature_def({"pictures": x}, outputs)

    pictures = picture((2, 4, 6, 4))
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4, 6, 4], name="x")
        net = parts(x)
        matrix = v1.get_variable("matrix", [4, 3], partitioner=tf.compat.v1.fixed_size_partitioner(3))
        wide = v1.get_variable("wide", [1, 90], partitioner=tf.compat.v1.fixed_size_partitioner(2, axis=1))
        whole = v1.get_variable("whole", [3])
        pooled = tf.reduce_mean(net, tf.range(1, 3))
        n, h, w, c = tf.unstack(tf.shape(net))
        flat = tf.reshape(net, [n, h * w * c])[:, :90]
        rows = tf.add(tf.matmul(pooled, matrix) + whole, tf.reduce_sum(flat * wide, 1, keepdims=True), name="rows")
        fill(session, 5)
        record("several", pictures, {k: session.run(v, {x: pictures}) for k, v in (("rows", rows), ("net", net))})
        builder.add_meta_graph_and_variables(session, ["serve"], {"serving_default": signature(x, {"rows": rows})})
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 4, 6, 4], name="x")
        net = parts(x)
        builder.add_meta_graph(["serve", "parts"], {"halves": signature(x, {"net": net}),
                                                    "doubled": signature(x, {"twice": net * 2})})
    with tf.Graph().as_default():
        x = v1.placeholder(tf.float32, [None, 4, 6, 4], name="x")
        builder.add_meta_graph(["train"], {"serving_default": signature(x, {"relu": tf.nn.relu(x)})})
    builder.save()


def make_keras():
    folder = os.path.join(OUT, "keras.savedmodel")
    tf.keras.utils.set_random_seed(3)
    layers = tf.keras.layers
    inputs = tf.keras.Input((9, 8, 3), name="photo")
    net = layers.Conv2D(4, 3, strides=2, padding="same", name="conv")(inputs)
    net = layers.BatchNormalization(name="norm")(net)
    net = layers.PReLU(shared_axes=[1, 2], name="prelu")(net)
    net = layers.ZeroPadding2D(((0, 1), (1, 0)), name="zeros")(net)
    net = layers.DepthwiseConv2D(3, name="depth", activation="relu")(net)
    pooled = layers.GlobalAveragePooling2D(keepdims=True, name="squeeze")(net)
    gate = layers.Conv2D(4, 1, activation="sigmoid", name="gate")(pooled)
    net = layers.Multiply(name="gated")([net, gate])
    net = layers.AveragePooling2D(2, strides=1, padding="same", name="average")(net)
    net = layers.Flatten(name="flat")(net)
    net = layers.Dense(6, name="dense")(net)
    net = layers.BatchNormalization(name="norm_of_rows")(net)
    outputs = layers.Softmax(name="answer")(net)
    model = tf.keras.Model(inputs, outputs)
    rng = np.random.default_rng(3)
    for variable in model.variables:
        values = np.round(rng.uniform(-1, 1, variable.shape.as_list()) * 4) / 4
        if "variance" in variable.name:
            values = np.abs(values) / 4 + 1 / 16
        variable.assign(values)
    pictures = picture((2, 9, 8, 3))
    record("keras", pictures, {"answer": model(pictures).numpy()})
    # What Keras adds for its own sake is large; the network's functions and variables are the same.
    module = tf.Module()
    module.weights = model.variables
    module.serve = tf.function(lambda photo: {"answer": model(photo, training=False)}, [
        tf.TensorSpec([None, 9, 8, 3], tf.float32, "photo")])
    tf.saved_model.save(module, folder, signatures=module.serve,
                        options=tf.saved_model.SaveOptions(experimental_custom_gradients=False))


def make_operators():
    with tf.Graph().as_default() as graph, v1.Session() as session:
        x = v1.placeholder(tf.float32, [None, 4, 5, 2], name="x")
        def number(*values):
            return tf.constant(np.float32(values))
        slopes = number(.25, -.5)
        forms = [tf.nn.relu(x) + slopes * (x - tf.abs(x)) * .5,
                 tf.nn.relu(x) - slopes * tf.nn.relu(-x),
                 tf.maximum(x, 0.) + slopes * tf.minimum(x, 0.)]
        net = tf.add_n(forms, name="forms")
        net = tf.tanh(tf.sqrt(tf.square(net) + 1.) - tf.math.rsqrt(tf.abs(x) + .5))
        net = tf.pad(net, [[0, 0], [1, 0], [0, 2], [0, 0]])
        net = tf.pad(net, [[0, 0], [0, 0], [0, 0], [1, 0]], constant_values=2.)
        net = tf.math.squared_difference(net, .25) / number(1, 2, 4)
        wide = tf.nn.max_pool2d(net, [2, 3], [1, 2], "SAME")
        wide = tf.squeeze(tf.reduce_mean(wide, 1, keepdims=True), 1)
        wide = tf.expand_dims(wide, 2)
        shape = tf.shape(wide)
        rows = tf.reshape(wide, tf.stack([shape[0], shape[1] * shape[2] * shape[3]]))
        weights = tf.constant(np.round(np.random.default_rng(4).uniform(-4, 4, (12, 3))).astype(np.float32) / 4)
        rows = tf.matmul(rows, tf.transpose(weights), transpose_b=True)
        rows = tf.sigmoid(rows - tf.reduce_sum(rows, 1, keepdims=True) / 4)
        rows = tf.stop_gradient(tf.negative(tf.exp(rows)))
        rows = tf.math.log(tf.nn.softmax(rows) + .125, name="rows")
        pictures = picture((3, 4, 5, 2))
        record("operators", pictures, {"rows": session.run(rows, {x: pictures})})
        with open(os.path.join(OUT, "operators.pb"), "wb") as file:
            file.write(graph.as_graph_def().SerializeToString(deterministic=True))


def main():
    shutil.rmtree(OUT, ignore_errors=True)
    os.makedirs(OUT)
    make_keras()
    v1.disable_eager_execution()
    v1.disable_control_flow_v2()
    v1.disable_resource_variables()
    make_slim()
    make_one()
    make_several()
    make_operators()
    document = {"made_by": "make_tensorflow_samples.py",
                "versions": ", ".join(
                    f"{p} {importlib.metadata.version(p)}" for p in ("tensorflow-cpu", "tf_slim", "numpy")), **expected}
    with open(os.path.join(OUT, "expected.json"), "w") as file:
        json.dump(document, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
