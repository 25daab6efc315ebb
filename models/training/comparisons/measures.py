"""What a picture is judged by, and what many judgements say together."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import mean, median

import torch
import torch.nn.functional as F
from torch import Tensor

from networks.adain import Statistics, statistics
from networks.references import Vgg
from optimisation.losses import content_loss, lattice_loss, style_loss
from optimisation.texture import blots, frame_step, grid_snap, luma, shade_correlation

LAYERS = ("relu1", "relu2", "relu3", "relu4")
LOSSES = ("content", "style", *LAYERS)  # that are told as multiples of the reference's
ENOUGH = 0.03  # of a picture's area must be flat for its grid snap to count

def ssim(a: Tensor, b: Tensor) -> Tensor:
    """[N]: structural similarity of the luma (Wang et al. 2004): Gaussian window of 11 pixels, σ = 1.5."""
    x, y = luma(a), luma(b)
    line = torch.exp(-((torch.arange(11.0) - 5) ** 2) / (2 * 1.5**2))
    line = line / line.sum()

    def blur(z: Tensor) -> Tensor:
        return F.conv2d(F.conv2d(z, line.view(1, 1, 11, 1)), line.view(1, 1, 1, 11))

    mean_x, mean_y = blur(x), blur(y)
    variance_x, variance_y = blur(x * x) - mean_x**2, blur(y * y) - mean_y**2
    covariance = blur(x * y) - mean_x * mean_y
    c1, c2 = 0.01**2, 0.03**2
    map_ = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return (map_ / ((mean_x**2 + mean_y**2 + c1) * (variance_x + variance_y + c2))).mean((1, 2, 3))


@dataclass
class Wanted:
    """What a repainting of `content` in a style should be to the exact VGG."""

    content: Tensor
    target: Tensor  # t of equation 12
    statistics: list[Statistics]  # of the style at relu1_1 … relu4_1
    grams: list[Tensor]


def gram(y: Tensor) -> Tensor:
    """[N, C, H, W] → [N, C, C], the mean over positions of the products of features (Gatys et al. 2016)."""
    x = y.float().flatten(2)
    return x @ x.mT / x.shape[2]


def judge(vgg: Vgg, picture: Tensor, wanted: Wanted) -> dict[str, float]:
    """Measures of one picture [1, 3, H, W]: losses of the paper, Gram losses by layer, and what `texture` sees."""
    layers = vgg(picture)
    snap, flat = grid_snap(picture, wanted.content)
    found = {
        "content": content_loss(layers[-1], wanted.target),
        "style": style_loss([statistics(layer) for layer in layers], wanted.statistics),
        "ssim": ssim(picture, wanted.content),
        "lattice": lattice_loss(picture, wanted.content),
        "snap": snap if flat > ENOUGH else torch.tensor(torch.nan),
        "shade": shade_correlation(picture, wanted.content),
        "blots": 255 * blots(picture, wanted.content),
        "frame": frame_step(picture, wanted.content),
    }
    found |= {name: (gram(y) - g).square().mean() for name, y, g in zip(LAYERS, layers, wanted.grams)}
    return {name: value.item() for name, value in found.items()}


def summarise(rows: list[dict]) -> dict:
    """Means and medians over pairs; for losses the ratio of the means, the median ratio of a pair, the pairs that are
    won and the five worst.
    """
    table: dict = {"pairs": len(rows)}
    for name in rows[0]["ours"]:
        kept = [row for row in rows if row["ours"][name] == row["ours"][name]]  # not NaN
        ours, reference = ([row[who][name] for row in kept] for who in ("ours", "reference"))
        if not kept:
            continue
        table[name] = {
            "ours": float(f"{mean(ours):.4g}"), "reference": float(f"{mean(reference):.4g}"),
            "medians": [float(f"{median(ours):.4g}"), float(f"{median(reference):.4g}")],
        }  # fmt: skip
        if name in LOSSES:
            ratios = sorted(((a / b, row["pair"]) for a, b, row in zip(ours, reference, kept)), reverse=True)
            table[name] |= {
                "ratio": round(mean(ours) / mean(reference), 3),
                "medianRatio": round(median(ratio for ratio, _ in ratios), 3),
                "won": sum(ratio < 1 for ratio, _ in ratios),
                "worst": [[pair, round(ratio, 2)] for ratio, pair in ratios[:5]],
            }
    table["alpha0Ssim"] = round(mean(row["alpha0_ssim"] for row in rows), 4)
    return table


COLUMNS = {  # of the table in print: heading, unit, digits
    "content": ("content", 1, 3), "style": ("style", 1, 3), "snap": ("grid snap", 1, 2), "shade": ("shade", 1, 2),
    "blots": ("blots", 1, 1), "frame": ("frame", 1, 1), "ssim": ("SSIM", 1, 3), "lattice": ("lattice ×10⁻⁵", 1e5, 2),
}  # fmt: skip
HEADINGS = [*(heading for heading, *_ in COLUMNS.values()), "relu1 … relu4", "SSIM at α = 0"]


def table_cells(table: dict) -> list[str]:
    """Ours / reference of each measure, for losses also the ratio and the median ratio; Gram losses as ratios only."""
    cells = []
    for name, (_, unit, digits) in COLUMNS.items():
        if not (found := table.get(name)):
            cells.append("none")
            continue
        cell = f"{found['ours'] * unit:.{digits}f} / {found['reference'] * unit:.{digits}f}"
        cells.append(cell + (f" = {found['ratio']:.2f}× ({found['medianRatio']:.2f}×)" if "ratio" in found else ""))
    cells.append(", ".join(f"{table[name]['ratio']:.2f}×" for name in LAYERS))
    return [*cells, f"{table['alpha0Ssim']:.3f}"]
