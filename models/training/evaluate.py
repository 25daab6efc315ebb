"""Measure the student beside the reference AdaIN on the validation split, with the exact VGG.

Prints a table and writes it as JSON, with what alpha and blends do on a few pairs; with --sheets also strips of
validation pairs (for looking, not for shipping).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from data import DATA, REFERENCE, VALIDATION, centre_crop, read_pictures
from export import MODELS, load_student
from losses import content_loss, exact, lattice_loss, style_loss
from networks import Student, adain, gmac, parameters
from preview import write_strips
from references import ReferenceDecoder, Vgg

MEASURES = ("content", "style", "ssim", "lattice")
ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
FEW = 12  # pairs that are enough to see what alpha and blends do


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """[N]: structural similarity of the luma (Wang et al. 2004): Gaussian window of 11 pixels, σ = 1.5."""
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    x, y = ((p * luma).sum(1, keepdim=True) for p in (a, b))
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


class Evaluation:
    def __init__(self, data: Path, reference: Path, precision: torch.dtype) -> None:
        """`precision` is VGG's and the reference decoder's; the student always runs in float32."""
        self.vgg = Vgg(reference).to(precision).to(memory_format=torch.channels_last)
        self.decoder = ReferenceDecoder(reference).to(precision).to(memory_format=torch.channels_last)
        self.contents, self.styles = (read_pictures(data, kind, "validation") for kind in ("content", "style"))

    @torch.no_grad()
    def measure(self, student: Student, size: int, count: int, cache: dict) -> list[dict]:
        """One row a pair, the i-th photograph with the i-th artwork.  `cache` keeps the reference's rows between runs."""
        rows = []
        for i in tqdm(range(count), desc=f"{size}×{size}", mininterval=5):
            content, style = self.pair(i, size)
            features, wanted = exact(self.vgg, content)[0], exact(self.vgg, style)[1]
            target = adain(features, wanted[-1])  # t of equation 12
            known = cache.setdefault(str(size), {})
            if not known.get(str(i), {}).keys() >= set(MEASURES):
                known[str(i)] = self.judge(self.decode(target), content, target, wanted)
            statistics = student.describe(style)
            row = {"pair": i, "ours": self.judge(student(content, statistics).clamp(0, 1), content, target, wanted)}
            plain = student(content, statistics, 0.0).clamp(0, 1)
            rows.append(row | {"reference": known[str(i)], "alpha0_ssim": ssim(plain, content).item()})
        return rows

    def pair(self, i: int, size: int) -> tuple[Tensor, Tensor]:
        """The i-th photograph and the i-th artwork of the split, each [1, 3, size, size]."""
        content, style = (centre_crop(pictures[i], size)[None] for pictures in (self.contents, self.styles))
        return content, style

    def decode(self, features: Tensor) -> Tensor:
        return self.decoder(features).float().clamp(0, 1)

    def judge(self, picture: Tensor, content: Tensor, target: Tensor, wanted: list) -> dict[str, float]:
        features, found = exact(self.vgg, picture)
        return {
            "content": content_loss(features, target).item(),
            "style": style_loss(found, wanted).item(),
            "ssim": ssim(picture, content).item(),
            "lattice": lattice_loss(picture, content).item(),
        }

    @torch.no_grad()
    def sweep(self, student: Student, size: int, count: int) -> dict:
        """From the photograph to the style: over rising alpha the distance to the photograph's own features (L_c with
        f(c) for t) should rise and L_s fall.  Means over the pairs, and how many pairs do so without a step back.
        """
        curves = []
        for i in range(count):
            content, style = self.pair(i, size)
            own, wanted = exact(self.vgg, content)[0], exact(self.vgg, style)[1]
            statistics, curve = student.describe(style), []
            for alpha in ALPHAS:
                features, found = exact(self.vgg, student(content, statistics, alpha).clamp(0, 1))
                curve.append((content_loss(features, own).item(), style_loss(found, wanted).item()))
            curves.append(curve)
        away, towards = torch.tensor(curves).permute(2, 0, 1)  # each [pairs, alphas]
        return {
            "pairs": count,
            "alphas": ALPHAS,
            "content": [round(value, 4) for value in away.mean(0).tolist()],
            "style": [round(value, 4) for value in towards.mean(0).tolist()],
            "monotoneContent": int((away.diff() > 0).all(1).sum()),
            "monotoneStyle": int((towards.diff() < 0).all(1).sum()),
        }

    @torch.no_grad()
    def blends(self, student: Student, size: int, count: int) -> dict:
        """Half of one style and half of the next, Σ w_k·AdaIN(f(c), f(s_k)) by blended statistics (equation 15): the
        result should be nearer to each style (L_s) than the other style's picture is, and less near than its own.
        Means of the three over the pairs, and for how many of the 2·pairs styles it is so.
        """
        rows = []
        for i in range(count):
            content, first = self.pair(i, size)
            _, second = self.pair((i + 1) % VALIDATION, size)
            (mean1, deviation1), (mean2, deviation2) = one, two = student.describe(first), student.describe(second)
            half = (mean1 + mean2) / 2, (deviation1 + deviation2) / 2
            found1, blended, found2 = (exact(self.vgg, student(content, s).clamp(0, 1))[1] for s in (one, half, two))
            for wanted, own, other in ((first, found1, found2), (second, found2, found1)):
                style = exact(self.vgg, wanted)[1]
                rows.append([style_loss(found, style).item() for found in (own, blended, other)])
        losses = torch.tensor(rows)  # [2·pairs, 3]
        own, half, other = (round(value, 4) for value in losses.mean(0).tolist())
        between = int((losses.diff() > 0).all(1).sum())
        return {"pairs": count, "own": own, "half": half, "other": other, "between": between}

    @torch.no_grad()
    def sheets(self, student: Student, folder: Path, size: int, indices: range) -> None:
        """Strips of four pairs a file: content, style, ours, reference, ours at alpha 0."""
        folder.mkdir(parents=True, exist_ok=True)
        for start in range(0, len(indices), 4):
            chosen = indices[start : start + 4]
            content, style = (torch.stack([centre_crop(p[i], size) for i in chosen]) for p in (self.contents, self.styles))
            wanted = exact(self.vgg, style)[1][-1]
            reference = self.decode(adain(exact(self.vgg, content)[0], wanted))
            statistics = student.describe(style)
            columns = (content, style, student(content, statistics), reference, student(content, statistics, 0.0))
            write_strips(folder / f"{size}-{chosen[0]:03d}.png", columns)


