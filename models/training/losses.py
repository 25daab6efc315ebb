"""The paper's loss (equations 11 to 13), with a VGG that is fast in bfloat16 on a CPU.

L = L_c + λ·L_s.  L_c = mean (f(g(t)) − t)², L_s = Σ over relu1_1 … relu4_1 of mean (μ − μ_s)² + mean (σ − σ_s)²: means
of squares, as in the authors' code, where the paper writes norms.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from networks import EPSILON, Statistics, statistics
from references import VGG_LAYERS, Vgg


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
    x = picture - F.avg_pool2d(picture, period + 1, 1, period // 2, count_include_pad=False)
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


# The three functions below are memory bound: compiled, each is one pass over the feature map.


@torch.compile
def sums(x: Tensor) -> Statistics:
    x = x.float()
    mean = x.mean((2, 3))
    return mean, ((x.square().mean((2, 3)) - mean.square()).clamp_min(0) + EPSILON).sqrt()


@torch.compile
def through_relu(gradient: Tensor, y: Tensor) -> Tensor:
    return torch.where(y > 0, gradient, 0)


@torch.compile
def through_relu_and_statistics(gradient: Tensor, y: Tensor, slope: Tensor, offset: Tensor) -> Tensor:
    total = gradient.float() + slope[..., None, None] * y.float() + offset[..., None, None]
    return torch.where(y > 0, total, 0).to(y.dtype)


class FrozenConvRelu(torch.autograd.Function):
    """relu(conv3x3(x)) with zero padding → (y, μ(y), σ(y)); gradients for x alone.

    One oneDNN kernel forward; backward ∂σ/∂y = (y − μ)/(HW·σ) and ∂μ/∂y = 1/HW are an affine map of y, which is fused
    with the ReLU's mask.  Without this, the elementwise passes cost four times the convolutions' time.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        ones = [1, 1]
        y = torch.ops.mkldnn._convolution_pointwise(x, weight, bias, ones, ones, ones, 1, "relu", [], "")
        mean, deviation = sums(y)
        ctx.save_for_backward(weight, y, mean, deviation)
        ctx.input_like = x  # its values are not needed, only its shape and layout
        return y, mean, deviation

    @staticmethod
    def backward(ctx, grad_y: Tensor, grad_mean: Tensor | None, grad_deviation: Tensor | None):
        weight, y, mean, deviation = ctx.saved_tensors
        area = y.shape[2] * y.shape[3]
        slope = grad_deviation / deviation / area
        gradient = through_relu_and_statistics(grad_y, y, slope, grad_mean / area - slope * mean)
        return convolution_gradient(gradient, ctx.input_like, weight), None, None


class FrozenConvReluOnly(torch.autograd.Function):
    """As above, without the statistics."""

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ones = [1, 1]
        y = torch.ops.mkldnn._convolution_pointwise(x, weight, bias, ones, ones, ones, 1, "relu", [], "")
        ctx.save_for_backward(weight, y)
        ctx.input_like = x
        return y

    @staticmethod
    def backward(ctx, grad_y: Tensor):
        weight, y = ctx.saved_tensors
        return convolution_gradient(through_relu(grad_y, y), ctx.input_like, weight), None, None


def convolution_gradient(gradient: Tensor, x: Tensor, weight: Tensor) -> Tensor:
    ones, mask = [1, 1], [True, False, False]
    return torch.ops.aten.convolution_backward(gradient, x, weight, None, ones, ones, ones, False, [0, 0], 1, mask)[0]


class Seen(NamedTuple):
    """What the loss network says of a batch of pictures."""

    features: Tensor
    statistics: list[Statistics]
    covariances: list[Tensor]


class TrainingVgg(nn.Module):
    """VGG-19 to relu4_1 in bfloat16, channels last, with zero instead of reflection padding (after the mean colour is
    taken off, so the frame is grey).  Picture, style and target all see the same frame; validation uses the exact net.

    Picture [N, 3, H, W] → relu4_1 [N, 512, H/8, W/8], the statistics of relu1_1 … relu4_1 and the covariances of relu3_1
    and relu4_1.
    """

    def __init__(self, vgg: Vgg) -> None:
        super().__init__()
        self.register_buffer("grey", torch.tensor([123.68, 116.779, 103.939])[:, None, None] / 255)
        for name, layer in zip(VGG_LAYERS, vgg.layers):
            weight, bias = layer.weight.data, layer.bias.data
            if name == "1_1":
                bias = bias + torch.einsum("oikl,i->o", weight, self.grey.flatten())
            weight = weight.to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
            self.register_buffer(f"weight{name}", weight)
            self.register_buffer(f"bias{name}", bias.to(torch.bfloat16))

    def forward(self, picture: Tensor) -> Seen:
        x = (picture - self.grey).to(torch.bfloat16).contiguous(memory_format=torch.channels_last)
        found: list[Statistics] = []
        covariances: list[Tensor] = []
        for name in VGG_LAYERS:
            weight, bias = getattr(self, f"weight{name}"), getattr(self, f"bias{name}")
            if name in ("2_1", "3_1", "4_1"):
                x = F.max_pool2d(x, 2)
            if name.endswith("_1"):
                x, mean, deviation = FrozenConvRelu.apply(x, weight, bias)
                found.append((mean, deviation))
                if name in ("3_1", "4_1"):
                    covariances.append(covariance(x))
            else:
                x = FrozenConvReluOnly.apply(x, weight, bias)
        return Seen(x, found, covariances)


def exact(vgg: Vgg, picture: Tensor) -> tuple[Tensor, list[Statistics]]:
    """What TrainingVgg gives, from the exact float32 network with reflection padding: for validation."""
    layers = vgg(picture)
    return layers[-1], [statistics(layer) for layer in layers]
