"""Write questions about passages, and the same questions in other words."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from autolearn import chunking, parsing, scoring
from autolearn.core.constraints import Excerpt, Pattern
from autolearn.records import Generation, Passage, Question, Record, Skip
from autolearn.settings import StudySettings
from autolearn.study import prompts
from autolearn.study.generation import (
    Form,
    GenerationRequest,
    Generator,
    draw_seed,
    of,
    why_nothing,
)
from autolearn.text import languages, sentences
from autolearn.text.sentences import Sentence

T = TypeVar("T")

LISTED = 2
"""Wordings asked for in one draw."""
QUESTION = Pattern(r"[^\s?？][^\n?？]{4,240}[?？]")  # noqa: RUF001
QUESTION_MARKS = ("?", "？")  # noqa: RUF001


def ask(writer: Generator, passages: Sequence[Passage]) -> list[Record]:
    """Write questions about passages, by the protocol of the model.

    A passage that gave no question is reported.
    """
    if writer.protocol.guided:
        return _ask_about_facts(writer, passages)
    return _ask_for_lists(writer, passages)


@dataclass(frozen=True)
class Fact:
    """A stretch of a sentence, of which one question is asked."""

    passage: Passage
    sentence: Sentence
    stretch: str


def facts(settings: StudySettings, passage: Passage) -> list[Fact]:
    """Return what is asked about in a passage: all of it, or evenly chosen stretches.

    At most twice ``questions_per_passage``.
    """
    all_facts = [
        Fact(passage, sentence, stretch)
        for sentence in sentences.of(passage.text)
        for stretch in sentences.facts(sentence.text)
    ]
    n = min(len(all_facts), 2 * settings.questions_per_passage)
    return [all_facts[i * len(all_facts) // n] for i in range(n)]


def _ask_about_facts(writer: Generator, passages: Sequence[Passage]) -> list[Record]:
    """Ask one question about each fact of each passage.

    The answer is copied from the fact before the question is written, so that every
    question is grounded, and each part of a passage is asked about.
    """
    requests = [
        _about(writer, fact) for p in passages for fact in facts(writer.settings, p)
    ]
    written = writer.write(requests)
    repaired = _repaired(writer, written)
    records: list[Record] = []
    known: dict[int, list[str]] = {}
    for i, (fact, generation) in enumerate(written):
        generation = repaired.get(i, generation)
        question = _grounded(fact, generation)
        seen = known.setdefault(fact.passage.id, [])
        if question is None:
            reason = why_nothing(generation, f"no question about {fact.stretch!r}")
            place = (fact.passage.id, None, generation)
            records.append(Skip("questions", reason, *place))
        elif question.text not in seen:
            flags = _flags(writer, question.text, seen, shown(fact.passage))
            records.append(replace(question, flags=flags))
            seen.append(question.text)
    served = {question.passage_id for question in of(Question, records)}
    return records + [
        Skip("questions", "there is no sentence to ask about", passage.id)
        for passage in passages
        if passage.id not in served and not facts(writer.settings, passage)
    ]


def shown(passage: Passage) -> str:
    """Return a passage as a guided model sees it: below its heading."""
    text = passage.text.strip()
    if not passage.heading or passage.heading in text.partition("\n")[0]:
        return text
    return f"# {passage.heading}\n\n{text}"


def about_sentence(
    writer: Generator, subject: T, text: str, sentence: str, stretch: str
) -> GenerationRequest[T]:
    """Return what is put to a guided model for a question about a sentence of a text.

    Its short answer can be nothing but words of ``stretch``.
    """
    begun = prompts.load("ask_sentence").begun()
    constraint = (" ", Excerpt(stretch), "\nQuestion: ", QUESTION)
    form = Form(begun, constraint, languages.of(text))
    given = {"passage": text, "sentence": sentence}
    limit = 2 * writer.settings.question_tokens
    return writer.request("ask_sentence", subject, given, limit, form)


def _about(writer: Generator, fact: Fact) -> GenerationRequest[Fact]:
    text = shown(fact.passage)
    return about_sentence(writer, fact, text, fact.sentence.text, fact.stretch)


def _repaired(
    writer: Generator, written: Sequence[tuple[Fact, Generation]]
) -> dict[int, Generation]:
    """Write once more what does not stand alone; return what then does, by place."""
    requests = []
    for i, (fact, generation) in enumerate(written):
        parts = parsing.tagged(generation.completion.text)
        question, answer = parts.get("question", ""), parts.get("answer", "")
        text = shown(fact.passage)
        if question and not scoring.stands_alone(question, text):
            subject = (i, text)
            requests.append(naming_request(writer, subject, text, answer, question))
    return {
        i: generation
        for (i, text), generation in writer.write(requests)
        if scoring.stands_alone(
            parsing.tagged(generation.completion.text).get("question", ""), text
        )
    }


def naming_request(
    writer: Generator, subject: T, text: str, answer: str, question: str
) -> GenerationRequest[T]:
    """Return what is put to a guided model for a question that names its subject."""
    given = {"passage": text, "answer": answer, "question": question}
    begun = prompts.load("stand_alone").begun(answer=answer)
    form = Form(begun, (" ", QUESTION), languages.of(text))
    limit = writer.settings.question_tokens
    return writer.request("stand_alone", subject, given, limit, form)


def _grounded(fact: Fact, generation: Generation) -> Question | None:
    """Return what was asked about a fact, with its place; None: nothing was."""
    parts = parsing.tagged(generation.completion.text)
    text, short = parts.get("question", ""), parts.get("answer", "").strip(" ,;:")
    if not text.endswith(QUESTION_MARKS) or not scoring.tells_something(short):
        return None
    question = _question(text, fact.passage, (), generation)
    begin = fact.passage.start
    start, end = begin + fact.sentence.start, begin + fact.sentence.end
    return replace(question, short_answer=short, start=start, end=end)


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
        texts = parsing.questions(generation.completion.text)
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
    text: str, passage: Passage, flags: tuple[str, ...], generation: Generation
) -> Question:
    return Question(
        text, "study", "model", passage.id, flags=flags, generation=generation
    )


def _flags(
    writer: Generator, text: str, seen: Iterable[str], source: str = ""
) -> tuple[str, ...]:
    limit = writer.settings.duplicate_threshold
    found = {
        "duplicate": any(scoring.likeness(text, other) >= limit for other in seen),
        "not_self_contained": not scoring.stands_alone(text, source),
    }
    return tuple(flag for flag, holds in found.items() if holds)


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
        for text in parsing.questions(generation.completion.text):
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
