"""What another trainer needs of a round: items in text and tokens, and settings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import ceil
from pathlib import Path

from autolearn.core.records import TrainItem
from autolearn.core.settings import TrainSettings

LARGEST_PART = 8
"""Most items that go through the model at once; the rest is accumulated."""


@dataclass(frozen=True)
class EncodedText:
    """A prompt with its answer, as autolearn trains on it.

    Text and tokens include the chat template and the end of the answer's turn.
    """

    prompt: str
    answer: str
    ids: tuple[int, ...]
    n_prompt: int
    """The number of tokens that are not in the loss."""

    @property
    def labels(self) -> list[int]:
        """Return the ids with -100, which losses ignore, in place of the prompt."""
        return [-100] * self.n_prompt + list(self.ids[self.n_prompt :])


@dataclass(frozen=True)
class EncodedItem:
    """A training item with its texts."""

    item: TrainItem
    chosen: EncodedText
    rejected: EncodedText | None = None
    is_learnable: bool = True
    """False: too long, or without an answer. autolearn drops it as well."""
    is_exact: bool = True
    """Whether a tool that reads the texts makes the same tokens of them."""


@dataclass(frozen=True)
class HandoverModel:
    """The model that is trained, and how it is loaded."""

    path: str
    """A folder, or an id of the hub."""
    quantization: str
    dtype: str
    """``float32``, ``bfloat16`` or ``float16``."""
    device: str
    context_length: int

    @property
    def is_4_bit(self) -> bool:
        """Return whether it is loaded in 4 bit (NF4)."""
        return self.quantization == "nf4"

    def longest_item(self, settings: TrainSettings) -> int:
        """Return the most tokens that an item may have."""
        return min(settings.max_tokens, self.context_length)


@dataclass(frozen=True)
class Handover:
    """A round for another trainer."""

    title: str
    model: HandoverModel
    settings: TrainSettings
    items: tuple[EncodedItem, ...]
    """All items of the round, also those that only measure."""
    target_modules: tuple[str, ...] = ()
    """The layers with LoRA weights; empty: all linear layers."""
    start: Path | None = None
    """The adapter that the round continues."""
    n_steps_taken: int | None = None
    """The optimiser steps of a finished round."""
    best_at: int | None = None
    """The step whose adapter a finished round kept; None: the last one."""
    scale: float | None = None
    """The scale of the adapter that a finished round chose."""

    @property
    def is_preference(self) -> bool:
        """Return whether pairs are learned (DPO), not single answers (SFT)."""
        return self.settings.traits.trains_preferences

    @cached_property
    def training(self) -> tuple[EncodedItem, ...]:
        """The items that teach, without those that autolearn drops."""
        return self._of(lambda entry: entry.item.teaches)

    @cached_property
    def validation(self) -> tuple[EncodedItem, ...]:
        """The items that show how much is learned."""
        return self._of(lambda entry: entry.item.kind == "validation")

    @cached_property
    def replay(self) -> tuple[EncodedItem, ...]:
        """The answers of the base model near which autolearn holds the round."""
        return self._of(lambda entry: entry.item.kind == "replay")

    def _of(self, accepts: Callable[[EncodedItem], bool]) -> tuple[EncodedItem, ...]:
        return tuple(e for e in self.items if e.is_learnable and accepts(e))

    @property
    def n_dropped(self) -> int:
        """Return how many items that teach are too long or have no answer."""
        return sum(e.item.teaches and not e.is_learnable for e in self.items)

    @property
    def n_inexact(self) -> int:
        """Return how many items become other tokens if their texts are read."""
        return sum(not e.is_exact for e in (*self.training, *self.validation))

    @property
    def n_planned_steps(self) -> int:
        """Return the optimiser steps that the settings ask for."""
        return self.settings.steps(ceil(len(self.training) / self.settings.batch_size))

    @property
    def n_steps(self) -> int:
        """Return the optimiser steps: those taken, or those planned."""
        return self.n_steps_taken or self.n_planned_steps

    @property
    def max_tokens(self) -> int:
        """Return the most tokens that an item may have."""
        return self.model.longest_item(self.settings)

    @property
    def part_size(self) -> int:
        """Return how many items of a step go through the model at once."""
        size = self.settings.batch_size
        return max(n for n in range(1, LARGEST_PART + 1) if size % n == 0)

    @property
    def n_parts(self) -> int:
        """Return in how many parts the gradient of a step is accumulated."""
        return self.settings.batch_size // self.part_size

    @property
    def optimiser(self) -> str:
        """Return the optimiser as transformers calls it."""
        is_gpu = self.model.device.startswith("cuda")
        return "paged_adamw_8bit" if is_gpu else "adamw_torch"

    @property
    def uses_bf16(self) -> bool:
        """Return whether the model computes in bfloat16."""
        return self.model.dtype == "bfloat16"
