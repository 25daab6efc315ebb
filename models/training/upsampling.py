"""Up-sampling by a factor of two and the convolution behind it: as it is trained and, the same in less work, as it ships."""

from __future__ import annotations

import copy

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def double(x: Tensor) -> Tensor:
    """Every pixel four times: [N, C, H, W] → [N, C, 2H, 2W]."""
    return F.interpolate(x, scale_factor=2.0, mode="nearest")


class Doubling(nn.Conv2d):
    """A convolution of 3×3 of a picture that was doubled.  A transposed convolution would print a checkerboard."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(double(x))


# Pixels 2k - 1 and 2k of a doubled row see only places k - 1 and k of the row: which of three taps falls on which place.
FOLD = torch.tensor([[[1.0, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]])  # [pixel, place, tap]
UNFOLD = torch.tensor([[[0.0, 0], [1, 0]], [[1, 0], [-1, 0]], [[0, 1], [0, 0]]])  # [tap, pixel, place]


class FoldedDoubling(nn.Module):
    """The same in 4/9 of the multiplications: a convolution of 2×2 makes four pixels at once, which are then put in
    their places, as in the sub-pixel convolution of Shi et al. 2016.
    """

    def __init__(self, layer: Doubling) -> None:
        super().__init__()
        outputs, inputs, *_ = layer.weight.shape
        self.four = nn.Conv2d(inputs, 4 * outputs, 2, padding=1)
        kernels = torch.einsum("pku,qlv,oiuv->opqikl", FOLD, FOLD, layer.weight.detach())
        self.four.weight.data = kernels.flatten(0, 2)
        self.four.bias.data = layer.bias.detach().repeat_interleave(4)

    def forward(self, x: Tensor) -> Tensor:
        return F.pixel_shuffle(self.four(x), 2)[..., 1:-1, 1:-1]


def folded(network: nn.Module, names: tuple[str, ...]) -> nn.Module:
    """The same network with those of its Doublings folded."""
    network = copy.deepcopy(network)
    for name in names:
        setattr(network, name, FoldedDoubling(getattr(network, name)))
    return network


def unfolded(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of the network as it is trained, of those of a folded one."""
    found = dict(weights)
    for name in [name for name in weights if name.endswith(".four.weight")]:
        kernels = found.pop(name).unflatten(0, (-1, 2, 2))
        layer = name.removesuffix(".four.weight")
        found[f"{layer}.weight"] = torch.einsum("upk,vql,opqikl->oiuv", UNFOLD, UNFOLD, kernels)
        found[f"{layer}.bias"] = found.pop(f"{layer}.four.bias")[::4]
    return found
