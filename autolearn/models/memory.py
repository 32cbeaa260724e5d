"""How many bytes a model needs, by what takes them, told from its sizes alone.

What a training keeps of a token was counted on Llama models of five shapes, in 16 and
32 bit, with adapters of two ranks; the terms here come to what was counted within 3 %,
where a CPU computes in 16 bit within 5 %.
What a process takes for it is more, see ``_HOLES`` and `python -m benchmarks.memory`.
"""

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from math import prod
from typing import Any, Self

from autolearn.core.errors import OutOfMemory
from autolearn.core.settings import Quantization, StudySettings, TrainSettings
from autolearn.models.shape import ModelShape

DEQUANTISED_SHARE = 0.25
"""Share of a device's memory up to which 4-bit weights are kept dequantised in 16 or 32
bit. A step with more than some ten texts dequantises them anyway, at every step: on a
CPU a study with half a billion parameters took several times as long."""
AT_ONCE = 8192
"""Most tokens, padding included, that go through a model at once in a training."""
READ_AT_ONCE = {"cpu": 4096, "cuda": 16_384}
"""Tokens that are read at once before writing: on a CPU 64 prompts of 320 took a fifth
to a third more time in one pass than in passes of 2500 to 5000."""
SCORES_AT_ONCE = {"cpu": 1 << 21, "cuda": 1 << 25}
"""Scores of attention, of one layer, that are computed at once while suffixes are read:
1 << 24 took a CPU a third more time, since they leave its caches."""
LIKELIEST = 128
"""Tokens of the base model's distribution that replay compares one by one; the others
count as one outcome."""
LOGITS_AT_ONCE = 1 << 23
"""Logits of which a loss is computed at once, in 32 bit."""
USABLE_SHARE = 0.9
"""Share of what is free that may be planned with."""

LIBRARIES = {"cuda": 700 << 20, "cpu": 450 << 20}
"""What Python and the libraries hold on a device before there is any model."""
_HOLES = {"cuda": 1.1, "cpu": 1.75}
"""How many times as much memory is taken for what comes and goes: what was freed lies
between what is held. Measured on CPUs, 1.5 to 1.8; on a GPU as is usual."""
_SCALES = 1 / 64 + 4 / 16384
"""Bytes a weight in NF4 with double quantisation takes beside its half byte: an 8-bit
scale for each 64 weights, and the scale of 256 such scales."""
PROGRAMS = 256
"""Most programs that a CPU keeps for products in 16 bit, or with weights that oneDNN
has laid out: it writes one for each shape, and shapes change at every step. In 16 bit,
with its own 1024, a study took 110 MB more and no less time, with 128 it took 85 MB
less and 4 % more time."""
_PROGRAM = 600 << 10
"""Bytes of one, of any size."""
ROOM = 1.5
"""Room for keys and values that is made ahead, for each that there are."""
BATCH_SIZE = 128
"""Most texts that are written at once."""
_OWN_WORDS = 96
"""Tokens that a prompt has beside the passage and the answer."""
_WORTH = {"cpu": 256, "cuda": 1024}
"""Tokens at once below which computing activations twice costs less than it saves."""
AT_WORK = {"cpu": 1 << 30, "cuda": 1 << 62}
"""Bytes for what comes and goes with a pass of a training, beyond which more tokens at
once gain nothing. On a CPU a pass of 256 tokens through a model of 135 million
parameters takes as long for a token as one of 2000 (docs/lab-notes.md)."""
SHORTEST = 64
_LEAST = {"max_tokens": SHORTEST, "rank": 8}
"""The least that is proposed where memory is short, tokens first."""


@dataclass(frozen=True)
class Device:
    """Where a model computes, and in what."""

    kind: str
    """``cuda`` or ``cpu``."""
    half: bool
    """Whether it computes in 16 bit."""
    size: int = 0
    """Bytes of memory that it has, taken or free."""

    @property
    def unpacked(self) -> int:
        """Return the bytes of plain weights that it unpacks once, not at each step."""
        return int(DEQUANTISED_SHARE * self.size)

    @property
    def unit(self) -> int:
        """Return the bytes of a number."""
        return 2 if self.half else 4


