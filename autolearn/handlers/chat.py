"""Answer in a chat: from memory, with self-refinement, or from passages."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from autolearn.core.errors import InputError
from autolearn.core.model_calls import Chat, Completion, Generation, Message, Request
from autolearn.core.ports import Cancelled, ChatBackend
from autolearn.core.run_results import ChatResult
from autolearn.core.run_settings import ChatRunSettings
from autolearn.core.settings import StudySettings
from autolearn.runs.context import Draft, RunContext
from autolearn.study.answers import open_book_requests
from autolearn.study.feedback import is_judged_wrong
from autolearn.study.generation import GenerationRequest, Generator
from autolearn.study.grounding import TextQuestion
from autolearn.text import model_output


def answer(context: RunContext, backend: ChatBackend) -> ChatResult:
    """Answer the last turn of a chat, and refine the answer if that is asked for.

    Source: self-refinement at inference of arXiv 2310.00533.
    """
    draft, settings = Draft(context), ChatRunSettings.of(context.run)
    *earlier, last = settings.messages
    question = last.content
    n_parts = 3 if settings.refine else 1

    writer = Generator(backend, StudySettings(), context.stop, lambda _: None)

    def say(part: GenerationRequest[None], read: Reading) -> None:
        stage = part.prompt.name.removesuffix("_free").replace("_", "-")
        context.progress(stage, draft.result.n_parts, n_parts)
        chat = part.prompt.chat
        if settings.system and part.prompt.name == "closed_book":
            chat = _with_system(settings.system, chat)
        chat = _after(earlier, chat)
        prompt = replace(part.prompt, chat=chat)
        request = Request(prompt, settings.sampling, part.constraint)
        before = draft.result
        completion = _say(
            context, backend, request, lambda raw: draft.write(read(before, raw))
        )
        result = read(before, completion.text)
        if completion.finish == "length":
            result = replace(result, truncated=True)
        draft.result = result

    def put(name: str, **values: str) -> GenerationRequest[None]:
        return writer.request(name, None, {"question": question, **values}, 0)

    if settings.passages:
        case = TextQuestion(None, _passages(context, settings.passages), question)
        (request,) = open_book_requests(writer, [case])
        say(request, _open_book)
        return draft.result
    say(put("closed_book"), _answer)
    if settings.refine:
        first = draft.result.answer or ""
        say(put("feedback_free", answer=first), _feedback)
        feedback = draft.result.feedback or ""
        if is_judged_wrong(model_output.verdict(feedback)):
            say(put("refine_free", answer=first, feedback=feedback), _refined)
    return draft.result


def _passages(context: RunContext, passage_ids: Sequence[int]) -> str:
    """Return the passages that a question is to be answered from."""
    passages = context.store.library.passages_by_id(passage_ids)
    # A passage may be gone since its document was read again.
    remaining = (passages[number] for number in passage_ids if number in passages)
    return "\n\n".join(passage.text.strip() for passage in remaining)


Reading = Callable[[ChatResult, str], ChatResult]
"""Adds to a result what the model has written of its next part, raw."""


def _answer(before: ChatResult, raw: str) -> ChatResult:
    return replace(before, answer=model_output.without_thinking(raw))


def _feedback(before: ChatResult, raw: str) -> ChatResult:
    return replace(before, feedback=model_output.without_thinking(raw))


def _refined(before: ChatResult, raw: str) -> ChatResult:
    return replace(before, refined=model_output.answer(raw))


def _open_book(before: ChatResult, raw: str) -> ChatResult:
    output = model_output.open_book(raw)
    return replace(before, answer=output.answer, evidence=output.evidence)


def _after(earlier: Sequence[Message], chat: Chat) -> Chat:
    """Return a chat with earlier turns before its last question."""
    at = max(i for i, message in enumerate(chat) if message.role == "user")
    return (*chat[:at], *earlier, *chat[at:])


def _with_system(system: str, chat: Chat) -> Chat:
    """Return a chat with another system prompt."""
    turns = (message for message in chat if message.role != "system")
    return (Message("system", system), *turns)


def _say(
    context: RunContext,
    backend: ChatBackend,
    request: Request,
    on_text: Callable[[str], None],
) -> Completion:
    """Return what the model says to a request; how it came about is kept once."""

    def make() -> list[Generation]:
        completion = backend.stream(request, context.stop, on_text)
        if completion.finish == "cancelled":
            raise Cancelled
        if completion.finish == "overlong":
            raise InputError(
                "The chat no longer fits the context of the model; begin a new one."
            )
        return [Generation(request, completion, backend.identity)]

    (generation,) = context.journal.generations(request.prompt.name, make)
    return generation.completion
