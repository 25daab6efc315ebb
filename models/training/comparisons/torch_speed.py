"""Milliseconds in PyTorch at 256×256 and 512×512: our networks and the reference's, style cached and described first.

On a GPU in float16 and channels_last: as it is, as a CUDA graph (without Python's time between the kernels), compiled.
Grain and pixels as bytes are left out, margins are counted.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from data.pictures import REFERENCE
from export import MODELS, load_student
from networks.adain import adain, statistics
from networks.cost import shipped
from networks.references import ReferenceDecoder, Vgg
from networks.student import pad_picture

SIZES = (256, 512)
BATCHES = (1, 8)


class LastLayer(nn.Module):
    """VGG to relu4_1 alone, the reference's encoder."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.vgg = Vgg(folder)

    def forward(self, picture: Tensor) -> Tensor:
        return self.vgg(picture)[-1]


def networks(reference: Path) -> dict[str, tuple[nn.Module, nn.Module, Callable[[Tensor], Tensor]]]:
    """Encoder, decoder and padding of each."""
    student = load_student(MODELS)
    found = {"ours": (*shipped(student), lambda x: pad_picture(x, student.margin, student.stride))}
    if (reference / "vgg19_relu4_1.npz").exists():
        found["reference AdaIN"] = (LastLayer(reference), ReferenceDecoder(reference), lambda x: x)
    else:
        print(f"skipped: the reference's weights are not in {reference}")
    return found


def milliseconds(run: Callable[[], object], rounds: int, device: str) -> float:
    """The median of at least `rounds` runs and a fifth of a second, each waited for."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    for _ in range(3):
        run()
    wait()
    times, end = [], time.perf_counter() + 0.2
    while len(times) < rounds or time.perf_counter() < end:
        start = time.perf_counter()
        run()
        wait()
        times.append(time.perf_counter() - start)
    return 1000 * sorted(times)[len(times) // 2]


def captured(run: Callable[[], object]) -> Callable[[], None]:
    """The same kernels, started as one."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):  # what is made at the first run must not be part of the graph
        for _ in range(3):
            run()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run()
    return graph.replay


@torch.inference_mode()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cuda")
    parser.add_argument("--rounds", type=int, default=7)
    o = parser.parse_args()
    torch.backends.cudnn.benchmark = True
    dtype = torch.float16 if o.device == "cuda" else torch.float32
    found = networks(o.reference)  # folded where the constants of the folding are
    torch.set_default_device(o.device)
    print("| network | how | side | pictures | style cached, ms | style described, ms | pictures/s, cached |", flush=True)
    print("| --- | --- | --- | --- | --- | --- | --- |")
    ways = ("eager", "CUDA graph", "compiled") if o.device == "cuda" else ("eager",)
    for how in ways:
        for name, (encoder, decoder, pad) in found.items():
            encoder, decoder = (
                part.to(o.device, dtype).eval().to(memory_format=torch.channels_last) for part in (encoder, decoder)
            )

            def describe(picture: Tensor) -> tuple[Tensor, Tensor]:
                return statistics(encoder(picture))

            def stylize(picture: Tensor, style: tuple[Tensor, Tensor]) -> Tensor:
                return decoder(adain(encoder(picture), style).to(dtype).contiguous(memory_format=torch.channels_last))

            if how == "compiled":
                describe, stylize = (torch.compile(one, dynamic=False) for one in (describe, stylize))
            for batch in BATCHES:
                for size in SIZES:
                    picture = pad(torch.rand(batch, 3, size, size, dtype=dtype))
                    picture = picture.contiguous(memory_format=torch.channels_last)
                    style = describe(picture)

                    def cached() -> Tensor:
                        return stylize(picture, style)

                    def described() -> Tensor:
                        return stylize(picture, describe(picture))

                    runs = [captured(run) if how == "CUDA graph" else run for run in (cached, described)]
                    one, both = (milliseconds(run, o.rounds, o.device) for run in runs)
                    rate = 1000 * batch / one
                    print(f"| {name} | {how} | {size} | {batch} | {one:.2f} | {both:.2f} | {rate:.0f} |", flush=True)


if __name__ == "__main__":
    main()
