"""Compare a round of answers (T1) and a round of preferences (T3) with TRL.

`python -m benchmarks.peers sft` and `dpo`; needs requirements-bench.txt. All arms start
with the same adapter on the same weights, and see the same items in the same order with
the same batch size. Only real tokens are counted, never padding. The losses of the
steps are compared, except for TRL's packed rows, which have other steps. `--dtype
bfloat16` is the default of the app and of TRL.
"""

import argparse
import copy
import json
import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from transformers import PrinterCallback
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from autolearn.core.model_calls import Message
from autolearn.core.records import TrainItem
from autolearn.core.settings import Quantization, TrainSettings
from autolearn.engine import adapters
from autolearn.engine.load import LoadedModel
from autolearn.engine.trainer.batches import Schedule, encode
from autolearn.engine.trainer.train import RoundTrainer
from benchmarks.models import DTYPES, NAMES, as_shipped, named
from benchmarks.side_by_side import alternate, report, rows

BATCH = 8
"""TRL's default."""
RATES = {"sft": 2e-4, "dpo": 1e-4}
"""The rate for answers is lower than in a round: at 2e-3 rounding errors grew to 1.5 %
of the loss within 30 steps, which would hide a difference."""


APPROVED = Path(__file__).parent / "approved.jsonl"
"""480 of the 700 items of a round of the built-in model on its library, as the app
exports them: questions in all wordings with the answers that the rule approved."""


def items(kind: str, n: int) -> list[TrainItem]:
    """Return approved items; pairs are made with the answer to another question."""
    draw = random.Random(0)
    lines = APPROVED.read_text(encoding="utf-8").splitlines()
    chats = [json.loads(line)["messages"] for line in lines]
    train_items = []
    for *turns, answer in chats[:n]:
        chat = tuple(Message(**turn) for turn in turns)
        other = draw.choice(chats)[-1]["content"]
        alternative = other if kind == "dpo" else None
        train_items.append(TrainItem(kind, chat, answer["content"], alternative))  # type: ignore[arg-type]
    return train_items


@dataclass
class Losses:
    """Records the loss of every step of our trainer."""

    values: list[float] = field(default_factory=list)

    def stop(self) -> bool:
        """Return False: run to the end."""
        return False

    def on_probe(self, step: int, metrics: dict[str, float]) -> None:
        """Ignore the metrics of the largest step."""

    def on_step(self, step: int, total: int, metrics: dict[str, float]) -> None:
        """Record the loss."""
        self.values.append(metrics["loss"])


def ours(
    lm: LoadedModel, work: Sequence[TrainItem], settings: TrainSettings
) -> list[float]:
    """Return the losses of our round."""
    losses = Losses()
    adapters.detach(lm)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        RoundTrainer(lm, work, settings).run(
            losses, start=None, checkpoints=folder / "c", output=folder / "a"
        )
    adapters.detach(lm)
    return losses.values


def theirs(
    lm: LoadedModel,
    work: Sequence[TrainItem],
    settings: TrainSettings,
    **options: Any,
) -> list[float]:
    """Return the losses of TRL's trainer on the items in the given order."""
    adapters.detach(lm)
    adapters.attach_new(lm, settings)
    lm.model.train()
    is_dpo = work[0].kind == "dpo"
    config: Callable[..., Any] = DPOConfig if is_dpo else SFTConfig
    more = {"beta": settings.beta} if is_dpo else {"completion_only_loss": True}
    with tempfile.TemporaryDirectory() as folder:
        defaults = {
            "per_device_train_batch_size": settings.batch_size,
            "bf16": lm.identity.dtype == "bfloat16",
        }
        arguments = config(
            output_dir=folder,
            learning_rate=settings.peak_rate,
            warmup_steps=settings.warmup_steps,
            num_train_epochs=settings.epochs,
            train_sampling_strategy="sequential",
            logging_steps=1,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            use_cpu=not torch.cuda.is_available(),
            **more,
            **(defaults | options),
        )
        trainer: Callable[..., Any] = DPOTrainer if is_dpo else SFTTrainer
        trainer_instance = trainer(
            model=lm.model,
            args=arguments,
            train_dataset=_dataset(work),
            processing_class=copy.deepcopy(lm.tokenizer),
        )
        trainer_instance.remove_callback(PrinterCallback)
        with as_shipped(trainer_instance.model):
            trainer_instance.train()
    adapters.detach(lm)
    return [row["loss"] for row in trainer_instance.state.log_history if "loss" in row]


