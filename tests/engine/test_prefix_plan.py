"""Prefixes that token sequences share, found in their ids."""

import random
from collections.abc import Iterator, Sequence

import pytest

from autolearn.engine import prefix_plan
from autolearn.engine.prefix_plan import (
    PromptQueue,
    common_prefix_length,
    groups,
    lay_out,
    prefix_groups,
)


def random_rows(seed: int) -> list[list[int]]:
    """Return rows over few ids, so that many begin alike; some are equal or empty."""
    draw = random.Random(seed)
    rows = [
        draw.choices(range(3), k=draw.randint(0, 9)) for _ in range(draw.randint(1, 12))
    ]
    return rows + draw.choices(rows, k=2)


@pytest.mark.parametrize("seed", range(50))
def test_each_path_through_a_tree_is_its_row(seed):
    rows = random_rows(seed)
    tree = lay_out(rows)
    assert sorted(tree.members) == list(range(len(rows)))
    for member, path in zip(tree.members, tree.paths, strict=True):
        assert [tree.ids[column] for column in path] == rows[member]
        assert [tree.places[column] for column in path] == list(range(len(path)))


@pytest.mark.parametrize("seed", range(50))
def test_a_tree_holds_each_shared_prefix_once(seed):
    rows = random_rows(seed)
    beginnings = {tuple(row[:n]) for row in rows for n in range(1, len(row) + 1)}
    assert len(lay_out(rows).ids) == len(beginnings)


@pytest.mark.parametrize("seed", range(50))
def test_a_column_belongs_to_the_sequences_whose_path_has_it(seed):
    tree = lay_out(random_rows(seed))
    assert tree.ids
    for column in range(len(tree.ids)):
        on = [number for number, path in enumerate(tree.paths) if column in path]
        assert on == list(range(tree.first[column], tree.last[column] + 1))


def test_sequences_with_a_common_prefix_are_grouped_up_to_a_limit():
    first, second = [1] * 40, [2] * 40
    rows = [
        [*first, 5],
        [*second, 5],
        [*first, 6],
        [*first, 7],
        [3, *[8] * 9],
        [3, *[9] * 9],
    ]
    index_groups = sorted(
        map(sorted, groups(rows, max_members=2, token_cost=1000, max_relative_cost=0.8))
    )
    assert [0, 3] in index_groups or [0, 2] in index_groups
    assert all(len(group) <= 2 for group in index_groups)
    assert sorted(i for group in index_groups for i in group) == list(range(6))
    assert [4] in index_groups
    assert [5] in index_groups


@pytest.mark.parametrize("seed", range(50))
def test_a_prefix_is_common_to_its_group(seed):
    rows = [[9, *row] for row in random_rows(seed)]
    indices = []
    for members, n_shared in prefix_groups(rows, 4):
        assert 0 < len(members) <= 4
        assert all(n_shared < len(rows[i]) for i in members)
        assert len({tuple(rows[i][:n_shared]) for i in members}) == 1
        indices += members
    assert sorted(indices) == list(range(len(rows)))


def cuts(n: int, most: int) -> Iterator[list[range]]:
    """Yield every way to cut so many into stretches of at most so many."""
    if not n:
        yield []
    for size in range(1, min(n, most) + 1):
        for rest in cuts(n - size, most):
            yield [*rest, range(n - size, n)]


@pytest.mark.parametrize("seed", range(50))
def test_no_other_grouping_reads_fewer_tokens(seed):
    rows = sorted([9, *row] for row in random_rows(seed))[:9]

    def read(members: Sequence[int], n_shared: int) -> float:
        own = sum(len(rows[i]) - 1 - n_shared for i in members)
        return n_shared + prefix_plan._GROUP_TOKEN_COST * own

    def least(stretch: range) -> float:
        n_common = min(common_prefix_length(rows[stretch[0]], rows[i]) for i in stretch)
        return read(stretch, min(n_common, min(len(rows[i]) - 1 for i in stretch)))

    best = min(sum(map(least, cut)) for cut in cuts(len(rows), 4))
    assert sum(read(*prefix) for prefix in prefix_groups(rows, 4)) == pytest.approx(
        best
    )


def test_a_queue_returns_each_prompt_once_within_its_limits():
    passages = [[i] * 40 for i in range(6)]
    prompts = [[*p, 100 + j] for p in passages for j in range(4)] + [
        [200 + i] for i in range(5)
    ]
    queue = PromptQueue(prompts, [10] * len(prompts), max_members=16)
    indices = []
    while queue:
        batch = queue.take(prompts=9, columns=170)
        n_prompts = sum(len(group.members) for group in batch)
        n_common = max(group.n_shared for group in batch)
        own = max(group.n_own for group in batch)
        assert n_prompts <= 9
        assert n_common * len(batch) + own * n_prompts <= 170
        widest = max(len(group.members) for group in batch)
        assert 4 * n_prompts >= 3 * widest * len(batch)
        indices += [i for group in batch for i in group.members]
    assert sorted(indices) == list(range(len(prompts)))


def test_a_queue_returns_one_group_even_if_it_exceeds_the_limits():
    queue = PromptQueue([[1] * 50 + [i] for i in range(4)], [10] * 4, max_members=16)
    (group,) = queue.take(prompts=1, columns=1)
    assert sorted(group.members) == [0, 1, 2, 3]
    assert (group.n_shared, group.n_own) == (50, 1 + 10)
    assert not queue
