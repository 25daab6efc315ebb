"""Train the student in three stages, each a number of minutes long:

features  the encoder regresses VGG's relu4_1 on its principal components: it learns what a style is made of;
pictures  encoder and decoder regress the reference decoder's pictures: a start away from the style-blind optimum;
paper     the paper's loss L = L_c + λ·L_s (equation 11), with some batches at alpha 0 that must give the content back.

Every stage has its own cosine schedule on the clock, so a slow machine learns less but still ends well.  A run goes on
from its last checkpoint when it is started again with the same --out.

`torchrun --nproc-per-node N train.py …` splits every batch over N processes that average their gradients.  On a CPU
shared with other work, processes of one thread each lose far less than one process of many threads, which waits for the
slowest of them in every operation.
"""

from __future__ import annotations

import argparse
import copy
import csv
import datetime
import json
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
import torch.nn.functional as F
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from crops import Crop, Feed, framed, inside
from data import centre_crop, read_pictures
from export import load_student
from losses import Statistics, TrainingVgg, content_loss, lattice_loss, style_loss
from networks import Architecture, Student, adain, grown, statistics
from references import ReferenceDecoder, Vgg

REPOSITORY = Path(__file__).resolve().parents[2]
STAGES = ("features", "pictures", "paper")
COMPONENTS = 192  # principal components of relu4_1 that the first features regress


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints, log, strips")
    parser.add_argument("--data", type=Path, default=REPOSITORY / "../shared/data")
    parser.add_argument("--reference", type=Path, default=REPOSITORY / "../shared/reference")
    parser.add_argument("--init-from", type=Path, help="folder of model.json and ONNX files, or a checkpoint, to start from")
    parser.add_argument("--plan", default="features:6,pictures:8,paper:90", help="stages and their minutes")
    parser.add_argument("--until", help="clock time HH:MM (today) at which the last stage ends, instead of its minutes")
    parser.add_argument("--rates", default="features:1e-3,pictures:1e-3,paper:6e-4", help="largest learning rates")
    parser.add_argument("--architecture", default="{}", help="JSON of what differs from the default architecture")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--sizes", default="256", help="crop sizes, comma separated; repeat one to see it more often")
    parser.add_argument("--style-weight", type=float, default=10.0, help="λ")
    parser.add_argument("--content-weight", type=float, default=1.0, help="of L_c; the paper has 1")
    parser.add_argument("--identity-weight", type=float, default=20.0, help="of L1 to the content at alpha 0")
    parser.add_argument("--identity-share", type=float, default=0.08, help="of samples trained at alpha 0")
    parser.add_argument("--lattice-weight", type=float, default=0.0, help="of what repeats with every 8×8 block")
    parser.add_argument("--reuse", type=int, default=4, help="times a crop is used before it is replaced")
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strip-every", type=int, default=500)
    parser.add_argument("--checkpoint-every", type=int, default=500)
    parser.add_argument("--log-every", type=int, default=50)
    return parser.parse_args()


def principal_components(feeds: list[Feed]) -> tuple[Tensor, Tensor, Tensor]:
    """Mean [512], basis [192, 512] scaled so that components have variance 1, and loss weights [192], of relu4_1."""
    samples = []
    for _ in range(12):
        content, style = feeds[0].next()
        samples += [content.features.float().flatten(2), style.features.float().flatten(2)]
    x = torch.cat(samples).permute(0, 2, 1).reshape(-1, 512)
    mean = x.mean(0)
    values, vectors = torch.linalg.eigh((x - mean).T @ (x - mean) / len(x))
    values, vectors = values.flip(0)[:COMPONENTS], vectors.flip(1)[:, :COMPONENTS]
    weights = values.sqrt() / values.sqrt().mean()  # between "all alike" and "by variance"
    return mean, vectors.T / values.sqrt()[:, None], weights


