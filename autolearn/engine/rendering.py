"""Training rows as texts, for trainers that read texts and tokenise them again.

A tokenizer need not turn the text of some tokens into the same tokens again, so this is
checked.
"""

from typing import Any, NamedTuple

from autolearn.engine.prefix_plan import common_prefix_length
from autolearn.engine.trainer.batches import Row


class RenderedRow(NamedTuple):
    """The texts of a row; together they are the text of all its tokens."""

    prompt: str
    answer: str


class Renderer:
    """Turns rows into texts, and tells whether these become the same rows again."""

    def __init__(self, tokenizer: Any):
        self._tokenizer = tokenizer
        self._adds = self._ids("", add_special_tokens=True)

    def render(self, row: Row) -> RenderedRow:
        """Return the texts of a row, control tokens included."""
        prompt, whole = self._text(row.ids[: row.n_prompt]), self._text(row.ids)
        if not whole.startswith(prompt):  # a character of several tokens is cut there
            return RenderedRow(prompt, self._text(row.ids[row.n_prompt :]))
        return RenderedRow(prompt, whole[len(prompt) :])

    def without_start(self, rendered: RenderedRow) -> RenderedRow:
        """Return texts without the token that the tokenizer puts before each text."""
        start = self._text(self._adds[:1])
        return rendered._replace(prompt=rendered.prompt.removeprefix(start))

    def parts_match(self, rendered: RenderedRow, row: Row) -> bool:
        """Return whether prompt and answer, each tokenised alone, become the row."""
        prompt = self._ids(rendered.prompt, add_special_tokens=False)
        answer = self._ids(rendered.answer, add_special_tokens=False)
        return [*prompt, *answer] == row.ids and len(prompt) == row.n_prompt

    def whole_matches(self, rendered: RenderedRow, row: Row) -> bool:
        """Return whether prompt and answer, tokenised as one text, become the row.

        So does TRL, which ends each text with the end token of the tokenizer.
        """
        end = self._tokenizer.eos_token or ""
        answer = rendered.answer.removesuffix(end) + end
        prompt = self._ids(rendered.prompt, add_special_tokens=True)
        whole = self._ids(rendered.prompt + answer, add_special_tokens=True)
        return whole == row.ids and common_prefix_length(prompt, whole) == row.n_prompt

    def _text(self, ids: list[int]) -> str:
        return str(
            self._tokenizer.decode(
                ids, skip_special_tokens=False, clean_up_tokenization_spaces=False
            )
        )

    def _ids(self, text: str, *, add_special_tokens: bool) -> list[int]:
        encoding = self._tokenizer(text, add_special_tokens=add_special_tokens)
        return list(encoding["input_ids"])
