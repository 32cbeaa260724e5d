"""Count tokens with the tokenizer of a model."""

from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

from tokenizers import Regex, Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import PreTokenizer, Sequence, Split

from autolearn.containment import Child, Role, run
from autolearn.core.errors import BackendError, ChildFailed
from autolearn.models.foreign import BUILT_IN
from autolearn.models.small_files import check_regular
from autolearn.models.tokenizer_files import LIMITS, fault, guarded, load

LONGEST_WORD = 96
"""Most characters that a WordPiece model sees as one word."""
AT_ONCE = 1 << 17
"""Characters that are encoded at once: a token takes some 300 bytes meanwhile. Longer
texts, which only white space is, are counted part by part."""
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
        tokenizer.pre_tokenizer = Sequence([before, cut] if before else [cut])


def token_counter(folder: Path) -> Callable[[str], int]:
    """Return a function that counts the tokens of a text, without chat template.

    The tokenizer of a foreign model counts in a child.
    """
    if folder == BUILT_IN or Role.is_child:
        return local_counter(folder)
    return partial(_contained_count, folder)


def _contained_count(folder: Path, text: str) -> int:
    try:
        return int(
            run("autolearn.models.token_counting:count", folder, text, limits=LIMITS)
        )
    except ChildFailed as error:
        raise BackendError(fault(folder, error)) from error


def try_in(child: Child, folder: Path) -> None:
    """Load a tokenizer in a child that is going to count with it.

    Raises:
        BackendError: It cannot be used.
    """
    try:
        child.call("autolearn.models.token_counting:try_out", folder, limits=LIMITS)
    except ChildFailed as error:
        raise BackendError(fault(folder, error)) from error


def count(folder: str, text: str) -> int:
    """Return how many tokens a text has, in the child."""
    return local_counter(Path(folder))(text)


def try_out(folder: str) -> None:
    """Load a tokenizer and encode a difficult text, in the child.

    Raises:
        BackendError: It cannot be used.
    """
    local_counter(Path(folder))(TRIAL)


def local_counter(folder: Path) -> Callable[[str], int]:
    """Return what counts tokens in this process.

    Raises:
        BackendError: The tokenizer is broken. The function raises it too.
    """
    file = folder / "tokenizer.json"
    check_regular(file)
    return _counter(folder, file.stat().st_mtime_ns)


def _bounded(folder: Path) -> Tokenizer:
    tokenizer = load(folder)
    guarded(folder, lambda: bound_words(tokenizer))
    return tokenizer


@lru_cache(maxsize=2)
def _counter(folder: Path, _modification: int) -> Callable[[str], int]:
    tokenizer = _bounded(folder)

    def count_tokens(text: str) -> int:
        starts = range(0, len(text), AT_ONCE)
        parts = [text[start : start + AT_ONCE] for start in starts]
        return guarded(folder, lambda: sum(map(n_tokens, parts)))

    def n_tokens(part: str) -> int:
        return len(tokenizer.encode(part, add_special_tokens=False).ids)

    return count_tokens
