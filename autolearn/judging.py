"""Criticise answers, find the gaps, and put together what may be learned."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from autolearn import parsing, prompts, scoring
from autolearn.answering import Passages, passage_of
from autolearn.records import (
    Answer,
    Feedback,
    Generation,
    Purpose,
    Question,
    Record,
    Sample,
    Skip,
)
from autolearn.writing import Ask, Writer, why_nothing

VERDICTS = (" correct", " incorrect")
AGREED = 0.75
"""Share of the telling words from which two answers count as saying the same."""


@dataclass(frozen=True)
class Comparison:
    """A question with the answer that is judged and the one it is held against."""

    question: Question
    answer: Answer
    reference: Answer


def feedback(
    writer: Writer,
    purpose: Purpose,
    comparisons: Sequence[Comparison],
    passages: Passages,
) -> list[Record]:
    """Write a critique of each answer, its verdict, and how sure the verdict is.

    Source: self-feedback of arXiv 2310.00533; the probability is ours.
    """
    asks = [
        Ask(
            one,
            prompts.load("feedback").render(
                passage=passage_of(one.question, passages).text,
                question=one.question.text,
                reference=one.reference.text,
                answer=one.answer.text,
            ),
            writer.settings.feedback_tokens,
        )
        for one in comparisons
    ]
    written = writer.write(asks)
    sure = _verdict_probabilities(writer, [generation for _, generation in written])
    return [
        _read_feedback(purpose, one, generation, probability)
        for (one, generation), probability in zip(written, sure, strict=True)
    ]


def _read_feedback(
    purpose: Purpose,
    one: Comparison,
    generation: Generation,
    probability: float | None,
) -> Feedback | Skip:
    text = parsing.without_thinking(generation.completion.text)
    if not text:
        stage = "feedback" if purpose == "critique" else "second check"
        reason = why_nothing(generation, "no feedback could be read")
        place = (one.question.passage_id, one.question.id)
        return Skip(stage, reason, *place, generation)
    verdict = parsing.verdict(text)
    about = (one.answer.id, purpose, text, verdict, probability)
    return Feedback(*about, reference_id=one.reference.id, generation=generation)


def _verdict_probabilities(
    writer: Writer, generations: Sequence[Generation]
) -> list[float | None]:
    """Return P(correct) read where each feedback gives its verdict."""
    begun = [parsing.before_verdict(g.completion.text) for g in generations]
    spoken = [(i, text) for i, text in enumerate(begun) if text is not None]
    read = writer.backend.probabilities(
        [generations[i].request.prompt.chat for i, _ in spoken],
        [text for _, text in spoken],
        VERDICTS,
    )
    found = {i: row[0] for (i, _), row in zip(spoken, read, strict=True)}
    return [found.get(i) for i in range(len(generations))]


@dataclass(frozen=True)
class Gap:
    """Whether there is something to learn, how sure that is, and if it is disputed."""

    is_gap: bool
    probability: float
    disputed: bool


def judge_gap(
    question: str, closed: str, opened: str, critique: Feedback | None
) -> Gap:
    """Decide whether closed-book and open-book answers disagree.

    Two witnesses: the words that carry the answer, and the model's own verdict on
    the closed-book answer. Either is enough for a gap; where they contradict each
    other the sample is flagged for the person.
    """
    if scoring.exact_match(closed, opened):
        return Gap(False, 0.0, False)
    differs = 1.0 - scoring.agreement(question, closed, opened)
    by_words = differs > 1.0 - AGREED
    if critique is None or critique.probability is None:
        return Gap(by_words, differs, critique is not None)
    by_verdict = critique.verdict == "incorrect"
    probability = (differs + 1.0 - critique.probability) / 2
    return Gap(by_words or by_verdict, probability, by_words != by_verdict)


@dataclass(frozen=True)
class Studied:
    """All that a study has found out about one question."""

    question: Question
    closed: Answer
    opened: Answer
    critique: Feedback | None = None
    refined: Answer | None = None
    check: Feedback | None = None

    @property
    def gap(self) -> Gap:
        """Return what separates the two answers."""
        texts = (self.question.text, self.closed.text, self.opened.text)
        return judge_gap(*texts, self.critique)


def samples(studied: Sequence[Studied]) -> list[Record]:
    """Put together what may be learned: refined over closed-book answer.

    Source: chosen and rejected as the two papers join: r_hat of SELF over a_c of AL.
    """
    told: set[tuple[int | None, str]] = set()
    records: list[Record] = []
    for one in studied:
        fact = (one.question.passage_id, scoring.normalise(one.opened.text))
        records.append(_sample(one, same_fact=fact in told))
        told.add(fact)
    return records


def _sample(one: Studied, *, same_fact: bool) -> Sample:
    gap = one.gap
    best = one.refined or one.opened
    return Sample(
        one.question.id,
        prompt=one.question.text,
        chosen=best.text,
        rejected=one.closed.text,
        gap=gap.is_gap,
        gap_probability=gap.probability,
        passage_id=one.question.passage_id,
        open_answer_id=one.opened.id,
        closed_answer_id=one.closed.id,
        critique_id=one.critique.id if one.critique else None,
        refined_answer_id=one.refined.id if one.refined else None,
        check_id=one.check.id if one.check else None,
        flags=_flags(one, gap, same_fact),
    )


def _flags(one: Studied, gap: Gap, same_fact: bool) -> tuple[str, ...]:
    refined = one.refined
    passed = one.check is not None and one.check.verdict == "correct"
    told = (one.question.text, refined.text, one.opened.text) if refined else None
    found: Mapping[str, bool] = {
        "same_fact": same_fact,
        "disputed": gap.disputed,
        "no_refinement": gap.is_gap and refined is None,
        "check_failed": refined is not None and not passed,
        "strays": told is not None and scoring.agreement(*told) < AGREED,
        "not_open_book": refined is not None
        and not scoring.exact_match(refined.text, one.opened.text),
    }
    own = tuple(flag for flag, holds in found.items() if holds)
    return (*one.question.flags, *one.opened.flags, *own)
