"""Read and change the prompts of a workspace, and preview them on a passage.

Only changed prompts are kept, as ``prompts/NAME.md`` in the workspace. The page and the
command line call the same functions.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from autolearn.core import atomic
from autolearn.core.errors import InputError, PromptError
from autolearn.core.model_calls import Chat, Message
from autolearn.core.records import Answer, Feedback, Passage, Question
from autolearn.core.server_addresses import is_server
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.models import files as model_files
from autolearn.models.protocols import study_protocol
from autolearn.store import QuestionFilter, Store
from autolearn.study import (
    answers,
    fact_questions,
    feedback,
    grounding,
    instructions,
    prompts,
    questions,
)
from autolearn.study.feedback import Comparison
from autolearn.study.generation import OfflineBuilder, RequestBuilder
from autolearn.study.prompts.usage import USAGES, Usage
from autolearn.study.protocol import DEFAULT, PROTOCOLS


@dataclass(frozen=True)
class PromptState:
    """One prompt of a workspace."""

    name: str
    usage: Usage
    is_changed: bool
    problem: str = ""
    """Why the changed prompt cannot be used, if it cannot."""


def states(folder: Path) -> list[PromptState]:
    """Return all prompts of the workspace in this folder."""
    return [state(folder, name) for name in prompts.names()]


def state(folder: Path, name: str) -> PromptState:
    """Return one prompt of the workspace in this folder.

    Raises:
        PromptError: There is no prompt of this name.
    """
    default, problem = prompts.default_text(name), ""
    is_changed = True
    try:
        text = prompts.read_changed(folder / prompts.FOLDER, name)
        is_changed = text is not None and text != default
        if text is not None:
            prompts.check(name, text)
    except PromptError as error:
        problem = str(error)
    return PromptState(name, USAGES[name], is_changed, problem)


def read(folder: Path, name: str) -> str:
    """Return the text of a prompt: the changed one, or the default.

    Raises:
        PromptError: There is no prompt of this name, or it cannot be read.
    """
    default = prompts.default_text(name)
    changed_text = prompts.read_changed(folder / prompts.FOLDER, name)
    return default if changed_text is None else changed_text


def save(folder: Path, name: str, text: str) -> PromptState:
    """Change a prompt; the text of the default makes it the default again.

    Runs that are queued later use it. The file appears whole or not at all.

    Raises:
        PromptError: The text cannot take the place of the default.
        InputError: It cannot be written.
    """
    whole = "\n".join(text.splitlines()).strip() + "\n"
    prompts.check(name, whole)
    if whole.strip() == prompts.default_text(name).strip():
        return reset(folder, name)
    path = _path(folder, name)
    with atomic.input_errors(path):
        atomic.write_text(path, whole)
    return state(folder, name)


def reset(folder: Path, name: str) -> PromptState:
    """Go back to the default of a prompt.

    Raises:
        PromptError: There is no prompt of this name.
        InputError: The changed one cannot be removed.
    """
    prompts.default_text(name)
    path = _path(folder, name)
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{path} cannot be removed ({error.strerror or error}); delete it."
        ) from None
    return state(folder, name)


def _path(folder: Path, name: str) -> Path:
    return folder / prompts.FOLDER / f"{name}.md"


@dataclass(frozen=True)
class PromptPreview:
    """The prompt that a model would be shown for one passage."""

    protocol: str
    """The protocol of the model that was chosen."""
    shown_by: str
    """The protocol of this preview: another one if the prompt is not asked by it."""
    chat: Chat
    """A last turn of the assistant is the beginning of the answer."""
    stand_ins: tuple[str, ...]
    """What no study has made for this passage yet; it is shown in square brackets."""


def preview(
    store: Store, model: ModelSettings, name: str, text: str, passage: Passage
) -> PromptPreview:
    """Return the turns that a text of a prompt gives for a passage.

    They are made by the functions of the study. What earlier stages give is taken from
    what was studied of the passage, else it is named.

    Raises:
        PromptError: The text cannot take the place of the default.
        ModelNotFound: The chosen model is not there.
    """
    prompts.check(name, text)
    protocol = protocol_of(store, model)
    way, shown_by = USAGES[name].way, protocol
    if way != "any" and (way == "guided") != PROTOCOLS[protocol].guided:
        shown_by = way
    material = _material(store, passage)
    settings = StudySettings(protocol=shown_by)  # type: ignore[arg-type]
    builder = OfflineBuilder(settings)
    with prompts.fixed({name: text}):
        chat = _REQUESTS[name](builder, material)
    content = "\n".join(turn.content for turn in chat)
    stand_ins = tuple(part[1:-1] for part in material.stand_ins if part in content)
    return PromptPreview(protocol, shown_by, chat, stand_ins)


def protocol_of(store: Store, model: ModelSettings) -> str:
    """Return by which protocol a model is asked, from the notes of its files.

    Raises:
        ModelNotFound: It is not there.
    """
    if is_server(model.model):
        return DEFAULT
    adapter = store.rounds.get(model.round_id).adapter if model.round_id else None
    return study_protocol(
        model_files.locate(model.model), store.folder / adapter if adapter else None
    )


@dataclass(frozen=True)
class _Material:
    """A passage with what its study gave, or with placeholders for it."""

    passage: Passage
    question: Question
    open_answer: Answer
    closed_answer: Answer
    critique: Feedback
    stand_ins: tuple[str, ...]

    @property
    def comparison(self) -> Comparison:
        return Comparison(self.question, self.closed_answer, self.open_answer)

    @property
    def passages(self) -> dict[int, Passage]:
        return {self.passage.id: self.passage}


_QUESTION, _SHORT = "[question]", "[short answer]"
_OPEN_BOOK = "[answer with the passage]"
_CLOSED_BOOK = "[answer from memory]"
_CRITIQUE = "[feedback]"


def _material(store: Store, passage: Passage) -> _Material:
    of_passage = QuestionFilter(passage_ids=[passage.id], origin="model")
    stored_questions = store.library.questions(of_passage)
    question = (
        stored_questions[0]
        if stored_questions
        else Question(_QUESTION, "study", "model", passage.id)
    )
    stored_answers = store.library.answers([question.id]) if stored_questions else []
    open_book = _answer(stored_answers, "open_book") or Answer(
        question.id, "open_book", _OPEN_BOOK
    )
    closed_book = _answer(stored_answers, "closed_book") or Answer(
        question.id, "closed_book", _CLOSED_BOOK
    )
    stored_feedback = store.library.feedback([closed_book.id]) if closed_book.id else []
    critique = next(
        (entry for entry in stored_feedback if entry.purpose == "critique"), None
    )
    return _Material(
        passage,
        replace(question, short_answer=question.short_answer or _SHORT),
        open_book,
        closed_book,
        critique or Feedback(closed_book.id, "critique", _CRITIQUE, "incorrect", None),
        (_QUESTION, _SHORT, _OPEN_BOOK, _CLOSED_BOOK, _CRITIQUE),
    )


def _answer(stored_answers: list[Answer], kind: str) -> Answer | None:
    return next((answer for answer in stored_answers if answer.kind == kind), None)


def _ask_sentence(builder: RequestBuilder, material: _Material) -> Chat:
    facts = fact_questions.facts(builder.settings, material.passage)
    if not facts:
        raise InputError("This passage has no sentence to ask about; choose another.")
    text, first = grounding.with_heading(material.passage), facts[0]
    return fact_questions.about_sentence(
        builder, None, text, first.sentence.text, first.stretch
    ).prompt.chat


def _open_book(builder: RequestBuilder, material: _Material) -> Chat:
    text_question = answers.as_text_question(
        builder, material.question, material.passage
    )
    if text_question.sentence:
        return answers.open_book_request(builder, text_question).prompt.chat
    sentence = grounding.nearest_sentence(text_question.text, text_question.question)
    text_question = replace(text_question, sentence=sentence)
    return answers.open_book_request(builder, text_question).prompt.chat


def _sentence_question(_: RequestBuilder, material: _Material) -> Chat:
    sentence = grounding.nearest_sentence(material.passage.text, material.question.text)
    file = prompts.load("sentence_question")
    chat = file.render(heading=material.passage.heading, sentence=sentence).chat
    return (*chat, Message("assistant", material.question.text))


def _stand_alone(builder: RequestBuilder, material: _Material) -> Chat:
    text = grounding.with_heading(material.passage)
    answer_and_question = (material.question.short_answer, material.question.text)
    return fact_questions.naming_request(
        builder, None, text, *answer_and_question
    ).prompt.chat


def _paraphrase(builder: RequestBuilder, material: _Material) -> Chat:
    texts = material.question.text, material.passage.text
    return questions.rewording(builder, *texts, None).prompt.chat


def _feedback(builder: RequestBuilder, material: _Material) -> Chat:
    if not builder.protocol.guided:
        return feedback.feedback_prompt(material.comparison, material.passages).chat
    facts = feedback.known_facts(material.comparison, "incorrect")
    return feedback.reason_request(
        builder, 0, material.comparison, facts, material.passages
    ).prompt.chat


def _verdict(builder: RequestBuilder, material: _Material) -> Chat:
    texts = (
        material.question.text,
        material.open_answer.text,
        material.closed_answer.text,
    )
    chat = feedback.verdict_request(builder, *texts).prompt.chat
    return (*chat, Message("assistant", prompts.load("verdict").prefill()))


def _refinement(builder: RequestBuilder, material: _Material) -> Chat:
    question_and_answer = material.question, material.closed_answer, material.critique
    return answers.refinement_request(
        builder, *question_and_answer, material.passages
    ).prompt.chat


def _refine_free(_: RequestBuilder, material: _Material) -> Chat:
    texts = {"question": material.question.text, "answer": material.closed_answer.text}
    file = prompts.load("refine_free")
    return file.render(**texts, feedback=material.critique.text).chat


_N_STATEMENTS = 8
"""How many a round really asks for is its setting ``statements``."""
_REQUESTS: dict[str, Callable[[RequestBuilder, _Material], Chat]] = {
    "ask_sentence": _ask_sentence,
    "stand_alone": _stand_alone,
    "ask": lambda builder, material: (
        questions.listing(builder.settings, material.passage.text, None).prompt.chat
    ),
    "open_book": _open_book,
    "sentence_question": _sentence_question,
    "closed_book": lambda _, material: (
        prompts.load("closed_book").render(question=material.question.text).chat
    ),
    "solve": lambda _, material: (
        prompts.load("solve").render(question=material.question.text).chat
    ),
    "self_instruct": lambda builder, material: (
        instructions.guided_request(builder, [material.question.text], 0).prompt.chat
    ),
    "feedback": _feedback,
    "verdict": _verdict,
    "mend": _refinement,
    "refine": _refinement,
    "paraphrase": _paraphrase,
    "feedback_free": lambda _, material: (
        feedback.feedback_prompt(
            Comparison(material.question, material.closed_answer), material.passages
        ).chat
    ),
    "refine_free": _refine_free,
    "statements": lambda _, material: (
        prompts.load("statements")
        .render(passage=material.passage.text, n=_N_STATEMENTS)
        .chat
    ),
}
"""How the study uses each prompt."""