class Trainer:
    def __init__(self, o: argparse.Namespace) -> None:
        self.o = o
        self.rank, self.ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        self.batch = o.batch // self.ranks
        seed = o.seed + 1000 * self.rank
        torch.manual_seed(o.seed)  # the same first weights on every rank, other crops
        self.random = np.random.default_rng(seed)
        o.out.mkdir(parents=True, exist_ok=True)
        vgg = Vgg(o.reference)
        self.vgg = TrainingVgg(vgg)
        self.reference = ReferenceDecoder(o.reference).to(torch.bfloat16).to(memory_format=torch.channels_last)
        contents, styles = (read_pictures(o.data, kind, "train") for kind in ("content", "style"))
        sizes = [int(size) for size in o.sizes.split(",")]
        feeds = {s: Feed(contents, styles, self.vgg, s, self.batch, o.reuse, seed + s) for s in set(sizes)}
        self.feeds = [feeds[size] for size in sizes]  # a size that comes often has one pool of crops
        self.preview = self.prepare_preview() if self.rank == 0 else []

        self.step, self.stage, self.seconds, self.stage_seconds = 0, 0, 0.0, 0.0
        self.history: dict = {"seed": o.seed, "steps": 0, "stages": [], "date": datetime.date.today().isoformat()}
        self.history["data"] = f"{len(contents)} photographs, {len(styles)} artworks"
        self.checkpoint = o.out / "checkpoint.pt"
        state = torch.load(self.checkpoint, weights_only=False) if self.checkpoint.exists() else None
        self.student = self.initial_student(state)
        self.average = copy.deepcopy(self.student)
        # Compiled, the memory-bound operations between convolutions are fused: up to three times faster on a CPU.
        self.compiled_encoder = torch.compile(self.student.encoder)
        self.compiled_decoder = torch.compile(self.student.decoder)
        self.plan = [(n, 60 * float(m)) for n, m in (part.split(":") for part in o.plan.split(","))]
        self.rates = {n: float(r) for n, r in (part.split(":") for part in o.rates.split(","))}
        self.optimiser = self.new_optimiser()
        if state:
            self.restore(state)
        self.components: tuple[Tensor, Tensor, Tensor] | None = None

    def initial_student(self, state: dict | None) -> Student:
        o = self.o
        if state:
            student = Student(Architecture.from_dict(state["architecture"]))
        elif o.init_from:
            start = load_student(o.init_from)
            wanted = {**start.architecture.to_dict(), **json.loads(o.architecture)}
            student = grown(start, Architecture.from_dict(wanted))
        else:
            student = Student(Architecture.from_dict({**Architecture().to_dict(), **json.loads(o.architecture)}))
        return student.to(memory_format=torch.channels_last)

    def new_optimiser(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.student.parameters(), betas=(0.9, 0.99), fused=True)

    # ---- checkpoints

    def save(self) -> None:
        if self.rank:
            return
        state = {
            "architecture": self.student.architecture.to_dict(),
            "model": self.student.state_dict(),
            "ema": self.average.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "history": {**self.history, "steps": self.step},
            "progress": (self.step, self.stage, self.seconds, self.stage_seconds),
            "random": (torch.get_rng_state(), self.random.bit_generator.state),
        }
        partial = self.checkpoint.with_suffix(".partial")
        torch.save(state, partial)
        os.replace(partial, self.checkpoint)  # never half a checkpoint

    def restore(self, state: dict) -> None:
        self.student.load_state_dict(state["model"])
        self.average.load_state_dict(state["ema"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.stage, self.seconds, self.stage_seconds = state["progress"]
        self.history = state["history"]
        if self.rank == 0:
            torch.set_rng_state(state["random"][0])
            self.random.bit_generator.state = state["random"][1]

    # ---- losses of the stages, each a dict whose "total" is minimised

    def features_loss(self, content: Crop, style: Crop) -> dict[str, Tensor]:
        if self.components is None:
            self.components = principal_components(self.feeds)
            for part in self.components if self.ranks > 1 else ():
                dist.broadcast(part, 0)
        mean, basis, weights = self.components
        pictures = torch.cat((content.picture, style.picture))
        wanted = torch.cat((content.features, style.features)).float()
        wanted = torch.einsum("kc,nchw->nkhw", basis, wanted - mean[:, None, None])
        found = framed(self.encode(pictures), self.student.stride)
        error = (found[:, :COMPONENTS].float() - wanted).square().mean((0, 2, 3))
        return {"features": error.mean(), "total": (error * weights).mean()}

    def pictures_loss(self, content: Crop, style: Crop) -> dict[str, Tensor]:
        with torch.no_grad():
            target = adain(content.features, style.statistics[-1])
            wanted = self.reference(target.to(torch.bfloat16)).float().clamp(0, 1)
        features = self.encode(torch.cat((content.picture, style.picture)))
        features, style_features = features.chunk(2)
        found = self.paint(features, statistics(inside(style_features)), 1.0)
        plain = self.paint(features, statistics(inside(style_features)), 0.0)
        loss = (found - wanted).abs().mean() + (F.avg_pool2d(found, 4) - F.avg_pool2d(wanted, 4)).abs().mean()
        for axis in (2, 3):
            loss = loss + (found.diff(dim=axis) - wanted.diff(dim=axis)).abs().mean()
        identity = (plain - framed(content.picture)).abs().mean()
        return {"pictures": loss, "identity": identity, "total": loss + identity}

    def paper_loss(self, content: Crop, style: Crop) -> dict[str, Tensor]:
        o = self.o
        alpha = torch.from_numpy(self.random.random(self.batch) >= o.identity_share).float()
        features = self.encode(torch.cat((content.picture, style.picture)))
        features, style_features = features.chunk(2)
        found = self.paint(features, statistics(inside(style_features)), alpha)
        with torch.no_grad():
            target = adain(content.features, style.statistics[-1], alpha)
        seen, seen_statistics = self.vgg(found)
        plain = framed(content.picture)
        content_error = content_loss(seen, target).mean()
        style_error = (alpha * style_loss(seen_statistics, style.statistics)).sum() / alpha.sum().clamp_min(1)
        identity = ((1 - alpha) * (found - plain).abs().mean((1, 2, 3))).mean() / max(o.identity_share, 1e-9)
        lattice = lattice_loss(found, plain).mean()
        # Colours out of range are cut when the picture is shown, where VGG does not see it.
        excess = (found - found.clamp(0, 1)).abs().mean()
        total = o.content_weight * content_error + o.style_weight * style_error + 20 * excess
        total = total + o.lattice_weight * lattice
        total = total + o.identity_share * o.identity_weight * identity
        parts = {"content": content_error, "style": style_error, "identity": identity, "excess": excess, "lattice": lattice}
        return {**parts, "total": total}

    def encode(self, pictures: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.compiled_encoder(pictures.contiguous(memory_format=torch.channels_last))

    def paint(self, features: Tensor, style: Statistics, alpha: Tensor | float) -> Tensor:
        """The part that the loss network sees."""
        with torch.autocast("cpu", torch.bfloat16):
            target = adain(features, style, alpha, statistics(inside(features)))
            return framed(self.compiled_decoder(target)).float()

    # ---- looking

    @torch.no_grad()
    def prepare_preview(self) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Twelve validation pairs as one batch per size: content, style, reference's picture."""
        result = []
        contents, styles = (read_pictures(self.o.data, kind, "validation") for kind in ("content", "style"))
        for size, indices in ((256, range(5, 200, 17)), (512, (8, 50, 150))):
            content, style = (torch.stack([centre_crop(p[i], size) for i in indices]) for p in (contents, styles))
            target = adain(self.vgg(content)[0], self.vgg(style)[1][-1])
            result.append((content, style, self.reference(target.to(torch.bfloat16)).float().clamp(0, 1)))
        return result

    @torch.no_grad()
    def look(self) -> dict[str, float]:
        """Write strips of the averaged weights' pictures, and their losses as multiples of the reference's."""
        ratios = {}
        for content, style, reference in self.preview:
            size = content.shape[-1]
            with torch.autocast("cpu", torch.bfloat16):
                ours = self.average(content, self.average.describe(style)).float().clamp(0, 1)
                plain = self.average(content, self.average.describe(style), 0.0).float().clamp(0, 1)
            target, wanted = adain(self.vgg(content)[0], self.vgg(style)[1][-1]), self.vgg(style)[1]
            measured = []
            for picture in (ours, reference):
                seen, found = self.vgg(picture)
                measured.append((content_loss(seen, target).mean().item(), style_loss(found, wanted).mean().item()))
            ratios[f"content_ratio{size}"] = measured[0][0] / measured[1][0]
            ratios[f"style_ratio{size}"] = measured[0][1] / measured[1][1]
            ratios[f"identity{size}"] = (plain - content).abs().mean().item()
            write_strips(self.o.out / f"strip-{self.step:06d}-{size}.png", (content, style, ours, reference, plain))
        return ratios

    # ---- the loop

    def run(self) -> None:
        o = self.o
        log = o.out / "log.csv" if self.rank == 0 else Path(os.devnull)
        columns = ["step", "stage", "seconds", "rate", "loss", "content", "style", "identity", "features", "pictures"]
        columns += ["lattice", "content_ratio256", "style_ratio256", "content_ratio512", "style_ratio512"]
        with log.open("a", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", restval="")
            if self.rank == 0 and log.stat().st_size == 0:
                writer.writeheader()
            while self.stage < len(self.plan):
                self.run_stage(writer, file)
                self.stage, self.stage_seconds = self.stage + 1, 0.0
                self.optimiser = self.new_optimiser()
                self.save()

    def run_stage(self, writer: csv.DictWriter, file) -> None:
        o = self.o
        name, length = self.plan[self.stage]
        if o.until and self.stage == len(self.plan) - 1:
            now = datetime.datetime.now()
            end = now.replace(hour=int(o.until[:2]), minute=int(o.until[3:]), second=0)
            length = self.stage_seconds + (end - now).total_seconds()
        compute = {"features": self.features_loss, "pictures": self.pictures_loss, "paper": self.paper_loss}[name]
        bar = tqdm(desc=name, unit="step", mininterval=10, disable=self.rank > 0)
        sums: dict[str, float] = {}
        first_step, since = self.step, time.monotonic()
        length = self.from_first_rank(length)
        self.clock = self.from_first_rank(self.stage_seconds)  # the same on all ranks, so that they stop together
        while self.clock < length:
            progress = self.clock / length
            warm = min(1.0, (self.step - first_step + 1) / 30)
            rate = self.rates[name] * warm * (0.5 + 0.5 * math.cos(math.pi * progress))
            for group in self.optimiser.param_groups:
                group["lr"] = rate
            content, style = self.feeds[self.step % len(self.feeds)].next()
            losses = compute(content, style)
            self.optimiser.zero_grad(set_to_none=True)
            losses["total"].backward()
            self.average_gradients()
            norm = torch.nn.utils.clip_grad_norm_(self.student.parameters(), 5.0 if name == "paper" else 1.0)
            if torch.isfinite(norm):
                self.optimiser.step()
            self.step += 1
            self.update_average()
            now = time.monotonic()
            self.seconds, self.stage_seconds, since = self.seconds + now - since, self.stage_seconds + now - since, now
            for key, value in losses.items():
                sums[key] = sums.get(key, 0.0) + value.item()
            bar.update()
            look = self.step % o.strip_every == 0
            if self.rank == 0 and (look or self.step % o.log_every == 0):
                count = o.log_every
                row = {key: f"{value / count:.4g}" for key, value in sums.items()}
                bar.set_postfix(row | {"norm": f"{norm.item():.1f}"}, refresh=False)
                row |= {"step": self.step, "stage": name, "seconds": f"{self.seconds:.0f}", "rate": f"{rate:.2e}"}
                row["loss"] = row.pop("total")
                if look:
                    row |= {key: f"{value:.3f}" for key, value in self.look().items()}
                    tqdm.write(" ".join(f"{k} {v}" for k, v in row.items()))
                writer.writerow(row)
                file.flush()
                sums = {}
            if self.step % o.checkpoint_every == 0:
                self.save()
        bar.close()
        steps = self.step - sum(stage["steps"] for stage in self.history["stages"])  # over all restarts
        self.history["stages"].append({"name": name, "steps": steps, "minutes": round(length / 60, 1)})

    @torch.no_grad()
    def average_gradients(self) -> None:
        """Mean over the ranks; rank 0's clock travels along, so that all follow one schedule and stop together."""
        if self.ranks == 1:
            self.clock = self.stage_seconds
            return
        gradients = [p.grad for p in self.student.parameters() if p.grad is not None]
        clock = torch.tensor([self.stage_seconds if self.rank == 0 else 0.0])
        message = torch.cat([g.flatten() for g in gradients] + [clock])
        dist.all_reduce(message)
        self.clock = message[-1].item()
        for gradient, total in zip(gradients, message.split([g.numel() for g in gradients] + [1])):
            gradient.copy_(total.view_as(gradient) / self.ranks)

    def from_first_rank(self, value: float) -> float:
        message = torch.tensor(value, dtype=torch.float64)
        if self.ranks > 1:
            dist.broadcast(message, 0)
        return message.item()

    @torch.no_grad()
    def update_average(self) -> None:
        decay = min(self.o.ema, self.step / (self.step + 50))
        for mean, value in zip(self.average.parameters(), self.student.parameters()):
            mean.lerp_(value, 1 - decay)


def write_strips(path: Path, columns: tuple[Tensor, ...]) -> None:
    """One row a pair: content, style, ours, reference, ours at alpha 0."""
    rows = [torch.cat([column[i] for column in columns], 2) for i in range(len(columns[0]))]
    array = (torch.cat(rows, 1).clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
    Image.fromarray(array).save(path)


def main() -> None:
    options = parse()
    if "WORLD_SIZE" in os.environ:
        dist.init_process_group("gloo")
    ranks = int(os.environ.get("WORLD_SIZE", 1))
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // ranks))
    Trainer(options).run()


if __name__ == "__main__":
    main()