def _dataset(work: Sequence[TrainItem]) -> Dataset:
    rows_out = []
    for item in work:
        row: dict[str, Any] = {
            "prompt": [{"role": m.role, "content": m.content} for m in item.chat]
        }
        answers = {"chosen": item.chosen, "rejected": item.rejected}
        if item.rejected is None:
            answers = {"completion": item.chosen}
        for name, text in answers.items():
            row[name] = [{"role": "assistant", "content": text}]
        rows_out.append(row)
    return Dataset.from_list(rows_out)


def in_our_order(
    lm: LoadedModel, work: list[TrainItem], settings: TrainSettings
) -> list[TrainItem]:
    """Return the items in the order of our first epoch."""
    ids = [encode(item, lm.chat).chosen.ids for item in work]
    order = Schedule(ids, settings.batch_size, settings.seed, lm.token_cost)
    return [work[i] for step in range(order.steps_per_epoch) for i in order.batch(step)]


def _variants(flags: argparse.Namespace, n_tokens: int) -> dict[str, dict[str, Any]]:
    """Return options of TRL's trainers that are measured besides its defaults.

    ``n_tokens`` is the size of a batch; as many tokens are packed into a row.
    """
    variants: dict[str, dict[str, Any]] = {}
    if flags.kind == "dpo":
        variants["TRL, reference noted"] = {"precompute_ref_log_probs": True}
    else:
        variants["TRL, packed"] = {
            "packing": True,
            "max_length": n_tokens,
            "per_device_train_batch_size": 1,
        }
    # It makes no difference for the built-in model.
    if flags.model == "large":
        variants["TRL, no checkpointing"] = {"gradient_checkpointing": False}
    return variants


def _flags() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.peers")
    parser.add_argument("kind", choices=("sft", "dpo"))
    parser.add_argument("--items", type=int, default=480, help="480 at most")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--model", default=NAMES[0], help="built-in, large, or a model's folder"
    )
    parser.add_argument("--layers", type=int, default=32, help="of the large model")
    parser.add_argument("--dtype", choices=DTYPES, default=DTYPES[0])
    return parser.parse_args()


def main() -> int:
    """Measure, compare, and print a table."""
    flags = _flags()
    # Not quantised, since TRL trains adapters of 4-bit models in bfloat16.
    is_large = flags.model == "large"
    quantization: Quantization = "nf4" if is_large else "none"
    dtype = getattr(torch, flags.dtype)
    lm = named(flags.model, dtype, flags.layers, quantization)
    work = items(flags.kind, flags.items)
    settings = TrainSettings(
        method="al2" if flags.kind == "dpo" else "refined_sft",
        learning_rate=RATES[flags.kind],
        batch_size=BATCH,
        epochs=1,
        least_steps=0,
        warmup_steps=0,
        replay_weight=0,
        nll_weight=0,
    )
    n_tokens = sum(len(row.ids) for item in work for row in encode(item, lm.chat).rows)
    in_order = in_our_order(lm, work, settings)
    acts = {
        "ours": partial(ours, lm, work, settings),
        "TRL": partial(theirs, lm, in_order, settings),
    }
    for name, options in _variants(flags, BATCH * n_tokens // len(work)).items():
        acts[name] = partial(theirs, lm, in_order, settings, **options)
    arms = alternate(acts, flags.repeats)
    first, second = arms["ours"].result, arms["TRL"].result
    difference = max(abs(a - b) / abs(b) for a, b in zip(first, second, strict=True))
    lines = rows(arms, "ours", n_tokens, "tokens")
    lines.append(
        f"{len(first)} steps; losses differ by {difference:.1e} at most, relatively"
    )
    numbers = {name: arm.seconds for name, arm in arms.items()}
    losses = {"ours": first, "TRL": second}
    test = {"sft": "t1", "dpo": "t3"}[flags.kind]
    model, kind = Path(flags.model).name, lm.identity.dtype
    name = f"{test}-{model}-{kind}-{len(work)}"
    report(name, lines, {"seconds": numbers, "losses": losses, "tokens": n_tokens})
    return 0


if __name__ == "__main__":
    torch.manual_seed(0)
    sys.exit(main())
