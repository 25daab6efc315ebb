"""Muon: momentum whose every step turns each weight matrix by one that is nearly orthogonal (Jordan et al. 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration: singular values end between 0.7 and 1.2

# Root mean square of a step at a learning rate of 1.  About that of Adam's, so one rate serves both (Liu et al. 2025,
# equation 4, has 0.2, which was too fast here).
STEP = 0.09


def orthogonal(matrix: Tensor) -> Tensor:
    """About the orthogonal matrix nearest to [rows, columns], by five Newton-Schulz iterations."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = matrix.T if tall else matrix
    x = x / (x.norm() + 1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.T if tall else x


class Muon(torch.optim.Optimizer):
    """With Nesterov's momentum.  A convolution's weight is the matrix [outputs, inputs·k·k]."""

    def __init__(self, parameters: list[nn.Parameter], momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": 0.0, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for parameter in group["params"]:
                if (gradient := parameter.grad) is None:
                    continue
                buffer = self.state[parameter].setdefault("momentum", torch.zeros_like(gradient))
                buffer.lerp_(gradient, 1 - group["momentum"])
                matrix = gradient.lerp(buffer, group["momentum"]).flatten(1)
                rate = group["lr"] * STEP * max(matrix.shape) ** 0.5
                parameter.sub_(rate * orthogonal(matrix).view_as(parameter))


def optimisers(module: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the weights inside the networks; Adam for biases and for the last layer, whose three rows are colours."""
    matrices = [p for p in module.parameters() if p.dim() > 1 and len(p) > 3]
    others = [p for p in module.parameters() if p.dim() == 1 or len(p) <= 3]
    return [Muon(matrices), torch.optim.Adam(others, betas=(0.9, 0.99), fused=True)]
