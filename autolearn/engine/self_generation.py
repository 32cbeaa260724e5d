"""Let the model make up user turns, the raw material of replay.

A model that is shown only the beginning of a user turn writes what users of its
training data wrote. Its answers to these are what a round must not change.
"""

from collections.abc import Sequence

import torch

from autolearn.core.model_calls import Chat, Sampling
from autolearn.core.ports import Stop
from autolearn.core.records import TrainItem
from autolearn.engine.decoding.generate import generate
from autolearn.engine.load import Loaded
from autolearn.engine.trainer.batches import Example, encode
from autolearn.engine.trainer.forward import Forward
from autolearn.engine.trainer.memory_fit import retry_on_oom


def self_prompts(
    loaded: Loaded, seeds: Sequence[int], stop: Stop, max_new_tokens: int
) -> list[str]:
    """Return a user turn for each seed, sampled at temperature 1; empty: none came.

    A turn that has no end after ``max_new_tokens`` is kept as it is: replay needs
    something that the model would read, not something well formed.
    """
    stop_ids, end_text = loaded.chat.user_end
    prompts = [
        (loaded.chat.user_start, Sampling(1.0, 1.0, max_new_tokens, seed))
        for seed in seeds
    ]
    written = generate(loaded, prompts, stop, stop_ids=stop_ids)
    return [
        _cleaned(one.text, end_text) if one.finish in ("stop", "length") else ""
        for one in written
    ]


def _cleaned(text: str, end_text: str) -> str:
    if end_text:
        text = text.split(end_text)[0]
    lines = (" ".join(line.split()) for line in text.splitlines())
    return "\n".join(line for line in lines if line)


@torch.inference_mode()
def confidence(
    loaded: Loaded, chats: Sequence[Chat], answers: Sequence[str]
) -> list[float]:
    """Return the mean log-probability of a token of each answer, its end included."""
    examples = [
        encode(TrainItem("replay", chat, answer), loaded.chat)
        for chat, answer in zip(chats, answers, strict=True)
    ]
    forward = Forward(loaded)
    found: dict[Example, float] = {}

    def look() -> None:
        for part in forward.parts([one for one in examples if one not in found]):
            told = forward.log_probs([example.chosen for example in part]).tolist()
            found.update(zip(part, told, strict=True))

    retry_on_oom(forward, max((one.length for one in examples), default=0), look)
    return [found[example] / example.chosen.n_answer for example in examples]
