"""Would int8 pay?  The committed networks with quantised layers beside the float32 ones: time and losses.

Post-training quantisation in onnxruntime's QDQ form: activations unsigned, weights signed and per channel, ranges from
training crops by percentile.  The first and the last convolutions stay in float32: they read and write pixels.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
import onnx
import torch
from no_telemetry import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor, nn

from comparisons.measures import summarise
from data.pictures import DATA, REFERENCE, random_crop, read_pictures
from evaluate import Evaluation
from export import MODELS, load_exported, session
from networks.adain import adain
from networks.student import Student, pad_picture

PERCENTILE = 99.99  # of the values seen; whatever lies beyond is cut

# Layers that stay in float32: those at the pixels; in the decoder then also those that read the AdaIN layer.
PIXELS = {"encoder": ("stem", "detail"), "decoder": ("last", "detail", "gate")}
INSIDE = PIXELS["decoder"] + ("head", "shortcut")


class Given(CalibrationDataReader):
    def __init__(self, name: str, inputs: list[Tensor]) -> None:
        self.items = iter([{name: one.numpy()} for one in inputs])

    def get_next(self) -> dict | None:
        return next(self.items, None)


class OnnxPart(nn.Module):
    """An ONNX file in place of a module of the student."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.network = session(path)
        self.name = self.network.get_inputs()[0].name

    def forward(self, given: Tensor) -> Tensor:
        return torch.from_numpy(self.network.run(None, {self.name: given.numpy()})[0])


@torch.no_grad()
def calibration_inputs(student: Student, data: Path, count: int) -> tuple[list[Tensor], list[Tensor]]:
    """Padded training crops for the encoder; for the decoder their features in the style of the next crop."""
    random = np.random.default_rng(1)
    crops, styles = (
        [random_crop(picture.open(), 256, random)[None] for picture in read_pictures(data, kind, "train")[:count]]
        for kind in ("content", "style")
    )
    pictures = [pad_picture(p, student.margin, student.stride) for pair in zip(crops, styles) for p in pair]
    targets = [
        adain(student.encode(c), student.describe(s), alpha) for c, s in zip(crops, styles) for alpha in (0.0, 1.0)
    ]
    return pictures, targets


def quantise(source: Path, to: Path, inputs: list[Tensor], kept: tuple[str, ...]) -> OnnxPart:
    """The network in `source` with all convolutions in int8 but those whose names begin with one of `kept`."""
    prepared = to.with_suffix(".prepared.onnx")
    quant_pre_process(source, prepared, skip_symbolic_shape=True)
    names = [node.name for node in onnx.load(prepared).graph.node]
    quantize_static(
        prepared, to, Given(session(source).get_inputs()[0].name, inputs), quant_format=QuantFormat.QDQ,
        op_types_to_quantize=["Conv", "Resize", "Relu"], per_channel=True,
        activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8,
        nodes_to_exclude=[name for name in names if name.startswith(kept)],
        calibrate_method=CalibrationMethod.Percentile, extra_options={"CalibPercentile": PERCENTILE},
    )  # fmt: skip
    return OnnxPart(to)


@torch.no_grad()
def best_of(parts: dict[str, nn.Module], given: Tensor, runs: int) -> dict[str, float]:
    """Milliseconds, the parts by turns; the best run of each, which other work on the machine disturbs least."""
    times: dict[str, list[float]] = {name: [] for name in parts}
    for _ in range(runs + 1):
        for name, part in parts.items():
            start = time.perf_counter()
            part(given)
            times[name].append(time.perf_counter() - start)
    return {name: 1000 * min(values[1:]) for name, values in times.items()}


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=MODELS)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--crops", type=int, default=48, help="pairs of training crops that calibrate")
    parser.add_argument("--pairs", type=int, default=40, help="validation pairs that are judged")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32", help="of VGG")
    o = parser.parse_args()
    onnxruntime.set_default_logger_severity(3)
    student = load_exported(o.model).eval()
    pictures, targets = calibration_inputs(student, o.data, o.crops)
    encoder, decoder = (o.model / f"{part}.onnx" for part in ("encoder", "decoder"))
    with tempfile.TemporaryDirectory() as folder:
        small_encoder = quantise(encoder, Path(folder) / "encoder.onnx", pictures, PIXELS["encoder"])
        small_decoder = quantise(decoder, Path(folder) / "decoder.onnx", targets, PIXELS["decoder"])
        inside = quantise(decoder, Path(folder) / "inside.onnx", targets, INSIDE)
    variants: dict[str, Student] = {}
    for name, parts in {
        "float32": (OnnxPart(encoder), OnnxPart(decoder)),
        "decoder int8, but for what reads the AdaIN layer": (OnnxPart(encoder), inside),
        "decoder int8": (OnnxPart(encoder), small_decoder),
        "both int8": (small_encoder, small_decoder),
    }.items():
        variants[name] = load_exported(o.model).eval()
        variants[name].encoder, variants[name].decoder = parts
    picture = pad_picture(torch.rand(1, 3, 512, 512), student.margin, student.stride)
    encoders = best_of({name: v.encoder for name, v in variants.items()}, picture, o.runs)
    decoders = best_of({name: v.decoder for name, v in variants.items()}, student.encoder(picture), o.runs)
    evaluation, cache = Evaluation(o.data, o.reference, getattr(torch, o.precision)), {}
    print("| weights | encoder ms | decoder ms | content / reference | style / reference | SSIM at α = 0 |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, variant in variants.items():
        t = summarise(evaluation.measure(variant, 256, o.pairs, cache))
        losses = f"{t['content']['ratio']:.2f}× | {t['style']['ratio']:.2f}× | {t['alpha0Ssim']:.3f}"
        print(f"| {name} | {encoders[name]:.0f} | {decoders[name]:.0f} | {losses} |")


if __name__ == "__main__":
    main()
