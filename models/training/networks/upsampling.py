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


class SmoothDoubling(nn.Conv2d):
    """A convolution of 3×3 of a picture that was doubled by linear interpolation, with zeros beyond the picture.

    Repeated pixels leave a step at every second pixel, and what was a block stays one; interpolated ones have none.
    """

    def forward(self, x: Tensor) -> Tensor:
        x = F.interpolate(F.pad(x, (1, 1, 1, 1)), scale_factor=2.0, mode="bilinear", align_corners=False)
        return F.conv2d(x[..., 1:-1, 1:-1], self.weight, self.bias)


# Pixels 2k - 1 and 2k of a doubled row see only places k - 1 and k of the row: which of three taps falls on which place.
FOLD = torch.tensor([[[1.0, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]])  # [pixel, place, tap]
UNFOLD = torch.tensor([[[0.0, 0], [1, 0]], [[1, 0], [-1, 0]], [[0, 1], [0, 0]]])  # [tap, pixel, place]


# Pixels 2k and 2k + 1 of an interpolated row see places k - 1, k and k + 1: the share of each place in each tap.
FOLD_SMOOTH = torch.tensor([
    [[3.0, 1, 0], [1, 3, 3], [0, 0, 1]],
    [[1.0, 0, 0], [3, 3, 1], [0, 1, 3]],
]) / 4  # [pixel, place, tap]  # fmt: skip
UNFOLD_SMOOTH = torch.linalg.pinv(FOLD_SMOOTH.flatten(0, 1)).unflatten(1, (2, 3))  # [tap, pixel, place]


class FoldedDoubling(nn.Module):
    """The same in one convolution that makes four pixels at once, which are then put in their places, as in the
    sub-pixel convolution of Shi et al. 2016: 2×2 in 4/9 of the multiplications for repeated pixels, 3×3 in as many for
    interpolated ones, without the large picture in between.
    """

    def __init__(self, layer: Doubling | SmoothDoubling) -> None:
        super().__init__()
        outputs, inputs, *_ = layer.weight.shape
        self.repeats = isinstance(layer, Doubling)
        fold = FOLD if self.repeats else FOLD_SMOOTH
        self.four = nn.Conv2d(inputs, 4 * outputs, fold.shape[1], padding=1)
        kernels = torch.einsum("pku,qlv,oiuv->opqikl", fold, fold, layer.weight.detach())
        self.four.weight.data = kernels.flatten(0, 2)
        self.four.bias.data = layer.bias.detach().repeat_interleave(4)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pixel_shuffle(self.four(x), 2)
        return x[..., 1:-1, 1:-1] if self.repeats else x


def folded(network: nn.Module, names: tuple[str, ...]) -> nn.Module:
    """The same network with those of its doublings folded."""
    network = copy.deepcopy(network)
    for name in names:
        setattr(network, name, FoldedDoubling(getattr(network, name)))
    return network


def unfolded(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights of the network as it is trained, of those of a folded one."""
    found = dict(weights)
    for name in [name for name in weights if name.endswith(".four.weight")]:
        kernels = found.pop(name).unflatten(0, (-1, 2, 2))
        unfold = UNFOLD if kernels.shape[-1] == 2 else UNFOLD_SMOOTH
        layer = name.removesuffix(".four.weight")
        found[f"{layer}.weight"] = torch.einsum("upk,vql,opqikl->oiuv", unfold, unfold, kernels)
        found[f"{layer}.bias"] = found.pop(f"{layer}.four.bias")[::4]
    return found
