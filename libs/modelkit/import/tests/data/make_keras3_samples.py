"""Makes tensorflow/keras3.savedmodel, as Keras 3 exports a network, and what TensorFlow answers
(tensorflow/keras3.json, as expected.json beside it). A development-time tool.

    python3.11 -m venv venv && venv/bin/pip install tensorflow-cpu==2.21.0 keras==3.15.1
    venv/bin/python make_keras3_samples.py

Two networks in one have layers of the same name, so that the variables in the checkpoint have the same
full names with other numbers; and names in the graph are not those in the checkpoint. Which variable is
which is told by what the graph's functions are bound to alone. Numbers have two binary digits behind the point.
"""

import importlib.metadata
import json
import os
import shutil

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
os.environ["CUDA_VISIBLE_DEVICES"] = ""

import numpy as np
import tensorflow as tf

HERE = os.path.dirname(os.path.abspath(__file__))
FOLDER = os.path.join(HERE, "tensorflow", "keras3.savedmodel")
layers = tf.keras.layers


def picture(shape):
    count = int(np.prod(shape))
    return (((np.arange(count) * 7919) % 251) / 128 - 1).astype(np.float32).reshape(shape)


def part(name, channels):
    inputs = tf.keras.Input((None, None, channels))
    x = layers.Conv2D(4, 3, padding="same", name="conv")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    return tf.keras.Model(inputs, layers.ReLU()(x), name=name)


inputs = tf.keras.Input((8, 8, 3), name="photo")
x = part("first", 3)(inputs)
x = part("second", 4)(x)
x = layers.Dropout(.3)(layers.GlobalAveragePooling2D()(x))
model = tf.keras.Model(inputs, layers.Dense(5, name="head")(x))
rng = np.random.default_rng(5)
for variable in model.weights:
    values = np.round(rng.uniform(-1, 1, variable.shape) * 4) / 4
    if "variance" in variable.path:
        values = np.abs(values) + .25
    if variable.path.endswith("seed_generator_state"):
        continue
    variable.assign(values)

shutil.rmtree(FOLDER, ignore_errors=True)
model.export(FOLDER, verbose=False)
shutil.rmtree(os.path.join(FOLDER, "assets"), ignore_errors=True)
pictures = picture((2, 8, 8, 3))
answers = next(iter(tf.saved_model.load(FOLDER).signatures["serving_default"](tf.constant(pictures)).items()))
document = {
    "made_by": "make_keras3_samples.py",
    "versions": "tensorflow-cpu " + tf.__version__ + ", keras " + importlib.metadata.version("keras"),
    "keras3": {
        "parameters": int(sum(np.prod(v.shape) for v in model.weights if not v.path.endswith("seed_generator_state"))),
        "input": list(pictures.shape),
        "outputs": {answers[0]: {"shape": list(answers[1].shape),
                                 "values": [float(f"{v:.9g}") for v in answers[1].numpy().reshape(-1)]}}}}
with open(os.path.join(HERE, "tensorflow", "keras3.json"), "w") as file:
    json.dump(document, file, separators=(",", ":"))
    file.write("\n")
