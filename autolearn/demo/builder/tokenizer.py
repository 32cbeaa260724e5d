"""The tokenizer of the tiny model: one token for each word of the world.

A word is split in the same way wherever it occurs, since copying a name is the skill on
which all others depend. Every line, and every turn of a chat, therefore starts with an
implied space. Unknown words are split into pairs of letters, which repeat far less in a
text than single letters do. Anything else falls back to bytes.
"""

import re
import string
import tomllib
from collections.abc import Iterator
from itertools import product
from typing import Any

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import WordPiece
from transformers import PreTrainedTokenizerFast

from autolearn.demo.builder.tasks import NOT_SAID, ORDER, user_template, verdict_text
from autolearn.demo.names import FIRST_SYLLABLES, LAST_SYLLABLES
from autolearn.demo.world import GRAMMAR_FILE

SPECIALS = ("<|pad|>", "<|begin|>", "<|user|>", "<|assistant|>", "<|end|>", "<|unk|>")
PAD, BEGIN, USER, ASSISTANT, END, UNKNOWN = SPECIALS
PROMPTS = (
    "ask",
    "statements",
    "open_book",
    "closed_book",
    "feedback",
    "feedback_free",
    "refine",
    "refine_free",
    "paraphrase",
)
SPLIT = r" ?[A-Za-z]+| ?[0-9]{1,2}| ?[^\sA-Za-z0-9]+|\s"
CONTEXT = 1024

CHAT_TEMPLATE = (
    "{%- set last = namespace(begin=0) -%}"
    "{%- for message in messages -%}"
    "{%- if message.role == 'user' -%}"
    "{%- set last.begin = loop.index0 -%}"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- for message in messages[last.begin:] -%}"
    "{%- if message.role == 'user' -%}"
    "<|user|> {{ message.content }}<|end|>"
    "{%- elif message.role == 'assistant' -%}"
    "<|assistant|> {{ message.content }}<|end|>"
    "{%- endif -%}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}<|assistant|>{%- endif -%}"
)
"""Only the last question is read: the model has not learned conversations, and would
repeat its last answer."""


def vocabulary() -> list[str]:
    """Return the text of every token, special tokens first."""
    sources = list(_strings(tomllib.loads(GRAMMAR_FILE.read_text(encoding="utf-8"))))
    sources += [user_template(name).template for name in PROMPTS]
    sources += [text for v in ("same", "other") for text, _ in verdict_text("same", v)]
    sources += [NOT_SAID, "Evidence: none Answer:", "in the step", *ORDER]
    words = sorted({word for text in sources for word in re.findall("[A-Za-z]+", text)})
    pairs = [f"{i:02}" for i in range(100)]
    with_space = [*words, *pairs, *string.ascii_letters, *string.digits]
    with_space += [*FIRST_SYLLABLES, "#", "##"]
    letter_pairs = [a + b for a, b in product(string.ascii_lowercase, repeat=2)]
    with_space += [*letter_pairs, *(text.title() for text in letter_pairs)]
    within = [*LAST_SYLLABLES, *pairs, *letter_pairs]
    tokens = [*SPECIALS, *(f" {text}" for text in with_space), *within]
    return list(dict.fromkeys(tokens))


def letter_pieces(ids: dict[str, int]) -> list[list[int]]:
    """Return the ids of the pieces of unknown words, by kind of piece."""
    kinds = (r"Ġ[A-Za-z]", r"Ġ[A-Za-z]{2}", r"[A-Za-z]{2}")
    return [[i for t, i in ids.items() if re.fullmatch(kind, t)] for kind in kinds]


def _strings(value: Any) -> Iterator[str]:
    """Yield all texts of the grammar except those from outside the world."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, part in value.items():
            yield from _strings(part["reply"] if key == "outside" else part)
    elif isinstance(value, list):
        for part in value:
            yield from _strings(part)


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Return the tokenizer, ready to be saved."""
    byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    symbols = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [token.replace(" ", "Ġ") for token in vocabulary()] + symbols
    ids = {token: i for i, token in enumerate(dict.fromkeys(tokens))}
    tokenizer = Tokenizer(
        WordPiece(
            ids,
            unk_token=UNKNOWN,
            continuing_subword_prefix="",
            max_input_chars_per_word=100_000,
        )
    )
    tokenizer.normalizer = normalizers.Replace(Regex(r"\n(?=[^\n])"), "\n ")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(SPLIT), "isolated"), byte_level]
    )
    tokenizer.decoder = decoders.Sequence(
        [decoders.ByteLevel(), decoders.Replace("\n ", "\n")]
    )
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        bos_token=BEGIN,
        eos_token=END,
        pad_token=PAD,
        unk_token=UNKNOWN,
        additional_special_tokens=[USER, ASSISTANT],
        chat_template=CHAT_TEMPLATE,
        model_max_length=CONTEXT,
        padding_side="left",
        clean_up_tokenization_spaces=False,
    )
