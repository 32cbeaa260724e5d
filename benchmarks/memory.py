"""Predicted and measured memory (M1): `python -m benchmarks.memory`.

Each case is the largest step of a round, in a process of its own. The table shows the
prediction from the sizes of the model, the measured memory, and the prediction that is
corrected by the first case of the same model, as the app does after its first round.
"""

import argparse
import json
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from transformers import LlamaConfig

from autolearn.core.model_calls import Message
from autolearn.core.records import ItemKind, TrainItem
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.models.memory_calibration import NUMBERS, Correction, correction
from benchmarks.models import keep_packed, write_random
from benchmarks.side_by_side import report

Model = tuple[int, int, int]
"""Width, layers, vocabulary."""
Step = tuple[int, int, int, int, bool]
"""The other fields of a case, in order."""


@dataclass(frozen=True)
class Case:
    """A step of a round with a random model."""

    width: int
    layers: int
    vocabulary: int
    rank: int
    items: int
    tokens: int
    """Tokens of each item, approximately."""
    answer: int
    """Learned tokens of each item, approximately."""
    replay: bool = True

    @property
    def model(self) -> Model:
        """Return the sizes of the model."""
        return self.width, self.layers, self.vocabulary


def _cases(models: Sequence[Model], steps: Sequence[Step]) -> list[Case]:
    return [
        Case(*model, rank, items, tokens, answer, replay)
        for model in models
        for rank, items, tokens, answer, replay in steps
    ]


CASES = _cases(
    ((256, 6, 4096), (512, 8, 32768), (1024, 6, 65536)),
    (
        (16, 8, 256, 32, True),
        (64, 8, 256, 32, True),
        (16, 16, 256, 32, True),
        (16, 8, 256, 128, True),
        (16, 4, 1024, 64, False),
    ),
)
CASES_ON_GPU = _cases(
    ((2048, 16, 128_256), (4096, 8, 128_256), (4096, 32, 128_256)),
    ((16, 8, 256, 32, True), (64, 8, 256, 128, True), (16, 4, 1024, 64, False)),
)


class Watch:
    """Stores the metrics of the largest step."""

    def __init__(self) -> None:
        self.numbers: dict[str, float] = {}

    def stop(self) -> bool:
        """Return False: run to the end."""
        return False

    def on_probe(self, step: int, metrics: dict[str, float]) -> None:
        """Store the metrics."""
        self.numbers = metrics

    def on_step(self, step: int, total: int, metrics: dict[str, float]) -> None:
        """Ignore the metrics of a step."""


def measure(case: Case) -> dict[str, float]:
    """Return predicted and measured memory of one case, in this process."""
    keep_packed()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _write_model(case, folder)
        backend = HuggingFaceBackend.load(ModelSettings(str(folder)), folder)
        watch = Watch()
        settings = TrainSettings(
            rank=case.rank,
            batch_size=case.items,
            max_steps=1,
            max_tokens=4096,
            choose_scale=False,
        )
        backend.train(
            _items(case),
            settings,
            watch,
            start=None,
            checkpoints=folder / "checkpoints",
            output=folder / "adapter",
        )
    return watch.numbers


def _write_model(case: Case, folder: Path) -> None:
    shape = LlamaConfig(
        vocab_size=case.vocabulary,
        hidden_size=case.width,
        intermediate_size=3 * case.width,
        num_hidden_layers=case.layers,
        num_attention_heads=case.width // 64,
        num_key_value_heads=max(1, case.width // 256),
    )
    write_random(shape, folder, torch.float32)


def _items(case: Case) -> list[TrainItem]:
    """Return items without common prefixes, and as many for replay."""
    rng = random.Random(0)

    def words(n: int) -> str:
        return " ".join(rng.choice(("red", "town", "river")) for _ in range(n))

    kinds: list[ItemKind] = ["sft", "replay"] if case.replay else ["sft"]
    return [
        TrainItem(
            kind,
            (Message("user", f"{i} {words(case.tokens - case.answer)}"),),
            words(case.answer),
        )
        for kind in kinds
        for i in range(case.items)
    ]


def _apart(case: Case) -> dict[str, float]:
    """Return the metrics of a case, measured in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.memory", json.dumps(asdict(case))]
    process = subprocess.run(command, capture_output=True, text=True, check=True)
    metrics: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return metrics


def main() -> None:
    """Measure all cases, or the one given as JSON."""
    parser = argparse.ArgumentParser(prog="benchmarks.memory")
    parser.add_argument("case", nargs="?", help="one of them, as JSON")
    parser.add_argument("--gpu", action="store_true", help="those of large models")
    flags = parser.parse_args()
    if flags.case:
        numbers = measure(Case(**json.loads(flags.case)))
        sys.stdout.write(json.dumps(numbers) + "\n")
        return
    lines = [
        f"{'width x layers, vocabulary':28}{'rank':>5}{'items x tokens':>16}"
        f"{'learned':>9}{'MiB':>8}{'predicted':>10}{'corrected':>11}"
    ]
    results = []
    corrections: dict[Model, Correction] = {}
    for case in CASES_ON_GPU if flags.gpu else CASES:
        metrics = _apart(case)
        total, peak, _, _, at_work = (metrics[name] for name in NUMBERS)
        first_correction = corrections.setdefault(case.model, correction(metrics))
        better = (
            total + first_correction.n_loaded + (first_correction.at_work - 1) * at_work
        )
        name = f"{case.width} x {case.layers}, {case.vocabulary}"
        lines.append(
            f"{name:28}{case.rank:5}{f'{case.items} x {case.tokens}':>16}"
            f"{case.answer:9}{peak / 2**20:8.0f}"
            f"{100 * (total / peak - 1):+9.0f} %{100 * (better / peak - 1):+10.0f} %"
        )
        sys.stderr.write(lines[-1] + "\n")
        results.append(asdict(case) | metrics | {"corrected": better})
    report("m1-gpu" if flags.gpu else "m1", lines, {"cases": results})


if __name__ == "__main__":
    torch.manual_seed(0)
    main()
