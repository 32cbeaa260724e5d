"""Find passages that repeat an earlier one, exactly or nearly.

MinHash (Broder 1997) finds candidates, which are then compared.
"""

import re

from rensa import RMinHash, RMinHashLSH

from autolearn.core.ports import Cancelled, Stop
from autolearn.store import Store

REPEAT_JACCARD = 0.8
"""Share of common shingles (Jaccard index) from which two passages are near
duplicates."""
N_WORDS, N_SIGNS = 3, 6
"""Length of a shingle in words, or in characters for scripts without spaces."""
LEAST = 8
"""Fewest shingles of a passage that is compared."""
N_HASHES, N_BANDS, SEED = 64, 16, 1
_WORD = re.compile(r"\w+")
_USUAL_WORD = 12
"""Letters of an ordinary word. A longer average means a script without spaces."""


def mark(store: Store, document_ids: set[int], stop: Stop, *, after: int = 0) -> int:
    """Mark the passages of these documents that repeat an earlier passage.

    Exact repeats are not studied. Near repeats are, since the difference may be the
    very fact to be learned.

    Args:
        store: The workspace.
        document_ids: The documents.
        stop: Asks whether to end early.
        after: Only passages of higher ids are marked.

    Returns:
        The number of passages that repeat another.

    Raises:
        Cancelled: ``stop`` returned True.
    """
    if not document_ids:
        return 0  # avoids reading the whole library for nothing
    index = RMinHashLSH(REPEAT_JACCARD, N_HASHES, N_BANDS)
    repeats: dict[int, tuple[int, bool]] = {}
    for passage in store.library.each_passage():
        if stop():
            raise Cancelled
        parts = shingles(passage.text)
        if len(parts) < LEAST:
            continue
        minhash = RMinHash(N_HASHES, SEED)
        minhash.update(sorted(parts))
        if passage.document_id in document_ids and passage.id > after:
            candidates = store.library.passages_by_id(index.query(minhash))
            similarities = {
                i: similarity(parts, shingles(p.text)) for i, p in candidates.items()
            }
            best = max(similarities, key=lambda i: similarities[i], default=0)
            if best and similarities[best] >= REPEAT_JACCARD:
                repeats[passage.id] = (
                    best,
                    normal_form(candidates[best].text) == normal_form(passage.text),
                )
        index.insert(passage.id, minhash)
    store.library.set_repeats(repeats)
    return len(repeats)


def normal_form(text: str) -> str:
    """Return a text without case, punctuation and white space differences."""
    return " ".join(_WORD.findall(text.lower()))


def shingles(text: str) -> set[str]:
    """Return the overlapping shingles of a text."""
    plain = normal_form(text)
    words = plain.split()
    if len(plain) > _USUAL_WORD * len(words):
        return {plain[i : i + N_SIGNS] for i in range(len(plain) - N_SIGNS + 1)}
    return {" ".join(words[i : i + N_WORDS]) for i in range(len(words) - N_WORDS + 1)}


def similarity(first: set[str], second: set[str]) -> float:
    """Return the share of common shingles (Jaccard index), 0 to 1."""
    return len(first & second) / max(1, len(first | second))
