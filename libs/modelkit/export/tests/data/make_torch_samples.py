"""Writes networks as PyTorch's exporter has them into torch/, and beside them PyTorch's own answers. Weights, statistics and inputs are
invented.

    python -m venv venv && venv/bin/pip install torch==2.2.2 torchvision==0.17.2 onnx==1.16.2 "numpy<2"
    venv/bin/python make_torch_samples.py
"""

import json
import pathlib

import torch
import torchvision

FOLDER = pathlib.Path(__file__).parent / "torch"


class Halves(torch.nn.Module):
    """Channels cut in two by what their number is computed to be."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)

    def forward(self, x):
        y = self.conv(x)
        half = y.shape[1] // 2
        first, second = y.chunk(2, 1)
        return y[:, :half] * 2 + y[:, half:] - first * second


class Squeezed(torch.nn.Module):
    """Squeeze-and-excitation (torchvision's), a factor for each channel of each sample."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.se = torchvision.ops.SqueezeExcitation(8, 4)
        self.mean = torch.nn.AdaptiveAvgPool2d(1)

    def forward(self, x):
        y = self.se(self.conv(x))
        return self.mean(y) - y, y + self.mean(y), y / (self.mean(y).abs() + 1)


class Transposed(torch.nn.Module):
    """Transposed convolutions whose padding is even, uneven or less than nothing, and in groups."""

    def __init__(self):
        super().__init__()
        deconvolution = torch.nn.ConvTranspose2d
        self.all = torch.nn.ModuleList([
            deconvolution(4, 3, 2, stride=2),
            deconvolution(4, 3, 4, stride=2, padding=1, bias=False),
            deconvolution(4, 2, 3, stride=2, padding=1, output_padding=1),
            deconvolution(4, 2, (2, 3), stride=(3, 2), output_padding=(1, 0)),
            deconvolution(4, 6, 3, stride=2, groups=2),
            deconvolution(4, 4, 4, stride=2, padding=1, groups=4, bias=False),
        ])

    def forward(self, x):
        return tuple(part(x) for part in self.all)


class Gaps(torch.nn.Module):
    """A transposed convolution with gaps between what a number gives."""

    def __init__(self):
        super().__init__()
        self.part = torch.nn.ConvTranspose2d(4, 2, 3, stride=2, padding=(2, 1), dilation=2)

    def forward(self, x):
        return self.part(x)


def invented(network):
    for part in network.modules():
        if isinstance(part, torch.nn.BatchNorm2d):
            part.running_mean.normal_(0, .1)
            part.running_var.uniform_(.5, 1.5)
            torch.nn.init.uniform_(part.weight, .5, 1.5)
            torch.nn.init.normal_(part.bias, 0, .1)
    return network.eval()


def main():
    torch.manual_seed(11)
    FOLDER.mkdir(exist_ok=True)
    shuffle = torchvision.models.ShuffleNetV2([1, 2, 1], [8, 8, 16, 24, 32], num_classes=5)
    networks = {
        "shuffle": (shuffle, (1, 3, 32, 48), {0: "batch"}),
        "halves": (Halves(), (2, 3, 5, 6), {0: "batch", 2: "height", 3: "width"}),
        "any-shuffle": (shuffle, (1, 3, 32, 48), {0: "batch", 2: "height", 3: "width"}),
        "gaps": (Gaps(), (2, 4, 3, 4), {0: "batch"}),
        "transposed": (Transposed(), (2, 4, 3, 4), {0: "batch"}),
        "squeezed": (Squeezed(), (2, 3, 4, 5), {0: "batch"}),
    }
    cases = []
    for name, (network, shape, free) in networks.items():
        invented(network)
        x = torch.round(torch.rand(shape) * 200 - 100) / 100
        torch.onnx.export(network, x, FOLDER / f"{name}.onnx", opset_version=13, input_names=["x"], dynamic_axes={"x": free})
        with torch.no_grad():
            answers = network(x)
        answers = answers if isinstance(answers, tuple) else (answers,)
        cases.append({
            "net": f"{name}.onnx",
            "shape": list(shape),
            "input": [round(n, 2) for n in x.flatten().tolist()],
            "outputs": [{"shape": list(y.shape), "values": [float(f"{n:.8g}") for n in y.flatten().tolist()]} for y in answers],
        })
    (FOLDER / "answers.json").write_text(json.dumps({"torch": torch.__version__, "cases": cases}) + "\n")


main()
