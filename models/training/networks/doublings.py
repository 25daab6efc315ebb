"""A start for doublings that interpolate in place of a trained student's that repeat pixels: weights by least squares.

Each one is to make of the new network's own input, interpolated, what the old one made of its own in the same picture.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from data.pictures import Picture, centre_crop
from networks.adain import adain, statistics
from networks.layers import cropped
from networks.student import Student

SIDE = 256
EDGE = 4  # pixels of a layer that see the padding


def patches(x: Tensor) -> Tensor:
    """[N, C, H, W] → [N·positions, 9·C + 1]: the 3×3 neighbours of each interpolated pixel, and a one."""
    x = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    x = F.unfold(cropped(x, EDGE - 1), 3).transpose(1, 2).flatten(0, 1)
    return torch.cat((x, torch.ones(len(x), 1)), 1)


@torch.no_grad()
def refit_doublings(student: Student, teacher: Student, photographs: list[Picture], artworks: list[Picture]) -> None:
    """Set the weights of the interpolating doublings of `student`, from 1/8 upwards."""
    targets = []
    for photograph, artwork in zip(photographs, artworks):
        picture, style = (centre_crop(one.open(), SIDE)[None] for one in (photograph, artwork))
        features = teacher.encode(picture)
        own = statistics(teacher.inside(features, picture.shape[-2:]))
        targets += [adain(features, teacher.describe(style), content=own), features]  # alpha 1 and 0
    for name in ("up4", "up2", "up1")[: student.architecture.smooth_ups]:
        layer, wanted_layer = student.decoder.get_submodule(name), teacher.decoder.get_submodule(name)
        seen: dict[str, Tensor] = {}
        hooks = [
            layer.register_forward_pre_hook(lambda _, given: seen.update(given=given[0])),
            wanted_layer.register_forward_hook(lambda _, given, result: seen.update(wanted=result)),
        ]
        gram = cross = 0.0
        for target in targets:
            student.decoder(target)
            teacher.decoder(target)
            given = patches(seen["given"])
            wanted = cropped(seen["wanted"], EDGE).flatten(2).transpose(1, 2).flatten(0, 1)
            gram, cross = gram + given.T @ given, cross + given.T @ wanted
        for hook in hooks:
            hook.remove()
        ridge = 1e-4 * gram.diagonal().mean() * torch.eye(len(gram))
        solution = torch.linalg.solve((gram + ridge).double(), cross.double()).float()  # [9·C + 1, outputs]
        layer.weight.copy_(solution[:-1].T.reshape(layer.weight.shape))
        layer.bias.copy_(solution[-1])
