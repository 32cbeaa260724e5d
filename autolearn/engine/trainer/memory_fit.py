"""Fit a round into memory: plan the batch, and halve it after out-of-memory errors.

What: the tokens per pass are planned from the memory that is free. After an
out-of-memory error, the work starts again with half as many. The gradient of a step is
a sum over its parts, so it stays the same.

Why: a round may run for hours, and other programs take memory meanwhile. It should
    continue more slowly instead of failing.
"""

import logging
from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import TypeVar

from autolearn.core.errors import OutOfMemory
from autolearn.core.settings import TrainSettings
from autolearn.engine import device_memory
from autolearn.engine.load import LoadedModel, memory_guard
from autolearn.engine.trainer.batches import Example
from autolearn.engine.trainer.forward import Forward
from autolearn.engine.trainer.process_group import Processes
from autolearn.models import memory
from autolearn.models.batch_shape import BatchShape, ItemSizes
from autolearn.models.memory import Memory
from autolearn.training.replay import in_step

T = TypeVar("T")

log = logging.getLogger(__name__)


class BatchSizer:
    """Decides how many tokens of a round go through the model of a process at once."""

    def __init__(
        self,
        lm: LoadedModel,
        forward: Forward,
        processes: Processes,
        settings: TrainSettings,
        new: Sequence[Example],
        replay: Sequence[Example],
    ):
        self._lm = lm
        self._forward = forward
        self._processes = processes
        self._settings = settings
        self._items = _items(new, replay, settings, processes)
        self._recompute = False

    def plan(self) -> bool:
        """Choose the tokens per pass; return whether to recompute activations.

        Raises:
            OutOfMemory: Not even the longest item fits.
        """
        free = device_memory.free(self._lm.device) // self._processes.n_on_device
        batch_shape = self._lm.estimator.plan(self._settings, self._items, free)
        self._forward.at_once = batch_shape.tokens
        self._recompute = batch_shape.recompute
        log.info("%d MiB are free; planned: %s", free >> 20, batch_shape)
        return self._recompute

    def retry_on_oom(self, work: Callable[[], T]) -> T:
        """Do the work, with fewer tokens at once after an out-of-memory error."""
        return retry_on_oom(self._forward, self._items.longest, work)

    def estimate(self, examples: Sequence[Example]) -> Memory:
        """Return the estimated memory of the largest pass with these examples."""
        estimator = self._lm.estimator
        batch_shapes = map(self._batch_shape, self._forward.parts(examples))
        # The largest part decides, since parts run one after the other.
        estimates = (
            estimator.training(self._settings, shape) for shape in batch_shapes
        )
        return max(estimates, key=attrgetter("total"), default=Memory())

    def _batch_shape(self, part: Sequence[Example]) -> BatchShape:
        # Collated as in training: trees are smaller than the sum of their rows.
        batch = self._forward.collate([row for example in part for row in example.rows])
        n_rows, width = batch.ids.shape
        n_replay_tokens = self._items.n_replay
        return BatchShape(
            n_rows * width, len(batch.targets), width, self._recompute, n_replay_tokens
        )


def retry_on_oom(forward: Forward, longest: int, work: Callable[[], T]) -> T:
    """Do the work, halving the tokens at once after each out-of-memory error.

    The gradient is a sum over parts, so it stays the same.

    Args:
        forward: The model; its ``at_once`` is lowered.
        longest: Tokens of the longest item.
        work: What to do. It is started again after an error.

    Raises:
        OutOfMemory: Not even one item fits. The error proposes half its length.
    """
    while True:
        try:
            with memory_guard():
                return work()
        except OutOfMemory as error:
            if forward.at_once <= longest:
                advice = {"max_tokens": max(memory.SHORTEST, longest // 2)}
                raise OutOfMemory(
                    f"An item of {longest} tokens is too long for this device; "
                    f"train with {memory.in_words(advice)}, close other programs, or "
                    "choose a smaller model.",
                    advice,
                ) from error
        # The trees and parts are built again from at_once when the work starts again.
        forward.at_once = max(longest, forward.at_once // 2)
        log.warning("too little memory: %d tokens at once", forward.at_once)


def _items(
    new: Sequence[Example],
    replay: Sequence[Example],
    settings: TrainSettings,
    processes: Processes,
) -> ItemSizes:
    examples = [*new, *replay]
    rows = [row for example in examples for row in example.rows]
    longest = max(example.length for example in examples)
    rows_per_item = max(len(example.rows) for example in examples)
    n_replay = in_step(settings, len(new), len(replay))
    # The worst step: all rows as long as the longest.
    n_rows = max(settings.batch_size * rows_per_item, n_replay)
    return ItemSizes(
        longest=longest,
        tokens=sum(len(row.ids) for row in rows),
        n_learned=sum(row.n_answer for row in rows),
        in_step=processes.largest_share(n_rows) * longest,
        n_replay=sum(example.chosen.n_answer for example in replay),
    )
