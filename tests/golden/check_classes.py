"""Holds the whole program against facenet-pytorch: embeddings and class probabilities of the faces on
photographs. A development-time tool, in the environment that make_architecture_goldens.py names:

    a/bin/python tests/golden/check_classes.py build/release/bin/visavis PHOTO...

Both sides have the same made-up weights (make_architecture_goldens.py). The program reads them from a file
of torch.save, finds the faces, cuts them out, embeds and classifies; facenet-pytorch is shown the chips
that `visavis align` cuts. Prints the largest differences, fails above 1e-4 or below a cosine of .999999.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import cv2
import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1

from make_architecture_goldens import fill, inception_spread, modules_of

CLASSES = 8631
MANIFEST = {"schema": "visavis.manifest/1", "id": "made-up", "title": "Made-up weights",
            "role": "recogniser", "family": "embedding",
            "files": [{"name": "network", "importer": "pytorch:inception-resnet-v1"},
                      {"name": "classes", "importer": "pytorch:inception-resnet-v1-classify"}],
            "weights_licence": "none", "training_data": "none",
            "preparation": {"width": 160, "height": 160, "colour": "rgb", "mean": [127.5] * 3,
                            "scale": [1 / 128] * 3},
            "alignment": "facenet", "dimension": 512, "norm_is_quality": False}


def main():
    program, photos = sys.argv[1], sys.argv[2:]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)

        def visavis(*arguments):
            run = subprocess.run([program, *arguments, "--json"], check=True, capture_output=True)
            return json.loads(run.stdout)

        network = InceptionResnetV1(classify=True, num_classes=CLASSES)
        # A head so strong that some class is likely.
        fill(network, modules_of(network, lambda n: 2. if n == "logits" else inception_spread(n)))
        torch.save(network.state_dict(), folder / "weights.pt")
        (folder / "manifest.json").write_text(json.dumps(MANIFEST))
        store = ("--models", str(folder / "store"))
        visavis("models", "fetch", "mtcnn", *store)
        visavis("models", "add", str(folder / "manifest.json"),
                *(f"{part}={folder / 'weights.pt'}" for part in ("network", "classes")), *store)
        cut = visavis("align", *photos, "--template", "facenet", "--size", "160", "--out",
                      str(folder / "chips"), *store)
        answer = visavis("embed", *photos, "--recogniser", "made-up", "--classify", "--top",
                         str(CLASSES), "--out", str(folder / "e.npy"), *store)
        rows = np.load(folder / "e.npy")
        probabilities = []
        for image in answer["images"]:
            for face in image["classes"]:
                row = np.zeros(CLASSES)
                for one in face:
                    row[one["class"]] = one["probability"]
                probabilities.append(row)
        probabilities = np.array(probabilities)
        paths = [face["chip"] for image in cut["images"] for face in image["faces"]]
        chips = np.stack([cv2.imread(path)[..., ::-1] for path in paths]).astype(np.float32)
        pictures = torch.from_numpy(((chips - 127.5) / 128).transpose(0, 3, 1, 2).copy())
    with torch.no_grad():
        expected = torch.softmax(network(pictures), 1).numpy()
        network.classify = False
        embeddings = network(pictures).numpy()
    assert rows.shape == embeddings.shape and probabilities.shape == expected.shape
    cosine = min((a @ b) / np.linalg.norm(a) / np.linalg.norm(b)
                 for a, b in zip(rows.astype(np.float64), embeddings.astype(np.float64)))
    worst = np.abs(rows - embeddings).max(), np.abs(probabilities - expected).max()
    order = (np.argsort(-probabilities, 1)[:, :5] == np.argsort(-expected, 1)[:, :5]).all()
    print(f"{len(rows)} faces: embeddings {worst[0]:.1e}, 1 - cosine {1 - cosine:.1e}; probabilities "
          f"{worst[1]:.1e} (largest {expected.max():.2g}), sums to 1 within "
          f"{np.abs(probabilities.sum(1) - 1).max():.1e}, the five likeliest {'the same' if order else 'DIFFERENT'}")
    sys.exit(0 if max(worst) <= 1e-4 and cosine >= .999999 and order else 1)


main()
