"""A journal that keeps its steps in memory."""

import itertools
from dataclasses import replace


class MemoryJournal:
    """A journal in memory; ``kept`` may be handed to another to resume from it."""

    def __init__(self, steps=None):
        self.kept = steps if steps is not None else {}
        self.ids = itertools.count(1000 * (1 + len(self.kept)))

    def names(self):
        return list(self.kept)

    def step(self, name, make):
        if name not in self.kept:
            self.kept[name] = tuple(
                replace(record, id=next(self.ids)) for record in make()
            )
        return self.kept[name]

    def all(self, kind):
        return [r for rows in self.kept.values() for r in rows if isinstance(r, kind)]
