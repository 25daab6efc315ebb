"""Measure the student beside the reference AdaIN on pairs that training never saw, with the exact VGG.

Prints a table and writes it as JSON; with --controls also what alpha and blends do on a few usual pairs, with --sheets
strips of pairs (for looking, not for shipping).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import tqdm

from comparisons.measures import (
    HEADINGS,
    LOSSES,
    Wanted,
    gram,
    judge,
    ssim,
    summarise,
    table_cells,
)
from data.pairs import SETS, validation_pairs
from data.pictures import DATA, REFERENCE, centre_crop
from export import MODELS, load_student
from networks.adain import adain, statistics
from networks.cost import gmac, parameters
from networks.references import ReferenceDecoder, Vgg
from networks.student import Student
from optimisation.losses import content_loss, exact, style_loss
from runs.preview import write_strips

ALPHAS = (0.0, 0.25, 0.5, 0.75, 1.0)
FEW = 12  # pairs that are enough to see what alpha and blends do


class Evaluation:
    def __init__(self, data: Path, reference: Path, precision: torch.dtype, name: str = "usual") -> None:
        """`precision` is VGG's and the reference decoder's; the student runs in its own."""
        device = torch.get_default_device()
        self.vgg, self.decoder = (
            network(reference).to(device, precision).to(memory_format=torch.channels_last)
            for network in (Vgg, ReferenceDecoder)
        )
        self.name, self.pairs = name, validation_pairs(data, name)

    @torch.no_grad()
    def measure(self, student: Student, size: int, count: int, cache: dict) -> list[dict]:
        """One row a pair.  `cache` keeps the reference's rows between runs."""
        rows, known = [], cache.setdefault(f"{self.name} {size}", {})
        for i in tqdm(range(min(count, len(self.pairs))), desc=f"{self.name} {size}×{size}", mininterval=5):
            content, style = self.pair(i, size)
            wanted = self.wanted(content, style)
            if str(i) not in known:
                known[str(i)] = judge(self.vgg, self.decode(wanted.target), wanted)
            own = student.describe(style)
            row = {"pair": i, "ours": judge(self.vgg, student(content, own).clamp(0, 1), wanted)}
            plain = student(content, own, 0.0).clamp(0, 1)
            rows.append(row | {"reference": known[str(i)], "alpha0_ssim": ssim(plain, content).item()})
        return rows

    def wanted(self, content: Tensor, style: Tensor) -> Wanted:
        layers = self.vgg(style)
        target = adain(self.vgg(content)[-1], statistics(layers[-1]))
        return Wanted(content, target, [statistics(layer) for layer in layers], [gram(layer) for layer in layers])

    def pair(self, i: int, size: int) -> tuple[Tensor, Tensor]:
        """Content and style, each [1, 3, size, size]."""
        device = torch.get_default_device()
        content, style = (centre_crop(picture.open(), size)[None].to(device) for picture in self.pairs[i])
        return content, style

    def decode(self, features: Tensor) -> Tensor:
        return self.decoder(features).float().clamp(0, 1)

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
            _, second = self.pair((i + 1) % len(self.pairs), size)
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
            content, style = (torch.cat(parts) for parts in zip(*(self.pair(i, size) for i in chosen)))
            wanted = exact(self.vgg, style)[1][-1]
            reference = self.decode(adain(exact(self.vgg, content)[0], wanted))
            statistics = student.describe(style)
            columns = (content, style, student(content, statistics), reference, student(content, statistics, 0.0))
            write_strips(folder / f"{self.name}-{size}-{chosen[0]:03d}.png", columns)

    @torch.no_grad()
    def contact_sheet(self, student: Student, size: int, shown: int, to: Path) -> None:
        """All pairs in one picture, two a row: content, style, ours, reference, each shown so many pixels wide."""
        cells = []
        for i in range(len(self.pairs)):
            content, style = self.pair(i, size)
            ours = student(content, student.describe(style)).clamp(0, 1)
            cells.append(torch.cat((content, style, ours, self.decode(self.wanted(content, style).target)), 3))
        rows = [torch.cat(cells[i : i + 2], 3) for i in range(0, len(cells), 2)]
        small = F.interpolate(torch.cat(rows, 2), scale_factor=shown / size, mode="area")
        write_strips(to, (small,))


class Half(nn.Module):
    """A network that computes in float16; what goes in and comes out is float32."""

    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.part = part.half()

    def forward(self, x: Tensor) -> Tensor:
        return self.part(x.half()).float()


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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("student", type=Path, nargs="?", default=MODELS, help="folder of model.json, or a checkpoint")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--sizes", default="256,512")
    parser.add_argument("--pairs", type=int, default=200, help="the first so many of each set, at most")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of VGG; bfloat16 is fast")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--half", action="store_true", help="the networks in float16, as the service runs them on a GPU")
    parser.add_argument("--controls", action="store_true", help="measure what alpha and blends do on usual pairs, too")
    parser.add_argument("--out", type=Path, required=True, help="folder of validation.json, the cache and the strips")
    parser.add_argument("--contact-sheet", type=int, metavar="SIZE", help="all pairs of each set at that size in one file")
    parser.add_argument("--sheets", type=int, default=0, metavar="N", help="write strips of N pairs of each set and size")
    o = parser.parse_args()
    o.out.mkdir(parents=True, exist_ok=True)
    student = load_student(o.student)
    cost = f"{parameters(student) / 1e6:.2f} M parameters, {gmac(student):.2f} GMAC at 512×512"
    if o.half:
        student.encoder, student.decoder = Half(student.encoder), Half(student.decoder)
    check_finite(student)
    print(f"{cost}; odd pictures: finite")
    torch.set_default_device(o.device)
    student.to(o.device)
    cache_path = o.out / f"reference-losses-{o.precision}.json"
    cache = json.loads(cache_path.read_text()) if cache_path.exists() else {}
    validation: dict = {"precision": o.precision}
    print(f"| set | size | pairs | {' | '.join(HEADINGS)} |")
    print("| --- " * (3 + len(HEADINGS)) + "|")
    for name in o.sets.split(","):
        evaluation = Evaluation(o.data, o.reference, getattr(torch, o.precision), name)
        count = min(o.pairs, len(evaluation.pairs))
        if o.contact_sheet:
            evaluation.contact_sheet(student, o.contact_sheet, 192, o.out / f"{name}-{o.contact_sheet}.png")
        for size in (int(s) for s in o.sizes.split(",")):
            if o.sheets:
                step = -(-len(evaluation.pairs) // o.sheets)
                evaluation.sheets(student, o.out, size, range(0, len(evaluation.pairs), step))
            if not count:
                continue
            table = summarise(evaluation.measure(student, size, count, cache))
            validation.setdefault(name, {})[str(size)] = table
            cache_path.write_text(json.dumps(cache))
            print(f"| {name} | {size} | {count} | {' | '.join(table_cells(table))} |")
            for loss in LOSSES[:2]:
                print(f"  {loss}: won {table[loss]['won']} of {count}; worst", table[loss]["worst"], flush=True)
            if o.controls and name == "usual":
                table["sweep"] = evaluation.sweep(student, size, min(FEW, count))
                table["blends"] = evaluation.blends(student, size, min(FEW, count))
                print_controls(table["sweep"], table["blends"])
    (o.out / "validation.json").write_text(json.dumps(validation, indent=2) + "\n")


if __name__ == "__main__":
    main()
