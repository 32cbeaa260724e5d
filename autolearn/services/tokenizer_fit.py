"""Find the documents that the chosen model cannot read well, before a study."""

from collections.abc import Collection
from pathlib import Path

from autolearn.core.digests import Stamp, stamp_of
from autolearn.core.errors import AutolearnError
from autolearn.models import files as model_files
from autolearn.models import tokenizer_fit
from autolearn.runs.model_choice import chosen_model
from autolearn.store import Store

N_PASSAGES = 3
"""Passages at the beginning of a document that are checked."""
N_DOCUMENTS = 100
"""Newest documents that are checked: two milliseconds each, for a new one."""
N_CACHED = 1000
"""Texts whose shares are kept, before the cache begins anew."""
_CACHE: dict[tuple[Path, Stamp, str], float] = {}


def hard_documents(
    store: Store, documents: Collection[int] | None = None
) -> dict[int, float]:
    """Return the documents that are hard to read, with their share of small pieces.

    Of many documents only the newest are checked. Empty if the model is not there, or
    if its tokenizer fails.
    ``documents``: only these; None: all.
    """
    ids = [entry.id for entry in store.library.document_sizes()]
    if documents is not None:
        ids = [number for number in ids if number in documents]
    ids = ids[-N_DOCUMENTS:]
    beginnings = store.library.beginnings(ids, N_PASSAGES)
    texts = [beginnings.get(document_id, "") for document_id in ids]
    try:
        folder = model_files.locate(chosen_model(store).model)
        stamp = stamp_of(folder / "tokenizer.json")
        shares = _shares(folder, stamp, texts)
    except AutolearnError:
        return {}
    by_id = zip(ids, shares, strict=True)
    return {i: share for i, share in by_id if share >= tokenizer_fit.DOUBTFUL}


def _shares(folder: Path, stamp: Stamp, texts: list[str]) -> list[float]:
    """Return the shares of texts by a tokenizer whose file has this stamp.

    Only texts that are new are given to the tokenizer, all at once: a foreign one is
    loaded in a child.
    """
    cached = {text: _CACHE.get((folder, stamp, text)) for text in texts}
    shares = {text: share for text, share in cached.items() if share is not None}
    new = [text for text in cached if text not in shares]
    if new:
        shares |= zip(new, tokenizer_fit.small_piece_shares(folder, new), strict=True)
        if len(_CACHE) > N_CACHED:
            _CACHE.clear()
        _CACHE.update(((folder, stamp, text), shares[text]) for text in new)
    return [shares[text] for text in texts]
