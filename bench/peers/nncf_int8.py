#!/usr/bin/env python3
"""NNCF's int8 form of a recogniser beside ours, both run by OpenVINO on one thread, as JSON.

    nncf_int8.py --float X.onnx --ours X-int8.onnx --chips DIR [--order bgr] [--rounds N]

CHIPS are 112 x 112 (`visavis align`): NNCF observes the first 300 (its defaults but for fast bias correction,
both presets), and cosines to the float answers are taken over the others. The forms take turns, so that a
busy machine is busy for all of them; times are medians in ms for one chip, ratios medians over rounds.
Run it in an environment with requirements-nncf.txt.
"""
import argparse
import json
import pathlib
import statistics
import time

import cv2
import nncf
import numpy as np
import openvino as ov


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--float", required=True)
    parser.add_argument("--ours", required=True)
    parser.add_argument("--chips", required=True)
    parser.add_argument("--order", default="rgb", choices=["rgb", "bgr"])
    parser.add_argument("--rounds", type=int, default=40)
    given = parser.parse_args()

    paths = sorted(p for p in pathlib.Path(given.chips).rglob("*.png"))
    pictures = np.stack([cv2.imread(str(p)) for p in paths])
    if given.order == "rgb":
        pictures = pictures[..., ::-1]
    samples = np.ascontiguousarray(
        ((pictures.astype(np.float32) - 127.5) / 128).transpose(0, 3, 1, 2))
    observed, held_out = samples[:300, None], samples[300:, None]

    core = ov.Core()
    original = core.read_model(given.float)
    original.reshape(ov.PartialShape([1, 3, 112, 112]))
    ours = core.read_model(given.ours)
    ours.reshape(ov.PartialShape([1, 3, 112, 112]))
    forms = {"float": original, "ours": ours}
    for name, preset in (("nncf mixed", nncf.QuantizationPreset.MIXED),
                         ("nncf performance", nncf.QuantizationPreset.PERFORMANCE)):
        forms[name] = nncf.quantize(original, nncf.Dataset(list(observed)), preset=preset,
                                    subset_size=len(observed), fast_bias_correction=True)
    options = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": 1,
               "INFERENCE_PRECISION_HINT": "f32"}
    requests = {name: core.compile_model(model, "CPU", options).create_infer_request()
                for name, model in forms.items()}

    answers = {}
    for name, request in requests.items():
        rows = np.concatenate([request.infer([x])[0].reshape(1, -1).copy() for x in held_out])
        answers[name] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    cosines = {name: (answers["float"] * rows).sum(1) for name, rows in answers.items()}

    times = {name: [] for name in forms}
    for _ in range(given.rounds):
        for name, request in requests.items():
            start = time.perf_counter()
            for x in held_out[:10]:
                request.infer([x])
            times[name].append(1e2 * (time.perf_counter() - start))
    flags = next(line for line in open("/proc/cpuinfo", encoding="utf-8") if line.startswith("flags"))
    print(json.dumps({
        "openvino": ov.__version__, "nncf": nncf.__version__,
        "cpu": [flag for flag in flags.split() if flag in ("avx2", "avx_vnni", "avx512_vnni")],
        "forms": {name: {
            "ms": round(statistics.median(values), 3),
            "times_float": round(statistics.median(f / v for f, v in zip(times["float"], values)), 3),
            "mean_cosine": round(float(cosines[name].mean()), 5),
            "least_cosine": round(float(cosines[name].min()), 5)} for name, values in times.items()}},
        indent=1))


main()
