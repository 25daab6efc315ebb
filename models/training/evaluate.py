"""Measure the student beside the reference AdaIN on the validation split, with the exact VGG.

Prints a table and writes it as JSON; with --sheets also strips of validation pairs (for looking, not for shipping).
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from tqdm import tqdm

from data import VALIDATION, centre_crop, read_pictures
from export import MODELS, load_exported
from losses import content_loss, exact, style_loss
from networks import Architecture, Student, adain, gmac, parameters
from references import ReferenceDecoder, Vgg
from train import REPOSITORY, write_strips


def load_student(path: Path) -> Student:
    """From a folder with model.json and ONNX files, or from a checkpoint of train.py (its averaged weights)."""
    if path.is_dir():
        student = load_exported(path)
    else:
        state = torch.load(path, weights_only=False)
        student = Student(Architecture.from_dict(state["architecture"]))
        student.load_state_dict(state["ema"])
    return student.eval()


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
            content, style = (centre_crop(pictures[i], size)[None] for pictures in (self.contents, self.styles))
            features, (style_features, wanted) = exact(self.vgg, content)[0], exact(self.vgg, style)
            target = adain(features, wanted[-1])  # t of equation 12
            known = cache.setdefault(str(size), {})
            if str(i) not in known:
                known[str(i)] = self.judge(self.decode(target), content, target, wanted)
            statistics = student.describe(style)
            row = {"pair": i, "ours": self.judge(student(content, statistics).clamp(0, 1), content, target, wanted)}
            plain = student(content, statistics, 0.0).clamp(0, 1)
            rows.append(row | {"reference": known[str(i)], "alpha0_ssim": ssim(plain, content).item()})
        return rows

    def decode(self, features: Tensor) -> Tensor:
        return self.decoder(features).float().clamp(0, 1)

    def judge(self, picture: Tensor, content: Tensor, target: Tensor, wanted: list) -> dict[str, float]:
        features, found = exact(self.vgg, picture)
        return {
            "content": content_loss(features, target).item(),
            "style": style_loss(found, wanted).item(),
            "ssim": ssim(picture, content).item(),
        }

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


def summarise(rows: list[dict]) -> dict:
    def mean(who: str, what: str) -> float:
        return sum(row[who][what] for row in rows) / len(rows)

    table = {"pairs": len(rows)}
    for what in ("content", "style", "ssim"):
        table[what] = {"ours": round(mean("ours", what), 4), "reference": round(mean("reference", what), 4)}
        if what != "ssim":
            table[what]["ratio"] = round(mean("ours", what) / mean("reference", what), 3)
    table["alpha0Ssim"] = round(sum(row["alpha0_ssim"] for row in rows) / len(rows), 4)
    worst = sorted(rows, key=lambda row: -row["ours"]["style"])[:5]
    table["worstStyles"] = [
        {"pair": r["pair"], "ours": round(r["ours"]["style"], 3), "reference": round(r["reference"]["style"], 3)}
        for r in worst
    ]
    return table


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
    parser.add_argument("--data", type=Path, default=REPOSITORY / "../shared/data")
    parser.add_argument("--reference", type=Path, default=REPOSITORY / "../shared/reference")
    parser.add_argument("--sizes", default="256,512")
    parser.add_argument("--pairs", type=int, default=VALIDATION)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of VGG; bfloat16 is fast")
    parser.add_argument("--out", type=Path, required=True, help="folder of validation.json, the cache and the strips")
    parser.add_argument("--sheets", type=int, default=0, metavar="N", help="write strips of N pairs at each size")
    o = parser.parse_args()
    o.out.mkdir(parents=True, exist_ok=True)
    student, evaluation = load_student(o.student), Evaluation(o.data, o.reference, getattr(torch, o.precision))
    check_finite(student)
    print(f"{parameters(student) / 1e6:.2f} M parameters, {gmac(student):.2f} GMAC at 512×512; odd pictures: finite")
    cache_path = o.out / f"reference-losses-{o.precision}.json"
    cache = json.loads(cache_path.read_text()) if cache_path.exists() else {}
    validation = {}
    print("| size | pairs | content ours / reference | style ours / reference | SSIM to content | SSIM at alpha 0 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for size in (int(s) for s in o.sizes.split(",")):
        if o.sheets:
            evaluation.sheets(student, o.out, size, range(0, VALIDATION, VALIDATION // o.sheets))
        if not o.pairs:
            continue
        table = validation[str(size)] = summarise(evaluation.measure(student, size, o.pairs, cache))
        table["precision"] = o.precision
        cache_path.write_text(json.dumps(cache))
        cells = [f"{t['ours']:.3f} / {t['reference']:.3f} = {t['ratio']:.2f}×" for t in (table["content"], table["style"])]
        similarity = f"{table['ssim']['ours']:.3f} / {table['ssim']['reference']:.3f}"
        print(f"| {size} | {table['pairs']} | {cells[0]} | {cells[1]} | {similarity} | {table['alpha0Ssim']:.3f} |")
        print("worst styles:", ", ".join(f"{w['pair']}: {w['ours']} ({w['reference']})" for w in table["worstStyles"]))
    if validation:
        (o.out / "validation.json").write_text(json.dumps(validation, indent=2) + "\n")


if __name__ == "__main__":
    main()
