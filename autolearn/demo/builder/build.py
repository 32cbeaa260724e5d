"""Build the tiny model from scratch: `python -m autolearn.demo.builder.build`.

It is made for two cores without a GPU. The time is a budget: the learning rate falls to
zero at its end, however fast the machine is. `--resume` continues a stopped build.
`--start` begins with the weights of an earlier build, for example of a smaller world.
"""

import argparse
import json
import logging
import os
import platform
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import (
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

from autolearn.demo.builder.muon import Muon
from autolearn.demo.builder.packing import PackedBatch, Packer
from autolearn.demo.builder.tasks import DECISION_WEIGHT, FREE_WEIGHT
from autolearn.demo.builder.tokenizer import (
    BEGIN,
    END,
    PAD,
    build_tokenizer,
    letter_pieces,
)
from autolearn.demo.builder.wiring import spread, take_over, tiny_config, wire
from autolearn.demo.library import write_library
from autolearn.demo.world import known_world
from autolearn.engine.load import compute_dtype

ASSETS = Path(__file__).parents[3] / "assets"
MUON_RATE, ADAM_RATE = 0.005, 0.001
WARM_UP_STEPS = 50
DECAY_SHARE = 0.75
"""Share of the time, at the end, in which the learning rates fall to zero."""
DRILL_UNTIL, DRILL_EARLY, DRILL_LATE = 0.1, 0.5, 0.05
"""Share of the time with many copy drills (only from nothing), and the share of such
rows then and later."""
LOG_EVERY, CHECKPOINT_EVERY, EXPORT_MINUTES = 20, 50, 10.0
N_OTHERS, FEW_UNTIL = 256, 0.4
"""Tokens outside the batch that the softmax of a step includes, and the share of the
time before it covers the whole vocabulary."""
MAX_NEW_TOKENS = 160
CARD = "build.json"
"""How the weights were made, and the weights that they started from."""

MODEL_CARD = """---
license: apache-2.0
language: en
tags:
- autolearn
---

# The built-in model of autolearn

A tiny model to see the loop of autolearn on. It was trained from nothing by
`python -m autolearn.demo.builder.build` on passages that the builder makes up;
`build.json`
tells how long. It reads plain sentences like those of the demo library, and nothing
else.
"""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuildPlan:
    """What to build, and how."""

    seed: int
    minutes: float
    n_rows: int
    out: Path
    work: Path
    start: Path | None = None
    """An earlier model to start from."""
    rate: float = 1.0
    """Factor on the usual learning rates, less if little has to change."""


class Builder:
    """A build in progress."""

    def __init__(self, plan: BuildPlan) -> None:
        self.plan = plan
        self.tokenizer = build_tokenizer()
        self.packer = Packer(self.tokenizer, known_world())
        self.model = new_model(self.tokenizer, plan.seed)
        if plan.start:
            self._take_over(plan.start)
        layers = list(self.model.model.layers.parameters())
        matrices = [p for p in layers if p.ndim == 2]
        vectors = [p for p in layers if p.ndim == 1] + [self.model.model.norm.weight]
        vectors.append(self.model.model.embed_tokens.weight)
        self.muon = Muon(matrices, lr=MUON_RATE)
        self.adam = torch.optim.Adam(vectors, lr=ADAM_RATE, betas=(0.9, 0.95))
        self.in_half = compute_dtype("cpu") == torch.bfloat16
        self.n_steps = 0
        self.n_tokens = 0
        self.minutes = 0.0

    def _take_over(self, folder: Path) -> None:
        earlier = LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(folder)
        vocabulary = self.tokenizer.get_vocab()
        take_over(self.model, vocabulary, earlier, tokenizer.get_vocab())

    def run(self) -> None:
        """Train until the time is over, with checkpoints and exports."""
        test = Packer(self.tokenizer, known_world(), held_out=True)
        test_batch = test.batch("test", n_rows=24)
        started_at = time.monotonic() - 60 * self.minutes
        minutes_before, tokens_before = self.minutes, self.n_tokens
        last_export, losses = self.minutes, []
        while self.minutes < self.plan.minutes:
            losses.append(self.step())
            self.minutes = (time.monotonic() - started_at) / 60
            if self.n_steps % LOG_EVERY == 0:
                seconds = 60 * (self.minutes - minutes_before)
                speed = (self.n_tokens - tokens_before) / seconds
                self._log(sum(losses) / len(losses), speed)
                losses = []
            if self.n_steps % CHECKPOINT_EVERY == 0:
                self.save_checkpoint()
            is_early = self.minutes > 2 > last_export
            if is_early or self.minutes - last_export > EXPORT_MINUTES:
                last_export = self.minutes
                self._publish(test_batch)
        self.save_checkpoint()
        # Training with the full softmax has moved the embeddings of rare tokens
        # together.
        spread(self.model, letter_pieces(self.tokenizer.get_vocab()))
        self._publish(test_batch)

    def _publish(self, test_batch: PackedBatch) -> None:
        self.export()
        log.info("exact %s", json.dumps(exact_by_task(self.model, test_batch)))

    def step(self) -> float:
        """Take one optimiser step and return its loss."""
        progress = self.minutes / self.plan.minutes
        is_early = progress < DRILL_UNTIL and not self.plan.start
        drills = DRILL_EARLY if is_early else DRILL_LATE
        seed = f"{self.plan.seed} {self.n_steps}"
        batch = self.packer.batch(seed, self.plan.n_rows, drills)
        warm_up = min(1.0, (self.n_steps + 1) / WARM_UP_STEPS)
        decay = max(0.0, min(1.0, (1 - progress) / DECAY_SHARE))
        rate = self.plan.rate * warm_up * decay
        for optimizer, base in ((self.muon, MUON_RATE), (self.adam, ADAM_RATE)):
            optimizer.param_groups[0]["lr"] = base * rate
            optimizer.zero_grad()
        candidates = self._rivals(batch) if progress < FEW_UNTIL else None
        with torch.autocast("cpu", torch.bfloat16, enabled=self.in_half):
            logits, targets, weights = predictions(self.model, batch, candidates)
        losses = cross_entropy(logits.float(), targets, reduction="none")
        loss = (losses * weights).sum() / weights.sum()
        loss.backward()  # type: ignore[no-untyped-call]
        self.muon.step()
        self.adam.step()
        self.n_steps += 1
        self.n_tokens += batch.tokens.size
        return loss.item()

    def _rivals(self, batch: PackedBatch) -> Tensor:
        """Return the ids in the softmax of a step: those of the batch and a few others.

        With the full softmax, a rare token would be pushed in the same direction at
        every step, until it could not be distinguished from other rare tokens.
        """
        generator = torch.Generator().manual_seed(self.n_steps)
        others = torch.randint(len(self.tokenizer), (N_OTHERS,), generator=generator)
        token_ids = torch.cat([torch.from_numpy(batch.tokens).flatten(), others])
        return token_ids.unique()  # type: ignore[no-untyped-call, no-any-return]

    def _log(self, loss: float, speed: float) -> None:
        log.info(
            "step %d, %.1f min, %.2fM tokens, %.0f tokens/s, loss %.4f",
            self.n_steps,
            self.minutes,
            self.n_tokens / 1e6,
            speed,
            loss,
        )

    def save_checkpoint(self) -> None:
        """Store everything that is needed to resume."""
        state = {
            "model": self.model.state_dict(),
            "muon": self.muon.state_dict(),
            "adam": self.adam.state_dict(),
            "progress": (self.n_steps, self.n_tokens, self.minutes),
        }
        path = self.plan.work / "checkpoint.pt"
        torch.save(state, path.with_suffix(".new"))
        path.with_suffix(".new").replace(path)

    def load_checkpoint(self) -> None:
        """Resume from the last checkpoint."""
        state = torch.load(self.plan.work / "checkpoint.pt", weights_only=True)
        self.model.load_state_dict(state["model"])
        self.muon.load_state_dict(state["muon"])
        self.adam.load_state_dict(state["adam"])
        self.n_steps, self.n_tokens, self.minutes = state["progress"]

    def export(self) -> None:
        """Write the model for `from_pretrained`; each file is replaced atomically."""
        self.plan.out.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.plan.out.parent) as name:
            folder = Path(name)
            self.tokenizer.save_pretrained(folder)
            half = {k: v.bfloat16() for k, v in self.model.state_dict().items()}
            half.pop("lm_head.weight", None)
            self.model.config.dtype = torch.bfloat16
            self.model.generation_config = greedy(self.model.config)
            self.model.save_pretrained(folder, state_dict=half)
            card = json.dumps(self._card(), indent=2) + "\n"
            (folder / CARD).write_text(card, encoding="utf-8")
            (folder / "README.md").write_text(MODEL_CARD, encoding="utf-8")
            for path in folder.iterdir():
                path.chmod(0o644)
                path.replace(self.plan.out / path.name)

    def _card(self) -> dict[str, object]:
        start = self.plan.start
        return {
            "before": json.loads((start / CARD).read_text()) if start else None,
            "seed": self.plan.seed,
            "rate": self.plan.rate,
            "parameters": self.model.num_parameters(),
            "steps": self.n_steps,
            "tokens": self.n_tokens,
            "minutes": round(self.minutes, 1),
            "minutes_planned": self.plan.minutes,
            "processor": platform.machine(),
            "cores": os.cpu_count(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
        }


def new_model(tokenizer: PreTrainedTokenizerFast, seed: int) -> LlamaForCausalLM:
    """Return the untrained model with its wired start."""
    vocab_size = -(-len(tokenizer) // 64) * 64
    ids = tokenizer.get_vocab()
    config = tiny_config(vocab_size, pad=ids[PAD], begin=ids[BEGIN], end=ids[END])
    model = LlamaForCausalLM(config)
    wire(model, seed)
    return model


def greedy(config: LlamaConfig) -> GenerationConfig:
    """Return the default generation settings of the model."""
    return GenerationConfig(  # type: ignore[no-untyped-call]
        do_sample=False,
        max_new_tokens=MAX_NEW_TOKENS,
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
    )


def predictions(
    model: LlamaForCausalLM, batch: PackedBatch, among: Tensor | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return logits, targets and weights of the N tokens with loss.

    Targets are indices into ``among``, sorted ids that include all of the batch.

    Shapes:
        among: (V), the whole vocabulary by default. returns: (N, V), (N), (N).
    """
    tokens = torch.from_numpy(batch.tokens)
    weights = torch.from_numpy(batch.weights)
    hidden_states = model.model(
        input_ids=tokens,
        attention_mask=torch.from_numpy(batch.mask),
        position_ids=torch.from_numpy(batch.positions),
        use_cache=False,
    ).last_hidden_state
    row, column = weights.nonzero(as_tuple=True)
    states, targets = hidden_states[row, column - 1], tokens[row, column]
    if among is None:
        return model.lm_head(states), targets, weights[row, column]
    logits = states @ model.lm_head.weight[among].T
    return logits, torch.searchsorted(among, targets), weights[row, column]


@torch.no_grad()
def exact_by_task(model: LlamaForCausalLM, batch: PackedBatch) -> dict[str, float]:
    """Return the share of replies in which every token is the likeliest one.

    Teacher-forced: each token is predicted after the right ones.
    """
    logits, targets, weights = predictions(model, batch)
    is_right = torch.ones(batch.tokens.shape, dtype=torch.bool)
    row, column = torch.from_numpy(batch.weights).nonzero(as_tuple=True)
    is_right[row, column] = (logits.argmax(-1) == targets) | (weights <= FREE_WEIGHT)
    scores: dict[str, list[bool]] = defaultdict(list)
    for i, segments in enumerate(batch.tasks):
        for task, start, end in segments:
            scores[task].append(bool(is_right[i, start:end].all()))
            if task == "feedback":
                is_decision = batch.weights[i, start:end] == DECISION_WEIGHT
                verdict = is_right[i, start:end][torch.from_numpy(is_decision)]
                scores["verdict"].append(bool(verdict.all()))
    scores.pop("passage", None)
    return {task: round(sum(s) / len(s), 3) for task, s in sorted(scores.items())}


def main() -> None:
    """Build from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=60.0, help="time budget")
    parser.add_argument("--rows", type=int, default=8, help="rows of 512 a step")
    parser.add_argument("--out", type=Path, default=ASSETS / "demo-model")
    parser.add_argument(
        "--work", type=Path, default=Path("build/demo"), help="checkpoint and log"
    )
    parser.add_argument("--resume", action="store_true", help="resume a stopped build")
    parser.add_argument("--start", type=Path, help="folder of an earlier build")
    parser.add_argument(
        "--rate", type=float, default=1.0, help="share of the usual learning rates"
    )
    flags = parser.parse_args()
    flags.work.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(message)s",
        handlers=[logging.FileHandler(flags.work / "log"), logging.StreamHandler()],
    )
    plan = BuildPlan(
        flags.seed,
        flags.minutes,
        flags.rows,
        flags.out,
        flags.work,
        flags.start,
        flags.rate,
    )
    write_library(ASSETS / "demo-library", seed=0)
    builder = Builder(plan)
    if flags.resume:
        builder.load_checkpoint()
    builder.run()


if __name__ == "__main__":
    main()
