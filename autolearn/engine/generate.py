"""Write texts with the model, many at once.

A decode loop of our own: a text that is finished makes room for the next one, the
person can stop after any token, and what is drawn for one item depends on no other.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from autolearn.engine import room
from autolearn.engine.forest import Forest, heads
from autolearn.engine.load import Loaded, memory_guard
from autolearn.engine.plan import Group, Queue, Tree, planted
from autolearn.errors import OutOfMemory
from autolearn.memory import SAFE
from autolearn.ports import Stop
from autolearn.records import Completion, Sampling

BATCH_SIZE = 128
"""Most texts that are written at once."""
TOGETHER = 16
"""Most texts that grow as one tree."""
BATCH_TOKENS = 65_536
"""Most tokens, prompts and answers with their padding, that they may come to."""
_FREE = 0.25
"""Share of the rows that have to be free before others take their place."""

Finish = Literal["stop", "length", "cancelled", "overlong"]

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Text:
    """One text being written."""

    ids: list[int]
    sampling: Sampling
    written: list[int] = field(default_factory=list)
    finish: Finish = "cancelled"

    @property
    def newest(self) -> int:
        """Return the last token, which the model has not read yet."""
        return self.written[-1] if self.written else self.ids[-1]

    @property
    def n_read(self) -> int:
        """Return how many tokens stand before the newest."""
        return len(self.ids) - 1 + len(self.written)

    @cached_property
    def chances(self) -> list[float]:
        """A random number for each token, from the item's own seed."""
        generator = torch.Generator().manual_seed(self.sampling.seed)
        n: int = self.sampling.max_new_tokens
        return torch.rand(n, generator=generator).tolist()

    def fits(self, loaded: Loaded) -> bool:
        """Return whether the context holds it; note it as overlong if not."""
        if len(self.ids) + self.sampling.max_new_tokens <= loaded.context_length:
            return True
        self.finish = "overlong"
        return False

    def take(self, token: int, stop_ids: frozenset[int]) -> bool:
        """Add a token; return whether the text is finished."""
        if token in stop_ids:
            self.finish = "stop"
            return True
        self.written.append(token)
        if len(self.written) == self.sampling.max_new_tokens:
            self.finish = "length"
            return True
        return False


def generate(
    loaded: Loaded,
    prompts: Sequence[tuple[list[int], Sampling]],
    stop: Stop,
    progress: Callable[[int], None] | None = None,
    stop_ids: frozenset[int] | None = None,
) -> list[Completion]:
    """Answer every prompt, in the order given.

    A prompt that does not fit the context comes back as ``overlong``; what ``stop``
    cut off, or never let begin, as ``cancelled``.
    """
    texts = [_Text(ids, sampling) for ids, sampling in prompts]
    fitting = [text for text in texts if text.fits(loaded)]
    n_done = len(texts) - len(fitting)
    writer = _Writer(loaded, fitting, stop_ids)
    while writer.has_work:
        n_finished = writer.step()
        n_done += n_finished
        if n_finished and progress:
            progress(n_done)
        if stop():
            break
    return [_completion(loaded, text) for text in texts]


def stream(
    loaded: Loaded,
    ids: list[int],
    sampling: Sampling,
    stop: Stop,
    hear: Callable[[str], None],
) -> Completion:
    """Answer one prompt; ``hear`` is told after each token what is written so far."""
    text = _Text(ids, sampling)
    writer = _Writer(loaded, [text] if text.fits(loaded) else [])
    while writer.has_work:
        writer.step()
        hear(loaded.chat.decode(text.written))
        if stop():
            break
    return _completion(loaded, text)


