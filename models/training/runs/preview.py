"""What training looks at now and then: pictures of validation pairs beside the reference's, and their losses."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from data.pictures import centre_crop, read_pictures
from networks.adain import adain
from networks.references import ReferenceDecoder
from networks.student import Student
from optimisation.losses import content_loss, style_loss
from optimisation.training_vgg import TrainingVgg

PAIRS = {256: range(5, 200, 17), 512: (8, 50, 150)}  # of the validation split, by size


@dataclass
class Preview:
    """Pairs of one size, each tensor [N, 3, S, S]."""

    content: Tensor
    style: Tensor
    reference: Tensor


@torch.no_grad()
def prepare_previews(data: Path, vgg: TrainingVgg, decoder: ReferenceDecoder) -> list[Preview]:
    result = []
    contents, styles = (read_pictures(data, kind, "validation") for kind in ("content", "style"))
    for size, indices in PAIRS.items():
        content, style = (
            torch.stack([centre_crop(p[i].open(), size) for i in indices]).to(vgg.grey.device) for p in (contents, styles)
        )
        target = adain(vgg(content)[0], vgg(style)[1][-1])
        result.append(Preview(content, style, decoder(target.to(torch.bfloat16)).float().clamp(0, 1)))
    return result


@torch.no_grad()
def look(student: Student, vgg: TrainingVgg, previews: list[Preview], folder: Path, name: str) -> dict[str, float]:
    """Write strips of the student's pictures; their losses as multiples of the reference's."""
    ratios = {}
    for preview in previews:
        content, style, reference = preview.content, preview.style, preview.reference
        size = content.shape[-1]
        with torch.autocast(style.device.type, torch.bfloat16):
            statistics = student.describe(style)
            ours, plain = (student(content, statistics, alpha).float().clamp(0, 1) for alpha in (1.0, 0.0))
        wanted = vgg(style)[1]
        target = adain(vgg(content)[0], wanted[-1])
        measured = []
        for picture in (ours, reference):
            seen, found, _ = vgg(picture)
            measured.append((content_loss(seen, target).mean().item(), style_loss(found, wanted).mean().item()))
        ratios[f"content_ratio{size}"] = measured[0][0] / measured[1][0]
        ratios[f"style_ratio{size}"] = measured[0][1] / measured[1][1]
        write_strips(folder / f"{name}-{size}.png", (content, style, ours, reference, plain))
    return ratios


def write_strips(path: Path, columns: tuple[Tensor, ...]) -> None:
    """One row a pair: content, style, ours, reference, ours at alpha 0."""
    rows = [torch.cat([column[i] for column in columns], 2) for i in range(len(columns[0]))]
    array = (torch.cat(rows, 1).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    Image.fromarray(array).save(path)
