"""Pairs of content and style that training never saw.

usual  the i-th of the last 200 photographs with the i-th of the last 200 artworks;
new    the same of the last 100 of the second sets, which come from elsewhere than most that training sees;
hard   40 pairs chosen by eye (`hard.tsv`): sky, studio, water, faces and pages in busy styles.
"""

from __future__ import annotations

import csv
from pathlib import Path

from data.pictures import Picture, read_pictures

SETS = {
    "usual": ("content", "style"),
    "new": ("content2", "style2"),
    "hard": ("content", "content2", "style", "style2"),
}
HARD = Path(__file__).with_name("hard.tsv")


def validation_pairs(folder: Path, name: str) -> list[tuple[Picture, Picture]]:
    """(content, style) of a validation set."""
    sets = [read_pictures(folder, which, "validation") for which in SETS[name]]
    if name != "hard":
        return list(zip(*sets))
    pictures = {picture.name: picture for which in sets for picture in which}
    with HARD.open(newline="") as file:
        return [(pictures[row["content"]], pictures[row["style"]]) for row in csv.DictReader(file, delimiter="\t")]
