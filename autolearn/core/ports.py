"""Protocols that studies and trainings depend on: a model, a trainer, a journal.

The study loop knows nothing of tensors, files or tables; it talks to these protocols.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from autolearn.core.model_calls import Chat, Completion, ModelIdentity, Request
from autolearn.core.records import Record, TrainItem
from autolearn.core.settings import TrainSettings

Stop = Callable[[], bool]
"""Called after every token and every optimiser step; True stops the work there."""

Progress = Callable[[str, int, int], None]
"""Called with ``(stage, done, total)`` as work progresses."""


class Cancelled(Exception):
    """The user stopped the run; what was committed stays."""


class Backend(Protocol):
    """A model that turns chats into text."""

    @property
    def identity(self) -> ModelIdentity:
        """Return the identity of the current weights."""

    @property
    def context_length(self) -> int:
        """Return the context length: the most tokens of prompt and answer together."""

    @property
    def protocol(self) -> str:
        """Return the protocol for prompting its weights; see study.protocol."""

    @property
    def scores_texts(self) -> bool:
        """Return whether ``confidence`` can be measured; most servers cannot."""

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a text, without any template."""

    def complete(
        self,
        requests: Sequence[Request],
        stop: Stop,
        progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """Answer every request, in the order given.

        A request that does not fit the context comes back as ``overlong``. Once
        ``stop`` returns True, unfinished requests come back as ``cancelled``.
        ``progress`` receives how many requests are finished.
        """

    def probabilities(
        self, chats: Sequence[Chat], prefills: Sequence[str], labels: Sequence[str]
    ) -> list[tuple[float, ...]]:
        """Return P(label) for each chat with a begun answer, summing to 1.

        Only the first tokens in which the labels differ are read; nothing is decoded.
        """

    def confidence(self, chats: Sequence[Chat], answers: Sequence[str]) -> list[float]:
        """Return the mean log-probability of a token of each answer, its end included.

        None of the answers may be empty. Only for a backend that ``scores_texts``.
        """

    def generate_instructions(
        self,
        seeds: Sequence[int],
        stop: Stop,
        max_new_tokens: int,
        beginnings: Sequence[str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Return for each seed an instruction: a user turn that the model writes.

        Sampled at temperature 1 from the bare chat template, cleaned; empty if
        nothing came, or ``stop`` cut it off. With ``beginnings``, one for each seed, a
        turn continues its beginning and includes it. ``progress`` receives how many
        turns are finished.
        """


class ChatBackend(Backend, Protocol):
    """A model whose answer can also be read while it is written."""

    def stream(
        self, request: Request, stop: Stop, on_text: Callable[[str], None]
    ) -> Completion:
        """Answer a request; ``on_text`` gets the answer so far as it comes."""


class Watcher(Protocol):
    """Receives the progress of a training, and may stop it."""

    def stop(self) -> bool:
        """Return whether to stop after this step, at a checkpoint."""

    def on_probe(self, step: int, metrics: dict[str, float]) -> None:
        """Called once before the first step with the memory of the largest step."""

    def on_step(self, step: int, total: int, metrics: dict[str, float]) -> None:
        """Receive the metrics of one optimiser step."""


class TrainOutcome(Protocol):
    """How a round ended."""

    n_steps: int
    finished: bool
    """False: stopped at a checkpoint, to be resumed."""
    dropped: list[int]
    """Positions of items that were too long or had nothing to learn."""
    scores: dict[str, Any]
    """The final measurements, as JSON values; see docs/learning.md."""
    notes: list[str]
    """Sentences for the user about how the training went."""


class Trainer(Protocol):
    """A model whose adapter can be trained."""

    def train(
        self,
        items: Sequence[TrainItem],
        settings: TrainSettings,
        watcher: Watcher,
        *,
        start: Path | None,
        checkpoints: Path,
        output: Path,
    ) -> TrainOutcome:
        """Train an adapter on the items and save it as a PEFT folder in ``output``.

        Continues from the newest checkpoint in ``checkpoints`` if there is one;
        ``start`` is the adapter to begin with, None for a fresh one.
        """


class Journal(Protocol):
    """The journal of a run: a step's output is stored once and never recomputed."""

    def names(self) -> list[str]:
        """Return the names of the stored steps, in the order they were stored."""

    def step(
        self, name: str, make: Callable[[], Sequence[Record]]
    ) -> tuple[Record, ...]:
        """Return the output of the named step; compute and store it if it is new.

        All records of a step are committed together with its name, so a killed run
        finds either all of them or none. ``Cancelled`` from ``make`` keeps nothing.
        """
