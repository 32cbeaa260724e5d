"""Texts that are written side by side; those that begin alike grow as one tree.

A row of the batch is a tree: what its texts have in common is read and kept once, and
all of them look at it in one go. The usual layout, a row for each text, keeps the
passage as often as there are questions on it and reads all of it again for every token.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers.cache_utils import Cache, DynamicCache, DynamicLayer

from autolearn.engine.batches import FIRST, LAST, side_by_side
from autolearn.engine.load import Loaded
from autolearn.engine.plan import Tree

_SPARE = 128
"""Columns made at least when room is made, which copies all that is kept."""


class _Layer(DynamicLayer):  # type: ignore[no-untyped-call]
    """A layer of the library's cache that is written in place.

    The library's own copies all keys and values for each new token.
    """

    def __init__(self, rows: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._shape = (rows, 0)
        self._held = 0
        self._rooms: list[Tensor] = []

    def update(
        self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        """Add columns; ``rebuild`` has made the room."""
        self._initialize(key_states, value_states)
        end = self._held + key_states.shape[2]
        for room, new in zip(self._rooms, (key_states, value_states), strict=True):
            room[:, :, self._held : end] = new
        self._show(end)
        return self._rooms[0][:, :, :end], self._rooms[1][:, :, :end]

    def place(self, rows: Tensor, other: Any) -> None:
        """Put what another layer holds at the last columns of these rows."""
        self._initialize(other.keys, other.values)
        start = self._held - other.keys.shape[2]
        for room, new in zip(self._rooms, (other.keys, other.values), strict=True):
            room[rows, :, start : self._held] = new

    def rebuild(self, rows: Tensor, columns: Tensor, room: int) -> None:
        """Go on with these rows, and of each with these columns, in a larger room.

        Shapes:
            rows: (N) int64. columns: (N, T) int64; -1 is an empty one.
        """
        self._shape = (len(rows), room)
        is_empty = (columns < 0)[:, None, :, None]
        index = columns.clamp(min=0)[:, None, :, None]
        for i, old in enumerate(self._rooms):
            _, heads, held, size = old.shape
            new = old.new_empty(len(rows), heads, room, size)
            kept = new[:, :, : columns.shape[1]]
            if held:
                kept.copy_(old[rows].gather(2, index.expand(-1, heads, -1, size)))
            # What is masked has to be a number all the same.
            kept.masked_fill_(is_empty, 0)
            self._rooms[i] = new
        self._show(columns.shape[1])

    def _initialize(self, keys: Tensor, values: Tensor) -> None:
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
            rows, room = self._shape
            self._rooms = [
                like.new_zeros(rows, like.shape[1], room, like.shape[3])
                for like in (keys, values)
            ]
            self._show(self._held)

    def _show(self, held: int) -> None:
        self._held = held
        if self._rooms:
            self.keys = self._rooms[0][:, :, :held]
            self.values = self._rooms[1][:, :, :held]


class Forest:
    """What the model has read of the texts that are being written.

    The last id of a text is never read beforehand: it is the first one that is added.
    """

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._cache: Cache = DynamicCache(config=loaded.model.config)
        self._layers: list[_Layer] = []
        self.can_share = can_share(self._cache)
        """Whether texts can grow as trees, and a row be given to others."""
        # (B, T): the first and the last member of its row that sees a column.
        self._first = self._last = self._tensor([[]])
        self._room = 0

    def begin(self, trees: Sequence[Tree]) -> None:
        """Read texts into rows of their own, and forget all others."""
        cache, first, last = _read(self._loaded, trees)
        self._cache, self._first, self._last = cache, first, last
        if self.can_share:
            n_rows = len(trees)
            self._layers = [_Layer(n_rows) for _ in cache.layers]
            self._cache = Cache(layers=list(self._layers))
            self._first = self._last = self._tensor([[]] * n_rows)
            self._room = 0
            self._widen(first.shape[1])
            self._place(range(n_rows), cache, first, last)

    def refill(self, rows: Sequence[int], trees: Sequence[Tree]) -> None:
        """Read texts into these rows, whose own are finished."""
        cache, first, last = _read(self._loaded, trees)
        self._widen(first.shape[1] - self._first.shape[1])
        self._place(rows, cache, first, last)

    def keep(self, rows: Sequence[int], members: Tensor) -> None:
        """Go on with these rows, and with what these members of them still see.

        Shapes:
            members: (len(rows), K) int64, -1 for none.
        """
        index = self._tensor(rows)
        if not self.can_share:
            self._cache.batch_select_indices(index)
            self._first, self._last = self._first[index], self._last[index]
            return
        first, last = self._first[index], self._last[index]
        used = _seen(first, last, members).any(dim=1)
        held = int(used.sum(dim=1).max())
        # A stable sort moves what is used to the end and keeps its order.
        columns = used.long().argsort(dim=1, stable=True)[:, used.shape[1] - held :]
        is_empty = ~used.gather(1, columns)
        self._first = first.gather(1, columns).masked_fill(is_empty, FIRST)
        self._last = last.gather(1, columns).masked_fill(is_empty, LAST)
        self._rebuild(index, columns.masked_fill(is_empty, -1))

    def follow(self, tokens: Tensor, members: Tensor, places: Tensor) -> Tensor:
        """Add a token to each of these texts; return what may follow.

        Shapes:
            tokens, members, places: (B, K) int64; member -1 is none.
            returns: (B, K, V).
        """
        width = tokens.shape[1]
        if self.can_share and self._first.shape[1] + width > self._room:
            self.keep(range(len(tokens)), members)
        is_none = members < 0
        first = members.masked_fill(is_none, FIRST)
        last = members.masked_fill(is_none, LAST)
        self._first = torch.cat([self._first, first], dim=1)
        self._last = torch.cat([self._last, last], dim=1)
        seen = _seen(self._first, self._last, members)
        mask = additive(seen, self._loaded) if self.can_share else seen[:, 0].long()
        return _look(self._loaded, tokens, places, mask, self._cache)

    def _widen(self, columns: int) -> None:
        """Make so many empty columns before those that are held."""
        if columns > 0:
            n_rows, held = self._first.shape
            self._first = pad(self._first, (columns, 0), value=FIRST)
            self._last = pad(self._last, (columns, 0), value=LAST)
            kept = torch.arange(-columns, held, device=self._first.device)
            self._rebuild(
                torch.arange(n_rows, device=self._first.device),
                kept.clamp(min=-1).expand(n_rows, -1),
            )

    def _rebuild(self, rows: Tensor, columns: Tensor) -> None:
        held = columns.shape[1]
        self._room = held + max(_SPARE, held // 2)
        for layer in self._layers:
            layer.rebuild(rows, columns, self._room)

    def _place(
        self, rows: Sequence[int], cache: Cache, first: Tensor, last: Tensor
    ) -> None:
        index = self._tensor(rows)
        before = (self._first.shape[1] - first.shape[1], 0)
        self._first[index] = pad(first, before, value=FIRST)
        self._last[index] = pad(last, before, value=LAST)
        if first.shape[1]:
            for mine, its in zip(self._layers, cache.layers, strict=True):
                mine.place(index, its)

    def _tensor(self, values: Sequence[Any]) -> Tensor:
        return torch.tensor(list(values), dtype=torch.int64, device=self._loaded.device)


def can_share(cache: Cache) -> bool:
    """Return whether this kind of cache bears trees.

    Layers with a sliding window, or recurrent ones, take each row for one text.
    """
    return all(type(layer) is DynamicLayer for layer in cache.layers)


def heads(
    rows: Sequence[Sequence[tuple[int, int, int]]], device: torch.device
) -> tuple[Tensor, Tensor, Tensor]:
    """Return what ``follow`` takes, from token, member and place of each text of a row.

    Shapes:
        returns: (B, K) int64 each.
    """
    width = max(map(len, rows))
    full = [[*row, *[(0, -1, 0)] * (width - len(row))] for row in rows]
    packed = torch.tensor(full, dtype=torch.int64, device=device)
    tokens, members, places = packed.view(len(rows), width, 3).unbind(dim=2)
    return tokens, members, places


def visible(first: Tensor, last: Tensor, places: Tensor) -> Tensor:
    """Return which columns of its row each one sees: where it comes from, and itself.

    Shapes:
        first, last, places: (B, T) int64.
        returns: (B, T, T) bool, the one that looks before the one that is seen.
    """
    return (
        (first[:, None, :] <= first[:, :, None])
        & (last[:, :, None] <= last[:, None, :])
        & (places[:, None, :] <= places[:, :, None])
    )


def additive(seen: Tensor, loaded: Loaded) -> Tensor:
    """Return a mask as every kind of attention takes it: what is added to the scores.

    Shapes:
        seen: (B, K, T) bool.
        returns: (B, 1, K, T) in the dtype of the model.
    """
    dtype = loaded.model.dtype
    mask = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
    # Not minus infinity: a padded place sees nothing, and must not become NaN.
    return mask.masked_fill_(~seen, torch.finfo(dtype).min)[:, None]


def _seen(first: Tensor, last: Tensor, members: Tensor) -> Tensor:
    """Return which columns each of these members sees, (B, K, T) bool."""
    who = members[:, :, None]
    return (first[:, None] <= who) & (who <= last[:, None])


def _read(loaded: Loaded, trees: Sequence[Tree]) -> tuple[Cache, Tensor, Tensor]:
    """Read trees; return the cache, and who may see each column, first and last."""
    ids, places, first, last = side_by_side(trees, loaded.pad_id, loaded.device)
    cache = DynamicCache(config=loaded.model.config)
    if ids.shape[1]:
        if can_share(cache):
            mask = additive(visible(first, last, places), loaded)
        else:
            mask = (first <= last).long()
        _look(loaded, ids, places, mask, cache, 1)
    return cache, first, last


def _look(
    loaded: Loaded,
    ids: Tensor,
    places: Tensor,
    mask: Tensor,
    cache: Cache,
    n_logits: int | None = None,
) -> Tensor:
    """Read on from what the cache holds; return what may follow the last ones."""
    logits: Tensor = loaded.model(
        input_ids=ids,
        attention_mask=mask,
        position_ids=places,
        past_key_values=cache,
        use_cache=True,
        logits_to_keep=n_logits or ids.shape[1],
    ).logits
    return logits