@dataclass(frozen=True)
class Memory:
    """Bytes, by what takes them."""

    weights: int = 0
    scales: int = 0
    """The numbers by which 4-bit weights are unpacked."""
    libraries: int = 0
    copies: int = 0
    """The weights once more, laid out for products with few rows."""
    adapter: int = 0
    gradients: int = 0
    moments: int = 0
    """What Adam keeps of earlier gradients."""
    noted: int = 0
    """What the base expects of the replay."""
    activations: int = 0
    logits: int = 0
    cache: int = 0
    """Keys and values of what was read."""

    @property
    def total(self) -> int:
        """Return all parts together."""
        return sum(getattr(self, one.name) for one in fields(self))

    @property
    def loaded(self) -> int:
        """Return what the model takes before it does anything."""
        return self.weights + self.scales + self.libraries

    @property
    def at_work(self) -> int:
        """Return what comes and goes with the texts that are worked on."""
        return self.activations + self.logits + self.cache


@dataclass(frozen=True)
class BatchShape:
    """What goes through a model at once in a training."""

    tokens: int
    """Padding included."""
    answers: int
    """Tokens of them that are learned."""
    width: int
    """Tokens of the longest row."""
    recompute: bool = False
    """Whether activations are computed twice instead of kept."""
    replayed: int = 0
    """Answer tokens of all replay, of which the base is asked once."""


@dataclass(frozen=True)
class ItemSizes:
    """What a round trains on, as far as memory is concerned."""

    longest: int
    """Tokens of the longest."""
    tokens: int
    learned: int
    """Tokens of them that are learned."""
    in_step: int
    """Most tokens of an optimiser step."""
    replayed: int = 0
    """Answer tokens of all replay beside them."""

    def at_once(self, tokens: int, *, recompute: bool = False) -> BatchShape:
        """Return so many tokens of such items, or as many as a step has, as a load."""
        some = min(tokens, max(self.in_step, self.longest))
        learned = round(some * self.learned / max(1, self.tokens))
        return BatchShape(some, learned, self.longest, recompute, self.replayed)


