#!/usr/bin/env python3
"""Pairwise F and BCubed of `visavis cluster` on a folder of people, and of scikit-learn's HDBSCAN beside it.

    tools/clusters.py [PROGRAM] [FOLDER]       FOLDER holds one folder for each person (LFW's images)

HDBSCAN runs on the same embeddings if scikit-learn can be imported. VISAVIS_DATA names the folder that holds
lfw/; the photographs are not part of this project. docs/accuracy.md holds the result.
"""
import collections
import csv
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent


def judged(groups, persons):
    """Pairwise and BCubed precision, recall and F (Amigó et al., 2009)."""
    by_group, by_person = collections.Counter(groups), collections.Counter(persons)
    both = collections.Counter(zip(groups, persons))
    pairs = lambda counts: sum(n * (n - 1) / 2 for n in counts.values())
    precision, recall = pairs(both) / pairs(by_group), pairs(both) / pairs(by_person)
    cubed_p = sum(n * n / by_group[g] for (g, _), n in both.items()) / len(groups)
    cubed_r = sum(n * n / by_person[p] for (_, p), n in both.items()) / len(groups)
    f = lambda p, r: 2 * p * r / (p + r)
    return (precision, recall, f(precision, recall), cubed_p, cubed_r, f(cubed_p, cubed_r))


def row(name, groups, persons, seconds):
    numbers = " | ".join(f"{value:.4f}" for value in judged(groups, persons))
    print(f"| {name} | {numbers} | {seconds:.1f} |", flush=True)


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/bin/visavis"
    data = pathlib.Path(os.environ.get("VISAVIS_DATA", ROOT.parent / "shared/data"))
    folder = sys.argv[2] if len(sys.argv) > 2 else data / "lfw/images"
    print("| method | pairwise precision | recall | F | BCubed precision | recall | F | seconds |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    done = subprocess.run([program, "cluster", folder, "--select", "center", "--quiet", "--json"],
                          stdout=subprocess.PIPE, check=False)
    report = json.loads(done.stdout)
    row("visavis cluster", [face["group"] for face in report["faces"]],
        [pathlib.Path(face["path"]).parent.name for face in report["faces"]],
        report["cluster_ms"] / 1e3)
    try:
        import numpy
        from sklearn.cluster import HDBSCAN
    except ImportError:
        print("no HDBSCAN: scikit-learn is not installed", file=sys.stderr)
        return
    with tempfile.TemporaryDirectory() as scratch:
        out = pathlib.Path(scratch) / "faces.npy"
        subprocess.run([program, "embed", folder, "--select", "center", "--quiet", "--out", out],
                       stdout=subprocess.DEVNULL, check=False)
        rows = numpy.load(out)
        with open(out.with_suffix(".tsv"), encoding="utf-8") as table:
            persons = [line["person"] for line in
                       csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE)]
    for smallest in (2, 3, 5):
        start = time.perf_counter()
        labels = HDBSCAN(min_cluster_size=smallest, metric="euclidean", algorithm="brute",
                         copy=True).fit_predict(rows)
        seconds = time.perf_counter() - start
        alone = [int(label) if label >= 0 else -1 - i for i, label in enumerate(labels)]
        row(f"HDBSCAN, min_cluster_size {smallest}", alone, persons, seconds)


if __name__ == "__main__":
    main()
