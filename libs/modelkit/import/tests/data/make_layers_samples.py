"""Makes the small networks in layers/, of layers that Keras has and exports in a way of its own, and what TensorFlow and TensorFlow
Lite answer (layers/answers.json). A development-time tool.

    python3.11 -m venv venv && venv/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1
    venv/bin/python make_layers_samples.py

- frozen.pb: the function that Keras makes of the network, with its variables as constants: transposed convolutions
  (Conv2DBackpropInput) with kernels larger and smaller than their steps, dilated ones (SpaceToBatchND, convolution,
  BatchToSpaceND), gelu in both ways (Erfc, Tanh), cropping (StridedSlice with places from the end), a product of two
  computed stacks of matrices.
- lite.tflite: the same as TensorFlow's converter writes it, answered by TensorFlow Lite's plain kernels; with silu for the exact gelu,
  which the converter takes only alone: gelu.tflite.
- any.pb: cropping and transposed convolutions of pictures of any size.
Weights have two binary digits behind the point. Number i of an input is ((i * 7919) mod 251) / 128 - 1. Inputs and answers are NCHW here.
"""
import json
import os
import pathlib

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

OUT = pathlib.Path(__file__).parent / "layers"
SHAPE = (2, 3, 6, 7)
layers = tf.keras.layers


class Product(layers.Layer):
    def call(self, x):
        return tf.matmul(x, x[:, :, 1:, :], transpose_b=True)


def picture():
    return (((np.arange(np.prod(SHAPE)) * 7919) % 251) / 128 - 1).astype(np.float32).reshape(SHAPE)


def network(with_erfc):
    x = tf.keras.Input((6, 7, 3))
    outputs = [
        layers.Conv2DTranspose(4, 3, strides=2, padding="same")(x),
        layers.Conv2DTranspose(2, (4, 3), strides=(2, 1), padding="valid", use_bias=False)(x),
        layers.Conv2DTranspose(2, 2, strides=3, padding="same", activation="relu")(x),
        layers.Conv2DTranspose(2, 2, strides=3, padding="valid")(x),
        layers.Conv2D(4, 3, dilation_rate=2, padding="same", activation="relu")(x),
        layers.Conv2D(2, (3, 2), dilation_rate=(2, 3))(x),
        layers.DepthwiseConv2D(3, dilation_rate=2, padding="same")(x),
        layers.Activation("gelu" if with_erfc else "silu")(x),
        layers.Activation(lambda t: tf.nn.gelu(t, approximate=True))(x),
        layers.Cropping2D(((1, 2), (0, 3)))(x),
        Product()(x),
    ]
    model = tf.keras.Model(x, outputs)
    rng = np.random.default_rng(8)
    for variable in model.weights:
        variable.assign(np.round(rng.uniform(-1, 1, variable.shape) * 4) / 4)
    return model


def frozen(model, shape, name):
    function = tf.function(lambda x: model(x, training=False)).get_concrete_function(tf.TensorSpec(shape, tf.float32, name="x"))
    function = convert_variables_to_constants_v2(function, lower_control_flow=False)
    (OUT / name).write_bytes(function.graph.as_graph_def().SerializeToString(deterministic=True))
    answers = function(tf.constant(picture().transpose(0, 2, 3, 1)))
    return [np.asarray(y) for y in (answers if isinstance(answers, (list, tuple)) else [answers])]


def lite(model, name):
    path = OUT / name
    path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
    interpreter = tf.lite.Interpreter(
        str(path), experimental_op_resolver_type=tf.lite.experimental.OpResolverType.BUILTIN_REF)
    details = interpreter.get_input_details()[0]
    interpreter.resize_tensor_input(details["index"], [SHAPE[0], *SHAPE[2:], SHAPE[1]])
    interpreter.allocate_tensors()
    interpreter.set_tensor(details["index"], picture().transpose(0, 2, 3, 1))
    interpreter.invoke()
    return [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]


def main():
    OUT.mkdir(exist_ok=True)
    x = tf.keras.Input((None, None, 3))
    free = tf.keras.Model(x, [
        layers.Cropping2D(((1, 2), (0, 3)))(x),
        layers.Conv2DTranspose(2, 3, strides=2, padding="same")(x),
        layers.Conv2DTranspose(2, (4, 2), strides=(2, 3), padding="valid")(x),
    ])
    rng = np.random.default_rng(9)
    for variable in free.weights:
        variable.assign(np.round(rng.uniform(-1, 1, variable.shape) * 4) / 4)
    x = tf.keras.Input((6, 7, 3))
    gelu = tf.keras.Model(x, layers.Activation("gelu")(x))
    answers = {
        "any.pb": frozen(free, [None, None, None, 3], "any.pb"),
        "frozen.pb": frozen(network(True), [None, 6, 7, 3], "frozen.pb"),
        "gelu.tflite": lite(gelu, "gelu.tflite"),
        "lite.tflite": lite(network(False), "lite.tflite"),
    }
    cases = [{"net": net, "shape": SHAPE, "input": picture().ravel().tolist(),
              "outputs": [{"shape": y.transpose(0, 3, 1, 2).shape,
                           "values": [float(f"{n:.7g}") for n in y.transpose(0, 3, 1, 2).ravel()]} for y in outputs]}
             for net, outputs in answers.items()]
    (OUT / "answers.json").write_text(json.dumps({"made_by": "make_layers_samples.py", "tensorflow": tf.__version__, "cases": cases},
                                                 separators=(",", ":")).replace('{"net"', '\n{"net"') + "\n")


main()
