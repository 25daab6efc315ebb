"""A VGG that is fast in bfloat16, for training: its weights are frozen, its statistics come with it."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from networks.adain import EPSILON, Statistics
from networks.references import VGG_LAYERS, Vgg
from optimisation.losses import covariance


# The functions below are memory bound: compiled, each is one pass over the feature map.  Layers and batches differ in size,
# so they are compiled once for all sizes.
compiled = partial(torch.compile, dynamic=True)


@compiled
def sums(x: Tensor) -> Statistics:
    # Both read x once and add up in float32, without a copy of it.
    mean = x.mean((2, 3), dtype=torch.float32)
    square = torch.linalg.vector_norm(x, 2, (2, 3), dtype=torch.float32).square() / (x.shape[2] * x.shape[3])
    return mean, ((square - mean.square()).clamp_min(0) + EPSILON).sqrt()


@compiled
def through_relu(gradient: Tensor, y: Tensor) -> Tensor:
    return torch.where(y > 0, gradient, 0)


@compiled
def through_relu_and_statistics(gradient: Tensor, y: Tensor, slope: Tensor, offset: Tensor) -> Tensor:
    slope, offset = (z.to(y.dtype)[..., None, None] for z in (slope, offset))
    return torch.where(y > 0, torch.addcmul(gradient, slope, y) + offset, 0)


@compiled
def biased_relu(y: Tensor, bias: Tensor) -> Tensor:
    return F.relu(y + bias[:, None, None])


@compiled
def halved(y: Tensor) -> Tensor:
    return F.max_pool2d(y, 2)


class FrozenConvRelu(torch.autograd.Function):
    """relu(conv3x3(x)) with zero padding → (y, μ(y), σ(y)); gradients for x alone.

    One kernel forward on a CPU; backward ∂σ/∂y = (y − μ)/(HW·σ) and ∂μ/∂y = 1/HW are an affine map of y, which is fused
    with the ReLU's mask.  Without this, the elementwise passes cost four times the convolutions' time.
    """

    @staticmethod
    def forward(ctx, x: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y = convolution_relu(x, weight, bias)
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
        y = convolution_relu(x, weight, bias)
        ctx.save_for_backward(weight, y)
        ctx.input_like = x
        return y

    @staticmethod
    def backward(ctx, grad_y: Tensor):
        weight, y = ctx.saved_tensors
        return convolution_gradient(through_relu(grad_y, y), ctx.input_like, weight), None, None


def convolution_relu(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    if x.is_cuda:
        return biased_relu(F.conv2d(x, weight, padding=1), bias)
    ones = [1, 1]
    return torch.ops.mkldnn._convolution_pointwise(x, weight, bias, ones, ones, ones, 1, "relu", [], "")


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
                x = halved(x)
            if name.endswith("_1"):
                x, mean, deviation = FrozenConvRelu.apply(x, weight, bias)
                found.append((mean, deviation))
                if name in ("3_1", "4_1"):
                    covariances.append(covariance(x))
            else:
                x = FrozenConvReluOnly.apply(x, weight, bias)
        return Seen(x, found, covariances)
