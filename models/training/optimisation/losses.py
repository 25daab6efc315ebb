"""The paper's loss (equations 11 to 13), what was added to it, and the exact VGG's view for it.

L = L_c + λ·L_s.  L_c = mean (f(g(t)) − t)², L_s = Σ over relu1_1 … relu4_1 of mean (μ − μ_s)² + mean (σ − σ_s)²: means
of squares, as in the authors' code, where the paper writes norms.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from networks.adain import Statistics, statistics
from networks.references import Vgg
from optimisation.texture import box_mean

TYPICAL_VARIANCE = 1.5  # of relu4_1 over a style, mean of the channels


def content_loss(features: Tensor, target: Tensor) -> Tensor:
    """[N]: one mean square a sample (equation 12)."""
    return (features.float() - target.float()).square().mean((1, 2, 3))


def style_losses(found: list[Statistics], wanted: list[Statistics]) -> Tensor:
    """[layers, N]: the distance of the statistics at each layer, the terms of equation 13."""
    layers = zip(found, wanted)
    return torch.stack([sum((f - w).square().mean(1) for f, w in zip(*layer)) for layer in layers])


def style_loss(found: list[Statistics], wanted: list[Statistics]) -> Tensor:
    """[N]: the distance of the statistics, summed over layers (equation 13)."""
    return style_losses(found, wanted).sum(0)


def pair_weights(style: Statistics, balance: float) -> Tensor:
    """[N], about 1 in the mean: how much a pair counts, by the variance of its style at relu4_1 to the power of -balance.

    Content and style loss grow with that variance, which differs twenty-fold between styles: with a balance of 0 the loudest
    pairs of a batch make its gradient, with 1 the faintest count as much.
    """
    return (style[1].square().mean(1) / TYPICAL_VARIANCE) ** -balance


def covariance(y: Tensor) -> Tensor:
    """[N, C, H, W] → [N, C, C], over positions: which features go together, the shape of a texture."""
    x = y.flatten(2)
    return (x @ x.mT).float() / x.shape[2] - x.float().mean(2)[:, :, None] * x.float().mean(2)[:, None]


def covariance_loss(found: list[Tensor], wanted: list[Tensor]) -> Tensor:
    """[N]: squared distance of the covariances in multiples of the style's own size, mean over layers.

    Gatys et al. 2016 compare Gram matrices; mean and deviation, which the paper's loss has already, are left out here.
    """
    terms = [(f - w.float()).square().sum((1, 2)) / w.float().square().sum((1, 2)) for f, w in zip(found, wanted)]
    return torch.stack(terms).mean(0)


def repetition(picture: Tensor, period: int, blocks: int) -> tuple[Tensor, Tensor]:
    """[N, h, w] twice, per window of blocks×blocks blocks of period×period pixels: the energy of what all its blocks
    have in common, and the energy of everything.  Slow gradients are taken off first.
    """
    n, c, height, width = picture.shape
    side = period * blocks
    x = picture - box_mean(picture, period + 1)
    x = x[..., : height // side * side, : width // side * side]
    x = x.reshape(n, c, height // side, blocks, period, width // side, blocks, period)
    return x.mean((3, 6)).square().mean((1, 3, 5)), x.square().mean((1, 3, 4, 6, 7))


def lattice_loss(found: Tensor, content: Tensor, period: int = 8, blocks: int = 4) -> Tensor:
    """[N]: how far the result prints the same block again and again where the content does not.

    Where the content is flat all features are alike, so the decoder repeats one block: a lattice, to which the paper's
    loss is blind, as it does not look at where things are.  Averaging the blocks of a window keeps a lattice and thins
    irregular texture by their number; twice that is allowed.
    """
    common, everything = repetition(found, period, blocks)
    allowed = 2 / blocks**2 * everything.detach() + repetition(content, period, blocks)[0]
    return (common - allowed).clamp_min(0).mean((1, 2))


def exact(vgg: Vgg, picture: Tensor) -> tuple[Tensor, list[Statistics]]:
    """What TrainingVgg gives, from the exact float32 network with reflection padding: for validation."""
    layers = vgg(picture)
    return layers[-1], [statistics(layer) for layer in layers]
