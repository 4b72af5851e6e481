"""Makes the rows behind tests/data/version-1, a gallery of format version 1: random vectors, no face.

    python make_version_1.py    (numpy 2)
    visavis enrol --gallery version-1 --npy rows.npy --labels rows.tsv

run with the last program that wrote that version (commit 9d1b769).
"""

import numpy as np

rows = np.random.default_rng(20261126).standard_normal((5, 192)).astype(np.float32)
np.save("rows.npy", rows)
with open("rows.tsv", "w") as labels:
    labels.write("Ada Łovelace 👩\nGrace\nAda Łovelace 👩\nback\\\\slash\\tand tab\nGrace\n")
