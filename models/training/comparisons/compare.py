"""The methods of the paper's speed table (section 7.1) side by side on one machine: time, losses, number of styles.

One pass of each method per pair, the methods by turns, with and without the encoding of the style, as the paper prints
both.  Gatys et al. take minutes a picture, so only the first `--gatys-pairs` pairs are optimised.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import torch
from torch import Tensor

from comparisons.gatys import grams, optimise
from comparisons.measures import judge
from comparisons.style_swap import patches, swap
from data.pictures import DATA, REFERENCE
from evaluate import Evaluation
from export import MODELS, load_exported
from networks.adain import adain, statistics
from networks.references import ReferenceAdain, Vgg
from networks.student import Student
from runs.preview import write_strips

SPLIT = 32  # styles of the conditional network


@dataclass(frozen=True)
class Method:
    name: str
    styles: int | None
    """How many it can be asked for; none: any."""
    describe: Callable[[Tensor, int], object]
    """Style picture and its number → all that the method keeps of it."""
    paint: Callable[[Tensor, object], Tensor]


def conditional(student: Student, table: tuple[Tensor, Tensor]) -> Callable[[Tensor, object], Tensor]:
    """Conditional instance normalisation (Dumoulin et al. 2017): γ_s and β_s of style s, rows of a [S, C] table, in
    place of the statistics of a style picture.  With one row it is a single-style network (Ulyanov et al. 2016).
    """
    gammas, betas = table

    def paint(content: Tensor, s: object) -> Tensor:
        return student(content, (betas[s][None], gammas[s][None]))

    return paint


@torch.no_grad()
def table_of(student: Student, styles: list[Tensor]) -> tuple[Tensor, Tensor]:
    """γ and β of that many styles, [S, C] each: σ and μ of their features."""
    means, deviations = zip(*(student.describe(style) for style in styles))
    return torch.cat(deviations), torch.cat(means)


def methods(
    evaluation: Evaluation, student: Student, reference: Path, styles: list[Tensor], steps: int
) -> list[Method]:
    vgg = Vgg(reference)
    published = ReferenceAdain(vgg, reference)

    def adain_picture(content: Tensor, style: object) -> Tensor:
        return evaluation.decode(adain(vgg(content)[-1], style))

    def swapped(content: Tensor, style: object) -> Tensor:
        return evaluation.decode(swap(vgg(content)[-1], style))

    single, many = (conditional(student, table_of(student, styles[:count])) for count in (1, SPLIT))
    return [
        Method("Gatys et al.", None, lambda y, _: grams(vgg, y), lambda x, g: optimise(vgg, x, g, steps)),
        Method("Chen & Schmidt", None, lambda y, _: patches(vgg(y)[-1]), swapped),
        Method("single style (ours, CIN S = 1)", 1, lambda _, s: s, single),
        Method(f"conditional (ours, CIN S = {SPLIT})", SPLIT, lambda _, s: s, many),
        Method("reference AdaIN", None, lambda y, _: statistics(published.vgg(y)[-1]), adain_picture),
        Method("ours", None, lambda y, _: student.describe(y), lambda x, s: student(x, s)),
    ]


def timed(work: Callable[[], object]) -> tuple[object, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


def compare(
    evaluation: Evaluation, student: Student, o: argparse.Namespace, size: int
) -> Iterator[tuple[dict, Tensor]]:
    """A row a method, as soon as it is known, and the first pair's picture."""
    styles = [evaluation.pair(i, size)[1] for i in range(SPLIT)]
    for method in methods(evaluation, student, o.reference, styles, o.gatys_steps):
        found: list[dict] = []
        for i in range(o.gatys_pairs if method.name.startswith("Gatys") else o.pairs):
            content = evaluation.pair(i, size)[0]
            number = i % (method.styles or SPLIT)
            style = styles[number]
            with torch.set_grad_enabled(method.name.startswith("Gatys")):
                described, describe_s = timed(lambda: method.describe(style, number))
                picture, paint_s = timed(lambda: method.paint(content, described).clamp(0, 1))
            with torch.no_grad():
                losses = judge(evaluation.vgg, picture, evaluation.wanted(content, style))
            found.append(losses | {"describe": describe_s, "paint": paint_s})
            if i == 0:
                first = picture
        middle = {key: median(row[key] for row in found) for key in ("describe", "paint")}
        means = {key: sum(row[key] for row in found) / len(found) for key in ("content", "style")}
        row = {"size": size, "method": method.name, "styles": method.styles, "pairs": len(found)}
        yield row | middle | means, first


@torch.no_grad()
def check_conditional(evaluation: Evaluation, student: Student, size: int) -> None:
    """The conditional network is ours with a table in the statistics' place, to the last bit."""
    styles = [evaluation.pair(i, size)[1] for i in range(SPLIT)]
    paint, content = conditional(student, table_of(student, styles)), evaluation.pair(0, size)[0]
    for s in (0, SPLIT - 1):
        assert torch.equal(paint(content, s), student(content, student.describe(styles[s])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--out", type=Path, required=True, help="folder of compare.json and the strips")
    parser.add_argument("--sizes", default="256,512")
    parser.add_argument("--pairs", type=int, default=8)
    parser.add_argument("--gatys-pairs", type=int, default=1)
    parser.add_argument("--gatys-steps", type=int, default=300)
    o = parser.parse_args()
    for folder in (o.data, o.reference):
        if not folder.is_dir():
            raise SystemExit(f"{folder} is absent: validation pairs and VGG-19 are not part of the project")
    o.out.mkdir(parents=True, exist_ok=True)
    student, evaluation = load_exported(MODELS).eval(), Evaluation(o.data, o.reference, torch.float32)
    check_conditional(evaluation, student, 256)
    print(f"ours with a CIN table of {SPLIT} styles equals ours with their statistics, bit for bit")
    print("| size | method | styles | pairs | s, style described | s, style at hand | content loss | style loss |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    table = []
    for size in (int(s) for s in o.sizes.split(",")):
        shown = list(evaluation.pair(0, size))
        for r, picture in compare(evaluation, student, o, size):
            times = f"{r['describe'] + r['paint']:.2f} | {r['paint']:.2f}"
            start = f"| {size} | {r['method']} | {r['styles'] or 'any'} | {r['pairs']} |"
            print(f"{start} {times} | {r['content']:.2f} | {r['style']:.2f} |", flush=True)
            shown.append(picture)
            table.append(r)
            (o.out / "compare.json").write_text(json.dumps(table, indent=2) + "\n")
        write_strips(o.out / f"compare-{size}.png", tuple(shown))


if __name__ == "__main__":
    main()
