"""Checkpoint → encoder.onnx, decoder.onnx, model.json, golden outputs, each checked against PyTorch in onnxruntime."""

from __future__ import annotations

import argparse
import datetime
import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from onnx.helper import make_node
from onnx.reference import ReferenceEvaluator
from torch import Tensor, nn

from networks.adain import EPSILON
from networks.architecture import DECODER_MARGIN, Architecture, halos
from networks.cost import gmac, parameters, shipped
from networks.student import Student, pad_picture
from networks.upsampling import unfolded
from no_telemetry import onnxruntime

OPSET = 17
IR_VERSION = 8  # of opset 17; every onnxruntime since 1.12 reads it
MODELS = Path(__file__).resolve().parents[1]


def export_part(module: nn.Module, example: Tensor, path: Path, names: tuple[str, str]) -> None:
    """Write one network with free batch, height and width."""
    axes = [{0: "batch", 2: f"{n}_height", 3: f"{n}_width"} for n in names]
    torch.onnx.export(
        module.eval(), (example,), path, opset_version=OPSET, dynamo=False, do_constant_folding=True,
        input_names=[names[0]], output_names=[names[1]], dynamic_axes=dict(zip(names, axes)),
    )  # fmt: skip
    model = onnx.load(path)
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version = "adain-server", ""
    model.graph.name = path.stem
    fold_constants(model.graph)
    for node in model.graph.node:
        node.name = node.name.strip("/").replace("/", ".")
        del node.metadata_props[:]
        node.doc_string = ""
    onnx.checker.check_model(model, full_check=True)
    onnx.save(model, path)


def fold_constants(graph: onnx.GraphProto) -> None:
    """Constants for what depends on no input.  The exporter makes the widths of each padding by 17 nodes."""
    found, kept = {}, []
    for node in graph.node:
        if all(name in found for name in node.input):
            values = ReferenceEvaluator(node).run(None, {name: found[name] for name in node.input})
            found |= dict(zip(node.output, values))
        else:
            kept.append(node)
    used = dict.fromkeys(name for node in kept for name in node.input if name in found)
    constants = [make_node("Constant", [], [name], name, value=numpy_helper.from_array(found[name], name)) for name in used]
    del graph.node[:]
    graph.node.extend(constants + kept)


def initialisers(path: Path) -> dict[str, Tensor]:
    """The weights inside an ONNX file by their PyTorch names."""
    graph = onnx.load(path).graph
    return {t.name: torch.from_numpy(numpy_helper.to_array(t).copy()) for t in graph.initializer}


def load_exported(folder: Path) -> Student:
    """Rebuild the student from what is committed: the architecture in model.json, the weights in the ONNX files."""
    student = Student(Architecture.from_dict(json.loads((folder / "model.json").read_text())["architecture"]))
    for part in ("encoder", "decoder"):
        network: nn.Module = getattr(student, part)
        stored, own = unfolded(initialisers(folder / f"{part}.onnx")), network.state_dict()
        network.load_state_dict({name: stored[name] for name in own})
    return student


def load_checkpoint(path: Path) -> tuple[Student, dict]:
    """The averaged weights of a checkpoint of train.py, and the history of their training."""
    state = torch.load(path, map_location="cpu", weights_only=True)
    student = Student(Architecture.from_dict(state["architecture"]))
    student.load_state_dict(state["ema"])
    return student, state["history"]


def load_student(path: Path) -> Student:
    """From a folder with model.json and ONNX files, or from a checkpoint."""
    return (load_exported(path) if path.is_dir() else load_checkpoint(path)[0]).eval()


def session(path: Path) -> onnxruntime.InferenceSession:
    return onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])


@torch.no_grad()
def check_parity(student: Student, folder: Path, limit: float = 1e-4) -> float:
    """Largest relative error (of the maximum norm) of ONNX against PyTorch over several batches and sizes."""
    worst, generator = 0.0, torch.Generator().manual_seed(0)
    encoder, decoder = session(folder / "encoder.onnx"), session(folder / "decoder.onnx")
    for batch, height, width in ((1, 16, 16), (1, 32, 32), (2, 256, 256), (3, 72, 40), (1, 200, 336), (1, 512, 512)):
        picture = pad_picture(torch.rand(batch, 3, height, width, generator=generator), student.margin, student.stride)
        features = student.encoder(picture)
        for run, given, expected in (
            (encoder, {"picture": picture.numpy()}, features),
            (decoder, {"features": features.numpy()}, student.decoder(features)),
        ):
            (found,) = run.run(None, given)
            error = float(np.abs(found - expected.numpy()).max() / expected.abs().max())
            assert found.shape == tuple(expected.shape) and error < limit, (batch, height, width, error)
            worst = max(worst, error)
    return worst


