"""The student: an encoder and a decoder with AdaIN between them.

Shapes are [N, C, H, W]; pictures are RGB in [0, 1].  Nothing but AdaIN looks at statistics over space, so everything
else is local: a picture can be cut into tiles that overlap by `halos` pixels and give the very same result.  The picture is
padded once, by reflection, before the encoder (`pad_picture`), which makes only those features that see nothing beyond.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from networks.adain import Statistics, adain, statistics
from networks.architecture import DECODER_MARGIN, Architecture, halos
from networks.grain import with_grain
from networks.layers import SeparableResidual, blocks, conv, cropped
from networks.upsampling import Doubling, SmoothDoubling


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
        self.blocks8 = blocks(w3, a.encoder_blocks[2], "none")
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
        # Zeros beyond the picture would tell where it ends, and a frame of two blocks be painted there in other colours.
        self.head = conv(a.channels, w3, edges="reflect")
        self.blocks8 = blocks(w3, a.decoder_blocks[2], "reflect")
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
        index = torch.arange(-margin, length + after, device=picture.device) % (2 * (length - 1))
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

    def encode(self, picture: Tensor, alpha: Tensor | float = 0.0) -> Tensor:
        """The features that lie on the picture and on `DECODER_MARGIN` around it; with grain, but at alpha 0."""
        padded, levels = pad_picture(picture, self.margin, self.stride), self.architecture.grain
        return self.encoder(with_grain(padded, self.margin, alpha * levels) if levels else padded)

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
        features, (height, width) = self.encode(content, alpha), content.shape[-2:]
        target = adain(features, style, alpha, statistics(self.inside(features, content.shape[-2:])))
        painted, first = self.decoder(target), DECODER_MARGIN
        return painted[..., first : first + height, first : first + width]
