"""Find what token sequences have in common, so that it is computed only once.

The prompts of one passage begin with that passage. Nobody has to say so: it is found
in the token ids. One plan serves writing and training: sequences that begin alike are
laid out as a tree, in which each stretch stands once.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_GAIN = 0.8
"""What joining a tree may cost at most when written, of what a prompt costs alone."""
_LIKELY = 0.125
"""Share of the tokens that a text may have which it will have: most end early."""
_UNEVEN = 1.5
"""Tokens that rows of trees look for, by those that are wanted: texts end one by one,
and all rows are as wide as the widest."""


@dataclass(frozen=True)
class Tree:
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


def lay_out(rows: Sequence[list[int]]) -> Tree:
    """Return sequences as a tree."""
    members = sorted(range(len(rows)), key=rows.__getitem__)
    tree = Tree([], [], [], [], members, [])
    path: list[int] = []
    before: list[int] = []
    for number, member in enumerate(members):
        ids = rows[member]
        path = path[: alike(before, ids)]
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


def alike(one: Sequence[int], other: Sequence[int]) -> int:
    """Return how many ids both begin with."""
    n = 0
    for a, b in zip(one, other, strict=False):
        if a != b:
            break
        n += 1
    return n


def groups(
    rows: Sequence[list[int]],
    n_new: Sequence[int],
    most: int,
    price: int,
    gain: float = _GAIN,
) -> Iterator[list[int]]:
    """Yield at most so many sequences at a time that are cheaper together than apart.

    In alphabetical order those that begin alike stand side by side. Each joins the one
    before it, unless too little is shared: in a tree all columns are looked at by all.

    Args:
        rows: The sequences.
        n_new: How many tokens will be written after each.
        most: The most of a group.
        price: To how many columns one may look for what a token costs in itself.
        gain: What joining may cost at most, of what a sequence costs alone.
    """

    def cost(n_rows: int, columns: int, written: int) -> float:
        waste = _UNEVEN if n_rows > 1 else 1
        read = columns * (price + columns)
        return read + waste * written * (price + columns + written)

    group: list[int] = []
    columns = written = 0
    for index in sorted(range(len(rows)), key=rows.__getitem__):
        ids, n = rows[index], n_new[index]
        if group:
            shared = alike(rows[group[-1]], ids)
            joined = cost(len(group) + 1, columns + len(ids) - shared, written + n)
            rise = joined - cost(len(group), columns, written)
            if len(group) == most or rise > gain * cost(1, len(ids), n):
                yield group
                group, columns, written = [], 0, 0
            else:
                columns -= shared
        group.append(index)
        columns += len(ids)
        written += n
    if group:
        yield group


@dataclass(frozen=True)
class Group:
    """Prompts that are written as one tree."""

    members: list[int]
    """Their places among all prompts."""
    width: int
    """Columns that the tree may come to, with all that is written."""


def planted(
    found: Sequence[Group], prompts: Sequence[list[int]]
) -> tuple[list[Tree], list[list[int]]]:
    """Return groups as trees of all ids but the last, and the prompts of each tree.

    These stand in the order of its members, by their places among all prompts.
    """
    trees = [lay_out([prompts[i][:-1] for i in group.members]) for group in found]
    rows = [
        [group.members[i] for i in tree.members]
        for group, tree in zip(found, trees, strict=True)
    ]
    return trees, rows


class Queue:
    """Prompts that wait to be written, groups of like size side by side."""

    def __init__(
        self,
        prompts: Sequence[list[int]],
        n_new: Sequence[int],
        together: int,
        price: int,
    ):
        """Group the prompts; see ``groups``."""
        likely = [round(_LIKELY * n) for n in n_new]
        found = [
            Group(members, _width([prompts[i] for i in members], n_new, members))
            for members in groups(prompts, likely, together, price)
        ]
        self._groups = sorted(found, key=_size)

    def __bool__(self) -> bool:
        """Return whether any are left."""
        return bool(self._groups)

    def take(self, prompts: int, rows: int, columns: int) -> list[Group]:
        """Return the next groups: at least one, and no more than there is room for.

        Three quarters of what is looked for are wanted, or more: all rows are as wide
        as the widest.

        Args:
            prompts: The most of them in all.
            rows: The most groups.
            columns: The most of all rows together.
        """
        taken: list[Group] = []
        n, width = 0, 0
        while self._groups and len(taken) < rows:
            group = self._groups[-1]
            n += len(group.members)
            width = max(width, group.width)
            n_rows = len(taken) + 1
            is_full = n > prompts or width * n_rows > columns
            if taken and (is_full or 4 * n < 3 * n_rows * len(taken[0].members)):
                break
            taken.append(self._groups.pop())
        return taken


def _size(group: Group) -> tuple[int, int]:
    return len(group.members), group.width


def _width(
    rows: Sequence[list[int]], n_new: Sequence[int], members: Sequence[int]
) -> int:
    return len(lay_out(rows).ids) + sum(n_new[i] for i in members)
