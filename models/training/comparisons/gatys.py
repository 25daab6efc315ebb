"""Style transfer by optimisation: Gatys, Ecker & Bethge, Image Style Transfer Using Convolutional Neural Networks,
CVPR 2016.  Pictures are [1, 3, H, W] in [0, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor

from networks.references import Vgg

# β/α of their equation 7, for means of squares.  With it the style loss of the AdaIN paper ends below that paper's.
STYLE_WEIGHT = 10.0


def gram(x: Tensor) -> Tensor:
    """Correlations of the channels, their equation 3 over the number of positions: [N, C, H, W] → [N, C, C]."""
    flat = x.flatten(2)
    return flat @ flat.transpose(1, 2) / flat.shape[2]


@torch.no_grad()
def grams(vgg: Vgg, style: Tensor) -> list[Tensor]:
    """All that is used of a style: one Gram matrix for each of relu1_1 … relu4_1."""
    return [gram(layer) for layer in vgg(style)]


def optimise(vgg: Vgg, content: Tensor, style: list[Tensor], steps: int) -> Tensor:
    """`steps` steps of L-BFGS on the pixels, from the content picture on.

    The content layer is relu4_1 (they take relu4_2, where our VGG does not reach), as for all other methods here.
    """
    with torch.no_grad():
        wanted = vgg(content)[-1]
    pixels = content.flatten().clone().requires_grad_()  # flat, as L-BFGS cannot take a gradient in channels_last
    optimiser = torch.optim.LBFGS([pixels], max_iter=steps, max_eval=steps, tolerance_grad=0, tolerance_change=0)

    def loss() -> Tensor:
        optimiser.zero_grad()
        layers = vgg(pixels.view(content.shape))
        content_error = (layers[-1] - wanted).square().mean()  # their equation 1
        style_error = sum((gram(layer) - g).square().mean() / 4 for layer, g in zip(layers, style))  # equations 4 and 5
        total = content_error + STYLE_WEIGHT * style_error
        total.backward()
        return total

    optimiser.step(loss)
    return pixels.detach().view(content.shape).clamp(0, 1)
