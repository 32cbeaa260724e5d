"""The usual cache layout: one padded row per text, without shared prefixes.

It is for model families whose attention cannot be replaced, such as those with sliding
windows or recurrent layers; see ``layouts``. All others use ``shared_prefix``.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import DynamicCache

from autolearn.engine.decoding.forward_pass import integers, next_logits
from autolearn.engine.load import LoadedModel
from autolearn.engine.prefix_plan import PrefixGroup


class PaddedRows:
    """The cache of texts during generation; see ``SharedPrefixCache``."""

    shares = False

    def __init__(self, lm: LoadedModel) -> None:
        self._lm = lm
        self._cache: Any
        # Attention mask (N, T), and position of the next token (N, 1).
        self._mask: Tensor
        self._places: Tensor

    def add(self, groups: Sequence[PrefixGroup], prompts: Sequence[list[int]]) -> None:
        """Read prompts, all but the last id of each; drop all other texts."""
        prompt_ids = [prompts[i][:-1] for group in groups for i in group.members]
        longest = max(map(len, prompt_ids))
        pad_id = self._lm.pad_id
        # Padding on the left aligns the next tokens of all rows in one column.
        padded_ids = [[pad_id] * (longest - len(row)) + row for row in prompt_ids]
        ids = integers(self._lm, padded_ids)
        self._places = integers(self._lm, [[len(row)] for row in prompt_ids])
        places = integers(self._lm, range(longest)) - longest + self._places
        self._mask = (places >= 0).long()
        self._cache = DynamicCache(config=self._lm.model.config)
        if longest:
            self._next_logits(ids, places.clamp(min=0), self._mask)

    def keep(self, texts: Sequence[int]) -> None:
        """Keep only these texts."""
        index = integers(self._lm, texts)
        # Unlike ``batch_select_indices``, recurrent layers have this method, too.
        self._cache.reorder_cache(index)
        self._mask, self._places = self._mask[index], self._places[index]

    def advance(self, tokens: Sequence[int | None]) -> Tensor:
        """Append a token to texts; return logits, (texts with a token, V).

        A None appends padding to a finished text.
        """
        pad_id = self._lm.pad_id
        ids = [[pad_id if token is None else token] for token in tokens]
        grows = integers(self._lm, [token is not None for token in tokens])
        self._mask = pad(self._mask, (0, 1), value=1)
        # Recurrent layers take a mask for the tokens of this pass only, none of which
        # is padding.
        mask = self._mask if self._lm.layouts.attends else None
        logits = self._next_logits(integers(self._lm, ids), self._places, mask)
        self._places = self._places + grows[:, None]
        return logits[grows.bool(), 0]

    def _next_logits(self, ids: Tensor, places: Tensor, mask: Tensor | None) -> Tensor:
        return next_logits(
            self._lm,
            ids,
            attention_mask=mask,
            position_ids=places,
            cache=self._cache,
        )