class _Writer:
    """Writes texts token by token, as many at once as there is room for."""

    def __init__(
        self, loaded: Loaded, texts: list[_Text], stop_ids: frozenset[int] | None = None
    ):
        self._loaded = loaded
        self._stop_ids = loaded.chat.stop_ids if stop_ids is None else stop_ids
        self._forest = Forest(loaded)
        if not self._forest.can_share:
            log.info(
                "this kind of model reads each prompt apart: no tree can be shared"
            )
        self._most = BATCH_SIZE
        self._columns = _columns(loaded)
        self._wait(texts)

    def _wait(self, texts: list[_Text]) -> None:
        self._texts = texts
        self._waiting = Queue(
            [text.ids for text in texts],
            [text.sampling.max_new_tokens for text in texts],
            min(TOGETHER, self._most) if self._forest.can_share else 1,
            self._loaded.price,
        )
        # Of each tree its texts, by their numbers as members; None: finished.
        self._rows: list[list[_Text | None]] = []

    @property
    def has_work(self) -> bool:
        """Return whether there is anything left to write."""
        return bool(self._waiting) or any(map(any, self._rows))

    def step(self) -> int:
        """Write one token of each text; return how many are finished by it.

        Raises:
            OutOfMemory: The device is too small for a single one.
        """
        try:
            with memory_guard(), torch.inference_mode():
                self._make_room()
                return self._write()
        except OutOfMemory:
            if self._most == 1:
                raise
        # What is finished stays so; the others are begun again, fewer at once.
        self._most //= 2
        log.warning("too little memory: going on with %d texts at once", self._most)
        left = [text for text in self._texts if text.finish == "cancelled"]
        for text in left:
            text.written.clear()
        self._forest = Forest(self._loaded)
        self._wait(left)
        return 0

    def _make_room(self) -> None:
        """Let waiting texts take the rows of finished ones, or close the gaps."""
        living = [i for i, row in enumerate(self._rows) if any(row)]
        dead = [i for i, row in enumerate(self._rows) if not any(row)]
        if not living:
            groups = self._waiting.take(self._most, self._most, self._columns)
            self._rows = self._read(groups, self._forest.begin)
        elif len(dead) >= max(1, _FREE * len(self._rows)):
            if self._waiting and self._forest.can_share:
                self._refill(dead)
            else:
                self._rows = [self._rows[i] for i in living]
                self._forest.keep(living, self._heads()[1])

    def _refill(self, dead: list[int]) -> None:
        n_living = sum(text is not None for row in self._rows for text in row)
        columns = self._columns * len(dead) // len(self._rows)
        groups = self._waiting.take(self._most - n_living, len(dead), columns)
        places = dead[: len(groups)]
        rows = self._read(groups, lambda trees: self._forest.refill(places, trees))
        for place, row in zip(places, rows, strict=True):
            self._rows[place] = row

    def _read(
        self, groups: list[Group], into: Callable[[list[Tree]], None]
    ) -> list[list[_Text | None]]:
        """Have the forest read groups as trees; return the texts of each, in order."""
        trees, rows = planted(groups, [text.ids for text in self._texts])
        into(trees)
        return [[self._texts[i] for i in row] for row in rows]

    def _heads(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the newest token of each living text, its member and its place."""
        newest = [
            [
                (text.newest, number, text.n_read)
                for number, text in enumerate(row)
                if text is not None
            ]
            for row in self._rows
        ]
        return heads(newest, self._loaded.device)

    def _write(self) -> int:
        tokens, members, places = self._heads()
        logits = self._forest.follow(tokens, members, places)
        living = [
            (row, number, text)
            for row in self._rows
            for number, text in enumerate(row)
            if text is not None
        ]
        texts = [text for _, _, text in living]
        picked = _pick(logits[members >= 0].float(), texts)
        n_finished = 0
        for (row, number, text), token in zip(living, picked.tolist(), strict=True):
            if text.take(token, self._stop_ids):
                row[number] = None
                n_finished += 1
        return n_finished


def _columns(loaded: Loaded) -> int:
    """Return how many tokens may be held at once where there is so much memory."""
    fitting = int(SAFE * room.free(loaded.device)) // loaded.needs.column
    return min(BATCH_TOKENS, fitting)


def _pick(logits: Tensor, texts: Sequence[_Text]) -> Tensor:
    """Return the next token of each text.

    Shapes:
        logits: (N, V) float32.
        returns: (N,) int64.
    """
    chosen = logits.argmax(dim=1)
    drawn = [i for i, text in enumerate(texts) if text.sampling.temperature]
    if not drawn:
        return chosen
    some = [texts[i] for i in drawn]
    heat = logits.new_tensor([text.sampling.temperature for text in some])[:, None]
    top_p = logits.new_tensor([text.sampling.top_p for text in some])[:, None]
    chance = logits.new_tensor([text.chances[len(text.written)] for text in some])
    likely, order = (logits[drawn] / heat).softmax(dim=1).sort(dim=1, descending=True)
    # The smallest set of tokens whose mass reaches top_p; never an empty one.
    likely[likely.cumsum(dim=1) - likely >= top_p] = 0
    mass = likely.cumsum(dim=1)
    point = chance[:, None] * mass[:, -1:]
    place = torch.searchsorted(mass, point, right=True).clamp(max=mass.shape[1] - 1)
    chosen[drawn] = order.gather(1, place)[:, 0]
    return chosen


def _completion(loaded: Loaded, text: _Text) -> Completion:
    written = loaded.chat.decode(text.written)
    return Completion(written, text.finish, len(text.ids), len(text.written))
