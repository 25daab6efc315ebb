"""Photographs and artworks: tars of JPEG → crops in memory.  Pictures are uint8 [H, W, 3] until a batch is made."""

from __future__ import annotations

import io
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

# Pictures and loss network are not part of the project.
SHARED = Path(__file__).resolve().parents[3] / "shared"
DATA, REFERENCE = SHARED / "data", SHARED / "reference"

VALIDATION = 200  # the last 200 pictures of each kind, by number, are never trained on


def read_pictures(folder: Path, kind: str, split: str) -> list[Image.Image]:
    """All pictures of a kind ("content" or "style") and split ("train" or "validation"), in the order of their numbers."""
    encoded: dict[str, bytes] = {}
    for path in sorted(folder.glob(f"{kind}-*.tar")):
        with tarfile.open(path) as tar:
            encoded |= {member.name: tar.extractfile(member).read() for member in tar if member.name.endswith(".jpg")}
    if not encoded:
        raise SystemExit(f"no {kind}-*.tar in {folder}")
    names = sorted(encoded)
    chosen = names[:-VALIDATION] if split == "train" else names[-VALIDATION:]
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda name: Image.open(io.BytesIO(encoded[name])).convert("RGB"), chosen))


def to_tensor(picture: Image.Image) -> Tensor:
    """uint8 [H, W, 3] → float32 [3, H, W] in [0, 1]."""
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float() / 255


def random_crop(picture: Image.Image, size: int, random: np.random.Generator) -> Tensor:
    """A size×size crop at a magnification between 0.87 and 2, flipped half of the time.

    Validation at 512 magnifies pictures of 288 pixels 1.8 times; a network that has not seen such soft pictures fails.
    But sharp pictures are what most users have, and the hardest: half of the crops are magnified less than 1.03 times.
    """
    largest = min(*picture.size, 1.15 * size)
    side = largest * (size / 2 / largest) ** (1 - random.power(3))
    left, top = random.uniform(0, picture.width - side), random.uniform(0, picture.height - side)
    crop = picture.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    tensor = to_tensor(crop)
    return tensor.flip(2) if random.random() < 0.5 else tensor


def centre_crop(picture: Image.Image, size: int) -> Tensor:
    """The central square, resampled to size×size: what validation looks at."""
    short = min(picture.size)
    left, top = (picture.width - short) / 2, (picture.height - short) / 2
    crop = picture.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + short, top + short))
    return to_tensor(crop)
