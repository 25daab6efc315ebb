"""training-log.csv → training-log.svg: the losses of the paper's stage over minutes, and their ratio to the reference's."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "adain"  # the same file for the same log
from matplotlib import pyplot as plt  # noqa: E402 (the backend must be chosen first)


def main(log: Path, picture: Path) -> None:
    rows = [row for row in csv.DictReader(log.open()) if row["stage"] == "paper"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.2))

    def line(axes, column: str, label: str) -> None:
        points = [(float(r["seconds"]) / 60, float(r[column])) for r in rows if r[column]]
        axes.plot(*zip(*points), label=label, linewidth=1)

    line(left, "content", "content loss")
    line(left, "style", "style loss")
    left.set_title("training")
    for what in ("content", "style"):
        for size in ("256", "512"):
            line(right, f"{what}_ratio{size}", f"{what}, {size}×{size}")
    right.set_title("validation (few pairs), multiples of the reference")
    right.axhline(1, color="grey", linewidth=0.5)
    for axes in (left, right):
        axes.set_yscale("log")
        axes.set_xlabel("minutes")
        axes.legend(fontsize="small")
    figure.tight_layout()
    figure.savefig(picture, metadata={"Date": None})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
