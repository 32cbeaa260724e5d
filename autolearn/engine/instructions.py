"""Generate instructions and score answers with the model itself (Self-Instruct).

Given only the beginning of a user turn, a chat model writes a turn like those of its
training data. A round must not change its answers to these.
"""

from collections.abc import Callable, Sequence

import torch

from autolearn.core.model_calls import Chat, Sampling
from autolearn.core.ports import Stop
from autolearn.core.records import TrainItem
from autolearn.engine.decoding import generate
from autolearn.engine.load import LoadedModel
from autolearn.engine.trainer.batches import Example, encode
from autolearn.engine.trainer.forward import Forward
from autolearn.engine.trainer.memory_fit import retry_on_oom

CONTINUING = 0.7
"""Temperature of a user turn whose beginning is given."""


def sample(
    lm: LoadedModel,
    seeds: Sequence[int],
    stop: Stop,
    max_new_tokens: int,
    beginnings: Sequence[str] | None = None,
    progress: Callable[[int], None] | None = None,
) -> list[str]:
    """Return a user turn for each seed, sampled at temperature 1; empty if none came.

    A turn without an end after ``max_new_tokens`` is kept. Replay needs text that the
    model would read, not text that is well formed. With ``beginnings``, one for each
    seed, a turn continues its beginning and includes it. ``progress`` gets the number
    of finished turns.
    """
    beginnings = beginnings or [""] * len(seeds)
    stop_ids, end_text = lm.chat.user_end
    texts = []
    for seed, beginning in zip(seeds, beginnings, strict=True):
        first_ids = lm.chat.user_beginning(beginning)
        # Temperature 1 and top-p 1 sample from the model's own distribution. If given
        # beginnings bring the variety, small models write more sensible turns at a
        # lower temperature.
        temperature = CONTINUING if beginning else 1.0
        sampling = Sampling(temperature, 1.0, max_new_tokens, seed)
        ids = lm.chat.user_start + first_ids
        texts.append(generate.DecodedText(ids, sampling, len(first_ids)))
    completions = generate.generate(lm, texts, stop, progress, stop_ids)
    return [
        _clean(completion.text, end_text)
        if completion.finish in ("stop", "length")
        else ""
        for completion in completions
    ]


def _clean(text: str, end_text: str) -> str:
    if end_text:
        text = text.split(end_text)[0]
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


@torch.inference_mode()
def confidence(
    lm: LoadedModel, chats: Sequence[Chat], answers: Sequence[str]
) -> list[float]:
    """Return the mean log-probability per token of each answer and its end, in nats."""
    examples = [
        encode(TrainItem("replay", chat, answer), lm.chat)
        for chat, answer in zip(chats, answers, strict=True)
    ]
    forward = Forward(lm)
    totals: dict[Example, float] = {}

    def measure() -> None:
        # After an out-of-memory error only the missing examples are computed again.
        for part in forward.parts([e for e in examples if e not in totals]):
            values = forward.log_probs([example.chosen for example in part]).tolist()
            totals.update(zip(part, values, strict=True))

    retry_on_oom(
        forward, max((example.length for example in examples), default=0), measure
    )
    return [totals[example] / example.chosen.n_answer for example in examples]
