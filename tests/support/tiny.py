"""A tiny network with random weights, and what the tests ask of it."""

from collections.abc import Callable
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

from autolearn.core.model_calls import Message, Prompt, Request, Sampling
from autolearn.core.records import ItemKind, TrainItem
from autolearn.core.settings import TrainSettings
from autolearn.engine.trainer.batches import encode
from autolearn.engine.trainer.forward import Forward

CONTEXT = 128
TEMPLATE = (
    "{{ bos_token }}{% for m in messages %}<|{{ m.role }}|>{{ m.content }}<|end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
NO_SYSTEM = (
    "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}"
    "{% endif %}" + TEMPLATE
)
SPECIAL = ["<pad>", "<s>", "</s>", "<|end|>", "<|user|>", "<|assistant|>", "<|system|>"]


def build_tokenizer(template: str) -> PreTrainedTokenizerFast:
    """Every byte is a token."""
    tokens = SPECIAL + sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE({t: i for i, t in enumerate(tokens)}, []))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        additional_special_tokens=SPECIAL[3:],
        chat_template=template,
    )


def build_model(
    folder: Path, template: str = TEMPLATE, seed: int = 0, context: int = CONTEXT
) -> Path:
    kinds = (LlamaConfig, LlamaForCausalLM)
    return _build(folder, template, seed, *kinds, max_position_embeddings=context)


def build_sliding(folder: Path) -> Path:
    """A kind whose tokens see only a few before them."""
    return _build(
        folder, TEMPLATE, 0, MistralConfig, MistralForCausalLM, sliding_window=8
    )


def _build(
    folder: Path,
    template: str,
    seed: int,
    config_class: Callable[..., PreTrainedConfig],
    model_class: Callable[..., PreTrainedModel],
    **more: int,
) -> Path:
    tokenizer = build_tokenizer(template)
    tokenizer.save_pretrained(folder)
    config = config_class(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        # As untrained networks go, one with opinions: greedy choices are clear.
        initializer_range=0.2,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
        **{"max_position_embeddings": CONTEXT, **more},
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model_class(config).save_pretrained(folder)
    return folder


def chat(question: str) -> tuple[Message, ...]:
    return (Message("user", question),)


def request(question: str, **sampling) -> Request:
    sampling = {"max_new_tokens": 12, **sampling}
    return Request(Prompt("test", "", chat(question)), Sampling(**sampling))


def facts(kind: ItemKind = "sft", n: int = 4, **values) -> list[TrainItem]:
    answers = ["blue as the sea", "red", "a very old kind of green", "grey"]
    return [
        TrainItem(kind, chat(f"colour of {i}?"), answers[i % 4], **values)
        for i in range(n)
    ]


def training(**values) -> TrainSettings:
    usual = {"rank": 8, "alpha": 16, "learning_rate": 1e-2, "batch_size": 4}
    return TrainSettings(**{**usual, "max_steps": 6, "warmup_steps": 2, **values})


class Watch:
    """Sees every step, and stops after ``last`` of them."""

    def __init__(self, last: int | None = None):
        self.last = last
        self.seen: list[dict[str, float]] = []
        self.probed: dict[str, float] = {}

    def stop(self) -> bool:
        return self.last is not None and len(self.seen) >= self.last

    def on_probe(self, step: int, metrics: dict[str, float]) -> None:
        self.probed = metrics

    def on_step(self, step: int, total: int, metrics: dict[str, float]) -> None:
        assert step <= total
        self.seen.append(metrics)


def never() -> bool:
    return False


def logits(model, text: str = "what is blue?"):
    ids = torch.tensor([list(text.encode())])
    with torch.inference_mode():
        return model(ids).logits


def log_prob(backend, question: str, answer: str) -> float:
    lm = backend._lm
    example = encode(TrainItem("sft", chat(question), answer), lm.chat)
    with torch.inference_mode():
        return Forward(lm).log_probs([example.chosen]).item()


def transformers_texts(lm, prompts, n_tokens):
    """Return what transformers itself generates greedily, one prompt at a time."""
    texts = []
    for ids in prompts:
        output = lm.model.generate(
            torch.tensor([ids]),
            attention_mask=torch.ones(1, len(ids), dtype=torch.int64),
            max_new_tokens=n_tokens,
            min_new_tokens=n_tokens,
            do_sample=False,
            eos_token_id=None,
        )
        texts.append(lm.chat.decode(output[0, len(ids) :].tolist()))
    return texts
