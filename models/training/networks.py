"""The student: an encoder and a decoder with AdaIN between them.

Shapes are [N, C, H, W]; pictures are RGB in [0, 1].  Nothing but AdaIN looks at statistics over space, so everything
else is local: a picture can be cut into tiles that overlap by `halos` pixels and give the very same result.  The picture is
padded once, by reflection, before the encoder (`pad_picture`), which makes only those features that see nothing beyond.
"""

from __future__ import annotations

import copy
from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from upsampling import Doubling, SmoothDoubling, folded

EPSILON = 1e-5  # added to the variance, as in the authors' code
# How much is painted around a picture and cut off.  No statistics are taken behind the decoder, so it can learn to make its
# zero padding harmless: training looks at all of this.
DECODER_MARGIN = 8


@dataclass(frozen=True)
class Architecture:
    """Widths and depths.  Index 0, 1, 2 of a tuple stands for resolution 1/2, 1/4, 1/8 of the picture."""

    widths: tuple[int, int, int] = (32, 48, 128)
    channels: int = 256  # of the AdaIN layer that the trunk and the skip make
    detail: int = 64  # more of them, which carry an 8×8 block's pixels straight to the decoder's end
    stem_kernel: int = 5
    encoder_blocks: tuple[int, int, int] = (0, 0, 3)  # residual blocks at each resolution
    decoder_blocks: tuple[int, int, int] = (0, 1, 3)
    skip: int = 192  # channels that carry fine texture and colour from 1/4 straight to the AdaIN layer
    smooth_ups: int = 0  # of the decoder's three doublings, how many from 1/8 on interpolate instead of repeating
    separable: int = 0  # depthwise-separable residual blocks of the decoder at 1/2, behind its plain ones
    shortcut: bool = True  # from the AdaIN layer straight to the decoder's 1/4
    top_width: int = 16  # channels of the decoder at full resolution
    top_kernel: int = 3

    @property
    def stride(self) -> int:
        return 8

    @property
    def features(self) -> int:
        """C of the AdaIN layer."""
        return self.channels + self.detail

    def to_dict(self) -> dict:
        return {key: list(value) if isinstance(value, tuple) else value for key, value in asdict(self).items()}

    @staticmethod
    def from_dict(values: dict) -> "Architecture":
        values = {"shortcut": False, "detail": 0, **values}  # older models do not name what they lack
        return Architecture(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


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


def conv(
    inputs: int,
    outputs: int,
    kernel: int = 3,
    stride: int = 1,
    gain: float = 2.0**0.5,
    padded: bool = True,
    kind: type[nn.Conv2d] = nn.Conv2d,
) -> nn.Conv2d:
    """A convolution whose weights keep the variance (He et al. 2015; gain 1 where no ReLU follows), padded with zeros."""
    layer = kind(inputs, outputs, kernel, stride, padding=(kernel - 1) // 2 if padded else 0)
    nn.init.normal_(layer.weight, std=gain / (inputs * kernel * kernel) ** 0.5)
    nn.init.zeros_(layer.bias)
    return layer


class Residual(nn.Module):
    """relu(x + conv(relu(conv(x)))).  The second convolution starts at zero: a fresh block changes nothing (Zhang et al. 2019).

    Without padding it gives two steps less at every edge.
    """

    def __init__(self, width: int, padded: bool = True) -> None:
        super().__init__()
        self.conv1 = conv(width, width, padded=padded)
        self.conv2 = conv(width, width, padded=padded, gain=0.0)
        self.lost = 0 if padded else 2

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


def blocks(width: int, count: int, padded: bool = True) -> nn.Sequential:
    return nn.Sequential(*(Residual(width, padded) for _ in range(count)))


def cropped(x: Tensor, edge: int) -> Tensor:
    """Without the outermost `edge` rows and columns."""
    return x[..., edge:-edge, edge:-edge] if edge else x


class Encoder(nn.Module):
    """Picture [N, 3, H, W] → features [N, C, (H - 2m)/8, (W - 2m)/8], m being the encoder's halo.

    Features whose view is cut off are not made: they would have to be thrown away.
    """

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        w1, w2, w3 = a.widths
        self.stem = conv(3, w1, a.stem_kernel, stride=2)
        self.blocks2 = blocks(w1, a.encoder_blocks[0])
        self.down4 = conv(w1, w2, stride=2)
        self.blocks4 = blocks(w2, a.encoder_blocks[1])
        self.down8 = conv(w2, w3, stride=2)
        self.blocks8 = blocks(w3, a.encoder_blocks[2], padded=False)
        # The trunk is too narrow to keep an 8×8 block's 192 numbers; a 2×2 convolution brings texture and colour along.
        self.skip = conv(w2, a.skip, kernel=2, stride=2)
        self.fuse = conv(w3 + a.skip, a.channels, kernel=1, gain=1.0)
        # ReLUs and narrow layers lose the sharpest of a picture; a plain projection of its pixels does not.
        self.detail = nn.Conv2d(3, a.detail, a.stride, a.stride, bias=False) if a.detail else None
        # Features that are not made at every edge, and how many of those go before the blocks: zero padding has spoilt them.
        self.lost = halos(a)[0] // a.stride
        self.spoilt = self.lost - sum(block.lost for block in self.blocks8)

    def forward(self, picture: Tensor) -> Tensor:
        picture = picture - 0.5
        x = self.blocks2(F.relu(self.stem(picture)))
        fine = self.blocks4(F.relu(self.down4(x)))
        deep = self.blocks8(cropped(F.relu(self.down8(fine)), self.spoilt))
        features = self.fuse(torch.cat((deep, F.relu(self.skip(cropped(fine, 2 * self.lost)))), 1))
        return torch.cat((features, self.detail(cropped(picture, 8 * self.lost))), 1) if self.detail else features


class Decoder(nn.Module):
    """Features [N, C, h, w] → picture [N, 3, 8h, 8w], not clamped.

    It has no normalisation (section 6.2), since it must make pictures of very different styles.
    """

    def __init__(self, a: Architecture) -> None:
        super().__init__()
        w1, w2, w3 = a.widths
        self.channels, self.stride = a.channels, a.stride
        self.head = conv(a.channels, w3)
        self.blocks8 = blocks(w3, a.decoder_blocks[2])
        kinds = [SmoothDoubling if i < a.smooth_ups else Doubling for i in range(3)]
        self.up4 = conv(w3, w2, kind=kinds[0])
        # The decoder's trunk is too narrow for an 8×8 block as well.  It starts at zero: a decoder grows by it unharmed.
        self.shortcut = conv(a.channels, 4 * w2, kernel=1, gain=0.0) if a.shortcut else None
        self.blocks4 = blocks(w2, a.decoder_blocks[1])
        self.up2 = conv(w2, w1, kind=kinds[1])
        self.blocks2 = blocks(w1, a.decoder_blocks[0]).extend(SeparableResidual(w1) for _ in range(a.separable))
        self.up1 = conv(w1, a.top_width, kind=kinds[2])
        self.last = conv(a.top_width, 3, a.top_kernel, gain=0.3)
        # What the trunk paints too softly; the trunk decides where and how much of it belongs there.
        self.detail = conv(a.detail, 3 * a.stride**2, kernel=1, gain=0.0) if a.detail else None
        self.gate = conv(w3, a.detail, kernel=1, gain=0.0) if a.detail else None

    def forward(self, features: Tensor) -> Tensor:
        features, detail = features[:, : self.channels], features[:, self.channels :]
        deep = self.blocks8(F.relu(self.head(features)))
        x = self.up4(deep)
        if self.shortcut:
            x = x + F.pixel_shuffle(self.shortcut(features), 2)
        x = self.blocks4(F.relu(x))
        x = self.blocks2(F.relu(self.up2(x)))
        x = self.last(F.relu(self.up1(x))) + 0.5
        if self.detail:
            x = x + F.pixel_shuffle(self.detail(detail * torch.sigmoid(self.gate(deep))), self.stride)
        return x


def pad_picture(picture: Tensor, margin: int, stride: int) -> Tensor:
    """Reflection by `margin` on all sides, and right and below up to the next multiple of `stride`, as the engine pads."""
    for axis in (-2, -1):
        length = picture.shape[axis]
        after = margin - (length + 2 * margin) % -stride
        index = torch.arange(-margin, length + after) % (2 * (length - 1))
        # By index and periodically: a picture of 16 pixels is mirrored more than once.
        picture = picture.index_select(axis, torch.minimum(index, 2 * (length - 1) - index))
    return picture


class Student(nn.Module):
    """Encoder → AdaIN → decoder, with the engine's padding and cropping around them.

    `margin` pixels are reflected over every edge of a picture: as far as the encoder sees, and what is painted around it.
    """

    def __init__(self, architecture: Architecture) -> None:
        super().__init__()
        self.architecture = architecture
        self.stride, self.margin = architecture.stride, halos(architecture)[0] + DECODER_MARGIN
        self.encoder = Encoder(architecture)
        self.decoder = Decoder(architecture)

    def encode(self, picture: Tensor) -> Tensor:
        """The features that lie on the picture and on `DECODER_MARGIN` around it."""
        return self.encoder(pad_picture(picture, self.margin, self.stride))

    def describe(self, picture: Tensor) -> Statistics:
        """A style picture's statistics (μ, σ), each [N, C]."""
        return statistics(self.inside(self.encode(picture), picture.shape[-2:]))

    def inside(self, features: Tensor, size: torch.Size) -> Tensor:
        """The features that lie on a picture of `size` (height, width), without those around it.

        Only they are counted: mirrored borders would weigh twice.
        """
        (height, width), first = size, DECODER_MARGIN // self.stride
        return features[..., first : first - -height // self.stride, first : first - -width // self.stride]

    def forward(self, content: Tensor, style: Statistics, alpha: Tensor | float = 1.0) -> Tensor:
        """Content [N, 3, H, W] in that style, not clamped."""
        features, (height, width) = self.encode(content), content.shape[-2:]
        target = adain(features, style, alpha, statistics(self.inside(features, content.shape[-2:])))
        painted, first = self.decoder(target), DECODER_MARGIN
        return painted[..., first : first + height, first : first + width]


@torch.no_grad()
def grown(student: Student, architecture: Architecture, dropped: str | None = None) -> Student:
    """The same function in a network with more channels or blocks, or with the shortcut: what is new reads or adds with
    weights of zero until it is trained.  `dropped`, such as "decoder.blocks8.1", is a block to leave out.
    """
    larger = Student(architecture)
    own = larger.state_dict()
    for name, stored in (without(student.state_dict(), dropped) if dropped else student.state_dict()).items():
        rows = own[name][: len(stored)]
        rows.zero_()
        rows[tuple(slice(length) for length in stored.shape)] = stored
    return larger


def without(weights: dict[str, Tensor], block: str) -> dict[str, Tensor]:
    """Those of a network that lacks one block of a row; the blocks behind it move up."""
    row, _, number = block.rpartition(".")
    kept = {}
    for name, value in weights.items():
        if name.startswith(f"{row}."):
            place, rest = name.removeprefix(f"{row}.").split(".", 1)
            if place == number:
                continue
            name = f"{row}.{int(place) - (int(place) > int(number))}.{rest}"
        kept[name] = value
    return kept


# ---- cost and reach -------------------------------------------------------------------------------------------------


def shipped(student: Student) -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder as they ship: the same functions.  At full resolution folding would cost time, not save it."""
    return student.encoder, folded(student.decoder, ("up4", "up2"))


def parameters(student: Student) -> int:
    """Of the networks as they ship."""
    return sum(p.numel() for part in shipped(student) for p in part.parameters())


@torch.no_grad()
def gmac(student: Student, size: int = 512) -> float:
    """Multiply-accumulates (10⁹) of encoder and decoder as they ship for one size×size picture, without the margin."""
    total, canvas = 0.0, 4096  # so large that the margin does not hide at which resolution a layer works

    def count(layer: nn.Conv2d, _: tuple, output: Tensor) -> None:
        nonlocal total
        total += layer.weight.numel() * (size / round(canvas / output.shape[-1])) ** 2

    x = torch.zeros(1, 3, canvas, canvas, device="meta")  # shapes without numbers
    for part in copy.deepcopy(shipped(student)):
        for layer in part.to("meta").modules():
            if isinstance(layer, nn.Conv2d):
                layer.register_forward_hook(count)
        x = part(x)
    return total / 1e9


def halos(a: Architecture) -> tuple[int, int]:
    """Reach of the encoder and of the decoder in pixels, beyond the 8×8 block of the picture that one feature stands for.

    Rounded up to whole blocks, since tiles are cut at multiples of the stride.  A 3×3 convolution at 1/r reaches r
    pixels, a residual block 2r; the widest path through the encoder is the one through its trunk.
    """
    e2, e4, e8 = a.encoder_blocks
    d2, d4, d8 = a.decoder_blocks
    encoder = (a.stem_kernel - 1) // 2 + 2 * 2 * e2 + 2 + 4 * 2 * e4 + 4 + 8 * 2 * e8
    # The decoder's reach counts from a pixel back to the features: up-sampling maps pixel i to i // 2, and interpolation
    # is that and a blur of three pixels.
    s4, s2, s1 = (int(i < a.smooth_ups) for i in range(3))
    reach = (a.top_kernel - 1) // 2 + 1 + s1
    reach += 2 * (1 + s2 + 2 * d2 + a.separable) + 4 * (1 + s4 + 2 * d4) + 8 * (1 + 2 * d8)
    return -(-encoder // 8) * 8, -(-reach // 8) * 8
