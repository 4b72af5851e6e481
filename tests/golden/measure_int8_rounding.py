#!/usr/bin/env python3
"""How far apart two right answers of an int8 network may lie: what docs/quantization.md says of the goldens' tolerances.

    pip install numpy onnxruntime
    python3 tests/golden/measure_int8_rounding.py faceplugin-512-int8 mobilefacenet-192-int8 faceplugin-detect-int8

A value that lies half-way between two steps goes to either with the last bit of a float, and a step is 1/255 of a
range. So the implementation that gave the goldens is asked again with the test chip moved by 1e-7 (of values up to 1,
drawn by numpy's generator from seed 1), which changes no float computation by more than its own rounding. Beside it
stand mistakes that a golden is to show. The files come out of the model store.
"""

import json
import sys

import numpy as np

from make_model_goldens import int8_session, prepared, test_chip

ROUNDS = 300


def main():
    for identifier in sys.argv[1:]:
        manifest = json.load(open(f"models/{identifier}.json"))
        preparation = manifest["preparation"]
        session = int8_session(manifest)
        names = [golden["output"] for golden in manifest["golden"]]
        x = prepared(test_chip(preparation["width"], preparation["height"]), preparation)[None]

        def gaps(inputs):
            answers = session.run(names, {session.get_inputs()[0].name: inputs})
            return [float(np.abs(answer.reshape(-1)[::golden["stride"]] - golden["values"]).max())
                    for answer, golden in zip(answers, manifest["golden"])]

        draw = np.random.default_rng(1)
        moved = np.array([gaps((x + 1e-7 * draw.standard_normal(x.shape)).astype(np.float32))
                          for _ in range(ROUNDS)])
        wrong = {"colours swapped": gaps(x[:, ::-1].copy()), "mirrored": gaps(x[..., ::-1].copy())}
        for i, name in enumerate(names):
            print(f"{identifier} {name}: as it is {gaps(x)[i]:.1e}, moved by 1e-7 median {np.median(moved[:, i]):.4f} "
                  f"and at most {moved[:, i].max():.4f}, "
                  + ", ".join(f"{mistake} {gap[i]:.4f}" for mistake, gap in wrong.items()))


if __name__ == "__main__":
    main()
