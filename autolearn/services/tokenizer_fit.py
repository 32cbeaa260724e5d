"""Find the documents that the chosen model cannot read well, before a study."""

from collections.abc import Collection
from functools import lru_cache
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
"""Newest documents that are checked: two milliseconds each, whenever a tab opens."""


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
    texts = (_beginning(store, document_id) for document_id in ids)
    try:
        folder = model_files.locate(chosen_model(store).model)
        stamp = stamp_of(folder / "tokenizer.json")
        shares = _shares(folder, stamp, tuple(texts))
    except AutolearnError:
        return {}
    by_id = zip(ids, shares, strict=True)
    return {i: share for i, share in by_id if share >= tokenizer_fit.DOUBTFUL}


def _beginning(store: Store, document_id: int) -> str:
    passages = store.library.stretch(document_id, 0, N_PASSAGES)
    return "\n".join(passage.text for passage in passages)


@lru_cache(maxsize=8)
def _shares(folder: Path, _: Stamp, texts: tuple[str, ...]) -> list[float]:
    """Return the shares of texts by a tokenizer whose file has this stamp."""
    return tokenizer_fit.small_piece_shares(folder, texts)
