"""What the three stages of training minimise."""

from __future__ import annotations

import argparse
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from data.crops import Crop, Feed, framed
from networks.adain import Statistics, adain, statistics
from networks.architecture import DECODER_MARGIN
from networks.grain import PERIOD, with_grain
from networks.layers import cropped
from networks.references import ReferenceDecoder
from networks.student import Student
from optimisation.losses import (
    content_loss,
    covariance_loss,
    lattice_loss,
    pair_weights,
    style_losses,
)
from optimisation.texture import blots, edge_loss, shade_loss, shift_loss, snap_loss
from optimisation.training_vgg import TrainingVgg

COMPONENTS = 192  # principal components of relu4_1 that the first features regress


def principal_components(feeds: list[Feed]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean [512], basis [192, 512] scaled so that components have variance 1, and loss weights [192], of relu4_1."""
    samples = []
    for _ in range(12):
        content, style = feeds[0].next()
        samples += [content.features.float().flatten(2), style.features.float().flatten(2)]
    x = torch.cat(samples).permute(0, 2, 1).reshape(-1, 512)
    mean = x.mean(0)
    values, vectors = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    values, vectors = values.flip(0)[:COMPONENTS], vectors.flip(1)[:, :COMPONENTS]
    weights = values.sqrt() / values.sqrt().mean()  # between "all alike" and "by variance"
    return mean, vectors.T / values.sqrt()[:, None], weights


@partial(torch.compile, dynamic=False)
def picture_losses(found: Tensor, plain: Tensor) -> dict[str, Tensor]:
    """What a picture's pixels tell without VGG, beside those of its content: each [N]."""
    return {
        # Colours out of range are cut when the picture is shown, where VGG does not see it.
        "excess": (found - found.clamp(0, 1)).abs().mean((1, 2, 3)),
        "lattice": lattice_loss(found, plain),
        "snap": snap_loss(found, plain),
        "shade": shade_loss(found, plain),
        "blots": blots(found, plain),
    }


class Objectives:
    """Of a batch of contents and one of styles: named parts, of which "total" is minimised."""

    def __init__(
        self,
        student: Student,
        vgg: TrainingVgg,
        reference: ReferenceDecoder,
        options: argparse.Namespace,
        random: np.random.Generator,
    ) -> None:
        self.stride, self.margin = student.stride, student.margin
        self.vgg, self.reference, self.o, self.random = vgg, reference, options, random
        self.device = next(student.parameters()).device
        # Compiled, the memory-bound operations between convolutions are fused: up to three times faster on a CPU.
        self.encoder, self.decoder = (torch.compile(part, dynamic=False) for part in (student.encoder, student.decoder))
        self.components: tuple[Tensor, Tensor, Tensor] | None = None  # to be set before `features` is called

    def features(self, content: Crop, style: Crop) -> dict[str, Tensor]:
        mean, basis, weights = self.components
        pictures = torch.cat((content.picture, style.picture))
        wanted = torch.cat((content.features, style.features)).float()
        wanted = torch.einsum("kc,nchw->nkhw", basis, wanted - mean[:, None, None])
        found = self.encode(pictures)
        error = (found[:, :COMPONENTS].float() - wanted).square().mean((0, 2, 3))
        return {"features": error.mean(), "total": (error * weights).mean()}

    def pictures(self, content: Crop, style: Crop) -> dict[str, Tensor]:
        with torch.no_grad():
            target = adain(content.features, style.statistics[-1])
            wanted = self.reference(target.to(torch.bfloat16)).float().clamp(0, 1)
        features = self.encode(torch.cat((content.picture, style.picture)))
        features, style_features = features.chunk(2)
        found = self.paint(features, self.statistics(style_features), 1.0)
        plain = self.paint(features, self.statistics(style_features), 0.0)
        loss = (found - wanted).abs().mean() + (F.avg_pool2d(found, 4) - F.avg_pool2d(wanted, 4)).abs().mean()
        for axis in (2, 3):
            loss = loss + (found.diff(dim=axis) - wanted.diff(dim=axis)).abs().mean()
        identity = (plain - framed(content.picture, self.margin)).abs().mean()
        return {"pictures": loss, "identity": identity, "total": loss + identity}

    def paper(self, content: Crop, style: Crop) -> dict[str, Tensor]:
        o, count = self.o, len(content.picture)
        alpha = torch.from_numpy(self.random.random(count) >= o.identity_share).float().to(self.device)
        moved, offset = min(count, round(o.shift_share * count)), divmod(int(self.random.integers(1, self.stride**2)), self.stride)
        found, again, moved_target = self.painted_twice(content, style, alpha, moved, offset)
        with torch.no_grad():
            target = adain(content.features, style.statistics[-1], alpha)
        seen = self.vgg(found)
        plain = framed(content.picture, self.margin)

        def styled(losses: Tensor) -> Tensor:
            """Mean of [N] over the samples that are to have the style."""
            return (alpha * losses).sum() / alpha.sum().clamp_min(1)

        share = torch.where(alpha > 0, pair_weights(style.statistics[-1], o.balance), 1.0)
        pixels = picture_losses(found, plain)
        layers = share * style_losses(seen.statistics, style.statistics)
        parts = {
            "content": (share * content_loss(seen.features, target)).mean(),
            "style": styled(layers.sum(0)),
            "deep": styled(layers[2:].sum(0)),
            "covariance": styled(covariance_loss(seen.covariances, style.covariances)),
            "identity": ((1 - alpha) * (found - plain).abs().mean((1, 2, 3))).mean() / max(o.identity_share, 1e-9),
            **{name: losses.mean() for name, losses in pixels.items()},
            **{name: styled(pixels[name]) for name in ("snap", "shade", "blots")},
            "shift": shift_loss(found[:moved], again, offset) if moved else found.new_zeros(()),
            "edge": self.apart(moved_target, found[:moved]) if moved and o.edge_weight else found.new_zeros(()),
        }
        weights = {
            "content": o.content_weight, "style": o.style_weight, "deep": o.style_weight * (o.deep_weight - 1),
            "covariance": o.covariance_weight, "identity": o.identity_share * o.identity_weight, "excess": 20.0,
            "lattice": o.lattice_weight, "snap": o.snap_weight, "shade": o.shade_weight, "blots": o.blot_weight,
            "shift": o.shift_weight, "edge": o.edge_weight,
        }  # fmt: skip
        return {**parts, "total": sum(weights[name] * parts[name] for name in parts)}

    def painted_twice(
        self, content: Crop, style: Crop, alpha: Tensor, moved: int, offset: tuple[int, int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        """All contents in their styles; the first `moved` of them again, rolled by `offset` before; and the features that
        those were painted of.
        """
        count = len(content.picture)
        picture = self.grained(content.picture, alpha) if self.o.grain else content.picture
        rolled = picture[:moved].roll(offset, (2, 3))
        features, style_features, moved_features = self.encode(torch.cat((picture, style.picture, rolled))).split(
            (count, count, moved)
        )
        own, wanted = self.statistics(features), self.statistics(style_features)
        # A rolled content keeps the statistics of what it is.
        *own, mean, deviation, alpha = (torch.cat((x, x[:moved])) for x in (*own, *wanted, alpha))
        every = torch.cat((features, moved_features))
        target = adain(every, (mean, deviation), alpha, tuple(own))
        found, again = self.decode(target).split((count, moved))
        return found, again, target[:moved]

    def apart(self, target: Tensor, found: Tensor) -> Tensor:
        """Of features `target`, painted as `found`: what changes when a part of them is painted alone."""
        blocks, stride = 4, self.stride
        y, x = self.random.integers(0, blocks + 1, 2).tolist()
        h, w = (length - blocks for length in target.shape[-2:])
        part = target[..., y : y + h, x : x + w].contiguous(memory_format=torch.channels_last)
        whole = found[..., stride * y : stride * (y + h), stride * x : stride * (x + w)]
        return edge_loss(*(cropped(picture, DECODER_MARGIN) for picture in (whole, self.decode(part))))

    def grained(self, picture: Tensor, alpha: Tensor) -> Tensor:
        """With grain of up to so many levels, each from another place of its field; none at alpha 0."""
        places, levels = self.random.integers(0, PERIOD, len(picture)), self.random.random(len(picture)) * self.o.grain
        return with_grain(picture, torch.from_numpy(places), torch.from_numpy(levels).to(alpha) * alpha)

    def encode(self, pictures: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.encoder(pictures.contiguous(memory_format=torch.channels_last))

    def paint(self, features: Tensor, style: Statistics, alpha: Tensor | float) -> Tensor:
        """The part that the loss network sees."""
        return self.decode(adain(features, style, alpha, self.statistics(features)))

    def decode(self, features: Tensor) -> Tensor:
        with torch.autocast(self.device.type, torch.bfloat16):
            return self.decoder(features).float()

    def statistics(self, features: Tensor) -> Statistics:
        """Of the features that lie on a crop, without those around it."""
        return statistics(cropped(features, DECODER_MARGIN // self.stride))
