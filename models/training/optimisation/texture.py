"""What the paper's loss does not see: where texture begins, and whether light and dark stay where they were.

All functions take pictures [N, 3, H, W] in [0, 1] whose first pixel is the first of an 8×8 block.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

PERIOD = 8  # the stride of the networks
LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
FLAT_WINDOW, FLAT_DEVIATION = 17, 0.03  # pixels; of luma in [0, 1]
SHADE = 8  # σ in pixels of the Gaussian that leaves only light and dark
PATCH = 5  # blocks on a side of what counts as a patch of colour
FRAME_COLUMNS, FLAT_EDGE = 9, 0.6  # blocks inwards from an edge; the share of its length that must be flat so far


def luma(picture: Tensor) -> Tensor:
    """[N, 1, H, W]."""
    return (picture * torch.tensor(LUMA, device=picture.device)[:, None, None]).sum(1, keepdim=True)


def box_mean(x: Tensor, side: int) -> Tensor:
    """The mean of the side×side pixels around each, `side` being odd; beyond the edges there are none.

    First over columns, then over rows, which is less work than all at once.
    """
    for kernel in ((side, 1), (1, side)):
        x = F.avg_pool2d(x, kernel, 1, (kernel[0] // 2, kernel[1] // 2), count_include_pad=False)
    return x


def flat_areas(picture: Tensor, deviation: float = FLAT_DEVIATION) -> Tensor:
    """[N, 1, H, W], 1 where the luma hardly varies within a window: sky, wall, skin, page; else 0."""

    y = luma(picture)
    return (box_mean(y.square(), FLAT_WINDOW) - box_mean(y, FLAT_WINDOW).square() < deviation**2).float()


def phase_steps(picture: Tensor, mask: Tensor, period: int = PERIOD) -> tuple[Tensor, Tensor]:
    """Mean squared differences between neighbouring pixels of the mask by the place of the first in its block.

    → [N, 2, 2, period], by the direction of the difference (right, down), the axis of the place (x, y) and the place;
    and [N], the share of pixels that count.
    """
    height, width = (length // period * period for length in picture.shape[-2:])
    results, counts = [], []
    for axis in (3, 2):
        length = picture.shape[axis]
        both = mask.narrow(axis, 1, length - 1) * mask.narrow(axis, 0, length - 1)
        steps = both * picture.diff(dim=axis).square().sum(1, keepdim=True)
        last = (0, 1) if axis == 3 else (0, 0, 0, 1)
        steps, both = (F.pad(x, last)[:, 0, :height, :width] for x in (steps, both))
        steps, both = (x.reshape(len(x), height // period, period, width // period, period) for x in (steps, both))
        for places in ((1, 2, 3), (1, 3, 4)):
            results.append(steps.sum(places) / both.sum(places).clamp_min(1))
        counts.append(both.mean((1, 2, 3, 4)))
    return torch.stack(results, 1).unflatten(1, (2, 2)), torch.stack(counts).mean(0)


def grid_snap(picture: Tensor, content: Tensor) -> tuple[Tensor, Tensor]:
    """How much the texture on the flat areas of `content` sits on the 8-pixel grid, [N], and their share, [N].

    The coefficient of variation of the differences from column to column over the eight columns of a block, and so for
    rows; the mean of both.  Texture that begins anywhere has about 0.2 for want of pixels.
    """
    steps, share = phase_steps(picture, flat_areas(content))
    across = torch.stack((steps[:, 0, 0], steps[:, 1, 1]), 1)  # over columns by x, over rows by y
    return (across.std(2, correction=0) / across.mean(2).clamp_min(1e-9)).mean(1), share


def snap_loss(picture: Tensor, content: Tensor) -> Tensor:
    """[N]: squared coefficients of variation as above, of both directions by both places, which also sees strokes that
    lie in the middle of blocks, and of the picture at half the size, which sees broad ones.

    Calmer areas than flat ones count too: more pixels, less noise.  A picture counts by their share, half at a tenth.
    """
    mask, losses = flat_areas(content, deviation=0.06), []
    for shrink in (1, 2):
        small, calm = F.avg_pool2d(picture, shrink), (F.avg_pool2d(mask, shrink) == 1).float()
        steps, share = phase_steps(small, calm, PERIOD // shrink)
        mean = steps.mean(3) + (1 / 255) ** 2  # what is hardly visible needs no remedy
        losses.append(share / (share + 0.1) * (steps.var(3, correction=0) / mean.square()).mean((1, 2)))
    return torch.stack(losses).mean(0)


def shift_loss(picture: Tensor, moved: Tensor, offset: tuple[int, int]) -> Tensor:
    """How far what is painted of a content rolled by `offset` rows and columns is from what was painted, rolled: mean
    square error as a share of the variance.  What came round the edges does not count.
    """
    edge = 3 * PERIOD
    x, y = (z[..., edge:-edge, edge:-edge] for z in (picture.roll(offset, (2, 3)), moved))
    return ((x - y).square().mean((1, 2, 3)) / (x.detach().var((1, 2, 3)) + 1e-3)).mean()


def edge_loss(whole: Tensor, alone: Tensor) -> Tensor:
    """How far a part that is painted alone is from the same part of the whole: mean square error as a share of the variance.
    Where a picture ends, the decoder's zero padding must not show beyond the margin that is cut off.
    """
    return ((alone - whole).square().mean((1, 2, 3)) / (whole.detach().var((1, 2, 3)) + 1e-3)).mean()


def blurred(x: Tensor, deviation: float = SHADE) -> Tensor:
    """[N, 1, H, W] → the same, by a Gaussian cut at 3σ, the edges repeated."""
    reach = int(3 * deviation)
    line = torch.exp(-((torch.arange(-reach, reach + 1.0, device=x.device) / deviation) ** 2) / 2)
    line = line / line.sum()
    x = F.pad(x, (reach,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(x, line.view(1, 1, -1, 1)), line.view(1, 1, 1, -1))


def correlation(x: Tensor, y: Tensor) -> Tensor:
    """[N]: Pearson's, over all but the first axis."""
    x, y = (z.flatten(1) - z.flatten(1).mean(1, keepdim=True) for z in (x, y))
    return (x * y).sum(1) / (x.square().sum(1) * y.square().sum(1)).sqrt().clamp_min(1e-9)


