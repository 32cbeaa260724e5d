"""Which documents the chosen model can hardly read, told before an hour is spent."""

from collections.abc import Collection
from functools import lru_cache

from autolearn.core.errors import AutolearnError
from autolearn.models import files as model_files
from autolearn.models import tokenizer_fit
from autolearn.runs.model_choice import chosen_model
from autolearn.store import Store

N_PASSAGES = 3
"""Passages at the beginning of a document that are looked at."""


def hard_documents(
    store: Store, documents: Collection[int] | None = None
) -> dict[int, float]:
    """Return the documents that are hard to read, with their share of small pieces.

    Empty if the model is not there. ``documents``: only these; None: all.
    """
    try:
        folder = model_files.locate(chosen_model(store).model)
    except AutolearnError:
        return {}
    shares: dict[int, float] = {}
    for entry in store.library.document_sizes():
        if documents is not None and entry.id not in documents:
            continue
        passages = store.library.stretch(entry.id, 0, N_PASSAGES)
        share = _share(str(folder), "\n".join(passage.text for passage in passages))
        if share >= tokenizer_fit.DOUBTFUL:
            shares[entry.id] = share
    return shares


@lru_cache(maxsize=1024)
def _share(folder: str, text: str) -> float:
    return tokenizer_fit.small_piece_share(model_files.locate(folder), text)
