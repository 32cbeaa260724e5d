"""Find passages that say what an earlier one says, nearly or word for word.

MinHash (Broder 1997) finds the candidates; what is likely alike is then compared.
"""

import re

from rensa import RMinHash, RMinHashLSH

from autolearn.core.ports import Cancelled, Stop
from autolearn.store import Store

NEAR = 0.8
"""Share of common shingles, of all, from which on two passages are much alike."""
N_WORDS, N_SIGNS = 3, 6
"""Length of a shingle in words, or in characters where words are not set apart."""
LEAST = 8
"""Shingles of a passage that is long enough to be compared."""
N_HASHES, N_BANDS, SEED = 64, 16, 1
_WORD = re.compile(r"\w+")
_USUAL_WORD = 12
"""Letters; longer ones, on average, are rather sentences."""


def mark(store: Store, document_ids: set[int], stop: Stop) -> int:
    """Mark the passages of these documents that repeat an earlier passage.

    Those that are the same word for word are left out of what is studied; those that
    are only much alike are not: the difference may be the very fact to be learned.

    Returns:
        How many repeat one.

    Raises:
        Cancelled: ``stop`` says so.
    """
    if not document_ids:
        return 0  # or the whole library would be read for nothing
    index = RMinHashLSH(NEAR, N_HASHES, N_BANDS)
    found: dict[int, tuple[int, bool]] = {}
    for passage in store.library.each_passage():
        if stop():
            raise Cancelled
        parts = shingles(passage.text)
        if len(parts) < LEAST:
            continue
        hashed = RMinHash(N_HASHES, SEED)
        hashed.update(sorted(parts))
        if passage.document_id in document_ids:
            earlier = store.library.passages_by_id(index.query(hashed))
            similarities = {
                i: similarity(parts, shingles(p.text)) for i, p in earlier.items()
            }
            best = max(similarities, key=lambda i: similarities[i], default=0)
            if best and similarities[best] >= NEAR:
                found[passage.id] = best, said(earlier[best].text) == said(passage.text)
        index.insert(passage.id, hashed)
    store.library.set_repeats(found)
    return len(found)


def said(text: str) -> str:
    """Return a text without what makes no difference: case, signs, white space."""
    return " ".join(_WORD.findall(text.lower()))


def shingles(text: str) -> set[str]:
    """Return the overlapping stretches of a text by which it is recognised."""
    plain = said(text)
    words = plain.split()
    if len(plain) > _USUAL_WORD * len(words):
        return {plain[i : i + N_SIGNS] for i in range(len(plain) - N_SIGNS + 1)}
    return {" ".join(words[i : i + N_WORDS]) for i in range(len(words) - N_WORDS + 1)}


def similarity(one: set[str], other: set[str]) -> float:
    """Return the share of common shingles (Jaccard index), 0 to 1."""
    return len(one & other) / max(1, len(one | other))