@dataclass(frozen=True)
class MemoryEstimator:
    """What a model needs on a device."""

    seen: ModelShape
    quantization: Quantization
    device: Device
    may_unpack: bool = True
    may_copy: bool = True

    @property
    def unpacks(self) -> bool:
        """Return whether 4-bit weights are unpacked once: the same values, at hand."""
        plain = self.seen.parameters * self.device.unit
        is_small = plain <= self.device.unpacked
        return self.quantization == "nf4" and self.may_unpack and is_small

    @property
    def least(self) -> Self:
        """Return what the same model needs where it takes least."""
        return replace(self, quantization="nf4", may_unpack=False)

    def within(self, free: int) -> Self:
        """Return this, its weights left packed where half of ``free`` cannot hold them.

        The other half is for the work. What is left then decides on the second copy.
        """
        if self.unpacks and too_big(2 * self.weights, free):
            return self.least
        can_copy = not self.copies or self.copies_within(free - self.weights)
        return self if can_copy else replace(self, may_copy=False)

    @property
    def weights(self) -> int:
        """Return the bytes of the weights once they are loaded."""
        loaded = self.loading()
        return loaded.weights + loaded.scales

    @property
    def copies(self) -> int:
        """Return the bytes of the second copy of the weights that writing uses.

        0: none is made; see ``engine.decoding.packed_linear``. Only plain weights in
        32 bit are copied, and those that take no more of a device than may be unpacked.
        """
        device, seen = self.device, self.seen
        is_plain = self.quantization == "none" or self.unpacks
        is_small = seen.parameters * device.unit <= device.unpacked
        is_exact_cpu = device.kind == "cpu" and not device.half
        if not (self.may_copy and is_exact_cpu and is_plain and is_small):
            return 0
        products = sum(map(prod, seen.linear)) + seen.vocabulary * seen.hidden
        return products * device.unit

    def copies_within(self, free: int) -> bool:
        """Return whether such a copy is made where so many bytes are free.

        Half of them are for the work.
        """
        return self.copies > 0 and not too_big(2 * self.copies, free)

    def loading(self) -> Memory:
        """Return what it takes once it is loaded."""
        seen, unit = self.seen, self.device.unit
        is_packed = self.quantization == "nf4" and not self.unpacks
        packed = seen.packed if is_packed else 0
        return Memory(
            weights=packed // 2 + (seen.parameters - packed) * unit,
            scales=round(packed * _SCALES),
            libraries=LIBRARIES[self.device.kind],
        )

    def writing(self, texts: int, columns: int) -> Memory:
        """Return what it takes to write so many texts that hold so many tokens."""
        unit = self.device.unit
        return replace(
            self.loading(),
            copies=self.copies,
            activations=self._taken(self._reading(columns) + self._unpacking)
            + self._programs,
            # The scores, in 32 bit too, those to draw from, at their heat, as shares.
            logits=self._taken(texts * self.seen.vocabulary * (unit + 4 + 4 + 4 + 4)),
            cache=columns * self._kept,
        )

    def study(self, settings: StudySettings, passages: int) -> Memory:
        """Return what a study of so many passages needs, about."""
        at_once = min(passages, settings.passages_per_step)
        # A list may have twice as many, and those of several are put together.
        most = 2 * settings.questions_per_passage * settings.ask_rounds
        texts = min(BATCH_SIZE, at_once * most)
        own = settings.answer_tokens * 2 + _OWN_WORDS
        return self.writing(texts, at_once * settings.passage_tokens + texts * own)

    def columns(self, free: int) -> int:
        """Return how many tokens may stay in view where so many bytes are free."""
        reading = self._reading(READ_AT_ONCE[self.device.kind])
        return max(0, int(USABLE_SHARE * free) - reading) // self._kept

    def training(self, settings: TrainSettings, load: BatchShape) -> Memory:
        """Return what a round needs where it needs most."""
        seen, unit = self.seen, self.device.unit
        adapter = settings.rank * sum(map(sum, seen.linear))
        # The two moments are of 8 bit on a GPU, of 32 elsewhere.
        moments = 2 * (1 if self.device.kind == "cuda" else 4)
        layer = self._activations(settings.rank)
        kept = layer * seen.layers
        if load.recompute:
            kept = layer + seen.layers * seen.hidden * unit
        # Who sees whom, as numbers and as truth.
        mask = load.width * (unit + 3)
        logits = 2 * unit * load.answers * seen.vocabulary  # they and their gradient
        # A loss in 32 bit: logits, those with some left out, their exponentials.
        at_once = min(LOGITS_AT_ONCE, load.answers * seen.vocabulary)
        return replace(
            self.loading(),
            adapter=4 * adapter,
            gradients=4 * adapter,
            moments=moments * adapter,
            noted=self.noted(load.replayed),
            activations=self._taken(load.tokens * (kept + mask) + self._unpacking),
            logits=self._taken(logits + 12 * at_once),
        )

    def noted(self, replayed: int) -> int:
        """Return what it takes to note what the base expects of so many tokens."""
        n = min(LIKELIEST, self.seen.vocabulary)
        return replayed * (4 * n + 4 * (n + 1))  # ids and log-probabilities

    def plan(self, settings: TrainSettings, items: ItemSizes, room: int) -> BatchShape:
        """Return how much goes through the loaded model at once in ``room`` bytes.

        Activations are kept where that leaves enough tokens, else computed twice. No
        more tokens go through at once than gain anything, however much is free.

        Raises:
            OutOfMemory: Not even the longest item fits; its advice is what would.
        """
        kind = self.device.kind
        for recompute in (False, True):
            least = items.longest if recompute else max(items.longest, _WORTH[kind])
            for tokens in _halving(max(AT_ONCE, least), least):
                load = items.at_once(tokens, recompute=recompute)
                is_enough = self.training(settings, load).at_work <= AT_WORK[kind]
                fits = not too_big(self._beside(settings, load), room)
                if fits and (is_enough or tokens == least):
                    return load
        load = items.at_once(items.longest, recompute=True)
        advice = self._advice(settings, items, room)
        told = " and ".join(f"{name}={value}" for name, value in advice.items())
        fitting = f"train with {told}" if told else "choose a smaller model"
        raise OutOfMemory(
            f"The longest item has {items.longest} tokens and needs about "
            f"{self._beside(settings, load) >> 20} MiB beside the model, where "
            f"{room >> 20} are free; {fitting}, or close other programs.",
            advice,
        )

    def _advice(
        self, settings: TrainSettings, items: ItemSizes, room: int
    ) -> dict[str, Any]:
        """Return the settings to change so that a round fits; none if none do."""
        wanted = {"max_tokens": items.longest, "rank": settings.rank}
        advice: dict[str, Any] = {}
        for name, least in _LEAST.items():
            for value in _halving(wanted[name], least):
                advice[name] = value
                less = replace(settings, **advice)
                short = replace(items, longest=min(items.longest, less.max_tokens))
                load = short.at_once(short.longest, recompute=True)
                if not too_big(self._beside(less, load), room):
                    return {k: v for k, v in advice.items() if v < wanted[k]}
        return {}

    def _beside(self, settings: TrainSettings, load: BatchShape) -> int:
        whole = self.training(settings, load)
        return whole.total - whole.loaded

    def _taken(self, size: int) -> int:
        """Return the bytes that are taken for what comes and goes."""
        return round(size * _HOLES[self.device.kind])

    def _activations(self, rank: int) -> int:
        """Return what autograd keeps of a token in one layer."""
        seen, unit = self.seen, self.device.unit
        adapted = 4 * rank * len(seen.linear) // seen.layers
        # A CPU attends in 32 bit, and keeps what it attended to.
        on_cpu = self.device.kind == "cpu"
        exact = 4 * (seen.hidden + seen.kv) if self.device.half and on_cpu else 0
        own = 25 * seen.hidden + unit * (2 * seen.kv + 4 * seen.inner)
        return own + exact + adapted

    @property
    def _passing(self) -> int:
        """Return what a token that is only read takes while it is in one layer."""
        return self.device.unit * (4 * self.seen.hidden + 3 * self.seen.inner)

    def _reading(self, columns: int) -> int:
        """Return what comes and goes while so many tokens are read."""
        kind = self.device.kind
        # Scores, their softmax, and that in the dtype of the values.
        scores = SCORES_AT_ONCE[kind] * (4 + 4 + self.device.unit)
        return min(columns, READ_AT_ONCE[kind]) * self._passing + scores

    @property
    def _kept(self) -> int:
        """Return the bytes for keys and values of a token, of 32 bit on a CPU."""
        unit = 4 if self.device.kind == "cpu" else self.device.unit
        return int(ROOM * 2 * self.seen.layers * self.seen.kv * unit)

    @property
    def _programs(self) -> int:
        """Return what a CPU keeps of programs for the products of oneDNN."""
        in_half = self.device.kind == "cpu" and self.device.half
        return PROGRAMS * _PROGRAM if in_half or self.copies else 0

    @property
    def _unpacking(self) -> int:
        """Return what one layer's weights take while they are unpacked."""
        if not self.loading().scales:
            return 0
        return max(map(prod, self.seen.linear)) * self.device.unit


def too_big(needed: int, free: int) -> bool:
    """Return whether what is needed does not fit into what is free."""
    return needed > USABLE_SHARE * free


def _halving(start: int, least: int) -> Iterator[int]:
    """Yield ``start``, its half and so on, ``least`` at last."""
    while start > least:
        yield start
        start //= 2
    yield least
