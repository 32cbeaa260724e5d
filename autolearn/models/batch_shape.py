"""The sizes on which the memory of a round depends: of its items and of a pass."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BatchShape:
    """The size of one training pass."""

    tokens: int
    """Padding included."""
    answers: int
    """Number of these tokens that are learned."""
    width: int
    """Tokens of the longest row."""
    recompute: bool = False
    """Whether activations are recomputed instead of kept."""
    n_replay: int = 0
    """Answer tokens of all replay items, whose base predictions are kept."""


@dataclass(frozen=True)
class ItemSizes:
    """The sizes of the items of a round."""

    longest: int
    """Tokens of the longest item."""
    tokens: int
    n_learned: int
    """Number of tokens that are learned."""
    in_step: int
    """Most tokens of an optimiser step."""
    n_replay: int = 0
    """Answer tokens of all replay items."""

    def at_once(self, tokens: int, *, recompute: bool = False) -> BatchShape:
        """Return a pass of this many tokens, or of a whole step if that is less."""
        n_tokens = min(tokens, max(self.in_step, self.longest))
        n_learned = round(n_tokens * self.n_learned / max(1, self.tokens))
        return BatchShape(n_tokens, n_learned, self.longest, recompute, self.n_replay)
