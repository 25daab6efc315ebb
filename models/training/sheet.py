"""Contact sheet of our own plates on our own contents: first row the contents, then each style with what it makes."""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from PIL import Image

from data.pictures import centre_crop
from export import MODELS, load_student


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("contents", type=Path, nargs="+")
    parser.add_argument("--student", type=Path, default=MODELS, help="folder of model.json, or a checkpoint")
    parser.add_argument("--styles", type=Path, default=MODELS / "styles")
    parser.add_argument("--only", nargs="*", metavar="STYLE", help="names of the styles to show; none: all")
    parser.add_argument("--to", type=Path, default=MODELS / "training" / "contact-sheet.jpg")
    parser.add_argument("--cell", type=int, default=512, help="pixels at which pictures are repainted")
    parser.add_argument("--shown", type=int, default=192, help="pixels at which they are shown")
    o = parser.parse_args()
    student = load_student(o.student)

    def read(path: Path) -> torch.Tensor:
        return centre_crop(Image.open(path).convert("RGB"), o.cell)[None]

    contents = [read(path) for path in o.contents]
    rows = [[torch.ones_like(contents[0]), *contents]]
    for path in sorted(o.styles.glob("*.jpg")):
        if o.only and path.stem not in o.only:
            continue
        style = read(path)
        statistics = student.describe(style)
        rows.append([style, *(student(content, statistics).clamp(0, 1) for content in contents)])
    # Two styles side by side make the sheet about as wide as high.
    half, blank = len(rows) // 2, [torch.ones_like(contents[0])] * len(rows[0])
    columns = [rows[0] + rows[0]] + [a + b for a, b in zip(rows[1 : half + 1], rows[half + 1 :] + [blank])]
    picture = torch.cat([torch.cat(row, 3) for row in columns], 2)[0]
    sheet = Image.fromarray((picture * 255).round().byte().permute(1, 2, 0).numpy())
    scale = o.shown / o.cell
    sheet.resize((round(sheet.width * scale), round(sheet.height * scale)), Image.Resampling.LANCZOS).save(o.to, quality=80)


if __name__ == "__main__":
    main()
