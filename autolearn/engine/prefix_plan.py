"""Find what token sequences have in common, so that it is computed only once.

The prompts of one passage begin with that passage. Nobody has to say so: it is found
in the token ids, in whose alphabetical order what begins alike stands side by side.
Sequences that are learned are laid out as trees, in which each stretch stands once;
those that are being written share the prefix of their group and have a suffix each.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_APART = 1.2
"""Cost of a token that attends to a prefix and a suffix, relative to one in a row."""


@dataclass(frozen=True)
class PrefixTree:
    """Sequences laid out in one row; each column is a token of one or more of them.

    The members a column belongs to stand side by side, from ``first`` to ``last``, so
    two numbers say who may see it.
    """

    ids: list[int]
    places: list[int]
    """How many tokens stand before each column in its sequences."""
    first: list[int]
    last: list[int]
    members: list[int]
    """The sequences, by their places among those that were given."""
    paths: list[list[int]]
    """The columns of each member, in its own order."""


def lay_out(rows: Sequence[list[int]]) -> PrefixTree:
    """Return sequences as a tree."""
    members = _alphabetical(rows)
    tree = PrefixTree([], [], [], [], members, [])
    path: list[int] = []
    before: list[int] = []
    for number, member in enumerate(members):
        ids = rows[member]
        path = path[: common_prefix_length(before, ids)]
        for column in path:
            tree.last[column] = number
        for place in range(len(path), len(ids)):
            path.append(len(tree.ids))
            tree.ids.append(ids[place])
            tree.places.append(place)
            tree.first.append(number)
            tree.last.append(number)
        tree.paths.append(list(path))
        before = ids
    return tree


def _alphabetical(rows: Sequence[list[int]]) -> list[int]:
    """Return the places of sequences in the order in which they stand side by side."""
    return sorted(range(len(rows)), key=rows.__getitem__)


def common_prefix_length(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many ids both begin with."""
    n = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        n += 1
    return n


def groups(
    rows: Sequence[list[int]], most: int, price: int, gain: float
) -> Iterator[list[int]]:
    """Yield at most so many sequences at a time that are cheaper as one tree.

    In alphabetical order each joins the one before it, unless too little is shared: in
    a tree all columns are looked at by all.

    Args:
        rows: The sequences.
        most: The most of a group.
        price: To how many columns one may look for what a token costs in itself.
        gain: What joining may cost at most, of what a sequence costs alone.
    """

    def cost(columns: int) -> int:
        return columns * (price + columns)

    group: list[int] = []
    columns = 0
    for index in _alphabetical(rows):
        n = len(rows[index])
        if group:
            own = n - common_prefix_length(rows[group[-1]], rows[index])
            rise = cost(columns + own) - cost(columns)
            if len(group) == most or rise > gain * cost(n):
                yield group
                group, columns = [], 0
            else:
                n = own
        group.append(index)
        columns += n
    if group:
        yield group


@dataclass(frozen=True)
class PrefixGroup:
    """Prompts with one prefix in common."""

    members: list[int]
    """Their places among all prompts."""
    n_shared: int
    """Tokens of the prefix, which all of them begin with."""
    n_own: int
    """Most tokens that one of them may come to beyond it, with what is written."""


def prefix_groups(
    rows: Sequence[list[int]], most: int
) -> Iterator[tuple[list[int], int]]:
    """Yield at most so many sequences at a time with the number of ids they share.

    Such that the least is read; what is cut is the alphabetical order. The last id of a
    sequence is never shared.
    """
    order = _alphabetical(rows)
    sizes = [len(rows[i]) - 1 for i in order]
    shared = [
        min(common_prefix_length(rows[a], rows[b]), len(rows[a]) - 1, len(rows[b]) - 1)
        for a, b in pairwise(order)
    ]
    # For each end the least that is read up to it, where its last group begins, and how
    # much that shares.
    ways: list[tuple[float, int, int]] = [(0, 0, 0)]
    for end in range(1, len(order) + 1):
        begin, prefix = end - 1, sizes[end - 1]
        total = prefix
        best = (ways[begin][0] + prefix, begin, prefix)
        while begin and end - begin < most:
            begin -= 1
            prefix = min(prefix, shared[begin])
            if not prefix:
                break
            total += sizes[begin]
            read = prefix + _APART * (total - (end - begin) * prefix)
            best = min(best, (ways[begin][0] + read, begin, prefix))
        ways.append(best)
    end = len(order)
    while end:
        _, begin, prefix = ways[end]
        yield order[begin:end], prefix
        end = begin


class PromptQueue:
    """Prompts that wait to be written, groups of like size side by side."""

    def __init__(
        self, prompts: Sequence[list[int]], n_new: Sequence[int], together: int
    ):
        """Group the prompts; see ``prefix_groups``."""
        found = [
            PrefixGroup(
                members,
                prefix,
                max(len(prompts[i]) + n_new[i] for i in members) - prefix,
            )
            for members, prefix in prefix_groups(prompts, together)
        ]
        self._groups = sorted(found, key=_size)

    def __bool__(self) -> bool:
        """Return whether any are left."""
        return bool(self._groups)

    def take(self, prompts: int, columns: int) -> list[PrefixGroup]:
        """Return the next groups: at least one, and no more than there is room for.

        At least three quarters of the products have to be of use: each prefix costs as
        much as that with the most suffixes.

        Args:
            prompts: The most of them in all.
            columns: The most tokens that they may come to.
        """
        taken: list[PrefixGroup] = []
        n, shared, own = 0, 0, 0
        while self._groups:
            group = self._groups[-1]
            n += len(group.members)
            shared, own = max(shared, group.n_shared), max(own, group.n_own)
            n_stems = len(taken) + 1
            is_full = n > prompts or shared * n_stems + own * n > columns
            if taken and (is_full or 4 * n < 3 * n_stems * len(taken[0].members)):
                break
            taken.append(self._groups.pop())
        return taken


def _size(group: PrefixGroup) -> tuple[int, int]:
    return len(group.members), group.n_shared + group.n_own
