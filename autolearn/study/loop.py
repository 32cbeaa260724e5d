"""The loop: read, ask oneself, answer with and without the text, find the gaps.

Autonomous Learning (arXiv 2406.00606) gives questions, open-book and closed-book
answers; SELF (arXiv 2310.00533) gives feedback, refinement and the second check.
Passages go through in small groups, depth first. Every stage of a group is one step
of the journal: what a killed run had committed is recalled, not made again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from autolearn.core.ports import Backend, Cancelled, Journal, Progress, Stop
from autolearn.core.records import Answer, Feedback, Passage, Purpose, Question, Record
from autolearn.core.settings import StudySettings
from autolearn.study.answers import Passages, closed_book, open_book, refine, reworded
from autolearn.study.feedback import Comparison, Studied, feedback, is_sound, samples
from autolearn.study.generation import Generator, of
from autolearn.study.questions import ask, paraphrase
from autolearn.text import matching

INSTRUCTIONS_PER_STEP = 32
EVOLUTION = ("answers", "feedback", "refinements", "second check", "samples")
"""What is done with instructions, for which there is no text."""
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
    """Whether verdicts count; if not, the words of the answers decide about gaps."""

    def run(self, passages: Sequence[Passage]) -> None:
        """Study all passages that are not excluded.

        Raises:
            Cancelled: The person stopped the run; committed steps stay.
        """
        todo = [passage for passage in passages if not passage.excluded]
        size = self.settings.passages_per_step
        for begin in range(0, len(todo), size):
            self._group(todo[begin : begin + size], begin, len(todo))

    def evolve(self, instructions: Sequence[Question]) -> None:
        """Answer instructions, criticise the answers, refine those that are wrong.

        Source: a round of self-evolution of arXiv 2310.00533, on unlabelled prompts.

        Raises:
            Cancelled: The person stopped the run; committed steps stay.
        """
        for begin in range(0, len(instructions), INSTRUCTIONS_PER_STEP):
            part = instructions[begin : begin + INSTRUCTIONS_PER_STEP]
            place = f"instructions {begin + 1}-{begin + len(part)}"
            step = _Steps(self, EVOLUTION, place, begin, len(part), len(instructions))
            self._evolve(part, step)

    def _evolve(self, instructions: Sequence[Question], step: "_Steps") -> None:
        writer = self._generator(step)
        made = step("answers", lambda: closed_book(writer, instructions))
        answers = _by_question(of(Answer, made))
        studied = [
            Studied(q, answers[q.id], None) for q in instructions if q.id in answers
        ]

        judge = partial(_judge, step, writer, {})
        todo = [Comparison(s.question, s.closed) for s in studied]
        critiques = judge("feedback", "critique", todo)
        studied = [
            replace(s, critique=critiques[s.closed.id])
            for s in studied
            if s.closed.id in critiques
        ]
        studied = _refine(step, writer, studied, {})
        checks = judge("second check", "check", _refined(studied))
        studied = _checked(studied, checks)
        step("samples", lambda: samples(studied))

    def _generator(self, step: "_Steps") -> Generator:
        return Generator(
            self.backend,
            self.settings,
            self.stop,
            step.report,
            self.verdict_threshold,
            self.uses_verdicts,
        )

    def _group(self, passages: Sequence[Passage], begin: int, total: int) -> None:
        """Take a few passages through all stages."""
        place = f"passages {begin + 1}-{begin + len(passages)}"
        step = _Steps(self, STAGES, place, begin, len(passages), total)
        writer = self._generator(step)
        by_id = {passage.id: passage for passage in passages}

        asked = step("questions", lambda: ask(writer, passages))
        questions = [q for q in of(Question, asked) if "duplicate" not in q.flags]
        opened = step(
            "open-book answers",
            lambda: open_book(writer, questions, by_id),
        )
        closed = step("closed-book answers", lambda: closed_book(writer, questions))
        studied = _pair(questions, of(Answer, opened), of(Answer, closed))
        falls_back = writer.protocol.guided or self.settings.quick
        uses_verdicts = writer.uses_verdicts
        studied = [
            replace(s, falls_back=falls_back, uses_verdicts=uses_verdicts)
            for s in studied
        ]

        judge = partial(_judge, step, writer, by_id)
        critiques = judge("feedback", "critique", self._to_judge(writer, studied))
        studied = [replace(s, critique=critiques.get(s.closed.id)) for s in studied]
        studied = _refine(step, writer, studied, by_id)
        checks = judge("second check", "check", _refined(studied))
        studied = _checked(studied, checks)
        self._reword(step, writer, studied, by_id)
        step("samples", lambda: samples(studied))

    def _to_judge(
        self, writer: Generator, studied: Sequence[Studied]
    ) -> list[Comparison]:
        """Return what needs a critique.

        A guided model does not criticise answers to questions that no rule would
        approve, and a quick study goes by the words of the answers alone.
        """
        if self.settings.quick:
            return []
        return _unlike(
            [s for s in studied if is_sound(s) or not writer.protocol.guided]
        )

    def _reword(
        self,
        step: "_Steps",
        writer: Generator,
        studied: Sequence[Studied],
        passages: Passages,
    ) -> None:
        """Say in other words what is to be learned; check that the sense is kept."""
        known = {s.question.id: s.question for s in studied}
        gaps = [s.question for s in studied if s.refined]
        if self.settings.quick:
            gaps = []
        elif writer.protocol.guided:
            # Wordings of what no rule would approve took half of the time of a study.
            gaps = [s.question for s in studied if s.gap.is_gap and is_sound(s)]
        made = step("paraphrases", lambda: paraphrase(writer, gaps, known))
        worded = of(Question, made)
        expected = {s.question.id: s.opened for s in studied if s.opened}
        step(
            "paraphrase check",
            lambda: reworded(writer, worded, passages, expected),
        )


_Feedback = dict[int, Feedback]


@dataclass
class _Steps:
    """The steps of one group: journal them, and tell progress.

    Progress counts things times stages, so that one ETA covers them all.
    """

    study: Study
    stages: Sequence[str]
    place: str
    """Which passages or instructions these are."""
    begin: int
    n: int
    n_all: int
    stage: str = ""

    def __call__(
        self, stage: str, make: Callable[[], Sequence[Record]]
    ) -> tuple[Record, ...]:
        if self.study.stop():
            raise Cancelled
        self.stage = stage
        self.report(0.0)
        records = self.study.journal.step(f"{self.place}: {stage}", make)
        self.report(1.0)
        return records

    def report(self, share: float) -> None:
        n_stages = len(self.stages)
        done = self.begin * n_stages + (self.stages.index(self.stage) + share) * self.n
        self.study.progress(self.stage, int(done), self.n_all * n_stages)


def _judge(
    step: _Steps,
    writer: Generator,
    passages: Passages,
    stage: str,
    purpose: Purpose,
    todo: list[Comparison],
) -> _Feedback:
    """Write feedback; return it by the id of the answer that it is on."""
    made = step(stage, lambda: feedback(writer, purpose, todo, passages))
    return {feedback.answer_id: feedback for feedback in of(Feedback, made)}


def _refine(
    step: _Steps,
    writer: Generator,
    studied: Sequence[Studied],
    passages: Passages,
) -> list[Studied]:
    """Write again what has a gap."""
    gaps = [
        (s.question, s.closed, s.critique)
        for s in studied
        if s.critique and s.gap.is_gap
    ]
    made = step("refinements", lambda: refine(writer, gaps, passages))
    refined = _by_question(of(Answer, made))
    return [replace(s, refined=refined.get(s.question.id)) for s in studied]


def _checked(studied: Sequence[Studied], checks: _Feedback) -> list[Studied]:
    return [
        replace(s, check=checks.get(s.refined.id)) if s.refined else s for s in studied
    ]


def _by_question(answers: Sequence[Answer]) -> dict[int, Answer]:
    """Return the greedy answers by the id of their question."""
    return {a.question_id: a for a in answers if a.sample_index == 0}


def _pair(
    questions: Sequence[Question], opened: Sequence[Answer], closed: Sequence[Answer]
) -> list[Studied]:
    """Return the questions that have both an open-book and a closed-book answer."""
    with_text, without = _by_question(opened), _by_question(closed)
    return [
        Studied(question, without[question.id], with_text[question.id])
        for question in questions
        if question.id in with_text and question.id in without
    ]


def _unlike(studied: Sequence[Studied]) -> list[Comparison]:
    """Return what needs a critique: word for word the same needs none."""
    return [
        Comparison(s.question, s.closed, s.opened)
        for s in studied
        if s.opened and not matching.exact_match(s.closed.text, s.opened.text)
    ]


def _refined(studied: Sequence[Studied]) -> list[Comparison]:
    return [Comparison(s.question, s.refined, s.opened) for s in studied if s.refined]
