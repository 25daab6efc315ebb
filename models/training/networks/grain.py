"""Grain: faint, soft noise that a content gets before the encoder sees it.

All of a flat area looks alike to a network of stride 8, so that strokes could begin only where its own 8×8 blocks do; grain
is what they begin at instead.  It depends on the position in the picture alone, so a picture in tiles gets the same grain as
in one piece, and it is computed in integers, so that the service (src/engine/inference/grain.ts) has the very same.
"""

from __future__ import annotations

import functools

import numpy as np
import torch
from torch import Tensor

PERIOD = 1024  # pixels after which it repeats, either way
BOX, PASSES = 7, 3  # blurred by a mean of so many pixels so often: nearly a Gaussian of 3.5 pixels
UNIT = 32  # the field's standard deviation


def hashed(index: np.ndarray) -> np.ndarray:
    """uint32 → uint32, each bit of which depends on all bits of the index (Wellons, lowbias32)."""
    x = index.copy()
    x ^= x >> 16
    x *= np.uint32(0x7FEB352D)
    x ^= x >> 15
    x *= np.uint32(0x846CA68B)
    x ^= x >> 16
    return x


@functools.cache
def field() -> np.ndarray:
    """int8 [PERIOD, PERIOD]: blurred white noise, of standard deviation UNIT."""
    # White noise of all odd numbers from -255 to 255: mean 0, variance (256² - 1) / 3.
    noise = 2 * (hashed(np.arange(PERIOD**2, dtype=np.uint32)) >> 24).astype(np.int64) - 255
    x = noise.reshape(PERIOD, PERIOD)
    kernel = np.ones(1)
    for _ in range(PASSES):
        kernel = np.convolve(kernel, np.ones(BOX))
        for axis in (0, 1):
            x = sum(np.roll(x, -shift, axis) for shift in range(BOX))
    deviation = ((256**2 - 1) / 3) ** 0.5 * (kernel**2).sum()
    return np.floor(x * (UNIT / deviation) + 0.5).clip(-128, 127).astype(np.int8)


@functools.cache
def field_on(device: torch.device) -> Tensor:
    return torch.from_numpy(field()).to(device)


def with_grain(picture: Tensor, margin: Tensor | int, levels: Tensor | float) -> Tensor:
    """A picture [N, 3, H, W] that begins `margin` pixels before its first own one, with grain of whole levels of 255, whose
    standard deviation is `levels` (or [N] of either); in [0, 1] like the picture, as the service's pixels are bytes.
    """
    device = picture.device
    first = -torch.as_tensor(margin, device=device).view(-1, 1)
    rows, columns = ((first + torch.arange(length, device=device)) % PERIOD for length in picture.shape[-2:])
    amounts = field_on(device)[rows[:, None, :, None], columns[:, None, None, :]].double() / UNIT
    amounts = torch.as_tensor(levels, dtype=torch.float64, device=device).view(-1, 1, 1, 1) * amounts
    return (picture + (amounts + 0.5).floor().to(picture.dtype) / 255).clamp(0, 1)
