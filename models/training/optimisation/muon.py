"""Muon: momentum whose every step turns each weight matrix by one that is nearly orthogonal (Jordan et al. 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)  # of the quintic iteration: singular values end between 0.7 and 1.2

# Root mean square of a step at a learning rate of 1.  About that of Adam's, so one rate serves both (Liu et al. 2025,
# equation 4, has 0.2, which was too fast here).
STEP = 0.09


def orthogonal(matrices: Tensor) -> Tensor:
    """About the orthogonal matrices nearest to [N, rows, columns], by five Newton-Schulz iterations."""
    a, b, c = COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.mT if tall else matrices
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return x.mT if tall else x


class Muon(torch.optim.Optimizer):
    """With Nesterov's momentum.  A convolution's weight is the matrix [outputs, inputs·k·k]."""

    def __init__(self, parameters: list[nn.Parameter], momentum: float = 0.95) -> None:
        super().__init__(parameters, {"lr": 0.0, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            parameters = [parameter for parameter in group["params"] if parameter.grad is not None]
            gradients = [parameter.grad for parameter in parameters]
            buffers = [self.state[p].setdefault("momentum", torch.zeros_like(p)) for p in parameters]
            torch._foreach_lerp_(buffers, gradients, 1 - group["momentum"])
            # Matrices of one shape together: a GPU would spend its time on the launches of small products.
            alike: dict[torch.Size, list[tuple[nn.Parameter, Tensor]]] = {}
            for parameter, step in zip(parameters, torch._foreach_lerp(gradients, buffers, group["momentum"])):
                matrix = step.flatten(1)
                alike.setdefault(matrix.shape, []).append((parameter, matrix))
            for shape, pairs in alike.items():
                rate = group["lr"] * STEP * max(shape) ** 0.5
                steps = rate * orthogonal(torch.stack([matrix for _, matrix in pairs]))
                for (parameter, _), step in zip(pairs, steps):
                    parameter.sub_(step.view_as(parameter))


def optimisers(module: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the weights inside the networks; Adam for biases and for the last layer, whose three rows are colours."""
    matrices = [p for p in module.parameters() if p.dim() > 1 and len(p) > 3]
    others = [p for p in module.parameters() if p.dim() == 1 or len(p) <= 3]
    return [Muon(matrices), torch.optim.Adam(others, betas=(0.9, 0.99), fused=True)]
