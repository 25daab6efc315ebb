"""Style swap: Chen & Schmidt, Fast Patch-based Style Transfer of Arbitrary Style, 2016.

Features are [1, C, H, W]; patches are 3×3 and one step apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 3


@dataclass(frozen=True)
class Patches:
    """Of a style's features, one a column: as they are and of length 1, each [9·C, positions], float32."""

    plain: Tensor
    unit: Tensor


def patches(features: Tensor) -> Patches:
    plain = F.unfold(features, SIDE)[0]
    return Patches(plain, F.normalize(plain, dim=0))


def swap(features: Tensor, style: Patches) -> Tensor:
    """Every patch gives way to the style's patch of largest normalised cross-correlation (their equation 2), and where
    patches overlap their mean is taken (section 3.1).  The content patch's own length does not change which is largest.
    """
    size = features.shape[-2:]
    correlations = style.unit.T @ F.unfold(features, SIDE)[0]  # [positions of the style, of the content]
    chosen = style.plain[:, correlations.argmax(0)]
    return F.fold(chosen[None], size, SIDE) / F.fold(torch.ones_like(chosen)[None], size, SIDE)
