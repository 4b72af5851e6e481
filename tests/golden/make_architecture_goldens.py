"""Makes tests/golden/architectures/*.json: what the architectures that `pytorch:` importers know answer
with weights from a formula, run by PyTorch and not by visavis. A development-time tool.

    python -m venv a && a/bin/pip install facenet-pytorch==2.6.0 torch==2.2.2 \
        torchvision==0.17.2 "numpy<2"
    a/bin/python tests/golden/make_architecture_goldens.py

Run it at the top of the sources. Inception-ResNet-v1 is facenet-pytorch's own class. The iResNets and
MobileFaceNets are written here after their papers (Duta et al. 2020; Deng et al. 2019; Chen et al. 2018;
Sandler et al. 2018 for foamliu's) with the names and ε that arcface_torch's, MagFace's, TreB1eN's and
foamliu's files have.

Trained weights may not be handed on and are large, so both sides make the same ones: `modules` lists
what a state dict holds, in its order, as [kind, name, shape, spread], and each tensor is

    k(i) = splitmix64(fnv1a64(its name) + (i + 1) · 0x9E3779B97F4A7C15) >> 40        24 bits
    u(i) = k(i) / 2^24

    weight of conv, linear   spread · √(3 / n) · 2 · (u(i) − mean of u over that output), n per output
    bias of conv, linear     spread / 2 · (2 u − 1)
    slopes of prelu          1/8 + u / 4
    bn: weight               3/4 + u / 2
        bias                 (u − 1/2) / 4
        running_mean         spread · (u − 1/2) / 4
        running_var          spread² · (1/2 + u)

in double precision, rounded to float32. That each output's weights add up to nothing keeps the answers to
different pictures apart; that every statistic is another number lets a mistake show. `weights_sha256` is
of all of them, little-endian, in that order. Pictures are those of make_model_goldens.py, as
(x − 127.5) / 128, or "random": Σ of twelve u(12 i …) of "picture 0", "picture 1", …, minus 6, for n
numbers of a batch [n, 3, height, width], which is nearly a normal distribution.
"""

import hashlib
import importlib.metadata
import inspect
import json
import math
import os

import numpy as np
import torch
from facenet_pytorch import InceptionResnetV1
from torch import nn
from torch.nn import functional

from make_model_goldens import noise, test_chip

STEP = np.uint64(0x9E3779B97F4A7C15)


def numbers(name, count):
    """`count` numbers of 24 bits."""
    seed = 0xCBF29CE484222325
    for byte in name.encode():
        seed = ((seed ^ byte) * 0x100000001B3) % 2**64
    with np.errstate(over="ignore"):
        z = np.uint64(seed) + np.arange(1, count + 1, dtype=np.uint64) * STEP
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.int64)


def unit(name, count):
    return numbers(name, count) / 2.0**24


def kernels(name, shape, spread):
    n = math.prod(shape[1:])
    k = numbers(name, math.prod(shape)).reshape(shape[0], n)
    centred = (k * n - k.sum(1, keepdims=True)).astype(np.float64)
    return (centred * (spread * math.sqrt(3 / n) / (2.0**23 * n))).reshape(shape)


def tensors(modules):
    """Name and values of every tensor, in the order of the hash."""
    for kind, name, shape, spread in modules:
        if kind == "prelu":
            yield f"{name}.weight", .125 + unit(f"{name}.weight", shape[0]) / 4
        elif kind == "bn":
            yield f"{name}.weight", .75 + unit(f"{name}.weight", shape[0]) / 2
            yield f"{name}.bias", (unit(f"{name}.bias", shape[0]) - .5) / 4
            yield f"{name}.running_mean", (unit(f"{name}.running_mean", shape[0]) - .5) * (spread / 4)
            yield (f"{name}.running_var",
                   (unit(f"{name}.running_var", shape[0]) + .5) * (spread * spread))
        else:
            yield f"{name}.weight", kernels(f"{name}.weight", shape, spread)
            if kind.endswith("bias"):
                yield f"{name}.bias", (2 * unit(f"{name}.bias", shape[0]) - 1) * (spread / 2)


def modules_of(network, spreads):
    """`spreads(name)` is the spread of what a module puts out or, for a batch normalisation, takes in."""
    out = []
    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            kind = "conv" if isinstance(module, nn.Conv2d) else "linear"
            kind += "" if module.bias is None else "+bias"
        elif isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
            kind = "bn"
        elif isinstance(module, nn.PReLU):
            kind = "prelu"
        else:
            continue
        out.append([kind, name, list(module.weight.shape), spreads(name)])
    return out


