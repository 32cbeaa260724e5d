"""Protocols of what studies and trainings work with: a model, a trainer, a journal.

The study loop knows nothing of tensors, files or tables; it talks to these protocols.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from autolearn.core.model_calls import Chat, Completion, ModelIdentity, Request
from autolearn.core.records import Record, TrainItem
from autolearn.core.settings import TrainSettings

Stop = Callable[[], bool]
"""Asked after every token and every optimiser step; True ends the work there."""

Progress = Callable[[str, int, int], None]
"""Told ``(stage, done, total)`` as work goes on."""


class Cancelled(Exception):
    """The person stopped the run; what was committed stays."""


class Backend(Protocol):
    """A model that turns chats into text."""

    @property
    def identity(self) -> ModelIdentity:
        """Return which weights answer now."""

    @property
    def context_length(self) -> int:
        """Return how many tokens prompt and answer may have together."""

    @property
    def protocol(self) -> str:
        """Return by which protocol its weights are to be asked; see study.protocol."""

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

        A request that does not fit the context comes back as ``overlong``. When
        ``stop`` says so, what is unfinished comes back as ``cancelled``.
        ``progress`` is told how many requests are finished.
        """

    def probabilities(
        self, chats: Sequence[Chat], prefills: Sequence[str], labels: Sequence[str]
    ) -> list[tuple[float, ...]]:
        """Return P(label) for each chat whose answer has begun so, summing to 1.

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
        max_new_tokens: int = 48,
        beginnings: Sequence[str] | None = None,
    ) -> list[str]:
        """Return for each seed an instruction: a user turn that the model writes.

        Sampled at temperature 1 from the bare chat template, cleaned; empty if
        nothing came, or ``stop`` cut it off. With ``beginnings``, one for each seed, a
        turn goes on from its beginning and includes it.
        """


class ChatBackend(Backend, Protocol):
    """A model that also answers while a person reads along."""

    def stream(
        self, request: Request, stop: Stop, on_text: Callable[[str], None]
    ) -> Completion:
        """Answer a request; ``on_text`` gets the answer so far as it comes."""


class Watcher(Protocol):
    """Sees a round being trained, and may stop it."""

    def stop(self) -> bool:
        """Return whether to stop after this step, at a checkpoint."""

    def on_probe(self, step: int, metrics: dict[str, float]) -> None:
        """Called once before the first step with the memory of the largest step."""

    def on_step(self, step: int, total: int, metrics: dict[str, float]) -> None:
        """Take the numbers of one optimiser step."""


class TrainOutcome(Protocol):
    """How a round ended."""

    n_steps: int
    finished: bool
    """False: stopped at a checkpoint, to be resumed."""
    dropped: list[int]
    """Positions of items that were too long or had nothing to learn."""
    scores: dict[str, Any]
    """What was measured when it ended, as JSON values; see docs/learning.md."""
    notes: list[str]
    """Sentences on what a person should know of how it went."""


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

        Goes on from the newest checkpoint in ``checkpoints`` when there is one;
        ``start`` is the adapter to begin with, None for a fresh one.
        """


class Journal(Protocol):
    """The memory of a run: what a step has made is kept once and never made again."""

    def step(
        self, name: str, make: Callable[[], Sequence[Record]]
    ) -> tuple[Record, ...]:
        """Return what the step of this name made, making and keeping it if new.

        All records of a step are committed together with its name, so a killed run
        finds either all of them or none. ``Cancelled`` from ``make`` keeps nothing.
        """
