"""Makes the small PyTorch files beside it: real files of torch.save with made-up numbers.

    python -m venv venv && venv/bin/pip install torch==2.2.2 "numpy<2" safetensors==0.8.0
    venv/bin/python make_samples.py
"""

import collections
import os
import pickle

import numpy
import safetensors.torch
import torch


def weights():
    a = torch.arange(6, dtype=torch.float32).reshape(2, 3) / 4
    shared = torch.arange(8, dtype=torch.float32)
    return collections.OrderedDict(
        plain=a,
        transposed=a.t(),  # a view with other strides
        tail=shared[5:],  # a view with an offset
        scalar=torch.tensor(7, dtype=torch.int64),
        half=torch.tensor([1.5, -2.0, 65504.0, 2**-24, float("inf")], dtype=torch.float16),
        bfloat=torch.tensor([1.5, -3.0], dtype=torch.bfloat16),
        double=torch.tensor([0.1], dtype=torch.float64),
        bytes=torch.tensor([0, 255], dtype=torch.uint8),
        parameter=torch.nn.Parameter(torch.tensor([3.0])),
    )


class Attack:
    def __reduce__(self):
        return os.system, ("touch visavis-was-executed",)


torch.save(weights(), "zip.pt")
torch.save(weights(), "legacy.pt", _use_new_zipfile_serialization=False)
torch.save({"epoch": 3, "state_dict": weights()}, "checkpoint.pt")
torch.save({"epoch": 3, "weights": weights(), "optimizer": {"state": {}, "param_groups": []}}, "other.pt")
torch.save({"epoch": 3, "student": {"x": torch.zeros(1)}, "teacher": {"x": torch.ones(1)}}, "two.pt")
torch.save(collections.OrderedDict(x=Attack()), "attack.pt")
torch.save(collections.OrderedDict(x=Attack()), "attack-legacy.pt",
           _use_new_zipfile_serialization=False)
torch.save([torch.zeros(2)], "list.pt")
torch.save(torch.nn.Linear(1, 1), "whole.pt")
torch.jit.script(torch.nn.Linear(1, 1)).save("script.pt")

# Neither views nor parameters are written there.
safetensors.torch.save_file({k: v.detach().clone(memory_format=torch.contiguous_format) for k, v in weights().items()},
                            "weights.safetensors", metadata={"format": "pt"})

# The same weights as arrays, but for bfloat16, which NumPy does not have.
arrays = {k: v.detach().numpy() for k, v in weights().items() if k != "bfloat"}
numpy.savez("arrays.npz", **arrays)
numpy.savez_compressed("arrays-compressed.npz", **arrays)
numpy.savez("objects.npz", x=numpy.array([Attack()], dtype=object))
numpy.savez("big-endian.npz", x=numpy.array([1], dtype=">f4"))
numpy.save("columns.npy", numpy.asfortranarray(weights()["plain"].numpy()))
