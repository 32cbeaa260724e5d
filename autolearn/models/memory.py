"""Estimate the memory that a model needs, in bytes by purpose, from its sizes alone.

The activations per token were counted on Llama models of five shapes, in 16 and 32 bit,
with adapters of two ranks. The formulas agree within 3 %, on a CPU in 16 bit within
5 %. A process uses more; see ``_HOLES`` and `python -m benchmarks.memory`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from math import prod
from typing import Any, Self

from autolearn.core.errors import OutOfMemory
from autolearn.core.settings import Quantization, StudySettings, TrainSettings
from autolearn.models.batch_shape import BatchShape, ItemSizes
from autolearn.models.shape import ModelShape

DEQUANTISED_SHARE = 0.25
"""Share of a device's memory up to which 4-bit weights are kept dequantised in 16 or 32
bit. Steps with more than about ten texts dequantise all weights anyway, at every step:
on a CPU a study with half a billion parameters took several times as long."""
AT_ONCE = 8192
"""Most tokens, padding included, in one pass of a training."""
READ_AT_ONCE = {"cpu": 4096, "cuda": 16_384}
"""Tokens that are read in one pass before generation. On a CPU 64 prompts of 320 tokens
took a fifth to a third longer in one pass than in passes of 2500 to 5000 tokens."""
SCORES_AT_ONCE = {"cpu": 1 << 21, "cuda": 1 << 25}
"""Attention scores of one layer that are computed at once while suffixes are read. On a
CPU 1 << 24 took a third longer, since they do not fit into its caches."""
LIKELIEST = 128
"""Tokens of the base model's distribution that replay compares individually; all others
count as one outcome."""
LOGITS_AT_ONCE = 1 << 23
"""Logits whose loss is computed at once, in 32 bit."""
USABLE_SHARE = 0.9
"""Usable fraction of free memory."""

LIBRARIES = {"cuda": 700 << 20, "cpu": 450 << 20}
"""Memory of Python and the libraries on a device before a model is loaded."""
_HOLES = {"cuda": 1.1, "cpu": 1.75}
"""Memory used for temporary tensors, relative to their size: freed blocks are between
used ones. 1.5 to 1.8 measured on CPUs; on a GPU a common value."""
_SCALES = 1 / 64 + 4 / 16384
"""Bytes per NF4 weight in addition to its half byte: an 8-bit scale for each 64
weights, and a 32-bit scale for each 256 of these scales (double quantisation)."""
PROGRAMS = 256
"""Most programs that oneDNN keeps on a CPU, in 16 bit or with packed weights. It
compiles one for each shape, and shapes change at every step. In 16 bit, with its
default of 1024, a study took 110 MB more and no less time; with 128 it took 85 MB less
and 4 % more time."""
_PROGRAM = 600 << 10
"""Bytes of one program, of any size."""
ROOM = 1.5
"""Space that is reserved for keys and values, relative to those in use."""
BATCH_SIZE = 128
"""Most texts that are generated at once."""
KEPT_TOKENS = 4096
"""Most tokens of common prefixes that are kept between passes. The worked examples of
all prompts are 2,300 tokens in English, of SmolLM2 in Chinese 2,400."""
_OWN_WORDS = 96
"""Tokens of a prompt other than the passage and the answer."""
_WORTH = {"cpu": 256, "cuda": 1024}
"""Tokens per pass below which recomputing activations costs less than it saves."""
AT_WORK = {"cpu": 1 << 30, "cuda": 1 << 62}
"""Bytes of temporary tensors beyond which a larger pass is not faster. On a CPU a pass
of 256 tokens through a model of 135 million parameters takes as long per token as one
of 2000 (docs/lab-notes.md)."""
SHORTEST = 64
_LEAST = {"max_tokens": SHORTEST, "rank": 8}
"""The lowest values that are proposed when memory is short, tokens first."""
_PROPOSALS = {
    "max_tokens": "at most {} tokens per item (--max-tokens)",
    "rank": "LoRA rank {} (--rank)",
}


@dataclass(frozen=True)
class Device:
    """Where a model computes, and in which precision."""

    kind: str
    """``cuda`` or ``cpu``."""
    half: bool
    """Whether it computes in 16 bit."""
    size: int = 0
    """Its memory in bytes, used or free."""

    @property
    def unpacked(self) -> int:
        """Return up to how many bytes weights are kept dequantised."""
        return int(DEQUANTISED_SHARE * self.size)

    @property
    def unit(self) -> int:
        """Return the bytes of a number."""
        return 2 if self.half else 4


@dataclass(frozen=True)
class Memory:
    """Memory in bytes, by purpose."""

    weights: int = 0
    scales: int = 0
    """The scales of 4-bit weights."""
    libraries: int = 0
    copies: int = 0
    """The packed copy of the weights for products with few rows."""
    adapter: int = 0
    gradients: int = 0
    moments: int = 0
    """The moments of Adam."""
    base_logits: int = 0
    """The base model's predictions on replay items."""
    activations: int = 0
    logits: int = 0
    cache: int = 0
    """Keys and values."""
    prefixes: int = 0
    """Keys and values of common prefixes that are kept between passes."""

    @property
    def total(self) -> int:
        """Return the sum of all parts."""
        return sum(getattr(self, part.name) for part in fields(self))

    @property
    def n_loaded(self) -> int:
        """Return the memory of the loaded model before any work."""
        return self.weights + self.scales + self.libraries

    @property
    def at_work(self) -> int:
        """Return the memory of temporary tensors during the work."""
        return self.activations + self.logits + self.cache


