"""Processes that train together, as forks: they have the loaded model at once."""

import multiprocessing
from dataclasses import dataclass, field
from typing import Any

import torch

from autolearn.engine.trainer.outcome import Outcome
from autolearn.engine.trainer.process_group import ProcessGroup
from autolearn.engine.trainer.train import RoundTrainer
from tests.support.tiny import Watch

SECONDS = 120


@dataclass
class Part:
    """What one process has seen of a training."""

    seen: list[dict[str, float]] = field(default_factory=list)
    outcome: Outcome = field(default_factory=lambda: Outcome(0, finished=False))
    error: str = ""


def train(
    lm: Any, items, settings, places, n: int = 2, last: int | None = None
) -> list[Part]:
    """Train with ``n`` processes, whose first one stops after ``last`` steps."""
    context = multiprocessing.get_context("fork")
    results = [context.SimpleQueue() for _ in range(n)]
    meeting_file = places["output"].with_name(f"meeting-{places['output'].name}")
    meeting_file.unlink(missing_ok=True)

    def body(number: int) -> None:
        watch, part = Watch(last if number == 0 else None), Part()
        try:
            torch.set_num_threads(1)
            group = ProcessGroup(meeting_file, number, n)
            part.outcome = RoundTrainer(lm, items, settings, group).run(watch, **places)
        except Exception as error:  # noqa: BLE001  # the test looks at it
            part.error = f"{type(error).__name__}: {error}"
        part.seen = watch.seen
        results[number].put(part)

    processes = [context.Process(target=body, args=(i,)) for i in range(n)]
    for process in processes:
        process.start()
    try:
        for process in processes:
            process.join(SECONDS)
            assert process.exitcode == 0
    finally:
        for process in processes:
            process.kill()
    return [result.get() for result in results]
