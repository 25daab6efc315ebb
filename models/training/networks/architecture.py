"""Widths and depths of the student, and how far its two halves see."""

from __future__ import annotations

from dataclasses import asdict, dataclass

# How much is painted around a picture and cut off: as far as zero padding at 1/4 and finer is seen.
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
    grain: float = 2  # standard deviation of the contents' grain at alpha 1, levels of 255

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
        values = {"shortcut": False, "detail": 0, "grain": 0.0, **values}  # older models do not name what they lack
        return Architecture(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})


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
