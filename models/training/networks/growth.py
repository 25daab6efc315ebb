"""From trained weights to a larger or shorter network that begins with them."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from networks.architecture import Architecture
from networks.student import Student


@torch.no_grad()
def grown(student: Student, architecture: Architecture, dropped: str | None = None) -> Student:
    """The same function in a network with more channels or blocks, or with the shortcut: what is new reads or adds with
    weights of zero until it is trained.  `dropped`, such as "decoder.blocks8.1", is a block to leave out.
    """
    larger = Student(architecture)
    own = larger.state_dict()
    weights = without(student.state_dict(), dropped) if dropped else student.state_dict()
    # Behind the trunk's channels the fusion reads the skip's, which move as the trunk grows.
    (*_, trunk), (*_, wider) = student.architecture.widths, architecture.widths
    fuse = weights["encoder.fuse.weight"]
    weights["encoder.fuse.weight"] = torch.cat((F.pad(fuse[:, :trunk], (0, 0, 0, 0, 0, wider - trunk)), fuse[:, trunk:]), 1)
    for name, stored in weights.items():
        rows = own[name][: len(stored)]
        rows.zero_()
        rows[tuple(slice(length) for length in stored.shape)] = stored
    return larger


def without(weights: dict[str, Tensor], block: str) -> dict[str, Tensor]:
    """Those of a network that lacks one block of a row; the blocks behind it move up."""
    row, _, number = block.rpartition(".")
    kept = {}
    for name, value in weights.items():
        if name.startswith(f"{row}."):
            place, rest = name.removeprefix(f"{row}.").split(".", 1)
            if place == number:
                continue
            name = f"{row}.{int(place) - (int(place) > int(number))}.{rest}"
        kept[name] = value
    return kept
