"""Batches of crops with what the frozen VGG says of them, so that it sees each crop once and not once a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from networks.adain import Statistics
from networks.architecture import DECODER_MARGIN
from networks.layers import cropped
from networks.student import Student, pad_picture
from optimisation.training_vgg import TrainingVgg

FRAME = DECODER_MARGIN  # pixels around a crop that the loss network sees too: all that is painted

Cut = Callable[[int], Tensor]


@dataclass
class Crop:
    """A crop with its margin [3, S, S] and what the frozen VGG says of it."""

    picture: Tensor
    features: Tensor
    statistics: list[Statistics]
    covariances: list[Tensor]  # of relu3_1 and relu4_1; none of contents, which nobody asks for


class Pool:
    """Crops that are drawn several times, each time with another partner, before fresh ones take their places.

    VGG's view of content and style is thus computed once per crop, not once per step.  `cut` makes so many new ones,
    [count, 3, size, size].
    """

    def __init__(self, cut: Cut, vgg: TrainingVgg, student: Student, seed: int, covariances: bool) -> None:
        self.cut, self.vgg, self.covariances = cut, vgg, covariances
        self.margin, self.stride = student.margin, student.stride
        self.random = np.random.default_rng(seed)
        self.crops: list[Crop] = []
        self.oldest = 0

    @torch.no_grad()
    def refresh(self, count: int, capacity: int) -> None:
        """Take `count` new crops in, in place of the oldest once there are `capacity`."""
        pictures = pad_picture(self.cut(count), self.margin, self.stride)
        seen = self.vgg(framed(pictures, self.margin))
        covariances = [c.to(torch.bfloat16) for c in seen.covariances] if self.covariances else []
        for i in range(count):
            statistics = [(m[i], s[i]) for m, s in seen.statistics]
            crop = Crop(pictures[i], seen.features[i], statistics, [c[i].clone() for c in covariances])
            if len(self.crops) < capacity:
                self.crops.append(crop)
            else:
                self.crops[self.oldest] = crop
                self.oldest = (self.oldest + 1) % capacity

    def draw(self, count: int) -> Crop:
        """A batch of crops as one Crop of stacked tensors."""
        chosen = [self.crops[i] for i in self.random.choice(len(self.crops), size=count, replace=False)]
        layers = zip(*(crop.statistics for crop in chosen))
        statistics = [(torch.stack([m for m, _ in layer]), torch.stack([s for _, s in layer])) for layer in layers]
        covariances = [torch.stack(layer) for layer in zip(*(crop.covariances for crop in chosen))]
        pictures, features = (torch.stack(parts) for parts in zip(*((c.picture, c.features) for c in chosen)))
        return Crop(pictures, features, statistics, covariances)


class Feed:
    """Batches of content and style crops of one size: one fresh crop for each `reuse` that are used."""

    def __init__(
        self, contents: Cut, styles: Cut, vgg: TrainingVgg, student: Student,
        batch: int, reuse: int, capacity: int, seed: int,
    ) -> None:  # fmt: skip
        self.batch, self.fresh, self.capacity = batch, max(1, batch // reuse), capacity
        self.content = Pool(contents, vgg, student, seed, covariances=False)
        self.style = Pool(styles, vgg, student, seed + 1, covariances=True)

    def next(self) -> tuple[Crop, Crop]:
        for pool in (self.content, self.style):
            # A few batches fill the pool at first; it then grows to its capacity as training goes on.
            missing = 4 * self.batch - len(pool.crops)
            pool.refresh(max(missing, self.fresh if len(pool.crops) == self.capacity else 2 * self.fresh), self.capacity)
        return self.content.draw(self.batch), self.style.draw(self.batch)


def framed(padded: Tensor, margin: int) -> Tensor:
    """What the loss network sees of a picture with its margin."""
    return cropped(padded, margin - FRAME)
