"""Turn chats into token ids, for generation and for training alike.

The prompt of a trained item is made by the very function that makes the prompt of a
generation, so that what was learned is found again.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from jinja2.exceptions import TemplateError

from autolearn.errors import BackendError
from autolearn.records import Chat, Message

_MARK = "autolearnmark"
"""Stands for a content whose place in a template is looked for."""


def eos_ids(generation: Any) -> list[int]:
    """Return the stop tokens that a generation config names; one, several or none."""
    eos = generation.eos_token_id
    return list(eos) if isinstance(eos, list) else [] if eos is None else [eos]


def context_length(config: Any, tokenizer: Any) -> int:
    """Return how many tokens prompt and answer may have together."""
    longest = getattr(config.get_text_config(), "max_position_embeddings", None)
    # Tokenizers without a limit say 10**30.
    return int(min(longest or 10**9, tokenizer.model_max_length))


class ChatFormat:
    """The chat template and tokenizer of one model."""

    def __init__(self, tokenizer: Any, eos_ids: Iterable[int] = ()):
        self._tokenizer = tokenizer
        template = tokenizer.get_chat_template()
        # Reasoning models: the answer is wanted, not pages of thought before it.
        thinks = "enable_thinking" in template
        self._options = {"enable_thinking": False} if thinks else {}
        self._eos_ids = {*eos_ids, tokenizer.eos_token_id} - {None}

    def prompt(self, chat: Chat) -> list[int]:
        """Return the ids of a chat up to where the answer begins.

        Text that looks like a control token stays text: a passage cannot end its turn.
        """
        ids = self._tokenizer.apply_chat_template(
            self._turns(chat),
            add_generation_prompt=True,
            return_dict=False,
            sanitize_control_tokens=True,
            **self._options,
        )
        return list(ids)

    def to_answer(self, chat: Chat) -> tuple[list[int], int]:
        """Return the ids of a chat to be gone on with, and of how many it has begun.

        A last turn of the assistant is the beginning of the answer.
        """
        if chat[-1].role != "assistant":
            return self.prompt(chat), 0
        before = self.prompt(chat[:-1])
        begun = self.encode(self._lead + chat[-1].content)
        return before + begun, len(begun)

    def begun(self, chat: Chat, answer: str) -> list[int]:
        """Return the ids of a chat whose answer has begun so."""
        return self.prompt(chat) + self.encode(self._lead + answer.lstrip())

    def answer(self, text: str) -> list[int]:
        """Return the ids of an answer and of the end of its turn."""
        return [*self.encode(self._lead + text.strip()), self._end]

    def encode(self, text: str) -> list[int]:
        """Return the ids of plain text; no control token can come out of it."""
        encoded = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=True
        )
        return list(encoded["input_ids"])

    def raw(self, text: str) -> list[int]:
        """Return the ids of a text without any turns, begun as the model is used to."""
        encoded = self._tokenizer(text, split_special_tokens=True)
        return list(encoded["input_ids"])

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids, without control tokens."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    @cached_property
    def stop_ids(self) -> frozenset[int]:
        """The ids of which each ends an answer."""
        return frozenset({*self._eos_ids, self._end})

    @cached_property
    def user_start(self) -> list[int]:
        """The ids before the words of a first user turn."""
        before, _ = self._around_user
        # A last space belongs to the first word, which is not written yet.
        return self._control(before.rstrip(" ")) or [min(self.stop_ids)]

    @cached_property
    def user_end(self) -> tuple[frozenset[int], str]:
        """The ids of which each ends a user turn, and the plain text that does."""
        _, after = self._around_user
        first = self._control(after)[:1]
        stops = [i for i in first if i in self._tokenizer.all_special_ids]
        return self.stop_ids.union(stops), self.decode(self._control(after))

    def _turns(self, chat: Chat) -> list[dict[str, str]]:
        if chat and chat[0].role == "system" and not self._takes_system:
            system, first, *rest = chat
            joined = Message(first.role, f"{system.content}\n\n{first.content}")
            chat = (joined, *rest)
        return [{"role": m.role, "content": m.content} for m in chat]

    @cached_property
    def _takes_system(self) -> bool:
        """Whether the template accepts a system turn; some raise an error."""
        turns = [
            {"role": "system", "content": _MARK},
            {"role": "user", "content": _MARK},
        ]
        try:
            self._render(turns, add_generation_prompt=True)
        except TemplateError:
            return False
        return True

    @cached_property
    def _around_user(self) -> tuple[str, str]:
        return self._split(self._render([{"role": "user", "content": _MARK}]))

    @cached_property
    def _around_answer(self) -> tuple[str, str]:
        turns = [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": _MARK},
        ]
        return self._split(self._render(turns))

    @cached_property
    def _lead(self) -> str:
        """What the template writes between the generation prompt and the answer."""
        prompt = self._render(
            [{"role": "user", "content": "?"}], add_generation_prompt=True
        )
        before, _ = self._around_answer
        return before.removeprefix(prompt) if before.startswith(prompt) else ""

    @cached_property
    def _end(self) -> int:
        """The id that ends an answer; what the template writes behind it is not."""
        special = self._eos_ids.union(self._tokenizer.all_special_ids)
        ends = [i for i in self._control(self._around_answer[1]) if i in special]
        ends += sorted(self._eos_ids)
        if not ends:
            raise BackendError(
                "This model's tokenizer has no token that ends an answer; choose an "
                "instruct model."
            )
        return ends[0]

    def _render(self, turns: list[dict[str, str]], **options: Any) -> str:
        options = {**options, **self._options}
        text = self._tokenizer.apply_chat_template(turns, tokenize=False, **options)
        return str(text)

    def _split(self, text: str) -> tuple[str, str]:
        before, mark, after = text.partition(_MARK)
        if not mark:
            raise BackendError(
                "This model's chat template hides the text of a turn; choose a model "
                "with a usual chat template."
            )
        return before, after

    def _control(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])
