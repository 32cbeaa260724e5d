"""Let the model make up user turns, the raw material of replay.

A model that is shown only the beginning of a user turn writes what users of its
training data wrote. Its answers to these are what a round must not change.
"""

from autolearn.engine.generate import generate
from autolearn.engine.load import Loaded
from autolearn.ports import Stop
from autolearn.records import Sampling

_TRIES = 4
"""Draws per prompt wanted, at most: small models repeat themselves."""


def self_prompts(
    loaded: Loaded, n: int, seed: int, stop: Stop, max_new_tokens: int
) -> list[str]:
    """Return up to ``n`` distinct user turns, sampled at temperature 1.

    A turn that has no end after ``max_new_tokens`` is kept as it is: replay needs
    something that the model would read, not something well formed.
    """
    stop_ids, end_text = loaded.chat.user_end
    found: dict[str, None] = {}
    for draws in range(_TRIES):
        missing = n - len(found)
        if missing <= 0 or stop():
            break
        seeds = range(draws * n, draws * n + missing)
        prompts = [
            (
                loaded.chat.user_start,
                Sampling(1.0, 1.0, max_new_tokens, _mixed(seed, i)),
            )
            for i in seeds
        ]
        for written in generate(loaded, prompts, stop, stop_ids=stop_ids):
            text = _cleaned(written.text, end_text)
            if text and written.finish in ("stop", "length"):
                found.setdefault(text)
    return list(found)[:n]


def _mixed(seed: int, i: int) -> int:
    """Return a seed of its own for the i-th draw of a seed."""
    return (seed * 1_000_003 + i) % 2**63


def _cleaned(text: str, end_text: str) -> str:
    if end_text:
        text = text.split(end_text)[0]
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)
