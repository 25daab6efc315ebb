"""Milliseconds in onnxruntime on this CPU at 512×512: candidates of the architecture and the reference, in one run."""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import torch
from torch import Tensor, nn

from comparisons.candidates import CANDIDATES
from data.pictures import REFERENCE
from export import export_part, session
from networks.architecture import halos
from networks.cost import gmac, parameters, shipped
from networks.references import ReferenceDecoder, Vgg
from networks.student import Student, pad_picture


class LastLayer(nn.Module):
    """VGG to relu4_1 alone, the reference's encoder."""

    def __init__(self, vgg: Vgg) -> None:
        super().__init__()
        self.vgg = vgg

    def forward(self, picture: Tensor) -> Tensor:
        return self.vgg(picture)[-1]


@torch.no_grad()
def milliseconds(module: nn.Module, given: Tensor, runs: int) -> float:
    """The best of several runs, which other work on the machine disturbs least."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "part.onnx"
        export_part(module, given[..., :160, :160].contiguous(), path, ("given", "result"))
        network = session(path)
    times = []
    for _ in range(runs + 1):
        start = time.perf_counter()
        network.run(None, {"given": given.numpy()})
        times.append(time.perf_counter() - start)
    return 1000 * min(times[1:])


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--runs", type=int, default=10)
    o = parser.parse_args()
    picture = torch.rand(1, 3, 512, 512)
    vgg = LastLayer(Vgg(o.reference))
    encoder = milliseconds(vgg, picture, o.runs // 3 + 1)
    decoder = milliseconds(ReferenceDecoder(o.reference), vgg(picture), o.runs // 3 + 1)
    whole = encoder + decoder
    print("| network | GMAC | M parameters | encoder ms | decoder ms | of the reference | halo |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    print(f"| reference AdaIN | 126.5 | 7.01 | {encoder:.0f} | {decoder:.0f} | 1 | |")
    for name, architecture in CANDIDATES.items():
        student = Student(architecture).eval()
        encoder, decoder = shipped(student)
        padded = pad_picture(picture, student.margin, student.stride)
        times = milliseconds(encoder, padded, o.runs), milliseconds(decoder, encoder(padded), o.runs)
        cells = [f"{gmac(student):.1f}", f"{parameters(student) / 1e6:.2f}", *(f"{time:.0f}" for time in times)]
        print(f"| {name} | {' | '.join(cells)} | 1/{whole / sum(times):.1f} | {sum(halos(architecture))} |")


if __name__ == "__main__":
    main()
