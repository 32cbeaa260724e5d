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

from autolearn.core.errors import OutOfMemory
from autolearn.core.model_calls import Completion, Sampling
from autolearn.core.ports import Stop
from autolearn.engine import device_memory
from autolearn.engine.decoding import packed_linear, shared_prefix
from autolearn.engine.decoding.constraints import Matcher
from autolearn.engine.decoding.padded_rows import PaddedRows
from autolearn.engine.load import Loaded, memory_guard
from autolearn.engine.prefix_plan import PromptQueue
from autolearn.models.memory import BATCH_SIZE

TOGETHER = 16
"""Most texts that grow from one prefix."""
BATCH_TOKENS = 65_536
"""Most tokens, prompts and answers with their padding, that they may come to."""
_LIKELIEST = 64
"""Tokens that a draw looks at first: they mostly hold enough, and ranking all of a
vocabulary was a sixth of the time of a study."""
_FREE = 0.25
"""Share of the texts that has to be finished before others take their place."""

Finish = Literal["stop", "length", "cancelled", "overlong"]

log = logging.getLogger(__name__)


@dataclass(eq=False)
class DecodedText:
    """One text being written."""

    ids: list[int]
    sampling: Sampling
    n_begun: int = 0
    """How many of the last ids are the beginning of the answer."""
    matcher: Matcher | None = None
    """What holds the answer to its form."""
    written: list[int] = field(default_factory=list)
    finish: Finish = "cancelled"

    @property
    def newest(self) -> int:
        """Return the last token, which the model has not read yet."""
        return self.written[-1] if self.written else self.ids[-1]

    @property
    def answer(self) -> list[int]:
        """Return the ids of the answer: its beginning, and what was added."""
        return self.ids[len(self.ids) - self.n_begun :] + self.written

    @property
    def is_done(self) -> bool:
        """Return whether nothing is added any more."""
        return self.finish != "cancelled"

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

    def take(self, token: int, stop_ids: frozenset[int]) -> None:
        """Add a token, which may finish the text."""
        if token in stop_ids:
            self.finish = "stop"
            return
        self.written.append(token)
        if self.matcher:
            self.matcher.take(token)
        if self.matcher and self.matcher.is_over:
            self.finish = "stop"
        elif len(self.written) == self.sampling.max_new_tokens:
            self.finish = "length"

    def restart(self) -> None:
        """Forget what is written."""
        self.written.clear()
        if self.matcher:
            self.matcher.restart()


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
    texts = [DecodedText(ids, sampling) for ids, sampling in prompts]
    return write(loaded, texts, stop, progress, stop_ids)


def write(
    loaded: Loaded,
    texts: Sequence[DecodedText],
    stop: Stop,
    progress: Callable[[int], None] | None = None,
    stop_ids: frozenset[int] | None = None,
) -> list[Completion]:
    """Write every text, in the order given; see ``generate``."""
    fitting = [text for text in texts if text.fits(loaded)]
    n_done = len(texts) - len(fitting)
    writer = BatchDecoder(loaded, fitting, stop_ids)
    while writer.has_work:
        n_finished = writer.step()
        n_done += n_finished
        if n_finished and progress:
            progress(n_done)
        if stop():
            break
    return [_completion(loaded, text) for text in texts]


def stream(
    loaded: Loaded, text: DecodedText, stop: Stop, hear: Callable[[str], None]
) -> Completion:
    """Write one text; ``hear`` gets what is written so far after each token."""
    writer = BatchDecoder(loaded, [text] if text.fits(loaded) else [])
    while writer.has_work:
        writer.step()
        hear(loaded.chat.decode(text.answer))
        if stop():
            break
    return _completion(loaded, text)


