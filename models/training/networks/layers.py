"""What encoder and decoder are built of.  Shapes are [N, C, H, W]."""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

Edges = Literal["none", "zeros", "reflect"]
"""What a convolution sees beyond the edges: nothing, so that it gives less than it gets; zeros; what the edge mirrors."""


def conv(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    stride: int = 1,
    gain: float = 2.0**0.5,
    edges: Edges = "zeros",
    kind: type[nn.Conv2d] = nn.Conv2d,
) -> nn.Conv2d:
    """A convolution whose weights keep the variance (He et al. 2015; gain 1 where no ReLU follows)."""
    padding, mode = (0, "zeros") if edges == "none" else ((kernel - 1) // 2, edges)
    layer = kind(inputs, outputs, kernel, stride, padding, padding_mode=mode)
    nn.init.normal_(layer.weight, std=gain / (inputs * kernel * kernel) ** 0.5)
    nn.init.zeros_(layer.bias)
    return layer


class Residual(nn.Module):
    """relu(x + conv(relu(conv(x)))).  The second convolution starts at zero, so a fresh block changes nothing (Zhang et al.
    2019).

    Without edges it gives two steps less at every one.
    """

    def __init__(self, width: int, edges: Edges = "zeros") -> None:
        super().__init__()
        self.conv1 = conv(width, width, edges=edges)
        # Behind a first one that mirrors, zeros show no edge any more, and cost nothing.
        self.conv2 = conv(width, width, edges="none" if edges == "none" else "zeros", gain=0.0)
        self.lost = 2 if edges == "none" else 0

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(cropped(x, self.lost) + self.conv2(F.relu(self.conv1(x))))


class SeparableResidual(nn.Module):
    """relu(x + conv1×1(relu(depthwise 3×3(relu(conv1×1(x)))))): an inverted residual block (Sandler et al. 2018) as wide
    inside as outside, at an eighth of a plain block's work.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.before = conv(width, width, kernel=1)
        self.spread = nn.Conv2d(width, width, 3, padding=1, groups=width)
        nn.init.normal_(self.spread.weight, std=(2 / 9) ** 0.5)
        nn.init.zeros_(self.spread.bias)
        self.after = conv(width, width, kernel=1, gain=0.0)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x + self.after(F.relu(self.spread(F.relu(self.before(x))))))


def blocks(width: int, count: int, edges: Edges = "zeros") -> nn.Sequential:
    return nn.Sequential(*(Residual(width, edges) for _ in range(count)))


def cropped(x: Tensor, edge: int) -> Tensor:
    """Without the outermost `edge` rows and columns."""
    return x[..., edge:-edge, edge:-edge] if edge else x
