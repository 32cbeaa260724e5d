"""What a round would train on and need, told before it is ordered.

The items are made by the very functions that the training uses. Steps, time and
memory are estimates: they are worked out from sizes and from the last round.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil

from autolearn import dataset, proof, training
from autolearn.anatomy import OVERHEAD, PLAIN_BYTES, Anatomy
from autolearn.dataset import Dataset
from autolearn.records import Run, Split, TrainItem
from autolearn.settings import Quantization, TrainSettings
from autolearn.store import Store

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
    steps = settings.steps(per_epoch)
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
    libraries: int = OVERHEAD

    @property
    def total(self) -> int:
        """Return all parts together."""
        return self.weights + self.adapter + self.activations + self.libraries


def memory(
    seen: Anatomy, settings: TrainSettings, found: Intake, quantization: Quantization
) -> Memory:
    """Return what a round needs, from the sizes of the model."""
    adapter = settings.rank * sum(map(sum, seen.linear)) * _LEARNED
    longest = min(max(found.tokens, default=0), settings.max_tokens)
    at_once = min(_AT_ONCE, settings.batch_size * longest)
    return Memory(seen.weights(quantization), adapter, at_once * _per_token(seen))


def _per_token(seen: Anatomy) -> int:
    """Return the bytes of activations of one token.

    Small models keep all that the gradient needs; with larger ones only the borders of
    the layers are kept, and one layer at a time is whole.
    """
    layer = 14 * seen.hidden + 3 * seen.inner
    kept = seen.layers * (layer if seen.is_small else seen.hidden)
    whole = 0 if seen.is_small else layer
    return PLAIN_BYTES * (kept + whole) + 4 * seen.vocabulary
