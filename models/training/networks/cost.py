"""What the student costs, in the form in which it ships."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from networks.student import Student
from networks.upsampling import folded


def shipped(student: Student) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder as they ship: the same functions.  At full resolution folding would cost time, not save it."""
    return student.encoder, folded(student.decoder, ("up4", "up2"))


def parameters(student: Student) -> int:
    """Of the networks as they ship."""
    return sum(p.numel() for part in shipped(student) for p in part.parameters())


@torch.no_grad()
def gmac(student: Student, size: int = 512) -> float:
    """Multiply-accumulates (10⁹) of encoder and decoder as they ship for one size×size picture, without the margin."""
    total, canvas = 0.0, 4096  # so large that the margin does not hide at which resolution a layer works

    def count(layer: nn.Conv2d, _: tuple, output: Tensor) -> None:
        nonlocal total
        total += layer.weight.numel() * (size / round(canvas / output.shape[-1])) ** 2

    x = torch.zeros(1, 3, canvas, canvas, device="meta")  # shapes without numbers
    for part in copy.deepcopy(shipped(student)):
        for layer in part.to("meta").modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(count)
        x = part(x)
    return total / 1e9
