"""Statistics over space, and adaptive instance normalisation by them (Huang & Belongie 2017, section 5)."""

from __future__ import annotations

from torch import Tensor

EPSILON = 1e-5  # added to the variance, as in the authors' code

Statistics = tuple[Tensor, Tensor]  # μ and σ, each [N, C], float32


def statistics(x: Tensor) -> Statistics:
    """Mean and standard deviation over space, μ and σ of equations 5 and 6: two [N, C] tensors in float32."""
    flat = x.float().flatten(2)
    mean = flat.mean(2)
    variance = (flat - mean[..., None]).square().mean(2)  # population variance
    return mean, (variance + EPSILON).sqrt()


def adain(x: Tensor, style: Statistics, alpha: Tensor | float = 1.0, content: Statistics | None = None) -> Tensor:
    """(1 − α)·x + α·(σ(y)·(x − μ(x))/σ(x) + μ(y)), equations 8 and 14.

    `style` is (μ(y), σ(y)), α a number or [N]; `content`, (μ(x), σ(x)), is taken from all of x unless it is given.
    """
    (mean, deviation), (style_mean, style_deviation) = content or statistics(x), style
    if isinstance(alpha, Tensor):
        alpha = alpha[:, None]
    # An affine map per channel: one multiply and one add over the features.
    scale = 1 - alpha + alpha * style_deviation / deviation
    shift = alpha * (style_mean - style_deviation / deviation * mean)
    return x.float() * scale[..., None, None] + shift[..., None, None]
