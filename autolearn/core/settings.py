"""Every default of autolearn, once, with its unit, its range and its check."""

import ast
import inspect
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from math import ceil
from typing import Literal, get_args

from autolearn.core.codec import EXTRA, JsonRecord
from autolearn.core.errors import InputError
from autolearn.core.methods import METHODS, Method, TrainingMethod, method_name

Quantization = Literal["nf4", "none"]
StudyProtocol = Literal["auto", "guided", "taught", "trained"]
Evolution = Literal["restart", "continual", "continual-new"]
Tracker = Literal["trackio", "tensorboard", "wandb"]


def _check(condition: bool, name: str, rule: str, value: object) -> None:
    if not condition:
        raise InputError(f"{name} must be {rule}, not {value!r}.")


def _one_of(name: str, value: str, choices: Iterable[str]) -> None:
    choices = list(choices)
    _check(value in choices, name, f"one of {', '.join(choices)}", value)


class _Settings(JsonRecord):
    """Settings whose meaning stands below each field."""

    @classmethod
    @cache
    def help(cls) -> Mapping[str, str]:
        """Return for each setting the line that stands below it in this file."""
        (tree,) = ast.parse(inspect.getsource(cls)).body
        assert isinstance(tree, ast.ClassDef)
        return {
            field.target.id: " ".join(note.value.value.replace("``", "").split())
            for field, note in itertools.pairwise(tree.body)
            if isinstance(field, ast.AnnAssign)
            and isinstance(field.target, ast.Name)
            and isinstance(note, ast.Expr)
            and isinstance(note.value, ast.Constant)
            and isinstance(note.value.value, str)
        }


@dataclass(frozen=True)
class ModelSettings(_Settings):
    """Which model, and how it is loaded."""

    model: str = "built-in"
    """``built-in``, a folder, a GGUF file, an id of the hub once downloaded, or the
    address of a server as http://HOST:PORT/v1#MODEL."""
    quantization: Quantization = "nf4"
    """``nf4``: 4 bit with double quantisation; ``none``: 16 or 32 bit."""
    round_id: int | None = None
    """The round whose adapter is attached; None for the base model."""

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        if not self.model.strip():
            raise InputError("Enter a model.")
        _one_of("quantization", self.quantization, ("nf4", "none"))


@dataclass(frozen=True)
class StudySettings(_Settings):
    """How texts are studied."""

    protocol: StudyProtocol = "auto"
    """How the prompts are put; auto: as stored with the model or its round."""
    quick: bool = False
    """Quick: no feedback, refinements or paraphrases; learns the open-book answers."""
    questions_per_passage: int = 6
    """Per list, 1..50; up to twice as many for a long passage."""
    ask_rounds: int = 4
    """The first list is decoded greedily, the others are sampled, 1..20."""
    closed_book_samples: int = 0
    """Sampled closed-book answers per question, beside the greedy one, 0..50."""
    paraphrases: int = 3
    """Paraphrases per question that is learned, 0..10."""
    quiz_share: float = 0.1
    """Share of questions that give one paraphrase to the quiz, 0..1."""
    temperature: float = 0.9
    """For sampled questions, answers and paraphrases, above 0, up to 2."""
    question_tokens: int = 32
    """New tokens per question at most, 8..512."""
    answer_tokens: int = 96
    """New tokens per answer at most, and as many for its quote, 8..4096."""
    feedback_tokens: int = 128
    """New tokens per feedback at most, 8..4096."""
    passage_tokens: int = 320
    """Tokens per passage at most when a text is split, 32..8192."""
    passages_per_step: int = 8
    """Passages processed together, 1..256; a resumed run repeats one group at most."""
    evidence_threshold: float = 0.5
    """Similarity from which a quote counts as found in the text, 0..1."""
    duplicate_threshold: float = 0.92
    """Similarity from which two questions on a passage are duplicates, 0..1."""
    seed: int = 0
    """The same seed gives the same random choices."""

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        for name, low, high in (
            ("questions_per_passage", 1, 50),
            ("ask_rounds", 1, 20),
            ("closed_book_samples", 0, 50),
            ("paraphrases", 0, 10),
            ("quiz_share", 0, 1),
            ("question_tokens", 8, 512),
            ("answer_tokens", 8, 4096),
            ("feedback_tokens", 8, 4096),
            ("passage_tokens", 32, 8192),
            ("passages_per_step", 1, 256),
            ("evidence_threshold", 0, 1),
            ("duplicate_threshold", 0, 1),
        ):
            value = getattr(self, name)
            _check(low <= value <= high, name, f"from {low} to {high}", value)
        _one_of("protocol", self.protocol, get_args(StudyProtocol))
        temperature = self.temperature
        _check(0 < temperature <= 2, "temperature", "above 0, up to 2", temperature)


