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
from functools import partial
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor
from tqdm import tqdm

from data.bank import Bank
from data.crops import Feed
from data.pictures import DATA, REFERENCE, content_sampler, cut_crops, read_pictures, style_sampler
from export import load_student
from networks.architecture import Architecture
from networks.detail import start_detail
from networks.doublings import refit_doublings
from networks.growth import grown
from networks.references import ReferenceDecoder, Vgg
from networks.student import Student
from optimisation.muon import optimisers
from optimisation.objectives import Objectives, principal_components
from optimisation.training_vgg import TrainingVgg
from runs.preview import look, prepare_previews


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of checkpoints, log, strips")
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--reference", type=Path, default=REFERENCE)
    parser.add_argument("--init-from", type=Path, help="folder of model.json and ONNX files, or a checkpoint, to start from")
    parser.add_argument("--plan", default="features:6,pictures:8,paper:90", help="stages and their lengths")
    parser.add_argument("--unit", choices=("minutes", "steps"), default="minutes", help="of the plan's lengths")
    parser.add_argument("--until", help="clock time HH:MM (today) at which the last stage ends, instead of its minutes")
    parser.add_argument("--rates", default="features:1e-3,pictures:1e-3,paper:6e-4", help="largest learning rates")
    parser.add_argument("--architecture", default="{}", help="JSON of what differs from the default architecture")
    parser.add_argument("--drop", help="a block that the new architecture lacks, such as decoder.blocks8.1")
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--sizes", default="256", help="crop sizes, comma separated; repeat one to see it more often")
    parser.add_argument("--style-weight", type=float, default=10.0, help="λ")
    parser.add_argument("--content-weight", type=float, default=1.0, help="of L_c; the paper has 1")
    parser.add_argument("--identity-weight", type=float, default=20.0, help="of L1 to the content at alpha 0")
    parser.add_argument("--identity-share", type=float, default=0.08, help="of samples trained at alpha 0")
    parser.add_argument("--lattice-weight", type=float, default=0.0, help="of what repeats with every 8×8 block")
    parser.add_argument("--deep-weight", type=float, default=1.0, help="of relu3_1 and relu4_1 in L_s; the paper has 1")
    parser.add_argument("--covariance-weight", type=float, default=0.0, help="of the covariances at relu3_1 and relu4_1")
    parser.add_argument("--snap-weight", type=float, default=0.0, help="of texture on the 8-pixel grid in flat areas")
    parser.add_argument("--shade-weight", type=float, default=0.0, help="of light that turns dark")
    parser.add_argument("--blot-weight", type=float, default=0.0, help="of patches of colour that the content does not call for")
    parser.add_argument("--shift-weight", type=float, default=0.0, help="of what changes when the content is shifted")
    parser.add_argument("--shift-share", type=float, default=0.0, help="of samples that are painted shifted too")
    parser.add_argument("--edge-weight", type=float, default=0.0, help="of what zero padding changes beyond the margin")
    parser.add_argument("--smooth-share", type=float, default=1 / 3, help="of contents that are flat over a quarter")
    parser.add_argument("--even-share", type=float, default=0.0, help="of styles drawn evenly from the first set, not by kind")
    parser.add_argument("--plate-share", type=float, default=0.0, help="of styles that are our own plates")
    parser.add_argument("--balance", type=float, default=0.0, help="1: pairs count alike; 0: by their style's contrast")
    parser.add_argument("--grain", type=float, default=0.0, help="largest deviation of the contents' grain, levels of 255")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--crops", choices=("pool", "bank"), help="cut by Pillow and reused, or on the device; cuda: bank")
    parser.add_argument("--pool", type=int, default=64, help="crops that are kept for reuse, of each kind and size")
    parser.add_argument("--reuse", type=int, default=4, help="times a crop of the pool is used before it is replaced")
    parser.add_argument("--ema", type=float, default=0.999)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--strip-every", type=int, default=500)
    parser.add_argument("--checkpoint-seconds", type=float, default=60)
    parser.add_argument("--log-every", type=int, default=50)
    return parser.parse_args()


