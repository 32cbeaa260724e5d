"""Find the prefixes that token sequences share, so that each is computed only once.

What: the sequences are sorted by their token ids, so those with a common prefix become
neighbours. Prompts for generation are cut into groups with one prefix each
(``prefix_groups``). Training items become trees in which each shared token occurs once
(``lay_out``, ``groups``).

Why: no caller has to declare what is shared, and unplanned common prefixes are found
too.

Gain: the study of demo 1 reads 170,500 tokens. Each prompt alone would need
358,800, an ideal prefix tree 160,300. Training on eight tasks per passage is 3.6 times
as fast as with padded rows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

_GROUP_TOKEN_COST = 1.2
"""Cost of a token in a group with a prefix, relative to one in a plain row."""


@dataclass(frozen=True)
class PrefixTree:
    """Sequences laid out in one row. Each column is a token of one or more of them.

    The sequences are numbered in sorted order, so those that share a column are
    neighbours. Two numbers per column, ``first`` and ``last``, therefore define the
    attention mask.
    """

    ids: list[int]
    places: list[int]
    """The position of each column within its sequences."""
    first: list[int]
    last: list[int]
    members: list[int]
    """The indices of the sequences in the input, in sorted order."""
    paths: list[list[int]]
    """The columns of each member, in order."""


def lay_out(rows: Sequence[list[int]]) -> PrefixTree:
    """Return sequences as one tree."""
    members = _sorted_indices(rows)
    tree = PrefixTree([], [], [], [], members, [])
    path: list[int] = []
    before: list[int] = []
    for number, member in enumerate(members):
        ids = rows[member]
        # Sorted rows branch off the previous row, so its path holds the shared columns.
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


def _sorted_indices(rows: Sequence[list[int]]) -> list[int]:
    """Return the indices of the sequences in the order of their token ids."""
    # Lexicographic order: sequences with a common prefix become neighbours.
    return sorted(range(len(rows)), key=rows.__getitem__)


def common_prefix_length(first: Sequence[int], second: Sequence[int]) -> int:
    """Return the length of the common prefix of two sequences."""
    n = 0
    for a, b in zip(first, second, strict=False):
        if a != b:
            break
        n += 1
    return n


def groups(
    rows: Sequence[list[int]],
    max_members: int,
    token_cost: int,
    max_relative_cost: float,
) -> Iterator[list[int]]:
    """Yield groups of sequences that are cheaper as one tree than apart.

    Sharing saves reading, but every column of a tree attends over all others. In sorted
    order each sequence joins the group before it, unless that costs too much.

    Args:
        rows: The sequences, in token ids.
        max_members: Largest number of sequences in a group.
        token_cost: Cost of a token in the linear layers, in attended columns; see
            ``load.LoadedModel.token_cost``.
        max_relative_cost: Highest cost of joining a group, relative to the cost of the
            sequence alone.
    """

    def cost(columns: int) -> int:
        # Each column costs the linear layers and attention over all columns.
        return columns * (token_cost + columns)

    group: list[int] = []
    columns = 0
    for index in _sorted_indices(rows):
        n = len(rows[index])
        if group:
            n_unshared = n - common_prefix_length(rows[group[-1]], rows[index])
            extra = cost(columns + n_unshared) - cost(columns)
            if len(group) == max_members or extra > max_relative_cost * cost(n):
                yield group
                group, columns = [], 0
            else:
                n = n_unshared
        group.append(index)
        columns += n
    if group:
        yield group


@dataclass(frozen=True)
class PrefixGroup:
    """Prompts that have one prefix in common."""

    members: list[int]
    """Their indices among all prompts."""
    n_shared: int
    """Number of tokens of the prefix."""
    n_own: int
    """Most tokens that one of them has beyond the prefix, its answer included."""


def prefix_groups(
    rows: Sequence[list[int]], max_members: int
) -> Iterator[tuple[list[int], int]]:
    """Yield groups of sequences with the number of ids that each group shares.

    Dynamic programming over the sorted sequences cuts them into groups of at most
    ``max_members`` such that the number of tokens to read is smallest. The last id of a
    sequence is never shared, since its logits are needed for each sequence.
    """
    order = _sorted_indices(rows)
    sizes = [len(rows[i]) - 1 for i in order]
    common = [
        min(common_prefix_length(rows[a], rows[b]), len(rows[a]) - 1, len(rows[b]) - 1)
        for a, b in pairwise(order)
    ]
    # ways[end] = (fewest tokens to read for the first ``end`` sequences, start of the
    # last group, size of its prefix).
    ways: list[tuple[float, int, int]] = [(0, 0, 0)]
    for end in range(1, len(order) + 1):
        begin, prefix = end - 1, sizes[end - 1]
        total = prefix
        best = (ways[begin][0] + prefix, begin, prefix)
        while begin and end - begin < max_members:
            begin -= 1
            # In sorted order the prefix of a range is the minimum over neighbours.
            prefix = min(prefix, common[begin])
            if not prefix:
                break
            total += sizes[begin]
            n_read = prefix + _GROUP_TOKEN_COST * (total - (end - begin) * prefix)
            best = min(best, (ways[begin][0] + n_read, begin, prefix))
        ways.append(best)
    end = len(order)
    # Follow the best cuts back from the end.
    while end:
        _, begin, prefix = ways[end]
        yield order[begin:end], prefix
        end = begin


class PromptQueue:
    """Prompts that wait for generation, in groups sorted by size."""

    def __init__(
        self, prompts: Sequence[list[int]], n_new: Sequence[int], max_members: int
    ):
        """Group the prompts; see ``prefix_groups``."""
        groups = [
            PrefixGroup(
                members,
                prefix,
                max(len(prompts[i]) + n_new[i] for i in members) - prefix,
            )
            for members, prefix in prefix_groups(prompts, max_members)
        ]
        # Ascending, since ``take`` pops the largest group from the end.
        self._groups = sorted(groups, key=_size)

    def __bool__(self) -> bool:
        """Return whether any prompts are left."""
        return bool(self._groups)

    def take(self, prompts: int, columns: int) -> list[PrefixGroup]:
        """Return the next groups that fit, at least one.

        Groups are padded to the member count of the largest. Groups are added while at
        least three quarters of the slots are used.

        Args:
            prompts: Largest number of prompts.
            columns: Largest number of tokens, prefixes and suffixes with padding.
        """
        groups: list[PrefixGroup] = []
        n, prefix_size, suffix_size = 0, 0, 0
        while self._groups:
            group = self._groups[-1]
            n += len(group.members)
            prefix_size = max(prefix_size, group.n_shared)
            suffix_size = max(suffix_size, group.n_own)
            n_prefixes = len(groups) + 1
            # Every suffix is padded to the longest, every prefix to the longest prefix.
            is_full = (
                n > prompts or prefix_size * n_prefixes + suffix_size * n > columns
            )
            if groups and (is_full or 4 * n < 3 * n_prefixes * len(groups[0].members)):
                break
            groups.append(self._groups.pop())
        return groups


def _size(group: PrefixGroup) -> tuple[int, int]:
    return len(group.members), group.n_shared + group.n_own