@dataclass(frozen=True)
class TrainSettings(_Settings):
    """How a round is trained."""

    method: Method = "refined_sft"
    """What the round learns from; see METHODS."""
    rank: int = 32
    """LoRA rank, 1..512."""
    alpha: int = 64
    """LoRA alpha; the adapter is scaled by alpha / rank, 1..1024."""
    learning_rate: float = 0.0
    """Peak learning rate of AdamW, 0..1; 0: 3e-3 for SFT, 1e-4 for DPO."""
    epochs: float = 8
    """Passes over the items, above 0."""
    max_steps: int = 0
    """Optimiser steps; 0: as many as the epochs take."""
    least_steps: int = 120
    """Optimiser steps at least, where few items make short epochs; not for DPO."""
    batch_size: int = 8
    """Items per optimiser step, 1..1024."""
    warmup_steps: int = 10
    """Steps of linear warm-up; then linear decay to zero."""
    max_grad_norm: float = 1.0
    """The gradient norm is clipped to this value, above 0."""
    weight_decay: float = 0.0
    """AdamW weight decay, 0..1."""
    max_tokens: int = 1024
    """Longer items are dropped and listed, 16..1000000."""
    replay_share: float = 1.0
    """Replay items per training item, 0..4: answers to generated instructions."""
    replay_weight: float = 3.0
    """Higher forgets less (KL weight); 0 switches replay off, 0..100."""
    validation_share: float = 0.2
    """Share of paraphrased samples that hold out one wording for validation, 0..1."""
    stop_at: float = 1.0
    """Share of exact validation answers at which the round ends early, 0..1; the
    learning rate then falls to zero over two more epochs; 0: never."""
    choose_scale: bool = True
    """Scale the finished adapter to 0.9 or 0.8 if validation does not suffer."""
    only_gaps: bool = True
    """Train only on samples with a gap; off: all, as Autonomous Learning does."""
    dqa: bool = False
    """AL stage 1: also train passage to question and answer, as its authors do."""
    statements: int = 0
    """CPT: statements per passage that the model writes and learns, 0..50."""
    beta: float = 0.1
    """DPO beta, above 0."""
    nll_weight: float = 1.0
    """Weight of the chosen answer's NLL beside DPO, 0..100; 0: as AL does."""
    evolution: Evolution = "restart"
    """SELF: restart from the base on all data, or continue on all or only new data."""
    meta_share: float = 0.25
    """SELF: meta-skill items replayed per new item, 0..4."""
    meta_examples: int = 420
    """Meta-skill items from the gold corpora at most, 0..1000000."""
    checkpoint_seconds: float = 20.0
    """Seconds between checkpoints."""
    tracker: Tracker | None = field(default=None, metadata=EXTRA)
    """Gets the numbers of the training, if installed: trackio, tensorboard or wandb."""
    devices: int = field(default=1, metadata=EXTRA)
    """GPUs that train together, each with the whole model, 1..64; without a GPU:
    processes."""
    seed: int = 0
    """The same seed gives the same random choices."""

    def __post_init__(self) -> None:
        """Refuse nonsense."""
        object.__setattr__(self, "method", method_name(self.method))
        object.__setattr__(self, "tracker", self.tracker or None)
        _one_of("method", self.method, METHODS)
        if self.tracker is not None:
            _one_of("tracker", self.tracker, get_args(Tracker))
        _one_of("evolution", self.evolution, ("restart", "continual", "continual-new"))
        for name, low, high in (
            ("rank", 1, 512),
            ("alpha", 1, 1024),
            ("learning_rate", 0, 1),
            ("batch_size", 1, 1024),
            ("max_steps", 0, 10_000_000),
            ("least_steps", 0, 10_000_000),
            ("warmup_steps", 0, 1_000_000),
            ("weight_decay", 0, 1),
            ("max_tokens", 16, 1_000_000),
            ("replay_share", 0, 4),
            ("replay_weight", 0, 100),
            ("validation_share", 0, 1),
            ("stop_at", 0, 1),
            ("statements", 0, 50),
            ("nll_weight", 0, 100),
            ("meta_share", 0, 4),
            ("meta_examples", 0, 1_000_000),
            ("devices", 1, 64),
        ):
            value = getattr(self, name)
            _check(low <= value <= high, name, f"from {low} to {high}", value)
        for name in ("epochs", "max_grad_norm", "beta"):
            _check(getattr(self, name) > 0, name, "above 0", getattr(self, name))

    @property
    def traits(self) -> TrainingMethod:
        """Return in what the method differs from the others."""
        return METHODS[self.method]

    def steps(self, per_epoch: int) -> int:
        """Return how many optimiser steps a round takes, unless it learns sooner."""
        if self.max_steps:
            return self.max_steps
        # Preferences go wrong when they are repeated, facts do not.
        least = 0 if self.traits.trains_preferences else self.least_steps
        return max(least, ceil(self.epochs * per_epoch))

    @property
    def replays(self) -> bool:
        """Return whether the round is held near the base model's own answers."""
        return bool(self.replay_share and self.replay_weight)

    def n_replay(self, n_items: int) -> int:
        """Return how many generated instructions are replayed beside so many items."""
        return round(self.replay_share * n_items) * self.replays

    @property
    def peak_rate(self) -> float:
        """Return the learning rate after warm-up.

        Preferences move a model much further than answers do at the same rate.
        """
        return self.learning_rate or (1e-4 if self.traits.trains_preferences else 3e-3)
