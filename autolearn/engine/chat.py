"""Turn chats into token ids, for generation and for training.

Both use the same function for the prompt. A model therefore sees in training exactly
the tokens that it sees when it is asked.
"""

import re
from collections.abc import Iterable
from datetime import date
from functools import cached_property
from typing import Any, NamedTuple

from jinja2.exceptions import TemplateError

from autolearn.containment import interruptible, limited_memory
from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Chat, Message
from autolearn.engine.continuation import Continuation

DATE = date(2024, 7, 26)
"""What templates write as the date of today, as Llama 3.1 does where it knows none. A
study or a training that is resumed on another day has the same prompts."""
_DATE_CALL = re.compile(r"""strftime_now\((["'])(.*?)\1\)""")
_MARK, _THOUGHT = "autolearnmark", "autolearnthought"
"""Placeholders for a turn and for a thought, which are searched in rendered
templates."""
_TEMPLATE_MEMORY = 2 << 30
"""Most bytes that a chat template may use while it is rendered."""
_OPEN_THOUGHT = re.compile(
    r"([<\[])((?:\w+:)?(?:think|thinking|thought|reasoning))([>\]])(\s*)$",
    re.IGNORECASE,
)
"""Matches a generation prompt that opens a thought, as R1 and QwQ do: ``<think>``."""


def eos_ids(generation: Any) -> list[int]:
    """Return the stop tokens of a generation config, which has one, several or none."""
    eos = generation.eos_token_id
    return list(eos) if isinstance(eos, list) else [] if eos is None else [eos]


def context_length(config: Any, tokenizer: Any) -> int:
    """Return how many tokens prompt and answer may have together."""
    longest = getattr(config.get_text_config(), "max_position_embeddings", None)
    # Tokenizers without a limit report 10**30.
    return int(min(longest or 10**9, tokenizer.model_max_length))


class _Opening(NamedTuple):
    """How to change the generation prompt so that an answer follows directly."""

    removed_end: str
    """The end of the generation prompt that does not precede answers in full chats."""
    control_text: str
    """The text that takes its place."""
    lead: str
    """Spaces that the tokenizer merges with the first word of the answer."""


