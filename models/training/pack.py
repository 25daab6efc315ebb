"""All that training elsewhere needs, in as few megabytes as a machine lent for minutes takes: pictures again encoded as
AVIF, VGG-19 and the reference decoder in float16.  The start weights are in the repository.

Part 1 is enough: all validation pairs, the second sets, and of the first ones as many as fit, evenly.  Part 2 brings the
others into the same folder.  Then: train.py --data FOLDER --reference FOLDER/reference.
"""

from __future__ import annotations

import argparse
import io
import itertools
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from data.pictures import DATA, REFERENCE, VALIDATION, Picture, read_pictures

MIB = 2**20
SHORT = 448  # pixels of the short side, at most
LISTS = ("sources.tsv", "sources2.tsv")
FIRST, SECOND = ("content", "style"), ("content2", "style2")


def encode(picture: Picture, quality: int) -> tuple[str, bytes]:
    image, file = picture.open(), io.BytesIO()
    scale = min(1.0, SHORT / min(image.size))
    image = image.resize([round(scale * length) for length in image.size], Image.Resampling.LANCZOS)
    image.save(file, "AVIF", quality=quality, speed=6, max_threads=1)
    return picture.name, file.getvalue()


def write_tar(path: Path, pictures: dict[str, bytes]) -> None:
    with tarfile.open(path, "w") as tar:
        for name, content in sorted(pictures.items()):
            member = tarfile.TarInfo(f"{name}.avif")
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))


def write_half(source: Path, to: Path) -> None:
    """An npz in float16."""
    np.savez_compressed(to, **{name: array.astype(np.float16) for name, array in np.load(source).items()})


def weight(folder: Path) -> int:
    """Bytes of all files in it."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def interleaved(sets: list[list[Picture]], step: int = 32) -> list[Picture]:
    """Pictures of both sets by turns, in an order of which every beginning is spread over them evenly."""
    spread = [[picture for first in range(step) for picture in pictures[first::step]] for pictures in sets]
    return [picture for pictures in itertools.zip_longest(*spread) for picture in pictures if picture]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--to", type=Path, required=True, help="folder, not to be committed")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--part", type=int, choices=(1, 2), default=1)
    parser.add_argument("--limit-mib", type=float, default=40)
    parser.add_argument("--quality", type=int, default=50)
    o = parser.parse_args()
    (o.to / "reference").mkdir(parents=True, exist_ok=True)
    first = [read_pictures(o.data, name, "train") for name in FIRST]
    later = interleaved(first)
    if o.part == 1:
        for name in LISTS:
            shutil.copy(o.data / name, o.to)
        for name in ("vgg19_relu4_1.npz", "adain_decoder.npz"):
            write_half(o.reference / name, o.to / "reference" / name)
        always = [p for name in VALIDATION for p in read_pictures(o.data, name, "validation")]
        always += [p for name in SECOND for p in read_pictures(o.data, name, "train")]
    else:
        packed = {p.name for name in FIRST for p in read_pictures(o.to, name, "train")}
        always, later = [], [picture for picture in later if picture.name not in packed]
    room = o.limit_mib * MIB - (weight(o.to) if o.part == 1 else 0)
    chosen: dict[str, bytes] = {}
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(always) + len(later), 64):
            batch = dict(pool.map(lambda p: encode(p, o.quality), (always + later)[start : start + 64]))
            # A member of a tar takes a header of 512 bytes and whole blocks of 512.
            needed = sum(1024 + len(content) for content in batch.values())
            if needed > room:
                break
            room -= needed
            chosen |= batch
    if len(chosen) < len(always):
        raise SystemExit("not even what is always needed fits")
    for name in (*FIRST, *SECOND):
        own = {key: content for key, content in chosen.items() if key.startswith(f"{name}/")}
        if own:
            write_tar(o.to / f"{name}-{o.part}.tar", own)
    print(f"{len(chosen)} pictures in part {o.part}; the folder has {weight(o.to) / MIB:.1f} MiB")


if __name__ == "__main__":
    main()
