"""A start for the path of detail beside a trained student: its weights by least squares.

The encoder's new channels carry the principal components of what the student cannot paint of photographs at alpha 0; the
decoder's first guess of that is a regression on them.  The gate's is a regression too: open at alpha 0, closed at alpha 1.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from data.pictures import Picture, centre_crop
from networks.adain import adain, statistics
from networks.architecture import DECODER_MARGIN
from networks.student import Student

SIDE = 256
OPEN = 2.0  # what the gate's sigmoid is given at alpha 0, and its opposite at alpha 1


def rows(x: Tensor) -> Tensor:
    """[N, C, H, W] → [N·H·W, C] in float64."""
    return x.permute(0, 2, 3, 1).flatten(0, 2).double()


def regression(inputs: Tensor, outputs: Tensor) -> Tensor:
    """The matrix that takes inputs [n, i] to outputs [n, o] with the least squares, [i, o], with a little ridge."""
    gram = inputs.T @ inputs
    return torch.linalg.solve(gram + 1e-4 * gram.diagonal().mean() * torch.eye(len(gram)), inputs.T @ outputs)


def with_ones(x: Tensor) -> Tensor:
    return torch.cat((x, torch.ones(len(x), 1)), 1)


@torch.no_grad()
def start_detail(student: Student, photographs: list[Picture], artworks: list[Picture]) -> None:
    """Set the weights of `student`'s detail, whose other weights are trained already."""
    a, encoder, decoder = student.architecture, student.encoder, student.decoder
    deep: list[Tensor] = []
    hook = decoder.blocks8.register_forward_hook(lambda *call: deep.append(rows(call[2])))
    pixels, missing = [], []
    for photograph, artwork in zip(photographs, artworks):
        picture, style = (centre_crop(one.open(), SIDE)[None] for one in (photograph, artwork))
        features = student.encode(picture)
        painted = decoder(features)[..., DECODER_MARGIN:, DECODER_MARGIN:][..., :SIDE, :SIDE]
        own = statistics(student.inside(features, picture.shape[-2:]))
        decoder(adain(features, student.describe(style), content=own))
        pixels.append(rows(F.pixel_unshuffle(picture - 0.5, a.stride)))
        missing.append(rows(F.pixel_unshuffle(picture - painted, a.stride)))
    hook.remove()
    pixels, missing = torch.cat(pixels), torch.cat(missing)
    directions = torch.linalg.eigh(missing.T @ missing).eigenvectors.flip(1)[:, : a.detail]
    *weights, bias = regression(with_ones(pixels @ directions), missing)
    encoder.detail.weight.copy_(directions.T.reshape(encoder.detail.weight.shape))
    decoder.detail.weight.copy_(torch.stack(weights).T[..., None, None])
    decoder.detail.bias.copy_(bias)
    wanted = torch.cat([torch.full((len(one), 1), -OPEN if i % 2 else OPEN) for i, one in enumerate(deep)]).double()
    *weights, bias = regression(with_ones(torch.cat(deep)), wanted)
    decoder.gate.weight.copy_(torch.cat(weights)[None, :, None, None].expand_as(decoder.gate.weight))
    decoder.gate.bias.fill_(bias.item())