def shade_correlation(picture: Tensor, content: Tensor) -> Tensor:
    """[N]: whether what was light is light, the correlation of blurred luma."""
    return correlation(blurred(luma(picture)), blurred(luma(content)))


def shade_loss(picture: Tensor, content: Tensor, enough: float = 0.92) -> Tensor:
    """[N]: how far that correlation is below what the reference has; none for contents all of one shade.

    Means of 8×8 blocks and of 3×3 of those stand for the Gaussian.
    """

    def coarse(x: Tensor) -> Tensor:
        return F.avg_pool2d(F.avg_pool2d(luma(x), PERIOD), 3, 1)

    own = coarse(content)
    return (own.flatten(1).std(1) > 0.03) * (enough - correlation(coarse(picture), own)).clamp_min(0)


def chroma(picture: Tensor) -> Tensor:
    """[N, 2, H, W]: Cb and Cr of ITU-R BT.601, about 0."""
    y = luma(picture)
    return torch.cat(((picture[:, 2:] - y) * 0.564, (picture[:, :1] - y) * 0.713), 1)


def blots(picture: Tensor, content: Tensor) -> Tensor:
    """[N]: how far patches of colour stray from what the content's own colours call for, in [0, 1].

    A style may give each colour another one, but where a photograph is of one colour, sky or skin, the result should be,
    too.  So the chroma of patches is guessed from the content's colours there, by the best function of second order for
    this picture; what is left, as a root mean square, are blots.
    """

    def patches(x: Tensor) -> Tensor:
        return F.avg_pool2d(F.avg_pool2d(x, PERIOD), PATCH, 1).flatten(2)

    found, c = patches(chroma(picture)), patches(content) - 0.5
    products = c[:, (0, 0, 0, 1, 1, 2)] * c[:, (0, 1, 2, 1, 2, 2)]
    known = torch.cat((torch.ones_like(c[:, :1]), c, products), 1)
    ridge = 1e-4 * torch.eye(known.shape[1], device=known.device)
    weights = torch.linalg.solve(known @ known.mT / c.shape[2] + ridge, known @ found.mT / c.shape[2])
    return ((found - weights.mT @ known).square().mean((1, 2)) + 1e-6).sqrt()


def frame_step(picture: Tensor, content: Tensor) -> Tensor:
    """[N]: levels of 255 by which colour steps more within the outermost three columns of blocks than within three further
    in, of edges along which the content is flat; NaN without any.  A frame that is painted around every picture is seen
    there.

    Columns are compared by their mean colours: texture cancels out, a frame does not.  Of two steps in a row the larger
    counts, at the edge as inside.
    """
    colours, flat = F.avg_pool2d(picture, PERIOD), F.avg_pool2d(flat_areas(content), PERIOD) == 1
    edges = []
    for turns in range(4):
        x, calm = (z.rot90(turns, (2, 3))[..., :FRAME_COLUMNS] for z in (colours, flat))
        rows = calm.all(3, keepdim=True)
        columns = (x * rows).sum(2) / rows.sum(2).clamp_min(1)  # [N, 3, FRAME_COLUMNS]
        steps = columns.diff(dim=2).abs().mean(1).unflatten(1, (-1, 2)).amax(2)
        counts = rows.float().mean((1, 2, 3)) > FLAT_EDGE
        edges.append(torch.where(counts, steps[:, 0] - steps[:, 1:].mean(1), torch.nan))
    return 255 * torch.stack(edges).nanmean(0)