class BatchDecoder:
    """Writes texts token by token, as many at once as there is room for."""

    def __init__(
        self,
        loaded: Loaded,
        texts: list[DecodedText],
        stop_ids: frozenset[int] | None = None,
    ):
        self._loaded = loaded
        self._stop_ids = loaded.chat.stop_ids if stop_ids is None else stop_ids
        self._most = BATCH_SIZE
        _pack(loaded, texts)
        fitting = loaded.estimator.columns(device_memory.free(loaded.device))
        self._columns = min(BATCH_TOKENS, fitting)
        self._kind = shared_prefix.cache_class(loaded)
        self._cache: shared_prefix.SharedPrefixCache | PaddedRows
        self._begin(texts)
        if not self._kind.shares:
            log.info("this kind of model reads each prompt apart, with what they share")

    def _begin(self, texts: list[DecodedText]) -> None:
        self._all = texts
        self._prompts = [text.ids for text in texts]
        together = min(TOGETHER, self._most) if self._kind.shares else 1
        n_new = [text.sampling.max_new_tokens for text in texts]
        self._waiting = PromptQueue(self._prompts, n_new, together)
        self._texts: list[DecodedText] = []
        """Those that the cache holds, in its order."""

    @property
    def has_work(self) -> bool:
        """Return whether there is anything left to write."""
        return bool(self._waiting) or any(not text.is_done for text in self._texts)

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
        self._loaded.packed.drop()
        # What is finished stays so; the others are begun again, fewer at once.
        self._most //= 2
        log.warning("too little memory: going on with %d texts at once", self._most)
        left = [text for text in self._all if not text.is_done]
        for text in left:
            text.restart()
        self._begin(left)
        return 0

    def _make_room(self) -> None:
        """Drop what is finished, and begin what waits where there is room for it."""
        living = [i for i, text in enumerate(self._texts) if not text.is_done]
        if not living:
            self._cache, self._texts = self._kind(self._loaded), []
        elif len(living) <= (1 - _FREE) * len(self._texts):
            self._texts = [self._texts[i] for i in living]
            self._cache.keep(living)
        free = self._most - len(self._texts)
        can_grow = self._kind.shares or not self._texts
        if self._waiting and can_grow and free >= _FREE * self._most:
            groups = self._waiting.take(free, self._columns * free // self._most)
            self._cache.add(groups, self._prompts)
            self._texts += [self._all[i] for group in groups for i in group.members]

    def _write(self) -> int:
        living = [text for text in self._texts if not text.is_done]
        logits = self._cache.advance(
            [None if text.is_done else text.newest for text in self._texts]
        )
        self._go_on(living, logits.float())
        return sum(text.is_done for text in living)

    def _go_on(self, texts: Sequence[DecodedText], logits: Tensor) -> None:
        """Add to each text one of the tokens that may follow.

        Shapes:
            logits: (N, V) float32.
        """
        constrained = [i for i, text in enumerate(texts) if text.matcher]
        if constrained:
            _restrict(logits, texts, constrained)
        picked = _pick(logits, texts).tolist()
        for text, token in zip(texts, picked, strict=True):
            text.take(token, self._stop_ids)


def _pack(loaded: Loaded, texts: Sequence[DecodedText]) -> None:
    """Have the weights laid out for few rows, where that pays and memory allows."""
    n_tokens = sum(text.sampling.max_new_tokens for text in texts)
    is_worth = len(texts) > 1 and n_tokens >= packed_linear.LEAST_TOKENS
    if loaded.packed or not is_worth:
        return
    if loaded.estimator.copies_within(device_memory.free(loaded.device)):
        with memory_guard():
            loaded.packed.make(loaded.model)


def _restrict(
    logits: Tensor, texts: Sequence[DecodedText], constrained: list[int]
) -> None:
    """Rule out, in place, the tokens that the constraints of these texts forbid.

    Shapes:
        logits: (N, V) float32.
    """
    likeliest = logits.argmax(dim=1).tolist()
    for i in constrained:
        matcher, greedy = texts[i].matcher, not texts[i].sampling.temperature
        assert matcher is not None
        matcher.restrict(logits[i], likeliest[i], greedy=greedy)


def _pick(logits: Tensor, texts: Sequence[DecodedText]) -> Tensor:
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
    likely = (logits[drawn] / heat).softmax(dim=1)
    chosen[drawn] = _drawn(likely, top_p, chance[:, None], _LIKELIEST)
    return chosen


def _drawn(likely: Tensor, top_p: Tensor, chance: Tensor, most: int) -> Tensor:
    """Draw from the smallest set of tokens whose mass reaches ``top_p``; never none.

    Args:
        likely: How likely each token is.
        top_p: The mass.
        chance: A random number, 0..1.
        most: How many tokens are looked at first.

    Shapes:
        likely: (N, V). top_p, chance: (N, 1).
        returns: (N,) int64.
    """
    n_tokens = likely.shape[1]
    ranked, order = likely.topk(min(most, n_tokens), dim=1)
    is_short = (ranked.sum(dim=1, keepdim=True) < top_p)[:, 0]
    ranked[ranked.cumsum(dim=1) - ranked >= top_p] = 0
    mass = ranked.cumsum(dim=1)
    point = chance * mass[:, -1:]
    place = torch.searchsorted(mass, point, right=True).clamp(max=mass.shape[1] - 1)
    drawn = order.gather(1, place)[:, 0]
    if most < n_tokens and is_short.any():
        short = likely[is_short], top_p[is_short], chance[is_short]
        drawn[is_short] = _drawn(*short, n_tokens)
    return drawn


def _completion(loaded: Loaded, text: DecodedText) -> Completion:
    written = loaded.chat.decode(text.answer)
    return Completion(written, text.finish, len(text.ids), len(text.written))
