"""The usual layout: a row for each text, in which what texts share is read for each.

For kinds of models that cannot be told what a token sees; all others use
``shared_prefix``.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from autolearn.engine.load import Loaded
from autolearn.engine.prefix_plan import PrefixGroup


class PaddedRows:
    """What a model has read of the texts being written; see ``SharedPrefixCache``."""

    shares = False

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._cache: Cache
        # (N, T), and (N, 1): what is seen, and the place of the next token.
        self._seen: Tensor
        self._places: Tensor

    def add(self, groups: Sequence[PrefixGroup], prompts: Sequence[list[int]]) -> None:
        """Read prompts, all but the last id of each, and forget all others."""
        own = [prompts[i][:-1] for one in groups for i in one.members]
        longest = max(map(len, own))
        pad_id = self._loaded.pad_id
        filled = [[pad_id] * (longest - len(row)) + row for row in own]
        ids = integers(self._loaded, filled)
        self._places = integers(self._loaded, [[len(row)] for row in own])
        places = integers(self._loaded, range(longest)) - longest + self._places
        self._seen = (places >= 0).long()
        self._cache = DynamicCache(config=self._loaded.model.config)
        if longest:
            self._through(ids, places.clamp(min=0))

    def keep(self, texts: Sequence[int]) -> None:
        """Go on with these texts alone."""
        index = integers(self._loaded, texts)
        self._cache.batch_select_indices(index)
        self._seen, self._places = self._seen[index], self._places[index]

    def advance(self, tokens: Sequence[int | None]) -> Tensor:
        """Add a token to texts; return what may follow, (those that got one, V)."""
        pad_id = self._loaded.pad_id
        ids = [[pad_id if token is None else token] for token in tokens]
        grows = integers(self._loaded, [token is not None for token in tokens])
        self._seen = pad(self._seen, (0, 1), value=1)
        logits = self._through(integers(self._loaded, ids), self._places)
        self._places = self._places + grows[:, None]
        return logits[grows.bool(), 0]

    def _through(self, ids: Tensor, places: Tensor) -> Tensor:
        return through(
            self._loaded,
            ids,
            attention_mask=self._seen,
            position_ids=places,
            cache=self._cache,
        )


def can_share(loaded: Loaded) -> bool:
    """Return whether each token can be told what it sees.

    Layers with a sliding window, or recurrent ones, take each row for one text.
    """
    cache = DynamicCache(config=loaded.model.config)
    return all(type(layer) is DynamicLayer for layer in layers(cache))


def layers(cache: Cache) -> list[Any]:
    """Return what each layer of a model keeps."""
    return list(cache.layers)


def integers(loaded: Loaded, values: Sequence[Any]) -> Tensor:
    """Return whole numbers as int64, where the model is."""
    return torch.tensor(list(values), dtype=torch.int64, device=loaded.device)


def through(loaded: Loaded, ids: Tensor, n_logits: int = 1, **settings: Any) -> Tensor:
    """Have the model read; return what may follow the last ones, (B, n_logits, V)."""
    logits: Tensor = loaded.model(
        input_ids=ids, logits_to_keep=n_logits, **settings
    ).logits
    return logits