class Half(nn.Module):
    """A network that computes in float16; what goes in and comes out is float32."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part.half()

    def forward(self, x: Tensor) -> Tensor:
        return self.part(x.half()).float()


def summarise(rows: list[dict]) -> dict:
    def mean(who: str, what: str) -> float:
        return sum(row[who][what] for row in rows) / len(rows)

    table = {"pairs": len(rows)}
    for what in MEASURES:
        table[what] = {who: float(f"{mean(who, what):.4g}") for who in ("ours", "reference")}
        if what in ("content", "style"):
            table[what]["ratio"] = round(mean("ours", what) / mean("reference", what), 3)
    table["alpha0Ssim"] = round(sum(row["alpha0_ssim"] for row in rows) / len(rows), 4)
    worst = sorted(rows, key=lambda row: -row["ours"]["style"])[:5]
    table["worstStyles"] = [
        {"pair": r["pair"], "ours": round(r["ours"]["style"], 3), "reference": round(r["reference"]["style"], 3)}
        for r in worst
    ]
    return table


def table_cells(table: dict) -> list[str]:
    """Ours / reference (= ratio) of each measure."""
    formats = {"content": (1, ".3f"), "style": (1, ".3f"), "ssim": (1, ".3f"), "lattice": (1e5, ".2f")}
    cells = []
    for what, (scale, digits) in formats.items():
        measured = table[what]
        cell = f"{measured['ours'] * scale:{digits}} / {measured['reference'] * scale:{digits}}"
        cells.append(cell + (f" = {measured['ratio']:.2f}×" if "ratio" in measured else ""))
    return cells


def print_controls(sweep: dict, blends: dict) -> None:
    print(f"  alpha {', '.join(map(str, ALPHAS))}")
    print(f"    content loss to the photograph {sweep['content']}, rises all the way in {sweep['monotoneContent']}")
    print(f"    style loss {sweep['style']}, falls all the way in {sweep['monotoneStyle']} of {sweep['pairs']} pairs")
    print("  half of two styles, style loss to either")
    print(f"    {blends['half']}; own picture {blends['own']}, the other style's {blends['other']}", end="; ")
    print(f"between them in {blends['between']} of {2 * blends['pairs']}")


@torch.no_grad()
def check_finite(student: Student) -> None:
    """Flat, extreme and tiny pictures, as content and as style, give finite numbers in a sane range."""
    noise = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    odd = [torch.full((1, 3, 64, 64), v) for v in (0.0, 0.5, 1.0)] + [noise, noise[..., :16, :16], noise[..., :17, :23]]
    for content in odd:
        for style in odd:
            for alpha in (0.0, 0.5, 1.0):
                picture = student(content, student.describe(style), alpha)
                assert picture.shape == content.shape and picture.isfinite().all() and picture.abs().max() < 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("student", type=Path, nargs="?", default=MODELS, help="folder of model.json, or a checkpoint")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--sizes", default="256,512")
    parser.add_argument("--pairs", type=int, default=VALIDATION)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of VGG; bfloat16 is fast")
    parser.add_argument("--half", action="store_true", help="the networks in float16, as the service runs them on a GPU")
    parser.add_argument("--out", type=Path, required=True, help="folder of validation.json, the cache and the strips")
    parser.add_argument("--sheets", type=int, default=0, metavar="N", help="write strips of N pairs at each size")
    o = parser.parse_args()
    o.out.mkdir(parents=True, exist_ok=True)
    student, evaluation = load_student(o.student), Evaluation(o.data, o.reference, getattr(torch, o.precision))
    cost = f"{parameters(student) / 1e6:.2f} M parameters, {gmac(student):.2f} GMAC at 512×512"
    if o.half:
        student.encoder, student.decoder = Half(student.encoder), Half(student.decoder)
    check_finite(student)
    print(f"{cost}; odd pictures: finite")
    cache_path = o.out / f"reference-losses-{o.precision}.json"
    cache = json.loads(cache_path.read_text()) if cache_path.exists() else {}
    validation = {}
    print("| size | pairs | content, ours / reference | style | SSIM to content | lattice ×10⁻⁵ | SSIM at alpha 0 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    sizes = [int(s) for s in o.sizes.split(",")]
    for size in sizes:
        if o.sheets:
            evaluation.sheets(student, o.out, size, range(0, VALIDATION, VALIDATION // o.sheets))
        if not o.pairs:
            continue
        table = validation[str(size)] = summarise(evaluation.measure(student, size, o.pairs, cache))
        table["precision"] = o.precision
        cache_path.write_text(json.dumps(cache))
        print(f"| {size} | {table['pairs']} | {' | '.join(table_cells(table))} | {table['alpha0Ssim']:.3f} |")
        print("worst styles:", ", ".join(f"{w['pair']}: {w['ours']} ({w['reference']})" for w in table["worstStyles"]))
    if o.pairs:
        few, first = min(FEW, o.pairs), validation[str(sizes[0])]
        first["sweep"] = evaluation.sweep(student, sizes[0], few)
        first["blends"] = evaluation.blends(student, sizes[0], few)
        print(f"at {sizes[0]}, means over {few} pairs:")
        print_controls(first["sweep"], first["blends"])
    if validation:
        (o.out / "validation.json").write_text(json.dumps(validation, indent=2) + "\n")


if __name__ == "__main__":
    main()
