"""Convert a GGUF file into a folder of plain weights, and measure the cost of NF4.

A GGUF file is already quantised. Training loads the plain weights made from it in NF4,
so each weight is rounded twice. ``rounding`` measures the effect of the second time.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

from autolearn.core.errors import BackendError, OutOfMemory
from autolearn.core.ports import Cancelled, Stop
from autolearn.core.settings import ModelSettings, Quantization
from autolearn.engine import gguf_positions, load

SENTENCES = (
    "The capital of France is Paris, and the river that runs through it is the Seine.",
    "Water boils at 100 degrees Celsius at sea level, and at less on a mountain.",
    "In 1969 two astronauts walked on the Moon while a third waited in orbit.",
    "She put the letter back into the drawer, locked it, and went out for a walk.",
    "The council voted by nine to four to close the old bridge until next spring.",
    "Question: How many legs does a spider have?\nAnswer: A spider has eight legs.",
    "To make the sauce, melt the butter, stir in the flour, and add milk slowly.",
    "The film was directed by a former journalist and shot in a small coastal town.",
    "If a train leaves at ten and takes three hours, it arrives at one o'clock.",
    "def mean(values):\n    return sum(values) / len(values)\n",
    "Der Zug nach Hamburg fährt heute von Gleis sieben ab und hält in Hannover.",
    "La bibliothèque ouvre à neuf heures et ferme à dix-huit heures en semaine.",
)
"""Ordinary text of several kinds, on which two forms of a model are compared."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Rounding:
    """How far a model in NF4 is from its plain weights, over next tokens."""

    kl: float
    """Mean KL(plain || NF4), in nats per token."""
    same: float
    """Share of positions at which both have the same likeliest token, 0..1."""
    n_tokens: int


def write_plain(gguf: Path, target: Path) -> None:
    """Write the model of a GGUF file as safetensors, with its tokenizer.

    The weights are written in bfloat16. Its rounding error is small compared with that
    of the 4 to 8 bits of the file.

    Raises:
        BackendError: transformers cannot read this kind of file, or not all of it.
        OutOfMemory: The main memory does not hold the model.
    """
    load.quiet_libraries()
    try:
        with load.memory_guard():
            loaded: Any = AutoModelForCausalLM.from_pretrained(
                gguf.parent,
                gguf_file=gguf.name,
                dtype=torch.bfloat16,
                quantization_config=GgufConfig(dequantize=True),
                output_loading_info=True,
                local_files_only=True,
                trust_remote_code=False,
            )
        tokenizer = AutoTokenizer.from_pretrained(
            gguf.parent, gguf_file=gguf.name, local_files_only=True
        )
    except OutOfMemory:
        raise
    except (ValueError, KeyError, NotImplementedError, RuntimeError, OSError) as error:
        raise BackendError(
            f"transformers cannot read {gguf.name} ({_reason(error)}); download the "
            "original model in safetensors instead."
        ) from error
    model, loading_info = loaded
    if lack := load.lacks(model, loading_info):
        raise BackendError(
            f"{gguf.name} lacks {lack}, or has them under names that transformers does "
            "not know; download the original model in safetensors instead."
        )
    gguf_positions.restore(model.config, gguf)
    # The weights are plain now, but save_pretrained rejects a model that is marked as
    # quantised.
    if hasattr(model.config, "quantization_config"):
        del model.config.quantization_config
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)
    log.info("wrote the plain weights of %s into %s", gguf, target)


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(".")[:200]


def rounding(folder: Path, stop: Stop, texts: Sequence[str] = SENTENCES) -> Rounding:
    """Compare the weights in a folder, plain and in NF4, on a few texts.

    The two models are loaded in turn, so only one is in memory at a time.

    Raises:
        Cancelled: ``stop`` returned True.
    """
    plain = _log_probs(folder, "none", texts, stop)
    nf4 = _log_probs(folder, "nf4", texts, stop)
    # kl_div takes the approximation first: KL(p || q) is kl_div(q, p).
    divergences = [
        functional.kl_div(q, p, reduction="none", log_target=True).sum(-1)
        for p, q in zip(plain, nf4, strict=True)
    ]
    matches = [p.argmax(-1) == q.argmax(-1) for p, q in zip(plain, nf4, strict=True)]
    return Rounding(
        kl=float(torch.cat(divergences).mean()),
        same=float(torch.cat(matches).float().mean()),
        n_tokens=sum(map(len, matches)),
    )


@torch.inference_mode()
def _log_probs(
    folder: Path, quantization: Quantization, texts: Sequence[str], stop: Stop
) -> list[torch.Tensor]:
    """Return the log-probabilities of the next tokens in each text.

    Shapes:
        returns: (tokens, vocabulary) float32 for each text, on the CPU.
    """
    lm = load.load(ModelSettings(str(folder), quantization), folder)
    log_probs = []
    for text in texts:
        if stop():
            raise Cancelled
        ids = torch.tensor([lm.chat.encode(text)], device=lm.device)
        logits = lm.model(input_ids=ids).logits[0]
        # On the CPU, so that the GPU holds only one text at a time.
        log_probs.append(functional.log_softmax(logits.float(), -1).cpu())
    return log_probs