@dataclass(frozen=True)
class MemoryEstimator:
    """Estimates the memory that a model needs on a device."""

    shape: ModelShape
    quantization: Quantization
    device: Device
    may_unpack: bool = True
    may_copy: bool = True

    @property
    def unpacks(self) -> bool:
        """Return whether 4-bit weights are dequantised once at load."""
        plain = self.shape.parameters * self.device.unit
        is_small = plain <= self.device.unpacked
        return self.quantization == "nf4" and self.may_unpack and is_small

    @property
    def least(self) -> Self:
        """Return the estimator of the same model in its smallest form."""
        return replace(self, quantization="nf4", may_unpack=False)

    def within(self, free: int) -> Self:
        """Return the estimator adapted to ``free`` bytes.

        Weights stay quantised unless half of it holds them dequantised; the other half
        is for the work. A packed copy is made only if the rest allows it.
        """
        if self.unpacks and too_big(2 * self.weights, free):
            return self.least
        can_copy = not self.copies or self.copies_within(free - self.weights)
        return self if can_copy else replace(self, may_copy=False)

    @property
    def weights(self) -> int:
        """Return the size of the loaded weights in bytes."""
        memory = self.loading()
        return memory.weights + memory.scales

    @property
    def copies(self) -> int:
        """Return the size in bytes of the packed copy for generation; 0: none is made.

        See ``engine.decoding.packed_linear``. Only plain float32 weights on a CPU are
        packed, and only if they are small enough to be kept dequantised.
        """
        device, shape = self.device, self.shape
        is_plain = self.quantization == "none" or self.unpacks
        is_small = shape.parameters * device.unit <= device.unpacked
        is_exact_cpu = device.kind == "cpu" and not device.half
        if not (self.may_copy and is_exact_cpu and is_plain and is_small):
            return 0
        products = sum(map(prod, shape.linear)) + shape.vocabulary * shape.hidden_size
        return products * device.unit

    def copies_within(self, free: int) -> bool:
        """Return whether a packed copy is made when this many bytes are free.

        Half of them are for the work.
        """
        return self.copies > 0 and not too_big(2 * self.copies, free)

    def loading(self) -> Memory:
        """Return the memory of the loaded model."""
        shape, unit = self.shape, self.device.unit
        is_packed = self.quantization == "nf4" and not self.unpacks
        n_quantised = shape.packed if is_packed else 0
        return Memory(
            weights=n_quantised // 2 + (shape.parameters - n_quantised) * unit,
            scales=round(n_quantised * _SCALES),
            libraries=LIBRARIES[self.device.kind],
        )

    def writing(self, texts: int, columns: int) -> Memory:
        """Return the memory for generating this many texts with this many tokens."""
        unit = self.device.unit
        return replace(
            self.loading(),
            copies=self.copies,
            activations=self._temp(self._reading(columns) + self._unpacking)
            + self._programs,
            # Logits, float32 logits, scaled logits, probabilities and a copy of them.
            logits=self._temp(texts * self.shape.vocabulary * (unit + 4 + 4 + 4 + 4)),
            cache=columns * self._kv,
            prefixes=self.prefixes,
        )

    def study(self, settings: StudySettings, passages: int) -> Memory:
        """Return roughly how much memory a study of this many passages needs."""
        at_once = min(passages, settings.passages_per_step)
        # A list of questions may be twice as long, and several lists are merged.
        most = 2 * settings.questions_per_passage * settings.ask_rounds
        texts = min(BATCH_SIZE, at_once * most)
        own = settings.answer_tokens * 2 + _OWN_WORDS
        return self.writing(texts, at_once * settings.passage_tokens + texts * own)

    def columns(self, free: int) -> int:
        """Return how many tokens the cache can hold when this many bytes are free."""
        reading = self._reading(READ_AT_ONCE[self.device.kind])
        rest = int(USABLE_SHARE * free) - reading - self.prefixes
        return max(0, rest) // self._kv

    @property
    def prefixes(self) -> int:
        """Return the bytes of the common prefixes that are kept between passes."""
        per_token = 2 * self.shape.layers * self.shape.kv * self.device.unit
        return KEPT_TOKENS * per_token

    def training(self, settings: TrainSettings, load: BatchShape) -> Memory:
        """Return the memory of a round at its peak."""
        shape, unit = self.shape, self.device.unit
        adapter = settings.rank * sum(map(sum, shape.linear))
        # 8-bit moments on a GPU, 32-bit elsewhere.
        moments = 2 * (1 if self.device.kind == "cuda" else 4)
        layer = self._activations(settings.rank)
        per_token = layer * shape.layers
        if load.recompute:
            per_token = layer + shape.layers * shape.hidden_size * unit
        # The attention mask, as numbers and as booleans.
        mask = load.width * (unit + 3)
        logits = 2 * unit * load.answers * shape.vocabulary  # they and their gradient
        # The loss in 32 bit: logits, a copy without some tokens, and exponentials.
        at_once = min(LOGITS_AT_ONCE, load.answers * shape.vocabulary)
        return replace(
            self.loading(),
            adapter=4 * adapter,
            gradients=4 * adapter,
            moments=moments * adapter,
            base_logits=self.base_logits(load.n_replay),
            activations=self._temp(load.tokens * (per_token + mask) + self._unpacking),
            logits=self._temp(logits + 12 * at_once),
        )

    def base_logits(self, n_tokens: int) -> int:
        """Return the memory of the base predictions for this many replay tokens."""
        n = min(LIKELIEST, self.shape.vocabulary)
        return n_tokens * (4 * n + 4 * (n + 1))  # ids and log-probabilities

    def plan(self, settings: TrainSettings, items: ItemSizes, room: int) -> BatchShape:
        """Return the size of a training pass of the loaded model in ``room`` bytes.

        Activations are kept if that leaves enough tokens per pass, else recomputed. A
        pass is no larger than useful, however much memory is free.

        Raises:
            OutOfMemory: Not even the longest item fits. The error proposes settings.
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
        advice_text = "choose a smaller model"
        if advice:
            advice_text = f"train with {in_words(advice)}"
        raise OutOfMemory(
            f"The longest item has {items.longest} tokens and needs about "
            f"{self._beside(settings, load) >> 20} MiB besides the model, but "
            f"only {room >> 20} are free; {advice_text}, or close other programs.",
            advice,
        )

    def _advice(
        self, settings: TrainSettings, items: ItemSizes, room: int
    ) -> dict[str, Any]:
        """Return changed settings with which a round fits; none if none do."""
        present = {"max_tokens": items.longest, "rank": settings.rank}
        advice: dict[str, Any] = {}
        for name, least in _LEAST.items():
            for value in _halving(present[name], least):
                advice[name] = value
                new = replace(settings, **advice)
                fewer = replace(items, longest=min(items.longest, new.max_tokens))
                load = fewer.at_once(fewer.longest, recompute=True)
                if not too_big(self._beside(new, load), room):
                    return {k: v for k, v in advice.items() if v < present[k]}
        return {}

    def _beside(self, settings: TrainSettings, load: BatchShape) -> int:
        whole = self.training(settings, load)
        return whole.total - whole.n_loaded

    def _temp(self, size: int) -> int:
        """Return the memory used for temporary tensors of a total size."""
        return round(size * _HOLES[self.device.kind])

    def _activations(self, rank: int) -> int:
        """Return the bytes that autograd keeps for a token in one layer."""
        shape, unit = self.shape, self.device.unit
        adapter_part = 4 * rank * len(shape.linear) // shape.layers
        # A CPU attends in 32 bit and keeps the 32-bit inputs.
        on_cpu = self.device.kind == "cpu"
        extra = 4 * (shape.hidden_size + shape.kv) if self.device.half and on_cpu else 0
        base_part = 25 * shape.hidden_size + unit * (2 * shape.kv + 4 * shape.inner)
        return base_part + extra + adapter_part

    @property
    def _passing(self) -> int:
        """Return the temporary bytes of a token in one layer without gradient."""
        return self.device.unit * (4 * self.shape.hidden_size + 3 * self.shape.inner)

    def _reading(self, columns: int) -> int:
        """Return the temporary bytes while this many tokens are read."""
        kind = self.device.kind
        # Scores, their softmax, and the softmax in the dtype of the values.
        scores = SCORES_AT_ONCE[kind] * (4 + 4 + self.device.unit)
        return min(columns, READ_AT_ONCE[kind]) * self._passing + scores

    @property
    def _kv(self) -> int:
        """Return the bytes of a token's keys and values, which are float32 on a CPU."""
        unit = 4 if self.device.kind == "cpu" else self.device.unit
        return int(ROOM * 2 * self.shape.layers * self.shape.kv * unit)

    @property
    def _programs(self) -> int:
        """Return the memory of the programs that oneDNN keeps on a CPU."""
        in_half = self.device.kind == "cpu" and self.device.half
        return PROGRAMS * _PROGRAM if in_half or self.copies else 0

    @property
    def _unpacking(self) -> int:
        """Return the bytes of one layer's weights while they are dequantised."""
        if not self.loading().scales:
            return 0
        return max(map(prod, self.shape.linear)) * self.device.unit


def in_words(advice: Mapping[str, Any]) -> str:
    """Return proposed settings in words that fit the page and the command line."""
    return " and ".join(_PROPOSALS[name].format(n) for name, n in advice.items())


def too_big(need: int, free: int) -> bool:
    """Return whether ``need`` exceeds the usable fraction of free memory."""
    return need > USABLE_SHARE * free


def _halving(start: int, least: int) -> Iterator[int]:
    """Yield ``start``, its half and so on, and ``least`` last."""
    while start > least:
        yield start
        start //= 2
    yield least
