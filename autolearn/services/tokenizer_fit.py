"""Which documents the chosen model can hardly read, told before an hour is spent."""

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from autolearn.core.errors import AutolearnError
from autolearn.models import files as model_files
from autolearn.models import tokenizer_fit
from autolearn.runs.model_choice import chosen_model
from autolearn.store import Store

N_PASSAGES = 3
"""Passages at the beginning of a document that are looked at."""
N_DOCUMENTS = 100
"""The newest documents are looked at: two milliseconds each, whenever a tab opens."""


def hard_documents(
    store: Store, documents: Collection[int] | None = None
) -> dict[int, float]:
    """Return the documents that are hard to read, with their share of small pieces.

    Of many documents only the newest are looked at. Empty if the model is not there.
    ``documents``: only these; None: all.
    """
    try:
        folder = model_files.locate(chosen_model(store).model)
    except AutolearnError:
        return {}
    ids = [entry.id for entry in store.library.document_sizes()]
    if documents is not None:
        ids = [number for number in ids if number in documents]
    shares: dict[int, float] = {}
    for document_id in ids[-N_DOCUMENTS:]:
        passages = store.library.stretch(document_id, 0, N_PASSAGES)
        share = _share(folder, "\n".join(passage.text for passage in passages))
        if share >= tokenizer_fit.DOUBTFUL:
            shares[document_id] = share
    return shares


@lru_cache(maxsize=1024)
def _share(folder: Path, text: str) -> float:
    return tokenizer_fit.small_piece_share(folder, text)
