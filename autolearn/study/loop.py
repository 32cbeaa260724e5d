"""The loop: read, ask questions, answer with and without the text, find the gaps.

Autonomous Learning (arXiv 2406.00606) gives questions, open-book and closed-book
answers; SELF (arXiv 2310.00533) gives feedback, refinement and the second check.
Small groups of passages each go through all stages. Every stage of a group is one step
of the journal; after a kill, committed steps are loaded, not recomputed.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeVar

from autolearn.core.ports import Backend, Journal, Progress, Stop
from autolearn.core.records import Answer, Feedback, Passage, Purpose, Question
from autolearn.core.settings import StudySettings
from autolearn.study.answers import (
    Passages,
    check_paraphrases,
    closed_book,
    open_book,
    refine,
)
from autolearn.study.feedback import STAGE_OF, Comparison, feedback
from autolearn.study.generation import Generator, of_type
from autolearn.study.groups import Group, Steps, of_instructions, of_passages
from autolearn.study.questions import (
    EarlierQuestions,
    ask,
    chosen_for_quiz,
    paraphrase,
)
from autolearn.study.samples import StudiedQuestion, is_fit, samples
from autolearn.text import matching

T = TypeVar("T", Passage, Question)
INSTRUCTIONS_PER_STEP = 32
EVOLUTION = ("answers", "feedback", "refinements", "second check", "samples")
"""The stages of instructions, which have no text."""
STAGES = (
    "questions",
    "open-book answers",
    "closed-book answers",
    "feedback",
    "refinements",
    "second check",
    "paraphrases",
    "paraphrase check",
    "samples",
)


def stage_weights(*, quick: bool, is_guided: bool) -> dict[str, int]:
    """Return roughly how long each stage takes, compared with the others.

    Questions take a guided model half of the time (docs/lab-notes.md): it tries each
    fact several times. A quick study leaves stages out.
    """
    written = STAGES[:3] if quick else STAGES[:-1]
    weights = {stage: int(stage in written) for stage in STAGES}
    if is_guided:
        weights[STAGES[0]] = len(written) - 1
    return weights


@dataclass
class Study:
    """One study of passages by one model; ``run`` does it."""

    backend: Backend
    journal: Journal
    settings: StudySettings
    stop: Stop
    progress: Progress
    verdict_threshold: float = 0.5
    """P(correct) from which a verdict of a guided model is correct."""
    uses_verdicts: bool = True
    """Whether verdicts count; if not, word overlap decides about gaps."""
    is_reliable: bool = True
    """Whether the model asks and reads well enough; else its samples are flagged."""
    asked_before: Callable[[], EarlierQuestions] = EarlierQuestions
    """Returns what quizzes, studies and rounds have asked so far."""

    def run(self, passages: Sequence[Passage]) -> None:
        """Study all passages that are not excluded, and those that were begun before.

        Raises:
            Cancelled: The user stopped the run; committed steps stay.
        """
        groups = of_passages(self.journal, passages, self.settings.passages_per_step)
        weights = stage_weights(
            quick=self.settings.quick, is_guided=self.generator().protocol.guided
        )
        has_quiz = False
        for part, step in self._with_steps(groups, weights):
            needs_quiz = part is groups[-1].items and not has_quiz
            has_quiz |= self._group(part, step, needs_quiz=needs_quiz)

    def evolve(self, instructions: Sequence[Question]) -> None:
        """Answer instructions, judge the answers, refine those that are wrong.

        Source: a round of self-evolution of arXiv 2310.00533, on unlabelled prompts.

        Raises:
            Cancelled: The user stopped the run; committed steps stay.
        """
        groups = of_instructions(self.journal, instructions, INSTRUCTIONS_PER_STEP)
        for part, step in self._with_steps(groups, dict.fromkeys(EVOLUTION, 1)):
            self._evolve(part, step)

    def _with_steps(
        self, groups: Sequence[Group[T]], weights: Mapping[str, int]
    ) -> Iterator[tuple[Sequence[T], Steps]]:
        """Yield what is in each group, with its steps."""
        new_steps = partial(Steps, self.journal, self.stop, self.progress, weights)
        begin, n_all = 0, sum(len(group.items) for group in groups)
        for group in groups:
            n = len(group.items)
            yield group.items, new_steps(group.range_name, begin, n, n_all)
            begin += n

    def _evolve(self, instructions: Sequence[Question], step: Steps) -> None:
        generator = self.generator(step.report)
        records = step("answers", lambda: closed_book(generator, instructions))
        answers = _by_question(of_type(Answer, records))
        cases = [
            StudiedQuestion(q, answers[q.id], None)
            for q in instructions
            if q.id in answers
        ]

        todo = [Comparison(s.question, s.closed_answer) for s in cases]
        critiques = _judge(step, generator, {}, "critique", todo)
        cases = [
            replace(s, critique=critiques[s.closed_answer.id])
            for s in cases
            if s.closed_answer.id in critiques
        ]
        cases = _refine(step, generator, cases, {})
        step("samples", lambda: samples(cases))

    def generator(self, report: Callable[[float], None] = lambda _: None) -> Generator:
        """Return the generator of a step; ``report`` gets the share that is written."""
        return Generator(
            self.backend,
            self.settings,
            self.stop,
            report,
            self.verdict_threshold,
            self.uses_verdicts,
        )

    def _group(
        self, passages: Sequence[Passage], step: Steps, *, needs_quiz: bool
    ) -> bool:
        """Run all stages for a group; return whether it gave the quiz a wording.

        ``needs_quiz``: no group before it gave one, and it is the last one.
        """
        generator = self.generator(step.report)
        by_id = {passage.id: passage for passage in passages}

        records = step("questions", lambda: ask(generator, passages))
        questions = [
            q for q in of_type(Question, records) if "duplicate" not in q.flags
        ]
        open_answers = step(
            "open-book answers",
            lambda: open_book(generator, questions, by_id),
        )
        closed_answers = step(
            "closed-book answers", lambda: closed_book(generator, questions)
        )
        cases = _pair(
            questions, of_type(Answer, open_answers), of_type(Answer, closed_answers)
        )
        falls_back = generator.protocol.guided or self.settings.quick
        uses_verdicts = generator.uses_verdicts
        cases = [
            replace(s, falls_back=falls_back, uses_verdicts=uses_verdicts)
            for s in cases
        ]

        todo = self._to_judge(generator, cases)
        critiques = _judge(step, generator, by_id, "critique", todo)
        cases = [replace(s, critique=critiques.get(s.closed_answer.id)) for s in cases]
        cases = _refine(step, generator, cases, by_id)
        wordings = self._paraphrase(
            step, generator, cases, by_id, needs_quiz=needs_quiz
        )
        step("samples", lambda: samples(cases, is_reliable=self.is_reliable))
        return any(wording.split == "quiz" for wording in wordings)

    def _to_judge(
        self, generator: Generator, cases: Sequence[StudiedQuestion]
    ) -> list[Comparison]:
        """Return the answers that need feedback.

        A guided model gives none if no rule would approve the sample anyway, and a
        quick study decides by word overlap alone.
        """
        if self.settings.quick:
            return []
        return _unlike([s for s in cases if is_fit(s) or not generator.protocol.guided])

    def _paraphrase(
        self,
        step: Steps,
        generator: Generator,
        cases: Sequence[StudiedQuestion],
        passages: Passages,
        *,
        needs_quiz: bool,
    ) -> list[Question]:
        """Paraphrase what is to be learned and what serves the quiz; check the meaning.

        Questions for the quiz are chosen without regard to the closed-book answers.
        """
        by_id = {s.question.id: s.question for s in cases}
        if generator.protocol.guided:
            # Wordings that no rule would approve took half of the time of a study.
            to_learn = {s.question.id for s in cases if s.gap.is_gap and is_fit(s)}
        else:
            to_learn = {s.question.id for s in cases if s.refined_answer}
        settings = generator.settings
        able = [s.question for s in cases if s.question.id in to_learn or is_fit(s)]
        for_quiz = chosen_for_quiz(settings, able, at_least_one=needs_quiz)
        if settings.quick:
            to_learn, for_quiz = set(), set()
        records = step(
            "paraphrases",
            lambda: paraphrase(
                generator, by_id, to_learn, for_quiz, passages, self.asked_before()
            ),
        )
        wordings = of_type(Question, records)
        originals = {s.question.id: s.open_answer for s in cases if s.open_answer}
        step(
            "paraphrase check",
            lambda: check_paraphrases(generator, wordings, passages, originals),
        )
        return wordings


def _judge(
    step: Steps,
    generator: Generator,
    passages: Passages,
    purpose: Purpose,
    todo: list[Comparison],
) -> dict[int, Feedback]:
    """Write feedback; return it by the id of the judged answer."""
    records = step(
        STAGE_OF[purpose], lambda: feedback(generator, purpose, todo, passages)
    )
    return {feedback.answer_id: feedback for feedback in of_type(Feedback, records)}


def _refine(
    step: Steps,
    generator: Generator,
    cases: Sequence[StudiedQuestion],
    passages: Passages,
) -> list[StudiedQuestion]:
    """Refine the answers that have a gap, and check the refinements."""
    gaps = [
        (s.question, s.closed_answer, s.critique)
        for s in cases
        if s.critique and s.gap.is_gap
    ]
    records = step("refinements", lambda: refine(generator, gaps, passages))
    refinements = _by_question(of_type(Answer, records))
    cases = [replace(s, refined_answer=refinements.get(s.question.id)) for s in cases]
    todo = [
        Comparison(s.question, s.refined_answer, s.open_answer)
        for s in cases
        if s.refined_answer
    ]
    checks = _judge(step, generator, passages, "check", todo)
    return [
        replace(s, check=checks.get(s.refined_answer.id)) if s.refined_answer else s
        for s in cases
    ]


def _by_question(answers: Sequence[Answer]) -> dict[int, Answer]:
    """Return the greedy answers by the id of their question."""
    return {a.question_id: a for a in answers if a.sample_index == 0}


def _pair(
    questions: Sequence[Question],
    open_answers: Sequence[Answer],
    closed_answers: Sequence[Answer],
) -> list[StudiedQuestion]:
    """Return the questions that have both an open-book and a closed-book answer."""
    with_text, without = _by_question(open_answers), _by_question(closed_answers)
    return [
        StudiedQuestion(question, without[question.id], with_text[question.id])
        for question in questions
        if question.id in with_text and question.id in without
    ]


def _unlike(cases: Sequence[StudiedQuestion]) -> list[Comparison]:
    """Return the answers that are not word for word the open-book answer."""
    return [
        Comparison(s.question, s.closed_answer, s.open_answer)
        for s in cases
        if s.open_answer
        and not matching.exact_match(s.closed_answer.text, s.open_answer.text)
    ]
