#!/usr/bin/env python3
"""Landmark error of MTCNN's O-Net and of the 68-point network against hand labels.

    tools/landmarks.py [PROGRAM] [FOLDER]

FOLDER holds landmarks.tsv (file, split, xle, yle … yrm) and img/; the photographs are not part of this
project, VISAVIS_DATA names the folder that holds train/net7876. Only the rows of the split "test" count,
and of these the ones in which every setting finds a face; the face whose nose is nearest is compared.
Error: mean distance of the five points in percent of the distance of the eyes. docs/accuracy.md holds the
result.
"""
import csv
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SETTINGS = {
    "mtcnn": [],
    "faceplugin-detect, mtcnn (O-Net)": ["--detector", "faceplugin-detect", "--landmarks", "mtcnn"],
    "faceplugin-detect, faceplugin-landmark-68": ["--detector", "faceplugin-detect", "--landmarks",
                                                  "faceplugin-landmark-68"],
}
POINTS = ("le", "re", "n", "lm", "rm")


def faces_by_name(program, folder, options):
    done = subprocess.run([program, "detect", folder, "--json", "--quiet", *options],
                          stdout=subprocess.PIPE, check=True)
    return {pathlib.Path(image["path"]).name: image["faces"]
            for image in json.loads(done.stdout)["images"]}


def error(row, faces):
    truth = [(float(row["x" + name]), float(row["y" + name])) for name in POINTS]
    nearest = min(faces, key=lambda face: math.dist(face["landmarks"][2], truth[2]))
    off = [math.dist(a, b) for a, b in zip(nearest["landmarks"], truth)]
    return 100 * statistics.mean(off) / math.dist(truth[0], truth[1])


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/bin/visavis"
    data = pathlib.Path(os.environ.get("VISAVIS_DATA", ROOT.parent / "shared/data"))
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else data / "train/net7876"
    with open(folder / "landmarks.tsv", encoding="utf-8") as table:
        rows = [row for row in csv.DictReader(table, delimiter="\t") if row["split"] == "test"]
    with tempfile.TemporaryDirectory() as chosen:
        for row in rows:
            os.symlink((folder / "img" / row["file"]).resolve(), pathlib.Path(chosen) / row["file"])
        found = {name: faces_by_name(program, chosen, options) for name, options in SETTINGS.items()}
    common = [row for row in rows if all(faces.get(row["file"]) for faces in found.values())]
    print(f"{len(rows)} photographs, a face in {len(common)} of them with every setting")
    print("| setting | mean | median | 90th percentile | above 10 % |\n|---|--:|--:|--:|--:|")
    for name, faces in found.items():
        errors = sorted(error(row, faces[row["file"]]) for row in common)
        print(f"| {name} | {statistics.mean(errors):.2f} | {statistics.median(errors):.2f} | "
              f"{errors[int(0.9 * len(errors))]:.2f} | "
              f"{100 * sum(e > 10 for e in errors) / len(errors):.1f} % |")


if __name__ == "__main__":
    main()