class Trainer:
    def __init__(self, o: argparse.Namespace) -> None:
        self.o = o
        self.rank, self.ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
        self.batch = o.batch // self.ranks
        seed = o.seed + 1000 * self.rank
        torch.manual_seed(o.seed)  # the same first weights on every rank, other crops
        self.random = np.random.default_rng(seed)
        o.out.mkdir(parents=True, exist_ok=True)
        self.device = torch.device(o.device)
        self.vgg = TrainingVgg(Vgg(o.reference)).to(self.device)
        self.reference = ReferenceDecoder(o.reference).to(self.device, torch.bfloat16)
        self.reference = self.reference.to(memory_format=torch.channels_last)
        contents, styles = content_sampler(o.data, o.smooth_share), style_sampler(o.data, o.even_share, o.plate_share)
        self.previews = prepare_previews(o.data, self.vgg, self.reference) if self.rank == 0 else []

        self.step, self.stage, self.seconds, self.stage_seconds = 0, 0, 0.0, 0.0
        self.history: dict = {"seed": o.seed, "steps": 0, "stages": [], "date": datetime.date.today().isoformat()}
        self.history["data"] = f"{len(contents.pictures)} photographs, {len(styles.pictures)} artworks"
        self.checkpoint = o.out / "checkpoint.pt"
        known = self.checkpoint.exists()
        state = torch.load(self.checkpoint, map_location="cpu", weights_only=False) if known else None
        self.student = self.initial_student(state)
        sizes = [int(size) for size in o.sizes.split(",")]
        if (o.crops or ("bank" if o.device == "cuda" else "pool")) == "bank":
            cutters = [Bank(sampler, self.device, self.random).cut for sampler in (contents, styles)]
        else:
            cutters = [partial(cut_crops, sampler, self.random) for sampler in (contents, styles)]
        feeds = {
            s: Feed(*(partial(cut, s) for cut in cutters), self.vgg, self.student, self.batch, o.reuse, o.pool, seed + s)
            for s in set(sizes)
        }
        self.feeds = [feeds[size] for size in sizes]  # a size that comes often has one pool of crops
        self.average = copy.deepcopy(self.student)
        self.objectives = Objectives(self.student, self.vgg, self.reference, o, self.random)
        self.plan = [(n, float(length)) for n, length in (part.split(":") for part in o.plan.split(","))]
        self.rates = {n: float(r) for n, r in (part.split(":") for part in o.rates.split(","))}
        self.optimisers = optimisers(self.student)
        if state:
            self.restore(state)

    def initial_student(self, state: dict | None) -> Student:
        o = self.o
        if state:
            student = Student(Architecture.from_dict(state["architecture"]))
        elif o.init_from:
            start = load_student(o.init_from)
            wanted = {**start.architecture.to_dict(), **json.loads(o.architecture)}
            student = grown(start, Architecture.from_dict(wanted), o.drop)
            if student.architecture.detail and not start.architecture.detail:
                contents, styles = (read_pictures(o.data, kind, "train") for kind in ("content", "style"))
                start_detail(student, contents[::16], styles[::9])
            if student.architecture.smooth_ups > start.architecture.smooth_ups:
                contents, styles = (read_pictures(o.data, kind, "train") for kind in ("content2", "style2"))
                refit_doublings(student, start, contents[:24], styles[:24])
        else:
            student = Student(Architecture.from_dict({**Architecture().to_dict(), **json.loads(o.architecture)}))
        return student.to(self.device, memory_format=torch.channels_last)

    # ---- checkpoints

    def save(self) -> None:
        if self.rank:
            return
        state = {
            "architecture": self.student.architecture.to_dict(),
            "model": self.student.state_dict(),
            "ema": self.average.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "history": {**self.history, "steps": self.step},
            "progress": (self.step, self.stage, self.seconds, self.stage_seconds),
            "random": (torch.get_rng_state(), self.random.bit_generator.state),
        }
        average = {name: value.half() for name, value in self.average.state_dict().items()}
        replace(self.checkpoint, state)
        replace(self.o.out / "average.pt", {**{k: state[k] for k in ("architecture", "history")}, "ema": average})

    def restore(self, state: dict) -> None:
        self.student.load_state_dict(state["model"])
        self.average.load_state_dict(state["ema"])
        for optimiser, stored in zip(self.optimisers, state["optimisers"]):
            optimiser.load_state_dict(stored)
        self.step, self.stage, self.seconds, self.stage_seconds = state["progress"]
        self.history = state["history"]
        if self.rank == 0:
            torch.set_rng_state(state["random"][0])
            self.random.bit_generator.state = state["random"][1]

    # ---- the loop

    def run(self) -> None:
        o = self.o
        log = o.out / "log.csv" if self.rank == 0 else Path(os.devnull)
        columns = ["step", "stage", "seconds", "rate", "loss", "content", "style", "identity", "features", "pictures"]
        columns += ["lattice", "covariance", "snap", "shade", "blots", "shift", "edge"]
        columns += ["content_ratio256", "style_ratio256", "content_ratio512", "style_ratio512"]
        with log.open("a", newline="") as file:
            writer = csv.DictWriter(file, columns, extrasaction="ignore", restval="")
            if self.rank == 0 and log.stat().st_size == 0:
                writer.writeheader()
            while self.stage < len(self.plan):
                self.run_stage(writer, file)
                self.stage, self.stage_seconds = self.stage + 1, 0.0
                self.optimisers = optimisers(self.student)
                self.save()

    def run_stage(self, writer: csv.DictWriter, file) -> None:
        o, objectives = self.o, self.objectives
        name, length = self.plan[self.stage]
        if o.until and self.stage == len(self.plan) - 1:
            now = datetime.datetime.now()
            end = now.replace(hour=int(o.until[:2]), minute=int(o.until[3:]), second=0)
            length = (self.stage_seconds + (end - now).total_seconds()) / 60
            if o.unit == "steps" or end < now:
                raise SystemExit(f"--until {o.until}: it must be later today, and the plan in minutes")
        length = self.agreed(torch.tensor(length, dtype=torch.float64)).item()
        if name == "features":
            objectives.components = tuple(self.agreed(part) for part in principal_components(self.feeds))
        objective = {"features": objectives.features, "pictures": objectives.pictures, "paper": objectives.paper}[name]
        bar = tqdm(desc=name, unit="step", mininterval=10, disable=self.rank > 0)
        sums: dict[str, Tensor] = {}
        summed = 0
        first_step, since = self.step, time.monotonic()
        saved = since
        while (progress := self.progress(length)) < 1:
            warm = min(1.0, (self.step - first_step + 1) / 30)
            rate = self.rates[name] * warm * (0.5 + 0.5 * math.cos(math.pi * progress))
            content, style = self.feeds[self.step % len(self.feeds)].next()
            losses = objective(content, style)
            norm = self.descend(losses["total"], rate, 5.0 if name == "paper" else 1.0)
            now = time.monotonic()
            self.seconds, self.stage_seconds, since = self.seconds + now - since, self.stage_seconds + now - since, now
            for key, value in (losses | {"norm": norm}).items():
                sums[key] = sums.get(key, 0.0) + value.detach()  # read when it is written: a GPU should not wait
            summed += 1
            bar.update()
            due = self.step % o.strip_every == 0
            if self.rank == 0 and (due or self.step % o.log_every == 0):
                row = {key: f"{value.item() / summed:.4g}" for key, value in sums.items()}
                bar.set_postfix(row, refresh=False)
                row |= {"step": self.step, "stage": name, "seconds": f"{self.seconds:.0f}", "rate": f"{rate:.2e}"}
                row["loss"] = row.pop("total")
                if due:
                    ratios = look(self.average, self.vgg, self.previews, o.out, f"strip-{self.step:06d}")
                    row |= {key: f"{value:.3f}" for key, value in ratios.items()}
                    tqdm.write(" ".join(f"{k} {v}" for k, v in row.items()))
                writer.writerow(row)
                file.flush()
                sums, summed = {}, 0
            if now - saved > o.checkpoint_seconds:
                self.save()
                saved = now
        bar.close()
        minutes = round(self.stage_seconds / 60, 1)
        self.history["stages"].append({"name": name, "steps": self.stage_steps(), "minutes": minutes})

    def stage_steps(self) -> int:
        """Of this stage, over all restarts."""
        return self.step - sum(stage["steps"] for stage in self.history["stages"])

    def progress(self, length: float) -> float:
        """From 0 to 1, rank 0's on all ranks, so that they follow one schedule and stop together."""
        done = self.stage_steps() if self.o.unit == "steps" else self.stage_seconds / 60
        return self.agreed(torch.tensor(done / length, dtype=torch.float64)).item()

    def agreed(self, tensor: Tensor) -> Tensor:
        """Rank 0's tensor, on all ranks."""
        if self.ranks > 1:
            dist.broadcast(tensor, 0)
        return tensor

    def descend(self, loss: Tensor, rate: float, largest_norm: float) -> Tensor:
        """One step down the gradient, whose norm is returned.  A gradient that is not finite counts as none."""
        self.student.zero_grad(set_to_none=True)
        loss.backward()
        self.average_gradients()
        norm = torch.nn.utils.clip_grad_norm_(self.student.parameters(), largest_norm)
        for parameter in self.student.parameters():
            if parameter.grad is not None:
                parameter.grad.nan_to_num_(0.0, 0.0, 0.0)
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = rate
            optimiser.step()
        self.step += 1
        self.update_average()
        return norm

    @torch.no_grad()
    def average_gradients(self) -> None:
        """Mean over the ranks."""
        if self.ranks == 1:
            return
        gradients = [p.grad for p in self.student.parameters() if p.grad is not None]
        message = torch.cat([g.flatten() for g in gradients])
        dist.all_reduce(message)
        for gradient, total in zip(gradients, message.split([g.numel() for g in gradients])):
            gradient.copy_(total.view_as(gradient) / self.ranks)

    @torch.no_grad()
    def update_average(self) -> None:
        decay = min(self.o.ema, self.step / (self.step + 50))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.student.parameters()), 1 - decay)


def replace(path: Path, state: dict) -> None:
    """Never half a file."""
    unfinished = path.with_suffix(".unfinished")
    torch.save(state, unfinished)
    os.replace(unfinished, path)


def main() -> None:
    options = parse()
    if "WORLD_SIZE" in os.environ:
        dist.init_process_group("gloo")
    ranks = int(os.environ.get("WORLD_SIZE", 1))
    torch.set_num_threads(max(1, (os.cpu_count() or 1) // ranks))
    torch.backends.cudnn.benchmark = True
    torch.backends.cuda.matmul.allow_tf32 = True  # Muon's products, the only ones in float32
    if options.device == "cuda":
        # Its compiler takes a minute and a half for each size of crops: more than it saves in a quarter of an hour.
        torch.compiler.set_stance("force_eager")
    Trainer(options).run()


if __name__ == "__main__":
    main()