class ChatFormat:
    """The chat template and tokenizer of a model."""

    def __init__(
        self,
        tokenizer: Any,
        eos_ids: Iterable[int] = (),
        *,
        drops_system: bool = False,
    ):
        """Read the template of a tokenizer.

        Args:
            tokenizer: The tokenizer of a model.
            eos_ids: Ids that end an answer, besides that of the tokenizer.
            drops_system: Whether the template may leave out a system message, since the
                model was trained without one.
        """
        self._tokenizer = tokenizer
        self._drops_system = drops_system
        template = str(tokenizer.get_chat_template())
        self._template = _DATE_CALL.sub(
            lambda call: repr(DATE.strftime(call[2])), template
        )
        self._options = self._without_thinking()
        # Models disagree about where they declare their stop tokens, so both count.
        self._eos_ids = {*eos_ids, tokenizer.eos_token_id} - {None}

    def prompt(self, chat: Chat) -> list[int]:
        """Return the ids of a chat up to where the answer begins.

        Control tokens that appear in the text of a turn are encoded as plain text, so a
        passage cannot end its turn.
        """
        # sanitize_control_tokens keeps the content of turns plain text.
        ids = self._apply_template(
            self._turns(chat),
            chat_template=self._answer_template or self._template,
            add_generation_prompt=True,
            return_dict=False,
            sanitize_control_tokens=True,
            **self._options,
        )
        return list(ids)

    def to_answer(self, chat: Chat) -> tuple[list[int], int]:
        """Return the ids of a chat to continue, and how many belong to the answer.

        If the last turn is the assistant's, it is the beginning of the answer.
        """
        if chat[-1].role != "assistant":
            return self.prompt(chat), 0
        before = self.prompt(chat[:-1])
        beginning = self._answers.encode(chat[-1].content)
        return before + beginning, len(beginning)

    def with_prefill(self, chat: Chat, answer: str) -> list[int]:
        """Return the ids of a chat whose answer begins with ``answer``."""
        return self.prompt(chat) + self._answers.encode(answer.lstrip())

    def answer(self, text: str) -> list[int]:
        """Return the ids of an answer followed by the end of its turn."""
        # The end is learned too, or the model would never stop.
        return [*self._answers.encode(text.strip()), self._end]

    def encode(self, text: str) -> list[int]:
        """Return the ids of plain text, which never contain control tokens."""
        encoding = self._tokenizer(
            text, add_special_tokens=False, split_special_tokens=True
        )
        return list(encoding["input_ids"])

    def raw(self, text: str) -> list[int]:
        """Return the ids of a text without turns, with the model's own start token."""
        encoding = self._tokenizer(text, split_special_tokens=True)
        return list(encoding["input_ids"])

    def decode(self, ids: list[int]) -> str:
        """Return the text of ids, without control tokens."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)).strip()

    @cached_property
    def stop_ids(self) -> frozenset[int]:
        """The ids that end an answer."""
        return frozenset({*self._eos_ids, self._end})

    @cached_property
    def user_start(self) -> list[int]:
        """The ids before the text of a first user turn."""
        before, _ = self._around_user
        # A trailing space would be part of the first word, which is still to be
        # written.
        return self._control(before.rstrip(" ")) or [min(self.stop_ids)]

    def user_beginning(self, text: str) -> list[int]:
        """Return the ids of the first words of a first user turn."""
        return self._user_turns.encode(text) if text else []

    @cached_property
    def user_end(self) -> tuple[frozenset[int], str]:
        """The ids that end a user turn, and the plain text that does."""
        _, after = self._around_user
        # Only the first token counts: what follows it belongs to the next turn.
        first_id = self._control(after)[:1]
        stops = [i for i in first_id if i in self._control_ids]
        return self.stop_ids.union(stops), self.decode(self._control(after))

    @cached_property
    def _answers(self) -> Continuation:
        """Encodes answers, which follow the generation prompt."""
        prompt = self._render(
            [{"role": "user", "content": "?"}],
            chat_template=self._answer_template or self._template,
            add_generation_prompt=True,
        )
        return self._continuation(prompt, self._opening.lead)

    @cached_property
    def _user_turns(self) -> Continuation:
        """Encodes the text of a first user turn; see ``user_start``."""
        before, _ = self._around_user
        start = before.rstrip(" ")
        return self._continuation(start, before[len(start) :])

    def _continuation(self, before: str, lead: str) -> Continuation:
        return Continuation(self.encode, self._control, before, lead)

    def _turns(self, chat: Chat) -> list[dict[str, str]]:
        # Some templates reject or skip a system turn: its text precedes the first user
        # turn.
        if chat and chat[0].role == "system" and not self._takes_system:
            system, first, *rest = chat
            merged_turn = Message(first.role, f"{system.content}\n\n{first.content}")
            chat = (merged_turn, *rest)
        return [{"role": m.role, "content": m.content} for m in chat]

    @cached_property
    def _takes_system(self) -> bool:
        """Whether the template shows a system turn; some skip it or raise an error."""
        turns = [
            {"role": "system", "content": _MARK},
            {"role": "user", "content": _MARK},
        ]
        try:
            text = self._render(turns, add_generation_prompt=True)
        except TemplateError:
            return False
        return self._drops_system or text.count(_MARK) == len(turns)

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

    def _without_thinking(self) -> dict[str, Any]:
        """Return the template options that switch off thinking before the answer.

        Reasoning models would write pages of thought. Each model family has its own
        switch, or none; see ``_opening``.
        """
        template = self._template
        # Templates with reasoning_effort accept "none" or at least "low".
        effort = "none" if re.search("""['"]none['"]""", template) else "low"
        switches = {"enable_thinking": False, "thinking": False}
        return {
            name: value
            for name, value in {**switches, "reasoning_effort": effort}.items()
            if re.search(rf"\b{name}\b", template) and self._accepts(name, value)
        }

    def _accepts(self, option: str, value: Any) -> bool:
        """Return whether the template renders with an option."""
        turns = [{"role": "user", "content": _MARK}]
        try:
            self._apply_template(
                turns, tokenize=False, add_generation_prompt=True, **{option: value}
            )
        except TemplateError:
            return False
        return True

    @cached_property
    def _opening(self) -> _Opening:
        """What the template writes between a user turn and an answer.

        Rendering a full chat shows it: the channel of an answer, a token that begins a
        response, or an empty thought. If the full chat shows no thought but the
        generation prompt opens one, the thought is closed here. Otherwise the answer
        would be learned as a thought.
        """
        user = {"role": "user", "content": "?"}
        prompt = self._render([user], add_generation_prompt=True)
        before, _ = self._around_answer
        tag = _OPEN_THOUGHT.search(prompt)
        shared_part = prompt
        if tag and not before.startswith(prompt):
            shared_part = prompt[: tag.start()]
        opening = (
            before.removeprefix(shared_part) if before.startswith(shared_part) else ""
        )
        if tag and not opening.strip():
            shared_part, opening = prompt, self._closing(tag)
        # Strip spaces only: line breaks are separate tokens.
        control_text = opening.rstrip(" ") if opening.strip() else ""
        return _Opening(
            prompt[len(shared_part) :], control_text, opening[len(control_text) :]
        )

    def _closing(self, tag: re.Match[str]) -> str:
        """Return the text that closes an empty thought, as the template writes it.

        Templates that never write a thought get the closing tag of their opening tag.

        Args:
            tag: The match of ``_OPEN_THOUGHT`` in the generation prompt.
        """
        turns = [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": _MARK, "reasoning_content": _THOUGHT},
        ]
        before, mark, after = self._render(turns).partition(_THOUGHT)
        if mark and before == tag.string:
            return self._split(after)[0]
        bracket, name, ending, gap = tag.groups()
        end = f"{bracket}/{name}{ending}"
        return f"\n{end}\n\n" if gap else end

    @cached_property
    def _answer_template(self) -> str | None:
        """The template with the opening of an answer added; None if none is needed.

        The opening is part of the template, so that it is encoded together with the
        prompt and its control tokens are recognised.
        """
        removed_end, opening, _ = self._opening
        if not removed_end and not opening:
            return None
        # Jinja drops the last line break of a template.
        template = self._template.removesuffix("\n")
        # The empty expressions keep Jinja from trimming white space at both ends.
        return (
            "{% set rendered %}{{ '' }}" + template + "{{ '' }}{% endset %}"
            f"{{{{ rendered.removesuffix({removed_end!a}) + {opening!a} }}}}"
        )

    @cached_property
    def _end(self) -> int:
        """The id that ends an answer, without what the template writes after it."""
        after = self._control(self._around_answer[1])
        ends = [i for i in after if i in self._control_ids]
        # Without an end in the template, any stop token of the model will do.
        ends += sorted(self._eos_ids)
        if not ends:
            raise BackendError(
                "This model's tokenizer has no token that ends an answer; choose an "
                "instruct model."
            )
        return ends[0]

    @cached_property
    def _control_ids(self) -> frozenset[int]:
        """All ids of control tokens. Some models do not declare theirs as special."""
        special_tokens = self._tokenizer.added_tokens_decoder.items()
        # Some tokenizers add plain white space as a token, which is text.
        declared_ids = {i for i, token in special_tokens if not token.content.isspace()}
        return frozenset(
            self._eos_ids.union(declared_ids, self._tokenizer.all_special_ids)
        )

    def _render(self, turns: list[dict[str, str]], **options: Any) -> str:
        options = {**options, **self._options}
        return str(self._apply_template(turns, tokenize=False, **options))

    @cached_property
    def _reads_parts(self) -> bool:
        """Whether the content of a turn is a list of parts, as for texts with images.

        Most templates of models that also read images take a plain text as well.
        """
        turns = [{"role": "user", "content": _MARK}]
        return not self._shows(turns) and self._shows(_in_parts(turns))

    def _shows(self, turns: list[dict[str, Any]]) -> bool:
        try:
            return _MARK in self._interruptibly(turns, tokenize=False)
        except (TemplateError, TypeError):
            return False

    def _apply_template(self, turns: list[dict[str, str]], **options: Any) -> Any:
        """Render a template; see ``_interruptibly``."""
        return self._interruptibly(
            _in_parts(turns) if self._reads_parts else turns, **options
        )

    def _interruptibly(self, turns: list[dict[str, Any]], **options: Any) -> Any:
        """Render a template, which is foreign code, so that it can be interrupted.

        Raises:
            BackendError: It asks for too much memory.
            Cancelled: The run was cancelled meanwhile.
        """
        try:
            with limited_memory(_TEMPLATE_MEMORY), interruptible():
                return self._tokenizer.apply_chat_template(
                    turns, **{"chat_template": self._template, **options}
                )
        except MemoryError as error:
            raise BackendError(
                "The chat template of this model needs too much memory; choose another "
                "model."
            ) from error

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


def _in_parts(turns: list[dict[str, str]]) -> list[dict[str, Any]]:
    """Return turns whose content is a list with one text."""
    return [
        {**turn, "content": [{"type": "text", "text": turn["content"]}]}
        for turn in turns
    ]
