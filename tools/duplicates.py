#!/usr/bin/env python3
"""How well a similarity tells the same picture from another one of the same person.

    tools/duplicates.py [PROGRAM] [FOLDER]       FOLDER holds one folder for each person (LFW's images)

Changes 120 photographs (needs Pillow and NumPy), embeds them beside all others and prints a table: the share of changed
copies that reach the similarity from which `enrol` speaks of a duplicate, and how many pairs of other photographs of
one person do. VISAVIS_DATA names the folder that holds lfw/; docs/accuracy.md holds the result.
"""
import csv
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import numpy as np
from PIL import Image

ROOT = pathlib.Path(__file__).resolve().parent.parent
RECOGNISERS = ("faceplugin-512", "mobilefacenet-192")
DUPLICATE = 0.98
SAMPLE = 120


def saved(quality):
    return lambda image, path: image.save(path, quality=quality)


def scaled(share):
    def change(image, path):
        size = (int(image.width * share), int(image.height * share))
        image.resize(size, Image.LANCZOS).save(path, quality=90)
    return change


def cropped(image, path):
    image.crop((5, 7, image.width - 6, image.height - 4)).save(path, quality=90)


CHANGES = {"JPEG, quality 95": saved(95), "JPEG, quality 90": saved(90),
           "JPEG, quality 75, as LFW's own": saved(75), "JPEG, quality 50": saved(50),
           "three quarters of the size": scaled(.75), "half the size": scaled(.5),
           "a few pixels cut off each side": cropped}


def change_all(photos, out):
    """out/NUMBER/CHANGE.jpg, and original.png beside them."""
    for number, path in enumerate(random.Random(1).sample(photos, SAMPLE)):
        folder = out / f"{number:03}"
        folder.mkdir(parents=True)
        image = Image.open(path).convert("RGB")
        image.save(folder / "original.png")
        for index, change in enumerate(CHANGES.values()):
            change(image, folder / f"{index}.jpg")


def embedded(program, folder, recogniser, out):
    """Rows of unit vectors, and for each the folder and the name of its photograph."""
    subprocess.run([program, "embed", folder, "--select", "center", "--recogniser", recogniser, "--quiet", "--out",
                    out], stdout=subprocess.DEVNULL, check=False)
    with open(out.with_suffix(".tsv"), encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return np.load(out), [pathlib.Path(row["path"]).parts[-2:] for row in rows]


def known_again(vectors, places):
    """For each change, the share of copies that are known again."""
    row = {place: i for i, place in enumerate(places)}
    shares = []
    for index in range(len(CHANGES)):
        scores = [vectors[i] @ vectors[row[folder, f"{index}.jpg"]] for (folder, name), i in row.items()
                  if name == "original.png" and (folder, f"{index}.jpg") in row]
        shares.append(100 * float(np.mean(np.array(scores) >= DUPLICATE)))
    return shares


def others(vectors, places):
    """Pairs of other photographs of one person that reach the similarity, the highest, and how many there are."""
    people = {}
    for i, (person, _) in enumerate(places):
        people.setdefault(person, []).append(i)
    scores = [vectors[rows] @ vectors[rows].T for rows in people.values() if len(rows) > 1]
    flat = np.concatenate([square[np.triu_indices(len(square), 1)] for square in scores])
    return int((flat >= DUPLICATE).sum()), float(flat.max()), len(flat)


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/bin/visavis"
    data = pathlib.Path(os.environ.get("VISAVIS_DATA", ROOT.parent / "shared/data"))
    folder = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else data / "lfw/images"
    shares, rest = [], []
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        change_all(sorted(folder.glob("*/*.jpg")), scratch / "copies")
        for recogniser in RECOGNISERS:
            shares.append(known_again(*embedded(program, scratch / "copies", recogniser, scratch / "copies.npy")))
            rest.append(others(*embedded(program, folder, recogniser, scratch / "all.npy")))
    print("| changed to | " + " | ".join(RECOGNISERS) + " |\n|---|" + "--:|" * len(RECOGNISERS))
    for index, name in enumerate(CHANGES):
        print(f"| {name} | " + " | ".join(f"{column[index]:.1f} %" for column in shares) + " |")
    print("| other photos of the person: pairs, highest cosine | "
          + " | ".join(f"{pairs} of {count:,}, {highest:.3f}" for pairs, highest, count in rest) + " |")


if __name__ == "__main__":
    main()