def fill(network, modules):
    state = network.state_dict()
    digest = hashlib.sha256()
    used = set()
    for name, values in tensors(modules):
        values = values.astype("<f4")
        digest.update(values.tobytes())
        state[name] = torch.from_numpy(values)
        used.add(name)
    assert used == {n for n in state if not n.endswith("num_batches_tracked")}
    network.load_state_dict(state)
    network.eval()
    return digest.hexdigest()


def pictures(kind, count, width, height):
    if kind == "random":
        size = 3 * width * height
        rows = [unit(f"picture {k}", 12 * size).reshape(size, 12).sum(1) - 6 for k in range(count)]
        return np.stack(rows).reshape(count, 3, height, width).astype(np.float32)
    planes = [f(width, height).transpose(2, 0, 1) for f in (test_chip, noise)]
    return ((np.stack(planes).astype(np.float32) - np.float32(127.5)) * np.float32(1 / 128))


def run(network, importer, output, kind, count, width, height, stride=1):
    with torch.no_grad():
        answers = network(torch.from_numpy(pictures(kind, count, width, height)))
    rows = functional.normalize(answers, dim=1).numpy().astype(np.float64)
    alike = max((rows @ rows.T)[np.triu_indices(count, 1)])
    print(f"  {importer} {kind} {width}x{height}: largest cosine {alike:.3f}, "
          f"rms {float((answers ** 2).mean().sqrt()):.4f}")
    assert alike < .9
    values = answers.numpy().reshape(-1)[::stride]
    return {"importer": importer, "pictures": kind, "width": width, "height": height,
            "output": output, "shape": list(answers.shape), "stride": stride,
            "values": [float(f"{v:.8g}") for v in values]}


def inception_spread(name):
    """ε is 1e-3 there, which shows where variances are small. A ReLU leaves a third of the variance."""
    if name.endswith("bn"):
        return .1
    return 3. if name.endswith("conv2d") else 1 / 64 if name == "logits" else .17


def inception_resnet():
    network = InceptionResnetV1(classify=True, num_classes=8631)
    modules = modules_of(network, inception_spread)
    digest = fill(network, modules)
    networks = []
    network.classify = False
    for kind, count, width, height, stride in (("random", 5, 160, 160, 1),
                                               ("chips", 2, 131, 117, 2)):
        networks.append(run(network, "pytorch:inception-resnet-v1", "embedding", kind, count,
                            width, height, stride))
    network.classify = True
    networks.append(run(network, "pytorch:inception-resnet-v1-classify", "logits", "chips", 2, 160,
                        160, 41))
    source = hashlib.sha256(open(inspect.getsourcefile(InceptionResnetV1), "rb").read()).hexdigest()
    return ("inception-resnet-v1", f"facenet-pytorch's own InceptionResnetV1 (its source's SHA-256: {source})",
            modules, digest, networks)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride, epsilon):
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs, eps=epsilon)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs, eps=epsilon)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs, eps=epsilon)
        if stride > 1:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False),
                                            nn.BatchNorm2d(outputs, eps=epsilon))
        else:
            self.downsample = nn.Identity()

    def forward(self, x):
        inner = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        return self.bn3(self.conv2(inner)) + self.downsample(x)


class IResNet(nn.Module):
    def __init__(self, depths, epsilon):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(64, eps=epsilon)
        self.prelu = nn.PReLU(64)
        inputs = 64
        for i, depth in enumerate(depths):
            outputs = 64 << i
            blocks = [Block(inputs if k == 0 else outputs, outputs, 2 if k == 0 else 1, epsilon)
                      for k in range(depth)]
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
            inputs = outputs
        self.bn2 = nn.BatchNorm2d(512, eps=epsilon)
        self.fc = nn.Linear(512 * 7 * 7, 512)
        self.features = nn.BatchNorm1d(512, eps=epsilon)

    def forward(self, x):
        x = self.prelu(self.bn1(self.conv1(x)))
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        return self.features(self.fc(torch.flatten(self.bn2(x), 1)))


DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 14, 3), 100: (3, 13, 30, 3)}


def iresnet_spread(depths):
    """Each block adds about 1 to the variance of what flows past it."""
    def spread(name):
        if name == "bn2":
            return math.sqrt(depths[3] + 1)
        parts = name.split(".")
        if len(parts) == 3 and parts[2] == "bn1":
            block = int(parts[1])
            before = 1 if parts[0] == "layer1" else depths[int(parts[0][5:]) - 2] + 1
            return math.sqrt(before if block == 0 else block + 1)
        return 1 / 32  # so small that an ε of 1e-5 shows
    return spread


