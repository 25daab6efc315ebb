"""Train candidates of the architecture alike, from nothing and for the same steps on the same crops, and measure them.

A candidate that was trained before with the same --out is measured only.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import torch

from comparisons.measures import HEADINGS, summarise, table_cells
from data.pictures import DATA, REFERENCE
from evaluate import Evaluation
from export import load_student
from networks.architecture import Architecture, halos
from networks.cost import gmac, parameters

CANDIDATES = {
    "ours": Architecture(),
    "a block less in the encoder": Architecture(encoder_blocks=(0, 0, 2)),
    "a block less in the decoder": Architecture(decoder_blocks=(0, 1, 2)),
    "without the path of detail": Architecture(detail=0),
    "without the shortcut, skip of 64": Architecture(encoder_blocks=(0, 0, 2), skip=64, shortcut=False),
    "wider at 1/4": Architecture(widths=(32, 64, 128), decoder_blocks=(0, 1, 2)),
    "wider trunk, shallow": Architecture(widths=(32, 48, 160), encoder_blocks=(0, 0, 1), decoder_blocks=(0, 1, 1)),
    "narrow top, deep trunk": Architecture(widths=(16, 48, 128), encoder_blocks=(0, 0, 2), decoder_blocks=(0, 1, 4)),
    "blocks at 1/2 too": Architecture(widths=(32, 48, 128), encoder_blocks=(0, 0, 1), decoder_blocks=(1, 1, 2)),
    "one linear doubling, two blocks at 1/4": Architecture(decoder_blocks=(0, 2, 2), smooth_ups=1),
    "two linear doublings, one separable block": Architecture(decoder_blocks=(0, 1, 2), smooth_ups=2, separable=1),
    "half": Architecture(widths=(16, 32, 96), channels=192, encoder_blocks=(0, 1, 2)),
}


def train(architecture: Architecture, out: Path, o: argparse.Namespace) -> None:
    run = ["-m", "torch.distributed.run", "--nproc-per-node", str(o.processes), Path(__file__).parents[1] / "train.py"]
    where = ["--out", out, "--data", o.data, "--reference", o.reference]
    what = ["--architecture", json.dumps(architecture.to_dict()), "--unit", "steps", "--plan", o.plan, "--batch", "8"]
    # A short average, for a short training.
    subprocess.run([sys.executable, *run, *where, *what, "--ema", "0.97", "--strip-every", "1000000"], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the runs")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--plan", default="features:200,pictures:100,paper:150", help="stages and their steps")
    parser.add_argument("--processes", type=int, default=2, help="that share each batch")
    parser.add_argument("--pairs", type=int, default=40, help="of the validation split, at 256")
    parser.add_argument("--only", nargs="*", default=list(CANDIDATES), choices=CANDIDATES, metavar="NAME")
    o = parser.parse_args()
    evaluation, cache = Evaluation(o.data, o.reference, torch.bfloat16), {}
    print(f"| network | GMAC | M parameters | halo | {' | '.join(HEADINGS)} |")
    print("| --- " * (4 + len(HEADINGS)) + "|")
    for name in o.only:
        out = o.out / name.replace(" ", "-").replace("/", "")
        train(CANDIDATES[name], out, o)
        student = load_student(out / "checkpoint.pt")
        table = summarise(evaluation.measure(student, 256, o.pairs, cache))
        cost = [f"{gmac(student):.1f}", f"{parameters(student) / 1e6:.2f}", str(sum(halos(student.architecture)))]
        print("|", " | ".join([name, *cost, *table_cells(table)]), "|", flush=True)


if __name__ == "__main__":
    main()
