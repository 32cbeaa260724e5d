"""Find passages that repeat an earlier one, exactly or nearly.

MinHash (Broder 1997) finds candidates, which are then compared.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator
from hashlib import blake2b

from rensa import RMinHash, RMinHashLSH

from autolearn.core.ports import Cancelled, Stop
from autolearn.core.records import Passage
from autolearn.store import Store

REPEAT_JACCARD = 0.8
"""Share of common shingles (Jaccard index) from which two passages are near
duplicates."""
N_WORDS, N_SIGNS = 3, 6
"""Length of a shingle in words, or in characters for scripts without spaces."""
LEAST = 8
"""Fewest shingles of a passage that is compared."""
N_HASHES, N_BANDS, SEED = 64, 16, 1
MOST_ALIKE = 32
"""Passages that may be near repeats of one that it is compared with."""
REPORT_EVERY = 1000
_LAST_MARK = 0x1FFFF
"""No script has combining marks beyond it."""
_MARKS = "".join(
    character
    for character in map(chr, range(_LAST_MARK + 1))
    if unicodedata.category(character) in ("Mn", "Mc")
)
"""Combining marks, such as the vowel signs of Hindi, which are no letters to Python."""
_WORD = re.compile(rf"[\w{_MARKS}]+")
_USUAL_WORD = 12
"""Letters of an ordinary word. A longer average means a script without spaces."""


def mark(
    store: Store,
    document_ids: set[int],
    stop: Stop,
    report: Callable[[int], None],
    *,
    after: int = 0,
) -> int:
    """Mark the passages of these documents that repeat an earlier passage.

    Exact repeats are not studied. Near repeats are, since the difference may be the
    very fact to be learned.

    Args:
        store: The workspace.
        document_ids: The documents.
        stop: Asks whether to end early.
        report: Called with the id of the passage that is read, every so often.
        after: Only passages of higher ids are marked.

    Returns:
        The number of passages that repeat another.

    Raises:
        Cancelled: ``stop`` returned True.
    """
    if not document_ids:
        return 0  # avoids reading the whole library for nothing
    index = _Index()
    repeats: dict[int, tuple[int, bool]] = {}
    for n, passage in enumerate(_others_first(store, document_ids)):
        if stop():
            raise Cancelled
        if n % REPORT_EVERY == 0:
            report(passage.id)
        parts = shingles(normal_form(passage.text))
        if len(parts) < LEAST:
            continue
        same, candidates = index.add(passage, parts)
        if passage.document_id not in document_ids or passage.id <= after:
            continue
        if same:
            repeats[passage.id] = same, True
        elif nearest := _nearest(store, candidates, parts):
            repeats[passage.id] = nearest, False
    store.library.set_repeats(repeats)
    return len(repeats)


def _others_first(store: Store, document_ids: set[int]) -> Iterator[Passage]:
    """Yield all passages, those of these documents last.

    A deleted document that is added again has its old passages, whose ids are lower
    than those of what was added meanwhile.
    """
    for is_theirs in (False, True):
        for passage in store.library.each_passage():
            if (passage.document_id in document_ids) == is_theirs:
                yield passage


class _Index:
    """The passages so far: by their texts, and by the signatures of their shingles."""

    def __init__(self) -> None:
        self._first_ids: dict[bytes, int] = {}
        self._signatures = RMinHashLSH(REPEAT_JACCARD, N_HASHES, N_BANDS)

    def add(self, passage: Passage, parts: set[str]) -> tuple[int, list[int]]:
        """Add a passage, by its text and the shingles of its words.

        Returns:
            The first passage with the same text and heading, 0 if there is none; and
            the first of those that may be near repeats.
        """
        number = passage.id
        # Signs count: -12 °C is not 12 °C. So does the heading, which says what a row
        # of a table is about.
        texts = passage.heading, passage.text
        plain = "\n".join(" ".join(text.casefold().split()) for text in texts)
        digest = blake2b(plain.encode(), digest_size=16).digest()
        first = self._first_ids.setdefault(digest, number)
        if first != number:
            return first, []
        signature = RMinHash(N_HASHES, SEED)
        signature.update(sorted(parts))
        candidates = sorted(self._signatures.query(signature))
        # Rows of a large table are all alike: each would be compared with all others.
        if len(candidates) < MOST_ALIKE:
            self._signatures.insert(number, signature)
        return 0, candidates[:MOST_ALIKE]


def _nearest(store: Store, candidates: list[int], parts: set[str]) -> int:
    """Return the candidate with the most common shingles; 0 if none has enough."""
    similarities = {
        number: similarity(parts, shingles(normal_form(passage.text)))
        for number, passage in store.library.passages_by_id(candidates).items()
    }
    best = max(similarities, key=lambda number: similarities[number], default=0)
    return best if best and similarities[best] >= REPEAT_JACCARD else 0


def normal_form(text: str) -> str:
    """Return a text without case, punctuation and white space differences."""
    return " ".join(_WORD.findall(text.lower()))


def shingles(plain: str) -> set[str]:
    """Return the overlapping shingles of a text in its normal form."""
    words = plain.split()
    if len(plain) > _USUAL_WORD * len(words):
        return {plain[i : i + N_SIGNS] for i in range(len(plain) - N_SIGNS + 1)}
    return {" ".join(words[i : i + N_WORDS]) for i in range(len(words) - N_WORDS + 1)}


def similarity(first: set[str], second: set[str]) -> float:
    """Return the share of common shingles (Jaccard index), 0 to 1."""
    return len(first & second) / max(1, len(first | second))
