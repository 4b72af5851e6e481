"""How well a similarity tells the same picture from another one of the same person (docs/accuracy.md).

    python duplicates.py copy lfw/images copies     (pillow 13: changes of 120 photographs)
    visavis embed copies --select center --out copies.npy
    visavis embed lfw/images --select center --out lfw.npy
    python duplicates.py judge copies lfw           (numpy 2)
"""

import csv
import glob
import os
import random
import sys

THRESHOLDS = (0.99, 0.98, 0.97)


def copy(images, out):
    from PIL import Image

    for path in random.Random(1).sample(sorted(glob.glob(f"{images}/*/*.jpg")), 120):
        folder = os.path.join(out, os.path.basename(path)[:-4])
        os.makedirs(folder, exist_ok=True)
        image = Image.open(path).convert("RGB")
        image.save(f"{folder}/original.png")
        for quality in (95, 90, 75, 50):
            image.save(f"{folder}/quality_{quality}.jpg", quality=quality)
        for percent in (75, 50):
            size = (image.width * percent // 100, image.height * percent // 100)
            image.resize(size, Image.LANCZOS).save(f"{folder}/scaled_{percent}.jpg", quality=90)
        image.crop((3, 5, image.width - 2, image.height - 4)).save(f"{folder}/cropped.jpg", quality=90)


def read(name):
    import numpy as np

    with open(name + ".tsv", encoding="utf-8") as table:
        return np.load(name + ".npy"), list(csv.DictReader(table, delimiter="\t"))


def judge(copies, photos):
    import numpy as np

    vectors, rows = read(copies)
    groups = {}
    for i, row in enumerate(rows):
        folder, name = row["path"].split("/")[-2:]
        groups.setdefault(folder, {})[name] = i
    for name in sorted({n for g in groups.values() for n in g} - {"original.png"}):
        found = np.array([vectors[g["original.png"]] @ vectors[g[name]]
                          for g in groups.values() if name in g and "original.png" in g])
        print(name, len(found), [f"{t}: {100 * (found >= t).mean():.1f} %" for t in THRESHOLDS])
    vectors, rows = read(photos)
    person = np.array([row["person"] for row in rows])
    scores = np.concatenate([(vectors[i + 1:] @ vectors[i])[person[i + 1:] == person[i]]
                             for i in range(len(person))])
    print("other photos", len(scores), "highest", scores.max(),
          [f"{t}: {(scores >= t).sum()}" for t in THRESHOLDS])


if __name__ == "__main__":
    {"copy": copy, "judge": judge}[sys.argv[1]](*sys.argv[2:])
