"""Answer in a chat: from memory, with self-refinement, or from passages."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from autolearn.core.errors import InputError
from autolearn.core.model_calls import Chat, Completion, Generation, Message, Request
from autolearn.core.ports import Cancelled, ChatBackend
from autolearn.core.records import Passage
from autolearn.core.run_results import ChatResult
from autolearn.core.run_settings import ChatRunSettings
from autolearn.core.settings import StudySettings
from autolearn.runs.context import REPORT_SECONDS, RunContext
from autolearn.study.answers import open_book_requests, with_stated_answer
from autolearn.study.feedback import is_judged_wrong
from autolearn.study.generation import GenerationRequest, Generator
from autolearn.study.grounding import TextQuestion, passages_text
from autolearn.text import model_output
from autolearn.text.repetition import CLEAR, repeats_itself

Reading = Callable[[ChatResult, str], ChatResult]
"""Adds to a result the raw text that the model has written of its next part."""


def answer(context: RunContext, backend: ChatBackend) -> ChatResult:
    """Answer the last turn of a chat, and refine the answer if that is asked for.

    Source: self-refinement at inference of arXiv 2310.00533.
    """
    return _Conversation(context, backend).answer()


class _AnswerDraft:
    """The answer of a chat so far, stored at most five times a second."""

    def __init__(self, context: RunContext) -> None:
        self.result = ChatResult()
        self._context = context
        self._last_report_at = 0.0

    def write(self, result: ChatResult) -> None:
        """Store the answer as it is now."""
        self.result = result
        now = time.monotonic()
        if now - self._last_report_at >= REPORT_SECONDS:
            self._last_report_at = now
            self._context.store.runs.save_partial_result(
                self._context.run.id, result.as_dict()
            )


class _Conversation:
    """A chat whose last question is answered part by part."""

    def __init__(self, context: RunContext, backend: ChatBackend) -> None:
        self._context, self._backend = context, backend
        self._settings = ChatRunSettings.of(context.run)
        *self._earlier, last = self._settings.messages
        self._question = last.content
        self._draft = _AnswerDraft(context)
        self._generator = Generator(
            backend, StudySettings(), context.stop, lambda _: None
        )

    def answer(self) -> ChatResult:
        """Return the answer: from passages, or from memory and perhaps refined."""
        if self._settings.passages:
            passages = _passages(self._context, self._settings.passages)
            text = passages_text(self._generator, passages)
            case = TextQuestion(None, text, self._question)
            (request,) = open_book_requests(self._generator, [case])
            self._write(request, partial(_open_book, self._question, text))
        else:
            self._write(self._request("closed_book"), _answer)
            if self._settings.refine and not self._draft.result.repeats:
                self._refine()
        return self._draft.result

    def _refine(self) -> None:
        """Check the answer, and write a better one if it is judged wrong."""
        first = self._draft.result.answer or ""
        self._write(self._request("feedback_free", answer=first), _feedback)
        feedback = self._draft.result.feedback or ""
        if is_judged_wrong(model_output.verdict(feedback)):
            request = self._request("refine_free", answer=first, feedback=feedback)
            self._write(request, _refined)

    def _request(self, name: str, **values: str) -> GenerationRequest[None]:
        texts = {"question": self._question, **values}
        return self._generator.request(name, None, texts, 0)

    def _write(self, part: GenerationRequest[None], read: Reading) -> None:
        """Let the model write one part; the draft shows it while it is written."""
        before = self._draft.result
        stage = part.prompt.name.removesuffix("_free").replace("_", "-")
        n_parts = 3 if self._settings.refine else 1
        self._context.progress(stage, before.n_parts, n_parts)
        completion = self._complete(
            Request(
                replace(part.prompt, chat=self._chat(part)),
                self._settings.sampling,
                part.constraint,
            ),
            lambda raw: self._draft.write(read(before, raw)),
        )
        result = read(before, completion.text)
        if completion.finish == "cancelled":  # only repetition is kept then
            result = replace(result, repeats=True)
        if completion.finish == "length":
            repeats = result.repeats or repeats_itself(completion.text, CLEAR)
            result = replace(result, truncated=True, repeats=repeats or None)
        self._draft.result = result

    def _chat(self, part: GenerationRequest[None]) -> Chat:
        """Return the chat of a part, with the earlier turns and the system prompt."""
        chat, system = part.prompt.chat, self._settings.system
        if system and part.prompt.name == "closed_book":
            chat = _with_system(system, chat)
        return _after(self._earlier, chat)

    def _complete(self, request: Request, on_text: Callable[[str], None]) -> Completion:
        """Return the text that the model writes; its generation is stored once.

        It is stopped once it repeats itself.
        """
        repetition = ""

        def on_more(raw: str) -> None:
            nonlocal repetition
            if repeats_itself(raw):
                repetition = raw
            on_text(raw)

        def stop() -> bool:
            return bool(repetition) or self._context.stop()

        def make() -> list[Generation]:
            completion = self._backend.stream(request, stop, on_more)
            if completion.finish == "cancelled":
                if not repetition:
                    raise Cancelled
                completion = replace(completion, text=repetition)
            if completion.finish == "overlong":
                raise InputError(
                    "The chat no longer fits the context of the model; begin a new one."
                )
            return [Generation(request, completion, self._backend.identity)]

        name = request.prompt.name
        (generation,) = self._context.journal.generations(name, make)
        return generation.completion


def _passages(context: RunContext, passage_ids: Sequence[int]) -> list[Passage]:
    """Return the passages that a question is to be answered from.

    Raises:
        InputError: None of them is left.
    """
    passages = context.store.library.passages_by_id(passage_ids)
    # A passage may be gone since its document was read again.
    remaining = [passages[number] for number in passage_ids if number in passages]
    if not remaining:
        raise InputError(
            "The passages for this answer are no longer in the library; ask again."
        )
    return remaining


def _answer(before: ChatResult, raw: str) -> ChatResult:
    return replace(before, answer=model_output.without_thinking(raw))


def _feedback(before: ChatResult, raw: str) -> ChatResult:
    return replace(before, feedback=model_output.without_thinking(raw))


def _refined(before: ChatResult, raw: str) -> ChatResult:
    return replace(before, refined=model_output.answer(raw))


def _open_book(question: str, text: str, before: ChatResult, raw: str) -> ChatResult:
    output = with_stated_answer(question, model_output.open_book(raw), text)
    return replace(before, answer=output.answer, evidence=output.evidence)


def _after(earlier: Sequence[Message], chat: Chat) -> Chat:
    """Return a chat with earlier turns before its last question."""
    at = max(i for i, message in enumerate(chat) if message.role == "user")
    return (*chat[:at], *earlier, *chat[at:])


def _with_system(system: str, chat: Chat) -> Chat:
    """Return a chat with another system prompt."""
    turns = (message for message in chat if message.role != "system")
    return (Message("system", system), *turns)
