"""What a round would train on and need, told before it is ordered.

The items are made by the very functions that the training uses. Steps, time and
memory are estimates: they are worked out from sizes and from the last round.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, prod
from pathlib import Path

from autolearn import dataset, proof, training
from autolearn.dataset import Dataset
from autolearn.records import Run, Split, TrainItem
from autolearn.settings import TrainSettings
from autolearn.store import Store

_PACKED = 0.516
"""Bytes of a weight in 4 bit with double quantisation, scales included."""
_WHOLE = 2
"""Bytes of a weight in 16 bit."""
_UNPACKED = 256 << 20
"""Bytes of whole weights up to which a CPU computes with unpacked ones."""
_LEARNED = 4 + 4 + 8
"""Bytes of a weight of the adapter: itself, its gradient and two moments of Adam."""
_AT_ONCE = 8192
"""Most tokens that go through the model at once."""
_LATEST = 50
"""Steps of the last round over which its pace is taken."""


@dataclass(frozen=True)
class Intake:
    """What goes into a round, and what is left out and why."""

    approved: int
    for_method: int
    """Approved samples that this method takes into account."""
    without_gap: int
    """Those of them that are left out because the model knew the answer."""
    made: Dataset
    tokens: tuple[int, ...]
    """About how many tokens each item has, without the signs of the template."""

    @property
    def samples(self) -> int:
        """Return how many samples the items come from."""
        return len({item.sample_id for item in self.made.items if item.sample_id})


def intake(
    store: Store,
    settings: TrainSettings,
    parent_id: int | None,
    count: Callable[[str], int],
) -> Intake:
    """Return what a round with these settings would take from the store."""
    splits: tuple[Split, ...] = ("quiz", "control")
    asked = [q.question.text for s in splits for q in proof.questions(store, s)]
    lessons = training.lessons(store, settings, parent_id)
    known = sum(not one.sample.gap for one in lessons) if settings.only_gaps else 0
    made = dataset.build(settings, lessons, [], asked)
    return Intake(
        store.samples.counts()["approved"],
        len(lessons),
        known,
        made,
        tuple(_length(item, count) for item in made.items),
    )


def _length(item: TrainItem, count: Callable[[str], int]) -> int:
    before = sum(count(message.content) for message in item.chat)
    return before + max(count(item.chosen), count(item.rejected or ""))


@dataclass(frozen=True)
class Effort:
    """How long a round takes, at most: it may have learned enough before."""

    steps: int
    tokens_per_step: int
    seconds: float | None
    """None while no round has told how fast this computer is."""


def effort(settings: TrainSettings, found: Intake, pace: float | None) -> Effort:
    """Return the steps and, by the pace of an earlier round, the time they take."""
    n = len(found.made.items)
    per_epoch = ceil(n / settings.batch_size)
    steps = settings.max_steps or ceil(settings.epochs * per_epoch)
    rows = min(settings.batch_size, n) * (
        1 + settings.replay_share * settings.replays + (settings.method == "al2")
    )
    per_step = round(rows * sum(found.tokens) / max(1, n))
    seconds = steps * per_step / pace if pace else None
    return Effort(steps, per_step, seconds)


def pace(store: Store, model: str) -> float | None:
    """Return the tokens a second of the last training with this model, if any."""
    for run in store.runs.newest(200):
        if run.kind == "train" and run.settings["model"]["model"] == model:
            speed = latest_speed(store, run)
            if speed:
                return speed
    return None


def latest_speed(store: Store, run: Run) -> float | None:
    """Return the mean tokens a second over the newest steps of a training."""
    after = max(-1, run.done - _LATEST)
    found = store.runs.metrics(run.id, "tokens_per_second", after)
    return sum(m.value for m in found) / len(found) if found else None


@dataclass(frozen=True)
class Memory:
    """Bytes that a round needs, by part; rough."""

    weights: int
    adapter: int
    """With gradients and the moments of Adam."""
    activations: int

    @property
    def total(self) -> int:
        """Return all parts together."""
        return self.weights + self.adapter + self.activations


def memory(
    folder: Path, settings: TrainSettings, found: Intake, *, packed: bool
) -> Memory:
    """Return what a round needs, from the sizes that the model's files tell."""
    shapes = _shapes(folder)
    linear = {name: shape for name, shape in shapes.items() if _is_linear(name, shape)}
    total = sum(map(prod, shapes.values()))
    inner = sum(map(prod, linear.values())) if packed else 0
    weights = total * _WHOLE
    is_small = weights <= _UNPACKED
    if not is_small:
        weights = round(inner * _PACKED + (total - inner) * _WHOLE)
    adapter = sum(settings.rank * sum(shape) for shape in linear.values()) * _LEARNED
    at_once = _at_once(settings, found)
    return Memory(weights, adapter, at_once * _per_token(folder, keeps_all=is_small))


def _shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Read the shapes of all tensors from the heads of the files, not the weights."""
    shapes: dict[str, tuple[int, ...]] = {}
    for path in sorted(folder.glob("*.safetensors")):
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            head = json.loads(file.read(size))
        head.pop("__metadata__", None)
        shapes |= {name: tuple(one["shape"]) for name, one in head.items()}
    return shapes


def _is_linear(name: str, shape: tuple[int, ...]) -> bool:
    """Return whether these are weights that are packed and adapted."""
    apart = any(word in name for word in ("embed", "lm_head", "norm"))
    return len(shape) == 2 and name.endswith(".weight") and not apart


def _at_once(settings: TrainSettings, found: Intake) -> int:
    longest = min(max(found.tokens, default=0), settings.max_tokens)
    return min(_AT_ONCE, settings.batch_size * longest)


def _per_token(folder: Path, *, keeps_all: bool) -> int:
    """Return the bytes of activations of one token.

    Small models keep all that the gradient needs; with larger ones on a small GPU
    only the borders of the layers are kept, and one layer at a time is whole.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    config = config.get("text_config", config)
    hidden = config.get("hidden_size", 0)
    inner = config.get("intermediate_size", 4 * hidden)
    layers = config.get("num_hidden_layers", 1)
    layer = 14 * hidden + 3 * inner
    kept = layers * layer if keeps_all else layers * hidden + layer
    return int(_WHOLE * kept + 4 * config.get("vocab_size", 0))