def iresnet(depth):
    depths = DEPTHS[depth]
    network = IResNet(depths, 1e-5)
    modules = modules_of(network, iresnet_spread(depths))
    digest = fill(network, modules)
    networks = [run(network, "pytorch:iresnet", "embedding", "chips", 2, 112, 112, 4)]
    if depth == 18:
        other = IResNet(depths, 2e-5)
        assert fill(other, modules) == digest
        networks.append(run(other, "pytorch:iresnet-magface", "embedding", "chips", 2, 112, 112, 4))
    return f"iresnet-{depth}", "modules of make_architecture_goldens.py", modules, digest, networks


class Convolution(nn.Module):
    """With batch normalisation, and PReLU where `active`; `names` are those of the three."""

    def __init__(self, names, inputs, outputs, side=1, stride=1, pad=0, groups=1, active=True):
        super().__init__()
        steps = [nn.Conv2d(inputs, outputs, side, stride, pad, groups=groups, bias=False),
                 nn.BatchNorm2d(outputs)] + ([nn.PReLU(outputs)] if active else [])
        self.order = names[:len(steps)]
        nest(self, dict(zip(self.order, steps)))

    def forward(self, x):
        for name in self.order:
            x = self.get_submodule(name)(x)
        return x


def nest(module, parts):
    """Adds each part under its name, whose points stand for modules in between."""
    for name, part in parts.items():
        *above, last = name.split(".")
        here = module
        for step in above:
            if step not in here._modules:
                here.add_module(step, nn.Module())
            here = here._modules[step]
        here.add_module(last, part)


class DepthWise(nn.Module):
    def __init__(self, layout, inputs, wide, outputs, stride=1, residual=False):
        super().__init__()
        names = layout["convolution"]
        nest(self, dict(zip(layout["depth_wise"], (
            Convolution(names, inputs, wide),
            Convolution(names, wide, wide, 3, stride, 1, wide),
            Convolution(names, wide, outputs, active=False)))))
        self.order, self.residual = layout["depth_wise"], residual

    def forward(self, x):
        y = x
        for name in self.order:
            y = self.get_submodule(name)(y)
        return x + y if self.residual else y


class Residuals(nn.Module):
    def __init__(self, layout, channels, wide, count):
        super().__init__()
        self.order = [f"{layout['repeated']}.{i}" for i in range(count)]
        nest(self, {name: DepthWise(layout, channels, wide, channels, residual=True)
                    for name in self.order})

    def forward(self, x):
        for name in self.order:
            x = self.get_submodule(name)(x)
        return x


ARCFACE = {"convolution": ["layers.0", "layers.1", "layers.2"],
           "depth_wise": ["layers.0", "layers.1", "layers.2"], "repeated": "layers",
           "stages": [f"layers.{i}" for i in range(8)] +
                     ["conv_sep", "features.layers.0", "features.layers.2", "features.layers.3"]}
TREB1EN = {"convolution": ["conv", "bn", "prelu"], "depth_wise": ["conv", "conv_dw", "project"],
           "repeated": "model",
           "stages": ["conv1", "conv2_dw", "conv_23", "conv_3", "conv_34", "conv_4", "conv_45",
                      "conv_5", "conv_6_sep", "conv_6_dw", "linear", "bn"]}


class MobileFaceNet(nn.Module):
    def __init__(self, layout, scale, blocks):
        super().__init__()
        names, w = layout["convolution"], 64 * scale
        second = (Convolution(names, w, w, 3, 1, 1, 64) if blocks[0] == 1
                  else Residuals(layout, w, 128, blocks[0]))
        steps = [Convolution(names, 3, w, 3, 2, 1), second,
                 DepthWise(layout, w, 128, w, 2), Residuals(layout, w, 128, blocks[1]),
                 DepthWise(layout, w, 256, 2 * w, 2), Residuals(layout, 2 * w, 256, blocks[2]),
                 DepthWise(layout, 2 * w, 512, 2 * w, 2), Residuals(layout, 2 * w, 256, blocks[3]),
                 Convolution(names, 2 * w, 512),
                 Convolution(names, 512, 512, 7, groups=512, active=False),
                 nn.Linear(512, 512, bias=False), nn.BatchNorm1d(512)]
        self.order = layout["stages"]
        nest(self, dict(zip(self.order, steps)))

    def forward(self, x):
        for name in self.order:
            if name == self.order[-2]:
                x = torch.flatten(x, 1)
            x = self.get_submodule(name)(x)
        return x


