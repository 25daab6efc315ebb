"""Photographs and artworks: tars of JPEG (AVIF from pack.py) → crops.  A picture is uint8 [H, W, 3] until then."""

from __future__ import annotations

import csv
import io
import itertools
import tarfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from data.kinds import OTHER, balance, kind_of
from optimisation.texture import flat_areas

# Pictures and loss network are not part of the project.
SHARED = Path(__file__).resolve().parents[4] / "shared"
DATA, REFERENCE = SHARED / "data", SHARED / "reference"
PLATES = Path(__file__).resolve().parents[2] / "styles"

# The last so many pictures of each set, by number, are never trained on.
VALIDATION = {"content": 200, "style": 200, "content2": 100, "style2": 100}


@dataclass(frozen=True)
class Picture:
    """A picture as it is stored.  Decoding takes some milliseconds; all of them decoded would take gigabytes."""

    name: str
    kind: str
    encoded: bytes

    def open(self) -> Image.Image:
        return Image.open(io.BytesIO(self.encoded)).convert("RGB")


def stem(name: str) -> str:
    """The name of a picture in tars and lists, "style2/00001", whatever the format that it has there."""
    return name.removesuffix(Path(name).suffix)


def read_kinds(folder: Path) -> dict[str, str]:
    """The kind of each picture, by its name in the tars."""
    kinds = {}
    for path in folder.glob("sources*.tsv"):
        with path.open(newline="") as file:
            rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
            kinds |= {stem(row["file"]): kind_of(f"{row['repo']} {row['original path']}") for row in rows}
    return kinds


def read_pictures(folder: Path, name: str, split: str) -> list[Picture]:
    """All pictures of a set ("content", "style2" …) and split ("train" or "validation"), in the order of their numbers."""
    encoded: dict[str, bytes] = {}
    for path in sorted(folder.glob(f"{name}-*.tar")):
        with tarfile.open(path) as tar:
            encoded |= {stem(member.name): tar.extractfile(member).read() for member in tar if member.isfile()}
    if not encoded:
        raise SystemExit(f"no {name}-*.tar in {folder}")
    names, kinds, kept = sorted(encoded), read_kinds(folder), VALIDATION[name]
    chosen = names[:-kept] if split == "train" else names[-kept:]
    return [Picture(name, kinds.get(name, OTHER), encoded[name]) for name in chosen]


class Sampler:
    """Draws pictures with given probabilities."""

    def __init__(self, pictures: list[Picture], probabilities: np.ndarray) -> None:
        self.pictures, self.probabilities = pictures, probabilities

    def draw(self, count: int, random: np.random.Generator) -> list[Image.Image]:
        return [self.pictures[i].open() for i in random.choice(len(self.pictures), size=count, p=self.probabilities)]


def recoloured_plates(folder: Path = PLATES) -> list[Picture]:
    """Our own plates, each with its colours as they are and with red, green and blue in the five other orders."""
    pictures = []
    for path in sorted(folder.glob("*.jpg")):
        bands = Image.open(path).convert("RGB").split()
        for order in itertools.permutations(range(3)):
            file = io.BytesIO()
            Image.merge("RGB", [bands[i] for i in order]).save(file, "JPEG", quality=95, subsampling=0)
            pictures.append(Picture(f"{path.stem}-{''.join(map(str, order))}", "plate", file.getvalue()))
    return pictures


def style_sampler(folder: Path, even_share: float, plate_share: float = 0.0) -> Sampler:
    """Old and new styles and our own plates: those have their share; of the rest, `even_share` is drawn evenly from the old
    ones, the others from both, every kind with its share.
    """
    first, second = (read_pictures(folder, name, "train") for name in ("style", "style2"))
    pictures = first + second
    even = np.repeat([1 / len(first), 0.0], [len(first), len(second)])
    balanced = balance([picture.kind for picture in pictures])
    shares = even_share * even + (1 - even_share) * balanced
    if plate_share:
        plates = recoloured_plates()
        shares = np.concatenate(((1 - plate_share) * shares, np.full(len(plates), plate_share / len(plates))))
        pictures = pictures + plates
    return Sampler(pictures, shares)


def content_sampler(folder: Path, smooth_share: float) -> Sampler:
    """Old and new photographs; that share of those drawn is flat over more than a quarter."""
    pictures = read_pictures(folder, "content", "train") + read_pictures(folder, "content2", "train")
    with ThreadPoolExecutor() as pool:
        smooth = np.array(list(pool.map(smoothness, pictures))) > 1 / 4
    shares = np.where(smooth, smooth_share / smooth.sum(), (1 - smooth_share) / (~smooth).sum())
    return Sampler(pictures, shares)


def smoothness(picture: Picture) -> float:
    """How much of a picture is flat, seen at 128 pixels, where it is quickly told."""
    return flat_areas(centre_crop(picture.open(), 128)[None]).mean().item()


def to_tensor(picture: Image.Image) -> Tensor:
    """uint8 [H, W, 3] → float32 [3, H, W] in [0, 1]."""
    return torch.from_numpy(np.asarray(picture).copy()).permute(2, 0, 1).float() / 255


def random_crop(picture: Image.Image, size: int, random: np.random.Generator) -> Tensor:
    """A size×size crop, mirrored half of the time."""
    left, top, side, mirrored = random_box(*picture.size, size, random)
    crop = picture.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + side, top + side))
    tensor = to_tensor(crop)
    return tensor.flip(2) if mirrored else tensor


def random_box(width: int, height: int, size: int, random: np.random.Generator) -> tuple[float, float, float, bool]:
    """Left, top and side of what is to be shown at size×size, at a magnification between 0.87 and 2; whether mirrored.

    Validation at 512 magnifies pictures of 288 pixels 1.8 times; a network that has not seen such soft pictures fails.
    But sharp pictures are what most users have, and the hardest: half of the crops are magnified less than 1.03 times.
    """
    largest = min(width, height, 1.15 * size)
    side = largest * (size / 2 / largest) ** (1 - random.power(3))
    return random.uniform(0, width - side), random.uniform(0, height - side), side, random.random() < 0.5


def cut_crops(sampler: Sampler, random: np.random.Generator, size: int, count: int) -> Tensor:
    """[count, 3, size, size], of pictures that the sampler draws."""
    return torch.stack([random_crop(picture, size, random) for picture in sampler.draw(count, random)])


def centre_crop(picture: Image.Image, size: int) -> Tensor:
    """The central square, resampled to size×size: what validation looks at."""
    short = min(picture.size)
    left, top = (picture.width - short) / 2, (picture.height - short) / 2
    crop = picture.resize((size, size), Image.Resampling.BICUBIC, box=(left, top, left + short, top + short))
    return to_tensor(crop)
