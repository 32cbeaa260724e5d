"""How well a model reads texts: the bits that it needs for each byte of them."""

from collections.abc import Sequence
from math import log

from autolearn.core.model_calls import Message
from autolearn.core.ports import Backend
from autolearn.core.records import Passage

METRIC = "bits_per_byte"
"""The name of the metric that a study stores."""
POOR = 2.0
"""Bits per byte above which a model reads a text poorly.

Measured: the built-in model has 0.7 on its library and 5 on English prose;
SmolLM2-135M-Instruct has 1.0 to 1.5 on English and code, 2.4 on German, 3.1 on Finnish;
letters at random have 5 and more."""
N_PASSAGES, N_CHARACTERS = 6, 400
"""Passages that are measured, and characters of each."""


def measure(backend: Backend, passages: Sequence[Passage]) -> float | None:
    """Return the mean bits per byte (UTF-8) of some of these passages.

    None: there is no text, or the backend cannot measure it. The number does not depend
    on the tokenizer, so models can be compared by it.
    """
    stride = max(1, len(passages) // N_PASSAGES)
    texts = [p.text[:N_CHARACTERS].strip() for p in passages[::stride]][:N_PASSAGES]
    texts = [text for text in texts if text]
    if not texts or not backend.scores_texts:
        return None
    chat = (Message("user", "Write a text."),)
    means = backend.confidence([chat] * len(texts), texts)
    nats = sum(
        -mean * backend.count_tokens(text)
        for mean, text in zip(means, texts, strict=True)
    )
    return nats / log(2) / sum(len(text.encode()) for text in texts)
