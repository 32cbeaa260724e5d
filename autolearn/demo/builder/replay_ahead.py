"""Generate the instructions of the built-in model in advance.

Run `python -m autolearn.demo.builder.replay_ahead` after each build, since the
instructions belong to the weights. A round then need not wait for them.
"""

import sys
from collections.abc import Callable, Sequence

from autolearn.core.records import GeneratedInstruction, Record
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.models.files import BUILT_IN
from autolearn.study.generation import Generator, of_type
from autolearn.training import replay, replay_pool

N = 700
"""Fewest instructions: a round on the library needs about 600, the drift probe 32."""


class MemoryJournal:
    """A journal in memory, so that whole steps are shipped."""

    def __init__(self) -> None:
        self.instructions: list[GeneratedInstruction] = []

    def names(self) -> list[str]:
        """Return nothing, since no step is read back."""
        return []

    def step(
        self, name: str, make: Callable[[], Sequence[Record]]
    ) -> tuple[Record, ...]:
        """Return the records of a step, and remember them."""
        records = tuple(make())
        self.instructions += of_type(GeneratedInstruction, records)
        return records


def main() -> None:
    """Write the file into the folder of the built-in model."""
    backend = HuggingFaceBackend.load(ModelSettings(), BUILT_IN)
    writer = Generator(backend, StudySettings(), lambda: False, lambda share: None)
    journal = MemoryJournal()
    replay.generate_instructions(writer, journal, [], N, lambda n_done: None)
    path = BUILT_IN / replay_pool.FILE
    path.write_text(
        replay_pool.as_text(journal.instructions, backend.identity), encoding="utf-8"
    )
    sys.stdout.write(f"{len(journal.instructions)} instructions in {path}\n")


if __name__ == "__main__":
    main()
