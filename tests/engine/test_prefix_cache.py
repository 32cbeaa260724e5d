"""The cache of common prefixes never exceeds what the memory estimate counts."""

import pytest
import torch

from autolearn.engine.decoding.prefix_cache import LEAST, PrefixCache
from autolearn.models.memory import KEPT_TOKENS

pytestmark = pytest.mark.torch_model


def states(n):
    return [(torch.zeros(1, 2, n, 4), torch.zeros(1, 2, n, 4))]


def kept_tokens(cache, keys):
    return sum(cache.longest(key)[0] for key in keys)


def test_the_least_recently_used_prefixes_go_when_the_room_is_full():
    size = KEPT_TOKENS // 4
    keys = [[number] * size for number in range(5)]
    cache = PrefixCache()
    for key in keys[:4]:
        cache.keep(key, states(size))
    assert kept_tokens(cache, keys) == KEPT_TOKENS
    assert cache.longest(keys[0])[0] == size  # used once more
    cache.keep(keys[4], states(size))
    lengths = [cache.longest(key)[0] for key in keys]
    assert sum(lengths) == KEPT_TOKENS
    assert lengths[0] == lengths[4] == size
    assert lengths.count(0) == 1


def test_a_prefix_larger_than_all_the_room_is_not_kept():
    cache, key = PrefixCache(), [1] * (KEPT_TOKENS + 1)
    cache.keep(key, states(len(key)))
    assert cache.longest(key) == (0, [])


def test_many_short_prefixes_are_kept_together():
    keys = [[number] * LEAST for number in range(2, 22)]
    cache = PrefixCache()
    for key in keys:
        cache.keep(key, states(LEAST))
    assert kept_tokens(cache, keys) == 20 * LEAST
