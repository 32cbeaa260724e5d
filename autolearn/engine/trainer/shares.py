"""Divide the examples of an optimiser step among the processes of a training."""

from collections.abc import Sequence

from autolearn.engine.prefix_plan import common_prefix_length
from autolearn.engine.trainer.batches import Example


def shares(examples: Sequence[Example], n: int) -> list[list[Example]]:
    """Return ``n`` shares of examples with about the same number of tokens each.

    Neighbours in the order of token ids share prefixes, which a process reads once. So
    each share is a contiguous part of that order. The shares depend on nothing but the
    examples, so all processes agree on them. The first share is empty only if there are
    no examples.
    """
    order = sorted(examples, key=lambda example: example.chosen.ids)
    costs = _costs(order)
    total, before = sum(costs), 0
    parts: list[list[Example]] = [[] for _ in range(n)]
    for example, cost in zip(order, costs, strict=True):
        # An example belongs to the share that has its first token.
        parts[n * before // total].append(example)
        before += cost
    return parts


def _costs(examples: Sequence[Example]) -> list[int]:
    """Return for each example how many tokens it adds to those before it, at least 1.

    Tokens that an example shares with the one before it are read once.
    """
    costs = []
    last: list[int] = []
    for example in examples:
        shared = common_prefix_length(last, example.chosen.ids)
        cost = len(example.chosen.ids) - shared
        if example.rejected is not None:
            prompt = common_prefix_length(example.chosen.ids, example.rejected.ids)
            cost += len(example.rejected.ids) - prompt
        costs.append(max(1, cost))
        last = example.chosen.ids
    return costs
