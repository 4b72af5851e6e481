"""Makes the rows behind tests/data/past, a gallery of the past version: random vectors, no face.

    python make_past.py    (numpy 2)
    visavis enrol --gallery past --npy past.npy --labels past.tsv

run with the last program that wrote that version (commit 260a3ab).
"""

import numpy as np

rows = np.random.default_rng(20261123).standard_normal((5, 512)).astype(np.float32)
np.save("past.npy", rows)
with open("past.tsv", "w") as labels:
    labels.write("Ada Łovelace 👩\nGrace\nAda Łovelace 👩\nback\\\\slash\\tand tab\nGrace\n")
