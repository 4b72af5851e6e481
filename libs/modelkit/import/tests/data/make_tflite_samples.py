"""Writes layers.tflite, layers-f16.tflite, layers-int8.tflite and tflite-samples.json: small networks as TensorFlow's own
converter writes them, and what TensorFlow Lite answers (plain kernels, without XNNPACK).

    pip install tensorflow-cpu==2.15.1 && python make_tflite_samples.py

Numbers are drawn by splitmix64 (S. Vigna, 2015), so that the test draws the same.
"""
import json
import pathlib

import numpy as np
import tensorflow as tf

HERE = pathlib.Path(__file__).parent
MASK = (1 << 64) - 1


def numbers(shape, seed, scale=1.0):
    out = []
    state = seed
    for _ in range(int(np.prod(shape))):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        z ^= z >> 31
        out.append((z >> 40) * 2.0**-23 - 1.0)
    return (np.array(out, dtype=np.float32) * np.float32(scale)).reshape(shape)


def const(shape, seed, scale=1.0):
    return tf.constant(numbers(shape, seed, scale))


def network(x):
    """SAME and VALID with odd sizes, a dilated and a depthwise kernel, both pools, PReLU, LeakyReLU,
    ReLU6, HardSwish, sums of channels, concatenation, padding, slices, mean, dense, softmax, unit length."""
    x = tf.nn.conv2d(x, const([3, 3, 3, 8], 1, 0.4), strides=2, padding="SAME") + const([8], 2, 0.1)
    x = tf.nn.relu6(x)
    y = tf.nn.depthwise_conv2d(x, const([3, 3, 8, 1], 3, 0.5), [1, 1, 1, 1], "SAME") + const([8], 4, 0.1)
    y = tf.maximum(y, 0.0) + const([8], 5, 0.3) * tf.minimum(y, 0.0)
    z = tf.nn.conv2d(x, const([3, 3, 8, 8], 6, 0.2), strides=1, padding="VALID", dilations=2)
    z = tf.pad(tf.nn.leaky_relu(z + const([8], 7, 0.1), 0.2), [[0, 0], [2, 2], [2, 2], [0, 0]])
    x = tf.concat([x + y, z], axis=3)
    x = tf.nn.max_pool2d(x, 3, 2, "SAME")
    x = x * (tf.nn.relu6(x + 3.0) * (1.0 / 6.0))
    a = tf.nn.avg_pool2d(x[:, :, :, 4:12], 2, 1, "SAME")
    m = tf.reduce_mean(a, axis=[1, 2])
    flat = tf.reshape(a, [-1, 4 * 4 * 8])
    dense = tf.matmul(flat, const([128, 6], 8, 0.1)) + const([6], 9, 0.1)
    return tf.nn.softmax(dense), tf.math.l2_normalize(m, axis=1)


def plain(x):
    """What TensorFlow Lite computes in int8 throughout."""
    x = tf.nn.relu(tf.nn.conv2d(x, const([3, 3, 3, 8], 1, 0.4), strides=2, padding="SAME") + const([8], 2, 0.1))
    y = tf.nn.depthwise_conv2d(x, const([3, 3, 8, 1], 3, 0.5), [1, 1, 1, 1], "SAME") + const([8], 4, 0.1)
    x = tf.nn.max_pool2d(x + y, 2, 2, "VALID")
    x = tf.reshape(x, [-1, 3 * 3 * 8])
    return tf.matmul(x, const([72, 6], 8, 0.2)) + const([6], 9, 0.1)


def answer(model, x):
    resolver = tf.lite.experimental.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    run = tf.lite.Interpreter(model_content=model, experimental_op_resolver_type=resolver)
    run.allocate_tensors()
    run.set_tensor(run.get_input_details()[0]["index"], x)
    run.invoke()
    return [run.get_tensor(o["index"]).ravel().tolist() for o in run.get_output_details()]


def converter(layers):
    spec = tf.TensorSpec([1, 13, 13, 3], tf.float32)
    return tf.lite.TFLiteConverter.from_concrete_functions([tf.function(layers).get_concrete_function(spec)])


def main():
    x = numbers([1, 13, 13, 3], 100)
    floats = converter(network).convert()
    half = converter(network)
    half.optimizations = [tf.lite.Optimize.DEFAULT]
    half.target_spec.supported_types = [tf.float16]
    halves = half.convert()
    whole = converter(plain)
    whole.optimizations = [tf.lite.Optimize.DEFAULT]
    whole.representative_dataset = lambda: ([numbers([1, 13, 13, 3], 200 + i)] for i in range(32))
    whole.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    steps = whole.convert()
    (HERE / "layers.tflite").write_bytes(floats)
    (HERE / "layers-f16.tflite").write_bytes(halves)
    (HERE / "layers-int8.tflite").write_bytes(steps)
    samples = {
        "provenance": f"make_tflite_samples.py, TensorFlow {tf.__version__}: converter and TensorFlow Lite without delegates",
        "seed": 100,
        "layers.tflite": answer(floats, x),
        "layers-f16.tflite": answer(halves, x),
        "layers-int8.tflite": answer(steps, x),
    }
    (HERE / "tflite-samples.json").write_text(json.dumps(samples, indent=1) + "\n")


main()
