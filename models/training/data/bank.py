"""Crops made on the device that trains, where all pictures lie as uint8.

For a GPU, which sees hundreds of crops a second where a CPU decodes and resamples some.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from data.pictures import Picture, Sampler, random_box


class Bank:
    """A sampler's pictures, decoded, each uint8 [3, H, W] on a device."""

    def __init__(self, sampler: Sampler, device: torch.device, random: np.random.Generator) -> None:
        with ThreadPoolExecutor() as pool:
            self.pictures = [picture.to(device) for picture in pool.map(decoded, sampler.pictures)]
        self.probabilities, self.random = sampler.probabilities, random

    def cut(self, size: int, count: int) -> Tensor:
        """[count, 3, size, size], cut as `random_crop` cuts, but at whole pixels."""
        chosen = self.random.choice(len(self.pictures), size=count, p=self.probabilities)
        return torch.cat([self.crop(self.pictures[i], size) for i in chosen])

    def crop(self, picture: Tensor, size: int) -> Tensor:
        """[1, 3, size, size]"""
        height, width = picture.shape[1:]
        left, top, side, mirrored = random_box(width, height, size, self.random)
        left, top, side = int(left), int(top), round(side)
        box = picture[None, :, top : top + side, left : left + side].float() / 255
        crop = F.interpolate(box, (size, size), mode="bicubic", align_corners=False, antialias=True).clamp(0, 1)
        return crop.flip(3) if mirrored else crop


def decoded(picture: Picture) -> Tensor:
    return torch.from_numpy(np.asarray(picture.open()).copy()).permute(2, 0, 1).contiguous()