def check_halos(student: Student) -> None:
    """Change one block of the input and see that nothing further away than the promised halo moves, and how far it goes.

    Exact zeros are demanded: outside the reach the same numbers are computed in the same order.
    """
    twin = Student(student.architecture).double()
    twin.load_state_dict(student.state_dict())
    s, blocks, middle = student.stride, 64, 32
    encoder_halo, decoder_halo = halos(student.architecture)
    lost = encoder_halo // s
    picture = torch.rand(1, 3, blocks * s, blocks * s, dtype=torch.float64).requires_grad_()
    features = twin.encoder(picture)
    # The gradient of one feature cell is non-zero exactly where the picture reaches it.
    own = features[:, :, middle - lost, middle - lost]
    (gradient,) = torch.autograd.grad((own * torch.randn_like(own)).sum(), picture)
    features = torch.rand(1, student.architecture.features, blocks, blocks, dtype=torch.float64).requires_grad_()
    cell = slice(middle * s, (middle + 1) * s)
    painted = twin.decoder(features)[:, :, cell, cell]
    (feature_gradient,) = torch.autograd.grad((painted * torch.randn_like(painted)).sum(), features)

    def reach(gradient: Tensor, unit: int) -> int:
        rows = gradient.abs().sum((0, 1, 3)).nonzero().flatten()
        return unit * int(max(middle * s // unit - rows.min(), rows.max() - ((middle + 1) * s // unit - 1)))

    assert 0 < reach(gradient, 1) <= encoder_halo, (reach(gradient, 1), encoder_halo)
    assert 0 < reach(feature_gradient, s) <= decoder_halo, (reach(feature_gradient, s), decoder_halo)


def golden(student: Student, folder: Path) -> None:
    """Synthetic pictures, a style's statistics and repaintings, for `npm run model:verify`.

    Pictures are pixels, uint8 [H, W, 3], as the service takes and gives them, so that its own graphs are checked from
    end to end; their odd sides need padding to the stride.
    """
    folder.mkdir(parents=True, exist_ok=True)
    content, style = waves(45, 61), waves(52, 38).flip(1).square()
    content, style = (as_pixels(picture).permute(2, 0, 1)[None].float() / 255 for picture in (content, style))
    with torch.no_grad():
        mean, deviation = student.describe(style)
        result, half = (as_pixels(student(content, (mean, deviation), alpha)) for alpha in (1.0, 0.5))
    tensors = {"content": as_pixels(content), "style": as_pixels(style), "result": result, "half": half}
    tensors["statistics"] = torch.cat((mean, deviation))
    index = {}
    for name, tensor in tensors.items():
        kind = "u8" if tensor.dtype == torch.uint8 else "f32"
        (folder / f"{name}.{kind}").write_bytes(tensor.contiguous().numpy().tobytes())
        index[name] = {"file": f"{name}.{kind}", "shape": list(tensor.shape)}
    note = (
        "row major; u8: pixels, RGB; f32: little endian. statistics: mean and deviation of style; result and half: "
        "content in that style at alpha 1 and 0.5"
    )
    (folder / "golden.json").write_text(json.dumps({"note": note, "tensors": index}, indent=2) + "\n")


def waves(height: int, width: int) -> Tensor:
    """A picture [1, 3, H, W] of waves, another in each colour."""
    y, x = torch.meshgrid(torch.arange(float(height)), torch.arange(float(width)), indexing="ij")
    return torch.stack([0.5 + 0.5 * torch.sin(x / (3 + 2 * k) + k * y / 7) for k in range(3)])[None]


def as_pixels(picture: Tensor) -> Tensor:
    """[1, 3, H, W] → uint8 [H, W, 3], clamped, halves rounded to even, as the service's graph does it."""
    return (picture[0] * 255).round().clamp(0, 255).byte().permute(1, 2, 0)


def model_json(student: Student, folder: Path, version: str, training: dict, validation: dict) -> dict:
    a = student.architecture
    encoder_halo, decoder_halo = halos(a)
    files = {}
    for name in ("encoder.onnx", "decoder.onnx"):
        content = (folder / name).read_bytes()
        files[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    today = datetime.date.today().isoformat()
    return {
        "name": "adain-student",
        "version": version,
        "architecture": a.to_dict(),
        "parameters": parameters(student),
        "gmac512": round(gmac(student), 2),
        "stride": student.stride,
        "encoderMargin": encoder_halo,
        "decoderMargin": DECODER_MARGIN,
        "decoderHalo": decoder_halo,
        "channels": a.features,
        "epsilon": EPSILON,
        "grain": a.grain,
        "opset": OPSET,
        "training": training,
        "validation": validation,
        "files": files,
        "license": {
            "weights": "MIT",
            "note": "Trained on photographs and artworks of mixed rights for research use; no picture of theirs ships.",
        },
        "date": today,
    }


def export(student: Student, folder: Path, version: str, training: dict, validation: dict) -> float:
    """Write everything into `folder` and return the parity error."""
    student = student.cpu().float().eval()
    c = student.architecture.features
    canvas = 64 + 2 * student.margin
    encoder, decoder = shipped(student)
    export_part(encoder, torch.zeros(1, 3, canvas, canvas), folder / "encoder.onnx", ("picture", "features"))
    export_part(decoder, torch.zeros(1, c, 8, 8), folder / "decoder.onnx", ("features", "picture"))
    error = check_parity(student, folder)
    check_halos(student)
    golden(student, folder / "golden")
    document = model_json(student, folder, version, training, validation)
    (folder / "model.json").write_text(json.dumps(document, indent=2) + "\n")
    return error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path, nargs="?", help="checkpoint of train.py; none: untrained weights")
    parser.add_argument("--to", type=Path, default=MODELS, help="folder of encoder.onnx, decoder.onnx, model.json")
    parser.add_argument("--version", default="0.1.0")
    parser.add_argument("--validation", type=Path, help="JSON written by evaluate.py")
    arguments = parser.parse_args()
    training: dict = {"stages": [], "steps": 0}
    if arguments.checkpoint:
        student, training = load_checkpoint(arguments.checkpoint)
    else:
        student = Student(Architecture())
    validation = json.loads(arguments.validation.read_text()) if arguments.validation else {}
    error = export(student, arguments.to, arguments.version, training, validation)
    print(f"exported to {arguments.to}; largest relative error against PyTorch {error:.1e}")


if __name__ == "__main__":
    main()
