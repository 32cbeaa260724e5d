"""Make what the built-in model makes up beforehand: replay without a wait.

`python -m autolearn.demo.builder.replay_ahead` after each build: the file belongs to
its weights.
"""

import sys
from collections.abc import Callable, Sequence

from autolearn.core.records import Record, SelfGeneratedItem
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.models.files import BUILT_IN
from autolearn.study.generation import Generator, of
from autolearn.training import replay

N = 700
"""Prompts at least: a round on the library takes about 600, and 32 for the gauge."""


class Notes:
    """A journal that only remembers, so that whole steps are shipped."""

    def __init__(self) -> None:
        self.made: list[SelfGeneratedItem] = []

    def step(
        self, name: str, make: Callable[[], Sequence[Record]]
    ) -> tuple[Record, ...]:
        """Return what a step makes, and remember it."""
        made = tuple(make())
        self.made += of(SelfGeneratedItem, made)
        return made


def main() -> None:
    """Write the file into the folder of the built-in model."""
    backend = HuggingFaceBackend.load(ModelSettings(), BUILT_IN)
    writer = Generator(backend, StudySettings(), lambda: False, lambda share: None)
    notes = Notes()
    replay.imagine(writer, notes, [], N, lambda done: None)
    path = BUILT_IN / replay.SHIPPED
    path.write_text(replay.ship(notes.made, backend.identity), encoding="utf-8")
    sys.stdout.write(f"{len(notes.made)} prompts in {path}\n")


if __name__ == "__main__":
    main()
