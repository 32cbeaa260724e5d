"""The cache of many texts at once; prompts that begin alike share their prefix.

A prefix is read once and stored once, and all texts of its group attend to it together.
The usual layout, one row per text, reads the passage as often as there are questions on
it, stores it as often, and attends to all of it for every token.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import pad
from transformers import DynamicCache

from autolearn.engine.decoding import attention
from autolearn.engine.decoding.attention import (
    AttentionSegment,
    PackedQueries,
    merge_attention_states,
)
from autolearn.engine.decoding.padded_rows import (
    PaddedRows,
    can_share,
    integers,
    layers,
    through,
)
from autolearn.engine.decoding.prefix_cache import LEAST, Pair, common_prefix
from autolearn.engine.load import Loaded
from autolearn.engine.prefix_plan import PrefixGroup
from autolearn.models.memory import READ_AT_ONCE, ROOM, SCORES_AT_ONCE

_SPARE = 64
"""Tokens by which suffixes grow at once, since growing copies all that they hold."""
_ANY_MASK = torch.empty(1, 1, 1, 1)
"""The library hands on what has four dimensions; our view says who sees what."""


class SharedPrefixCache:
    """What the model has read of the texts that are being written.

    The last id of a text is never read beforehand: it is the first one that is added.
    """

    shares = True
    """Whether what texts have in common is read once, and others can join them."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._layers: list[_Layer] = []
        # Tokens of each prefix; of each text its prefix, and the tokens of its suffix.
        # The texts of a prefix stand side by side.
        self._n_prefix: list[int] = []
        self._prefix_of: list[int] = []
        self._n_own: list[int] = []
        # Which texts got a token last, and how these stand to their prefixes.
        self._growing: list[bool] = []
        self._prefix_segment: AttentionSegment

    def add(self, groups: Sequence[PrefixGroup], prompts: Sequence[list[int]]) -> None:
        """Read groups of prompts, all but the last id of each, beside what is held."""
        first = len(self._n_own)
        self._add_prefixes([prompts[one.members[0]][: one.n_shared] for one in groups])
        own = [prompts[i][one.n_shared : -1] for one in groups for i in one.members]
        n_stems = len(self._n_prefix)
        for prefix, group in enumerate(groups, n_stems - len(groups)):
            self._prefix_of += [prefix] * len(group.members)
        self._n_own += [0] * len(own)
        for texts in self._parts(first, own):
            new = [own[i - first] for i in texts]
            self._forward(texts, new, self._prefix_attention(texts, new), 1)
        self._growing = []

    def keep(self, texts: Sequence[int]) -> None:
        """Go on with these texts alone."""
        prefixes = [prefix for prefix, _ in groupby(self._prefix_of[i] for i in texts)]
        numbers = {prefix: number for number, prefix in enumerate(prefixes)}
        self._n_prefix = [self._n_prefix[prefix] for prefix in prefixes]
        self._prefix_of = [numbers[self._prefix_of[i]] for i in texts]
        self._n_own = [self._n_own[i] for i in texts]
        kept, their_stems = self._integers(texts), self._integers(prefixes)
        for layer in self._layers:
            layer.keep(kept, max(self._n_own), their_stems, max(self._n_prefix))
        self._growing = []

    def advance(self, tokens: Sequence[int | None]) -> Tensor:
        """Add a token to texts; return what may follow, (those that got one, V)."""
        texts = range(len(tokens))
        new = [[] if token is None else [token] for token in tokens]
        growing = list(map(bool, new))
        if growing != self._growing:
            self._growing, self._prefix_segment = (
                growing,
                self._prefix_attention(texts, new),
            )
        return self._forward(texts, new, self._prefix_segment, sum(growing))

    def _add_prefixes(self, prefixes: Sequence[list[int]]) -> None:
        """Read prefixes, each in a row of its own."""
        longest = max(1, *map(len, prefixes))
        n = max(1, READ_AT_ONCE[self._loaded.device.type] // longest)
        read = [
            self._prefix_rows(prefixes[i : i + n]) for i in range(0, len(prefixes), n)
        ]
        if not self._layers:
            self._layers = [_Layer(part) for part in read.pop(0)]
        if read:
            for layer, *more in zip(self._layers, *read, strict=True):
                layer.add_prefixes(more)
        self._n_prefix += map(len, prefixes)

    def _prefix_rows(self, prefixes: Sequence[list[int]]) -> list[Pair]:
        """Return what each layer makes of prefixes."""
        found = self._read(prefixes, *self._common_prefix(prefixes))
        # Products of 16-bit numbers would be rounded; a GPU takes half the time.
        on_cpu = self._loaded.device.type == "cpu"
        exact = torch.float32 if on_cpu else self._loaded.model.dtype
        return [(keys.to(exact), values.to(exact)) for keys, values in found]

    def _common_prefix(self, prefixes: Sequence[list[int]]) -> tuple[int, list[Pair]]:
        """Return how many tokens all prefixes begin with that are read, and these."""
        cache = self._loaded.prefixes
        shared = common_prefix(prefixes)
        n, known = cache.longest(shared)
        # A single prefix does not tell which part of it others share.
        if len(prefixes) > 1 and len(shared) >= n + LEAST:
            n, known = len(shared), self._read([list(shared)], n, known)
            cache.keep(shared, known)
        return n, known

    def _read(
        self, prefixes: Sequence[list[int]], n: int, known: Sequence[Pair]
    ) -> list[Pair]:
        """Return keys and values of prefixes whose first ``n`` tokens are known."""
        longest = max(1, *map(len, prefixes))
        pad_id = self._loaded.pad_id
        # What fills a row stands behind its prefix, which does not see it.
        ids = [prefix[n:] + [pad_id] * (longest - len(prefix)) for prefix in prefixes]
        cache = DynamicCache(config=self._loaded.model.config)
        n_rows = len(prefixes)
        for number, (keys, values) in enumerate(known):
            rows = keys.expand(n_rows, -1, -1, -1), values.expand(n_rows, -1, -1, -1)
            cache.update(*rows, number)
        through(self._loaded, self._integers(ids), cache=cache)
        return [(layer.keys, layer.values) for layer in layers(cache)]

    def _parts(self, first: int, own: Sequence[list[int]]) -> Iterator[range]:
        """Yield texts, from ``first`` on, in parts that are read at once."""
        config = self._loaded.model.config.get_text_config()
        seen = 1 + max(self._n_prefix) + max(map(len, own))
        scores = SCORES_AT_ONCE[self._loaded.device.type]
        most = scores // (config.num_attention_heads * seen)
        most = max(1, min(most, READ_AT_ONCE[self._loaded.device.type]))
        begin, n_tokens = first, 0
        for text, ids in enumerate(own, first):
            is_next_stem = (
                self._prefix_of[text] != self._prefix_of[max(begin, text - 1)]
            )
            if is_next_stem and n_tokens >= most:
                yield range(begin, text)
                begin, n_tokens = text, 0
            n_tokens += len(ids)
        if n_tokens:
            yield range(begin, first + len(own))

    def _forward(
        self,
        texts: range,
        new: Sequence[list[int]],
        prefix: AttentionSegment,
        n_logits: int,
    ) -> Tensor:
        """Add tokens to texts; return what may follow the last ones."""
        read = [self._n_own[i] for i in texts]
        flat = [
            (token, text, n + i, self._n_prefix[self._prefix_of[text]] + n + i)
            for text, ids, n in zip(texts, new, read, strict=True)
            for i, token in enumerate(ids)
        ]
        ids, owners, places, positions = self._integers(flat).unbind(dim=1)
        for text, row in zip(texts, new, strict=True):
            self._n_own[text] += len(row)
        held = max(self._n_own[i] for i in texts)
        for layer in self._layers:
            layer.make_room(len(self._n_own), held)
        grid = self._pack_queries(range(len(new)), new)
        last = self._integers(read)[:, None] + self._range(grid.width)
        ahead = self._mask(self._range(held) > last[:, :, None])
        view = _PrefixView(
            self._layers,
            prefixes=slice(self._prefix_of[texts[0]], self._prefix_of[texts[-1]] + 1),
            texts=slice(texts.start, texts.stop),
            held=held,
            owners=owners,
            places=places,
            prefix=prefix,
            suffix=AttentionSegment(grid, ahead),
        )
        return through(
            self._loaded,
            ids[None],
            n_logits,
            attention_mask=_ANY_MASK,
            position_ids=positions[None],
            use_cache=False,
            view=view,
        )[0]

    def _prefix_attention(
        self, texts: range, new: Sequence[list[int]]
    ) -> AttentionSegment:
        """Return the attention of added tokens over the prefixes of their texts."""
        prefixes = [self._prefix_of[i] for i in texts]
        sizes = self._n_prefix[prefixes[0] : prefixes[-1] + 1]
        grid = self._pack_queries([prefix - prefixes[0] for prefix in prefixes], new)
        longest = self._layers[0].prefixes[0].shape[2]
        if min(sizes) == longest:
            return AttentionSegment(grid, None)
        beyond = self._range(longest) >= self._integers(sizes)[:, None, None]
        return AttentionSegment(grid, self._mask(beyond))

    def _pack_queries(
        self, rows: Sequence[int], new: Sequence[list[int]]
    ) -> PackedQueries:
        """Return where tokens stand: those of a row side by side, in their order."""
        counts = [0] * (rows[-1] + 1)
        cells = []
        for row, ids in zip(rows, new, strict=True):
            cells += [(row, counts[row] + i) for i in range(len(ids))]
            counts[row] += len(ids)
        width = max(counts)
        if min(counts) == width:
            return PackedQueries(len(counts), width, None)
        return PackedQueries(
            len(counts), width, self._integers([row * width + i for row, i in cells])
        )

    def _mask(self, is_hidden: Tensor) -> Tensor:
        """Return what is added to scores; see ``Part``.

        Shapes:
            is_hidden: (rows, width or 1, T) bool.
        """
        mask = torch.zeros(is_hidden.shape, device=is_hidden.device)
        # Not minus infinity: an empty prefix shows nothing, and must not become NaN.
        return mask.masked_fill_(is_hidden, torch.finfo(mask.dtype).min)[:, None, None]

    def _range(self, n: int) -> Tensor:
        return torch.arange(n, device=self._loaded.device)

    def _integers(self, values: Sequence[Any]) -> Tensor:
        return integers(self._loaded, values)


class _Layer:
    """Keys and values of a layer: of prefixes, and of texts beyond their prefixes."""

    def __init__(self, prefixes: Pair) -> None:
        self.prefixes = prefixes
        """(B, heads, P, D)."""
        keys, values = (
            one.new_empty(0, one.shape[1], 0, one.shape[3]) for one in prefixes
        )
        self._rooms = keys, values
        # (rows, heads, tokens, D), written in place; up to here it holds numbers.
        self._held = 0

    def add_prefixes(self, more: Sequence[Pair]) -> None:
        """Hold more prefixes."""
        keys, values = zip(self.prefixes, *more, strict=True)
        self.prefixes = _stacked(keys), _stacked(values)

    def make_room(self, texts: int, tokens: int) -> None:
        """Have room for so many texts and tokens of each."""
        rows, _, room, _ = self._rooms[0].shape
        if texts > rows or tokens > room:
            more = room if tokens <= room else max(tokens + _SPARE, int(ROOM * tokens))
            keys, values = (
                _larger(one, max(rows, texts), more, self._held) for one in self._rooms
            )
            self._rooms = keys, values
        for one in self._rooms:
            # What nobody sees is multiplied by nothing; it has to be a number for that.
            one[:, :, self._held : tokens] = 0
        self._held = max(self._held, tokens)

    def write(self, texts: Tensor, places: Tensor, tokens: Pair) -> None:
        """Put tokens, (Q, heads, D), at their places in their texts."""
        for room, new in zip(self._rooms, tokens, strict=True):
            room[texts, :, places] = new.to(room.dtype)

    def suffixes(self, texts: slice, tokens: int) -> Pair:
        """Return what texts hold, up to so many tokens, (N, heads, T, D)."""
        keys, values = self._rooms
        return keys[texts, :, :tokens], values[texts, :, :tokens]

    def keep(self, texts: Tensor, tokens: int, prefixes: Tensor, longest: int) -> None:
        """Go on with these texts and prefixes, of which none holds more than told."""
        for room in self._rooms:
            room[: len(texts), :, :tokens] = room[texts, :, :tokens]
        keys, values = self.prefixes
        if len(prefixes) < len(keys):
            longest = max(1, longest)
            self.prefixes = keys[prefixes, :, :longest], values[prefixes, :, :longest]


@dataclass(frozen=True)
class _PrefixView:
    """What the tokens of one pass see: their prefixes, and their own suffixes."""

    layers: list[_Layer]
    prefixes: slice
    texts: slice
    held: int
    owners: Tensor
    places: Tensor
    prefix: AttentionSegment
    suffix: AttentionSegment

    def attend(self, layer: int, query: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        """Note the tokens in their suffixes; return what they find."""
        kept = self.layers[layer]
        kept.write(self.owners, self.places, (keys, values))
        stem_keys, stem_values = kept.prefixes
        query = query.to(stem_keys.dtype)
        return merge_attention_states(
            self.suffix.attend(query, *kept.suffixes(self.texts, self.held)),
            self.prefix.attend(
                query, stem_keys[self.prefixes], stem_values[self.prefixes]
            ),
        )


def cache_class(loaded: Loaded) -> type[SharedPrefixCache] | type[PaddedRows]:
    """Return what texts are written in, by the kind of the model."""
    config = loaded.model.config.get_text_config()
    can_view = config._attn_implementation == attention.NAME
    return SharedPrefixCache if can_view and can_share(loaded) else PaddedRows


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    """Return sets of rows as one; shorter rows are filled."""
    longest = max(part.shape[2] for part in parts)
    return torch.cat([pad(one, (0, 0, 0, longest - one.shape[2])) for one in parts])


def _larger(old: Tensor, rows: int, room: int, held: int) -> Tensor:
    """Return keys or values in a larger room; new rows hold zeros as far as others."""
    new = old.new_empty(rows, old.shape[1], room, old.shape[3])
    new[: len(old), :, :held] = old[:, :, :held]
    new[len(old) :, :, :held] = 0
    return new
