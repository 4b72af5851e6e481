"""Makes tests/golden/architectures/untrained.json: the weights that PyTorch draws for networks nobody has
trained, as a hash over what the state dict holds (little-endian float32, in its order, batch counters left
out). A development-time tool, in the environment that make_architecture_goldens.py names:

    a/bin/python tests/golden/make_untrained_golden.py
"""

import hashlib
import importlib.metadata
import json
import os

import torch
from facenet_pytorch import InceptionResnetV1


def drawn(seed, classes):
    torch.manual_seed(seed)
    network = InceptionResnetV1(classify=classes > 0, num_classes=classes or None)
    digest = hashlib.sha256()
    count = 0
    for name, values in network.state_dict().items():
        if not name.endswith("num_batches_tracked"):
            digest.update(values.numpy().astype("<f4").tobytes())
            count += values.numel()
    first = network.conv2d_1a.conv.weight.detach().flatten()[:4].tolist()
    return {"architecture": "inception-resnet-v1", "seed": seed, "classes": classes, "count": count,
            "weights_sha256": digest.hexdigest(), "first": first}


def main():
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}"
                         for name in ("facenet-pytorch", "torch"))
    golden = {"schema": "visavis.untrained-golden/1", "provenance": f"{versions}; {os.path.basename(__file__)}",
              "networks": [drawn(7, 1000), drawn(1, 1), drawn(4294967295, 0)]}
    with open("tests/golden/architectures/untrained.json", "w", encoding="utf-8") as file:
        json.dump(golden, file, indent=1)
        file.write("\n")


main()
