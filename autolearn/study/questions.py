"""Write questions about passages, and the same questions in other words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from autolearn.core.flags import Flag, that_hold
from autolearn.core.model_calls import Generation
from autolearn.core.records import Passage, Question, Record, Skip
from autolearn.core.settings import StudySettings
from autolearn.study import fact_questions, prompts
from autolearn.study.fact_questions import QUESTION
from autolearn.study.generation import (
    Form,
    GenerationRequest,
    Generator,
    draw_seed,
    of,
    why_nothing,
)
from autolearn.text import chunking, languages, matching, model_output

T = TypeVar("T")

LISTED = 2
"""Wordings asked for in one draw."""


def ask(writer: Generator, passages: Sequence[Passage]) -> list[Record]:
    """Write questions about passages, by the protocol of the model.

    A passage that gave no question is reported.
    """
    if writer.protocol.guided:
        return fact_questions.ask(writer, passages)
    return _ask_for_lists(writer, passages)


def _ask_for_lists(writer: Generator, passages: Sequence[Passage]) -> list[Record]:
    """Write ``ask_rounds`` lists of questions per passage, the first one greedily.

    A passage that gave no question is asked once more; then it is reported.
    """
    settings = writer.settings
    rounds = range(settings.ask_rounds)
    asks = [listing(settings, p.text, p, draw) for p in passages for draw in rounds]
    written = writer.write(asks)
    records = _read(writer, written)
    served = {question.passage_id for question in of(Question, records)}
    if silent := [passage for passage in passages if passage.id not in served]:
        again = [listing(settings, p.text, p, len(rounds)) for p in silent]
        records += _read(writer, writer.write(again))
    return records


def how_many(settings: StudySettings, text: str) -> int:
    """Return how many questions one list asks for: more where the text says more.

    One for each sentence, if that is more than is set, but at most twice that number.
    """
    n = settings.questions_per_passage
    return max(n, min(chunking.n_sentences(text), 2 * n))


def listing(
    settings: StudySettings, text: str, subject: T, draw: int = 0
) -> GenerationRequest[T]:
    """Return what is put to the model for a list of questions about a text."""
    n = how_many(settings, text)
    prompt = prompts.load("ask").render(passage=text, n=n)
    return GenerationRequest(subject, prompt, n * settings.question_tokens, draw)


def _read(
    writer: Generator, written: Sequence[tuple[Passage, Generation]]
) -> list[Record]:
    """Turn lists into questions; repeats are merged, near-repeats flagged."""
    records: list[Record] = []
    known: dict[int, list[str]] = {}
    for passage, generation in written:
        texts = model_output.questions(generation.completion.text)
        if not texts:
            reason = why_nothing(generation, "no question could be read")
            records.append(Skip("questions", reason, passage.id, None, generation))
        seen = known.setdefault(passage.id, [])
        for text in texts:
            if text not in seen:
                flags = _flags(writer, text, seen)
                records.append(_question(text, passage, flags, generation))
                seen.append(text)
    return records


def _question(
    text: str, passage: Passage, flags: tuple[Flag, ...], generation: Generation
) -> Question:
    return Question(
        text, "study", "model", passage.id, flags=flags, generation=generation
    )


def _flags(writer: Generator, text: str, seen: Iterable[str]) -> tuple[Flag, ...]:
    limit = writer.settings.duplicate_threshold
    return that_hold(
        {
            "duplicate": any(
                matching.similarity(text, other) >= limit for other in seen
            ),
            "not_self_contained": not matching.stands_alone(text),
        }
    )


def paraphrase(
    writer: Generator, questions: Sequence[Question], known: Mapping[int, Question]
) -> list[Record]:
    """Say questions in other words; of some, the first wording is for the quiz.

    Small models repeat themselves within a list, so each wording is drawn from a
    short list of its own. Which questions serve the quiz is decided here, before
    anything is trained, and by the question alone, so that it cannot depend on how
    well the model does.
    """
    n = writer.settings.paraphrases
    asks = [
        rewording(writer, question.text, question, draw)
        for question in questions
        for draw in range(1, n + 1)
    ]
    records: list[Record] = []
    seen = {question.text for question in known.values()}
    n_made: Counter[int] = Counter()
    for question, generation in writer.write(asks):
        for text in model_output.questions(generation.completion.text):
            if text in seen or n_made[question.id] == n:
                continue
            to_quiz = not n_made[question.id] and _keeps_quiz(writer, question)
            records.append(_wording(text, question, to_quiz, generation))
            seen.add(text)
            n_made[question.id] += 1
    return records + [
        Skip("paraphrases", "no new wording was found", q.passage_id, q.id)
        for q in questions
        if n and not n_made[q.id]
    ]


def rewording(
    writer: Generator, question: str, subject: T, draw: int = 0
) -> GenerationRequest[T]:
    """Return what is put to the model for a question in other words."""
    limit = writer.settings.question_tokens
    if writer.protocol.guided:
        form = Form("", (QUESTION,), languages.of(question), draw)
        given = {"question": question, "n": 1}
        return writer.request("paraphrase", subject, given, limit, form)
    prompt = prompts.load("paraphrase").render(question=question, n=LISTED)
    return GenerationRequest(subject, prompt, LISTED * limit, draw)


def _wording(
    text: str, question: Question, to_quiz: bool, generation: Generation
) -> Question:
    return Question(
        text,
        "quiz" if to_quiz else "study",
        "paraphrase",
        question.passage_id,
        question.id,
        short_answer=question.short_answer,
        start=question.start,
        end=question.end,
        generation=generation,
    )


def _keeps_quiz(writer: Generator, question: Question) -> bool:
    settings = writer.settings
    draw = draw_seed(settings.seed, "quiz", question.text) / 2**32
    return draw < settings.quiz_share