def mobilefacenet(name, layout, scale, blocks):
    network = MobileFaceNet(layout, scale, blocks)
    # The same spread before and behind every convolution; ε is 1e-5.
    modules = modules_of(network, lambda _: 1 / 32)
    digest = fill(network, modules)
    networks = [run(network, "pytorch:mobilefacenet", "embedding", "chips", 2, 112, 112, 4)]
    return f"mobilefacenet-{name}", "modules of make_architecture_goldens.py", modules, digest, networks


def bounded(inputs, outputs, side=1, stride=1, groups=1):
    return nn.Sequential(nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False),
                         nn.BatchNorm2d(outputs), nn.ReLU6())


class Separable(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, 3, 1, 1, groups=channels, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.pointwise = nn.Conv2d(channels, channels, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        x = functional.relu(self.bn1(self.depthwise(x)))
        return functional.relu(self.bn2(self.pointwise(x)))


class Inverted(nn.Module):
    def __init__(self, inputs, outputs, stride, times):
        super().__init__()
        wide = times * inputs
        self.conv = nn.Sequential(bounded(inputs, wide), bounded(wide, wide, 3, stride, wide),
                                  nn.Conv2d(wide, outputs, 1, bias=False), nn.BatchNorm2d(outputs))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.conv(x) if self.residual else self.conv(x)


class WholePicture(nn.Module):
    def __init__(self, channels, side):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, side, groups=channels, bias=False)
        self.bn = nn.BatchNorm2d(channels)

    def forward(self, x):
        return self.bn(self.depthwise(x))


class FoamliuMobileFaceNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = bounded(3, 64, 3, 2)
        self.dw_conv = Separable(64)
        blocks, inputs = [], 64
        for times, outputs, count, stride in ((2, 64, 5, 2), (4, 128, 1, 2), (2, 128, 6, 1),
                                              (4, 128, 1, 2), (2, 128, 2, 1)):
            for k in range(count):
                blocks.append(Inverted(inputs, outputs, stride if k == 0 else 1, times))
                inputs = outputs
        self.features = nn.Sequential(*blocks)
        self.conv2 = bounded(inputs, 512)
        self.gdconv = WholePicture(512, 7)
        self.conv3 = nn.Conv2d(512, 128, 1)
        self.bn = nn.BatchNorm2d(128)

    def forward(self, x):
        x = self.conv2(self.features(self.dw_conv(self.conv1(x))))
        return torch.flatten(self.bn(self.conv3(self.gdconv(x))), 1)


def foamliu():
    network = FoamliuMobileFaceNet()
    # What comes to some of the ReLU6 is so wide that their upper end matters. With all of them rounding
    # would grow from layer to layer.
    wide = {"conv1.1", "features.0.conv.0.1", "features.7.conv.1.1", "features.14.conv.1.1", "conv2.1"}
    modules = modules_of(network, lambda name: 1 / 128 if name in wide else 1 / 32)
    digest = fill(network, modules)
    networks = [run(network, "pytorch:mobilefacenet", "embedding", "chips", 2, 112, 112, 1)]
    return "mobilefacenet-foamliu", "modules of make_architecture_goldens.py", modules, digest, networks


def main():
    torch.set_num_threads(1)
    os.makedirs("tests/golden/architectures", exist_ok=True)
    versions = ", ".join(f"{p} {importlib.metadata.version(p)}"
                         for p in ("facenet-pytorch", "torch", "numpy"))
    made = [inception_resnet, *(lambda d=d: iresnet(d) for d in DEPTHS),
            lambda: mobilefacenet("arcface", ARCFACE, 2, (1, 4, 6, 2)),
            lambda: mobilefacenet("arcface-large", ARCFACE, 4, (2, 8, 12, 4)),
            lambda: mobilefacenet("treb1en", TREB1EN, 1, (1, 4, 6, 2)), foamliu]
    for make in made:
        name, source, modules, digest, networks = make()
        print(name, digest)
        golden = {"schema": "visavis.architecture-golden/1", "architecture": name,
                  "provenance": f"{source}; {versions}; {os.path.basename(__file__)}",
                  "modules": modules, "weights_sha256": digest, "networks": networks}
        with open(f"tests/golden/architectures/{name}.json", "w") as out:
            json.dump(golden, out, separators=(",", ":"))
            out.write("\n")


if __name__ == "__main__":
    main()
