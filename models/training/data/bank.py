"""Crops made on the device that trains: all pictures lie there as uint8, and one sampling call cuts a whole batch.

For a GPU, which sees hundreds of crops a second where a CPU decodes and resamples some; VGG is asked anew at every step.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from data.crops import Crop, framed
from data.pictures import Picture, Sampler
from networks.student import Student, pad_picture
from optimisation.training_vgg import TrainingVgg

SHORT, LONG = 288, 432  # of the canvas that a picture must fit, either way up; what is longer is cut at its ends


class Bank:
    """Pictures as uint8 [N, 3, LONG, LONG] on a device, each in its canvas's corner, with their sizes [N, 2]."""

    def __init__(self, sampler: Sampler, device: torch.device) -> None:
        with ThreadPoolExecutor() as pool:
            pictures = list(pool.map(fitted, sampler.pictures))
        self.canvas = torch.zeros(len(pictures), 3, LONG, LONG, dtype=torch.uint8, device=device)
        for canvas, picture in zip(self.canvas, pictures):
            height, width = picture.shape[:2]
            canvas[:, :height, :width] = torch.from_numpy(picture.copy()).permute(2, 0, 1)
        self.sizes = torch.tensor([picture.shape[:2] for picture in pictures], device=device)
        self.probabilities = torch.tensor(sampler.probabilities, dtype=torch.float32, device=device)

    def draw(self, count: int, size: int) -> Tensor:
        """[count, 3, size, size], cut as `random_crop` cuts: at magnifications from 0.87 to 2, half of them below 1.03."""
        device = self.canvas.device
        chosen = torch.multinomial(self.probabilities, count, replacement=True)
        height, width = self.sizes[chosen].float().unbind(1)
        largest = torch.minimum(height, width).clamp_max(1.15 * size)
        # The cube root of a uniform number is numpy's random.power(3).
        side = largest * (size / 2 / largest) ** (1 - torch.rand(count, device=device) ** (1 / 3))
        top, left = ((length - side) * torch.rand(count, device=device) for length in (height, width))
        mirror = torch.where(torch.rand(count, device=device) < 0.5, -1.0, 1.0)
        # Pixel centres of the crop, from -1 to 1, to those of the canvas.
        scale, zero = side / LONG, torch.zeros_like(side)
        across = torch.stack((scale * mirror, zero, (2 * left + side) / LONG - 1), 1)
        down = torch.stack((zero, scale, (2 * top + side) / LONG - 1), 1)
        grid = F.affine_grid(torch.stack((across, down), 1), [count, 3, size, size], align_corners=False)
        pictures = self.canvas[chosen].float() / 255
        return F.grid_sample(pictures, grid, "bicubic", "border", align_corners=False).clamp(0, 1)


def fitted(picture: Picture) -> np.ndarray:
    """uint8 [H, W, 3] with a short side of at most SHORT and a long one of at most LONG."""
    image = picture.open()
    scale = min(1.0, SHORT / min(image.size))
    image = image.resize([round(scale * length) for length in image.size], Image.Resampling.LANCZOS)
    left, top = (max(0, (length - LONG) // 2) for length in image.size)
    return np.asarray(image)[top : top + LONG, left : left + LONG]


class BankFeed:
    """Batches of content and style crops of one size, fresh at every step."""

    def __init__(
        self, contents: Bank, styles: Bank, vgg: TrainingVgg, student: Student, size: int, batch: int
    ) -> None:
        self.contents, self.styles, self.vgg, self.size, self.batch = contents, styles, vgg, size, batch
        self.margin, self.stride = student.margin, student.stride

    def next(self) -> tuple[Crop, Crop]:
        return self.seen(self.contents), self.seen(self.styles)

    @torch.no_grad()
    def seen(self, bank: Bank) -> Crop:
        pictures = pad_picture(bank.draw(self.batch, self.size), self.margin, self.stride)
        return Crop(pictures, *self.vgg(framed(pictures, self.margin)))
