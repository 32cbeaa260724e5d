"""Count tokens with the tokenizer of a model."""

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, partial
from pathlib import Path

from tokenizers import Regex, Tokenizer, pre_tokenizers
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import PreTokenizer, Split

from autolearn.containment import Child, run
from autolearn.core.errors import BackendError, ChildFailed
from autolearn.models.foreign import is_contained
from autolearn.models.small_files import check_regular
from autolearn.models.tokenizer_files import LIMITS, fault, guarded, load

LONGEST_WORD = 96
"""Most characters that a WordPiece model sees as one word."""
AT_ONCE = 1 << 17
"""Characters that are encoded at once, with about 300 bytes per token. Longer
texts, which can only be white space, are counted in parts."""
GROUP = 512
"""Texts that a child counts at once, within its limit of time."""
TRIAL = "In 1711 the river was 3.5 km long.\n\n" + "a" * 4096 + "\u200d" * 256


def bound_words(tokenizer: Tokenizer) -> None:
    """Cut words that no text has, before a WordPiece model sees them.

    WordPiece tries all beginnings of the rest of a word for each token, so its time
    grows with the third power of the word's length: 100 KB of one letter would take
    hours. Words of at most ``LONGEST_WORD`` characters give the same tokens as before.
    The other models take time in proportion to the text.
    """
    if isinstance(tokenizer.model, WordPiece):
        pattern = Regex(rf"[\s\S]{{1,{LONGEST_WORD}}}")
        cut = Split(pattern, "isolated")
        before: PreTokenizer | None = tokenizer.pre_tokenizer
        parts = [before, cut] if before else [cut]
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(parts)


def token_counter(folder: Path) -> Callable[[str], int]:
    """Return a function that counts the tokens of a text, without chat template.

    The tokenizer of a foreign model counts in a child.
    """
    if is_contained(folder):
        return partial(_contained_count, folder)
    return local_counter(folder)


def _contained_count(folder: Path, text: str) -> int:
    return _contained_counts(folder, [text])[0]


def _contained_counts(folder: Path, texts: Sequence[str]) -> list[int]:
    try:
        counts: list[int] = run(
            "autolearn.models.token_counting:counts", folder, texts, limits=LIMITS
        )
    except ChildFailed as error:
        raise BackendError(fault(folder, error)) from error
    return counts


class TokenCounter:
    """Counts tokens as ``token_counter`` does, and those of no text twice.

    It remembers up to ``most`` texts.
    """

    def __init__(self, folder: Path, most: int = 1 << 16) -> None:
        self._folder, self._most = folder, most
        self._is_contained = is_contained(folder)
        self._count = token_counter(folder)
        self._counts: dict[str, int] = {}

    def __call__(self, text: str) -> int:
        """Return the tokens of a text."""
        count = self._counts.get(text)
        if count is None:  # or another thread has made room
            count = self._count(text)
            self._remember([text], [count])
        return count

    def count_ahead(self, texts: Iterable[str]) -> None:
        """Count many texts at once, since each request to a child takes a millisecond.

        Raises:
            BackendError: The tokenizer is broken.
        """
        if not self._is_contained:
            return
        new = [text for text in dict.fromkeys(texts) if text not in self._counts]
        for first in range(0, len(new), GROUP):
            group = new[first : first + GROUP]
            self._remember(group, _contained_counts(self._folder, group))

    def _remember(self, texts: Sequence[str], counts: Sequence[int]) -> None:
        if len(self._counts) + len(texts) > self._most:
            self._counts.clear()
        self._counts.update(zip(texts, counts, strict=True))


def try_in(child: Child, folder: Path) -> None:
    """Load a tokenizer in a child that is going to count with it.

    Raises:
        BackendError: It cannot be used.
    """
    try:
        child.call("autolearn.models.token_counting:try_out", folder, limits=LIMITS)
    except ChildFailed as error:
        raise BackendError(fault(folder, error)) from error


def counts(folder: str, texts: Sequence[str]) -> list[int]:
    """Return how many tokens each text has, in the child."""
    return list(map(local_counter(Path(folder)), texts))


def try_out(folder: str) -> None:
    """Load a tokenizer and encode a difficult text, in the child.

    Raises:
        BackendError: It cannot be used.
    """
    local_counter(Path(folder))(TRIAL)


def local_counter(folder: Path) -> Callable[[str], int]:
    """Return a function that counts tokens in this process.

    Raises:
        BackendError: The tokenizer is broken. The function raises it too.
    """
    file = folder / "tokenizer.json"
    check_regular(file)
    return _counter(folder, file.stat().st_mtime_ns)


@lru_cache(maxsize=2)
def _counter(folder: Path, _modification: int) -> Callable[[str], int]:
    tokenizer = load(folder)
    guarded(folder, lambda: bound_words(tokenizer))

    def count_tokens(text: str) -> int:
        starts = range(0, len(text), AT_ONCE)
        parts = [text[start : start + AT_ONCE] for start in starts]
        return guarded(folder, lambda: sum(map(n_tokens, parts)))

    def n_tokens(part: str) -> int:
        return len(tokenizer.encode(part, add_special_tokens=False).ids)

    return count_tokens
