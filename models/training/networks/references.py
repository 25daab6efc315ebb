"""The networks that we learn from and compare with; none of their weights ships.

VGG-19 to relu4_1 is the paper's encoder f and its loss network φ (section 6.1); the reference decoder is a published
AdaIN decoder g for it.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from networks.adain import adain, statistics
from networks.upsampling import double

VGG_LAYERS = ("1_1", "1_2", "2_1", "2_2", "3_1", "3_2", "3_3", "3_4", "4_1")
DECODER_LAYERS = ("4_1", "3_4", "3_3", "3_2", "3_1", "2_2", "2_1", "1_2", "1_1")


def load_layer(weight: np.ndarray, bias: np.ndarray) -> nn.Conv2d:
    layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2])
    layer.weight.data, layer.bias.data = (torch.from_numpy(array.astype(np.float32)) for array in (weight, bias))
    return layer


def reflect(x: Tensor) -> Tensor:
    return F.pad(x, (1, 1, 1, 1), mode="reflect")


class Vgg(nn.Module):
    """Picture [N, 3, H, W] in [0, 1] → relu1_1 … relu4_1: 64, 128, 256, 512 channels at 1/1, 1/2, 1/4, 1/8."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        arrays = np.load(folder / "vgg19_relu4_1.npz")
        first, before = arrays["conv1_1.weight"], arrays["conv0.weight"][:, :, 0, 0]
        # conv0 is 1×1, so it commutes with reflection and folds into conv1_1 without a rest.
        weight = np.einsum("oikl,ij->ojkl", first, before)
        bias = arrays["conv1_1.bias"] + np.einsum("oikl,i->o", first, arrays["conv0.bias"])
        layers = [load_layer(weight, bias)]
        layers += [load_layer(arrays[f"conv{n}.weight"], arrays[f"conv{n}.bias"]) for n in VGG_LAYERS[1:]]
        self.layers = nn.ModuleList(layers)
        self.requires_grad_(False)

    def forward(self, picture: Tensor) -> list[Tensor]:
        x, outputs = picture.to(self.layers[0].weight.dtype), []
        for name, layer in zip(VGG_LAYERS, self.layers):
            if name in ("2_1", "3_1", "4_1"):
                x = F.max_pool2d(x, 2, ceil_mode=True)
            x = F.relu(layer(reflect(x)))
            if name.endswith("_1"):
                outputs.append(x)
        return outputs


class ReferenceDecoder(nn.Module):
    """relu4_1 features [N, 512, h, w] → picture [N, 3, 8h, 8w], not clamped."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        arrays = np.load(folder / "adain_decoder.npz")
        self.layers = nn.ModuleList(load_layer(arrays[f"dec{n}.weight"], arrays[f"dec{n}.bias"]) for n in DECODER_LAYERS)
        self.requires_grad_(False)

    def forward(self, features: Tensor) -> Tensor:
        x = features.to(self.layers[0].weight.dtype)
        for name, layer in zip(DECODER_LAYERS, self.layers):
            x = layer(reflect(x))
            if name != "1_1":
                x = F.relu(x)
            if name in ("4_1", "3_1", "2_1"):
                x = double(x)
        return x


class ReferenceAdain(nn.Module):
    """The paper's transfer T(c, s, α) = g((1 − α)·f(c) + α·AdaIN(f(c), f(s))) with the published weights."""

    def __init__(self, vgg: Vgg, folder: Path) -> None:
        super().__init__()
        self.vgg, self.decoder = vgg, ReferenceDecoder(folder)

    def forward(self, content: Tensor, style: Tensor, alpha: float = 1.0) -> Tensor:
        features = adain(self.vgg(content)[-1], statistics(self.vgg(style)[-1]), alpha)
        return self.decoder(features)[..., : content.shape[-2], : content.shape[-1]].float().clamp(0, 1)
