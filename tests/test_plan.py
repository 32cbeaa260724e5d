"""What sequences have in common, found in their ids."""

import random

import pytest

from autolearn.engine.plan import Queue, groups, lay_out


def some_rows(seed: int) -> list[list[int]]:
    """Return rows over few ids, so that many begin alike; some are equal or empty."""
    draw = random.Random(seed)
    rows = [
        draw.choices(range(3), k=draw.randint(0, 9)) for _ in range(draw.randint(1, 12))
    ]
    return rows + draw.choices(rows, k=2)


@pytest.mark.parametrize("seed", range(50))
def test_each_path_through_a_tree_is_its_row(seed):
    rows = some_rows(seed)
    tree = lay_out(rows)
    assert sorted(tree.members) == list(range(len(rows)))
    for member, path in zip(tree.members, tree.paths, strict=True):
        assert [tree.ids[column] for column in path] == rows[member]
        assert [tree.places[column] for column in path] == list(range(len(path)))


@pytest.mark.parametrize("seed", range(50))
def test_no_stretch_stands_twice_in_a_tree(seed):
    rows = some_rows(seed)
    beginnings = {tuple(row[:n]) for row in rows for n in range(1, len(row) + 1)}
    assert len(lay_out(rows).ids) == len(beginnings)


@pytest.mark.parametrize("seed", range(50))
def test_a_column_belongs_to_those_whose_path_it_is_on(seed):
    tree = lay_out(some_rows(seed))
    for column in range(len(tree.ids)):
        on = [number for number, path in enumerate(tree.paths) if column in path]
        assert on == list(range(tree.first[column], tree.last[column] + 1))


def test_what_begins_alike_is_grouped_but_not_too_much_of_it():
    one, other = [1] * 40, [2] * 40
    rows = [[*one, 5], [*other, 5], [*one, 6], [*one, 7], [3, *[8] * 9], [3, *[9] * 9]]
    found = sorted(map(sorted, groups(rows, [5] * 6, most=2, price=1000)))
    assert [0, 3] in found or [0, 2] in found
    assert all(len(group) <= 2 for group in found)
    assert sorted(i for group in found for i in group) == list(range(6))
    assert [4] in found
    assert [5] in found


def test_a_queue_gives_everything_once_and_no_more_than_there_is_room_for():
    passages = [[i] * 40 for i in range(6)]
    prompts = [[*p, 100 + j] for p in passages for j in range(4)] + [
        [200 + i] for i in range(5)
    ]
    queue = Queue(prompts, [10] * len(prompts), together=16, price=1000)
    seen = []
    while queue:
        taken = queue.take(prompts=9, rows=9, columns=180)
        n_prompts = sum(len(group.members) for group in taken)
        width = max(group.width for group in taken)
        assert n_prompts <= 9
        assert width * len(taken) <= 180
        widest = max(len(group.members) for group in taken)
        assert 4 * n_prompts >= 3 * widest * len(taken)
        seen += [i for group in taken for i in group.members]
    assert sorted(seen) == list(range(len(prompts)))


def test_a_queue_gives_one_group_even_if_it_is_too_large():
    queue = Queue([[1] * 50 + [i] for i in range(4)], [10] * 4, together=16, price=1000)
    (group,) = queue.take(prompts=1, rows=1, columns=1)
    assert sorted(group.members) == [0, 1, 2, 3]
    assert group.width == 50 + 4 + 40
    assert not queue
