"""Write questions about passages, and the same questions in other words."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from autolearn.core.flags import Flag, true_flags
from autolearn.core.model_calls import Generation
from autolearn.core.records import Passage, Question, Record, Skip
from autolearn.core.settings import StudySettings
from autolearn.study import fact_questions, prompts
from autolearn.study.fact_questions import QUESTION
from autolearn.study.generation import (
    Form,
    GenerationRequest,
    Generator,
    RequestBuilder,
    draw_seed,
    of_type,
    why_nothing,
)
from autolearn.text import chunking, languages, matching, model_output, self_containment

T = TypeVar("T")

Blocks = Callable[[str], bool]
"""Returns whether a question was asked before."""

MOST_PER_LIST = 2
"""Wordings requested in one draw."""


def ask(generator: Generator, passages: Sequence[Passage]) -> list[Record]:
    """Write questions about passages, by the protocol of the model.

    A passage without a question becomes a skip.
    """
    if generator.protocol.guided:
        return fact_questions.ask(generator, passages)
    return _ask_for_lists(generator, passages)


def _ask_for_lists(generator: Generator, passages: Sequence[Passage]) -> list[Record]:
    """Write ``ask_rounds`` lists of questions per passage, the first one greedily.

    A passage without a question gets one more draw, then becomes a skip.
    """
    settings = generator.settings
    rounds = range(settings.ask_rounds)
    requests = [listing(settings, p.text, p, draw) for p in passages for draw in rounds]
    records = _read(generator, generator.write(requests))
    passage_ids = {question.passage_id for question in of_type(Question, records)}
    if silent := [passage for passage in passages if passage.id not in passage_ids]:
        retries = [listing(settings, p.text, p, len(rounds)) for p in silent]
        records += _read(generator, generator.write(retries))
    return records


def how_many(settings: StudySettings, text: str) -> int:
    """Return how many questions one list asks for.

    One per sentence, but at least ``questions_per_passage`` and at most twice as many.
    """
    n = settings.questions_per_passage
    return max(n, min(chunking.n_sentences(text), 2 * n))


def listing(
    settings: StudySettings, text: str, subject: T, draw: int = 0
) -> GenerationRequest[T]:
    """Return the request for a list of questions about a text."""
    n = how_many(settings, text)
    prompt = prompts.load("ask").render(passage=text, n=n)
    return GenerationRequest(subject, prompt, n * settings.question_tokens, draw)


def _read(
    generator: Generator, results: Sequence[tuple[Passage, Generation]]
) -> list[Record]:
    """Read questions from lists; duplicates are dropped, near-duplicates flagged."""
    records: list[Record] = []
    earlier_texts: dict[int, list[str]] = {}
    for passage, generation in results:
        texts = model_output.questions(generation.completion.text)
        if not texts:
            reason = why_nothing(generation, "no question could be read")
            records.append(Skip("questions", reason, passage.id, None, generation))
        earlier = earlier_texts.setdefault(passage.id, [])
        for text in texts:
            if text not in earlier:
                flags = _flags(generator, text, earlier)
                records.append(_question(text, passage, flags, generation))
                earlier.append(text)
    return records


def _question(
    text: str, passage: Passage, flags: tuple[Flag, ...], generation: Generation
) -> Question:
    return Question(
        text, "study", "model", passage.id, flags=flags, generation=generation
    )


def _flags(generator: Generator, text: str, earlier: Iterable[str]) -> tuple[Flag, ...]:
    limit = generator.settings.duplicate_threshold
    return true_flags(
        {
            "duplicate": any(
                matching.similarity(text, other) >= limit for other in earlier
            ),
            "not_self_contained": not self_containment.stands_alone(text),
        }
    )


@dataclass(frozen=True)
class EarlierQuestions:
    """Recognises what was asked before this study."""

    by_quiz: Blocks = lambda text: False
    """Whether quiz or control ask it already."""
    by_study: Blocks = lambda text: False
    """Whether a study asked it, or a round was trained on it."""


def paraphrase(
    generator: Generator,
    questions_by_id: Mapping[int, Question],
    to_learn: Collection[int],
    for_quiz: Collection[int],
    passages: Mapping[int, Passage],
    before: EarlierQuestions,
) -> list[Record]:
    """Reword questions; of some, the first new wording goes to the quiz.

    Small models repeat themselves within a list, so each wording is drawn from a short
    separate list. Which questions serve the quiz is decided by the question alone,
    so that it cannot depend on how well the model does. A wording that was studied or
    trained before never becomes a question of the quiz, and a question of the quiz is
    neither kept twice nor studied. A wording of a guided model must be self-contained
    as its question is: small models leave the subject out, or repeat a worked example.

    Args:
        generator: Writes the wordings.
        questions_by_id: All questions of these passages, by their ids.
        to_learn: The ids of the questions that may be learned.
        for_quiz: The ids of those that give a wording to the quiz. Of those that may
            not be learned, only that one is kept.
        passages: The passages that the questions are about, by their ids.
        before: What was asked before.
    """
    n = generator.settings.paraphrases
    questions = [
        question
        for number, question in questions_by_id.items()
        if number in to_learn or number in for_quiz
    ]
    requests = [
        rewording(generator, question.text, _source(question, passages), question, draw)
        for question in questions
        for draw in range(1, n + 1)
    ]
    wordings = _Wordings(generator, questions_by_id, to_learn, for_quiz, before)
    for question, generation in generator.write(requests):
        for text in model_output.questions(generation.completion.text):
            if generator.protocol.guided and question.passage_id:
                passage = passages[question.passage_id]
                if languages.differs(text, passage.text):
                    continue
                text = fact_questions.with_subject(text, question.text, passage)
            if text:
                wordings.take(text, question, generation)
    return wordings.records + [
        Skip("paraphrases", "no new wording was found", q.passage_id, q.id)
        for q in questions
        if n and q.id in to_learn and not wordings.counts[q.id]
    ]


class _Wordings:
    """Collects new wordings, for the quiz and to be learned."""

    def __init__(
        self,
        generator: Generator,
        questions_by_id: Mapping[int, Question],
        to_learn: Collection[int],
        for_quiz: Collection[int],
        before: EarlierQuestions,
    ) -> None:
        self.records: list[Record] = []
        self.counts: Counter[int] = Counter()
        self._generator, self._before = generator, before
        self._to_learn, self._for_quiz = to_learn, for_quiz
        self._texts = {
            matching.normalise(question.text) for question in questions_by_id.values()
        }
        self._in_quiz: set[int] = set()

    def take(self, text: str, question: Question, generation: Generation) -> None:
        """Keep a wording, unless it is known or there are enough."""
        key, settings = matching.normalise(text), self._generator.settings
        if key in self._texts or self.counts[question.id] == settings.paraphrases:
            return
        serves = question.id in self._for_quiz and question.id not in self._in_quiz
        if self._before.by_quiz(text):
            self._in_quiz.add(question.id)  # an earlier study put it there
        elif serves and not self._before.by_study(text):
            self._in_quiz.add(question.id)
            self._keep(text, question, generation, to_quiz=True)
        elif question.id in self._to_learn:
            self._keep(text, question, generation, to_quiz=False)

    def _keep(
        self, text: str, question: Question, generation: Generation, *, to_quiz: bool
    ) -> None:
        self.records.append(_wording(text, question, to_quiz, generation))
        self._texts.add(matching.normalise(text))
        self.counts[question.id] += 1


def _source(question: Question, passages: Mapping[int, Passage]) -> str:
    """Return the text that a question is about; empty: none."""
    return passages[question.passage_id].text if question.passage_id else ""


def rewording(
    builder: RequestBuilder, question: str, source: str, subject: T, draw: int = 0
) -> GenerationRequest[T]:
    """Return the request for a question in other words.

    The worked examples are in the language of ``source``, the text that it is about: a
    question is too short to tell, and may quote a foreign title.
    """
    limit = builder.settings.question_tokens
    if builder.protocol.guided:
        form = Form("", (QUESTION,), languages.of(source), draw)
        values = {"question": question, "n": 1}
        return builder.request("paraphrase", subject, values, limit, form)
    prompt = prompts.load("paraphrase").render(question=question, n=MOST_PER_LIST)
    return GenerationRequest(subject, prompt, MOST_PER_LIST * limit, draw)


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


def chosen_for_quiz(
    settings: StudySettings, questions: Iterable[Question], *, at_least_one: bool
) -> set[int]:
    """Return the ids of the questions that give a wording to the quiz.

    A draw for each of them decides. If it chooses none of them, but there must be one,
    that with the lowest draw is taken, unless the quiz gets no share.
    """
    draws = {q.id: draw_seed(settings.seed, "quiz", q.text) / 2**32 for q in questions}
    chosen = {number for number, draw in draws.items() if draw < settings.quiz_share}
    if at_least_one and settings.quiz_share and draws and not chosen:
        return {min(draws, key=draws.__getitem__)}
    return chosen
