"""Criticise answers, find the gaps, and put together what may be learned."""

from collections.abc import Sequence
from dataclasses import dataclass

from autolearn import parsing, scoring
from autolearn.records import (
    Answer,
    Feedback,
    Generation,
    Prompt,
    Purpose,
    Question,
    Record,
    Sample,
    Skip,
)
from autolearn.study import prompts
from autolearn.study.answers import Passages, passage_of
from autolearn.study.generation import Ask, Writer, why_nothing

VERDICTS = (" correct", " incorrect")
AGREED = 0.75
"""Share of the telling words from which two answers count as saying the same."""


@dataclass(frozen=True)
class Comparison:
    """A question with the answer that is judged and the one it is held against."""

    question: Question
    answer: Answer
    reference: Answer | None = None
    """None: there is no text to answer from, so the answer is judged by itself."""


def feedback(
    writer: Writer,
    purpose: Purpose,
    comparisons: Sequence[Comparison],
    passages: Passages,
) -> list[Record]:
    """Write a critique of each answer, its verdict, and how sure the verdict is.

    Source: self-feedback of arXiv 2310.00533; the probability is ours.
    """
    limit = writer.settings.feedback_tokens
    asks = [Ask(one, _shown(one, passages), limit) for one in comparisons]
    written = writer.write(asks)
    sure = _verdict_probabilities(writer, [generation for _, generation in written])
    return [
        _read_feedback(purpose, one, generation, probability)
        for (one, generation), probability in zip(written, sure, strict=True)
    ]


def _shown(one: Comparison, passages: Passages) -> Prompt:
    given = {"question": one.question.text, "answer": one.answer.text}
    if one.reference is None:
        return prompts.load("feedback_free").render(**given)
    return prompts.load("feedback").render(
        passage=passage_of(one.question, passages).text,
        reference=one.reference.text,
        **given,
    )


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
    reference_id = one.reference.id if one.reference else None
    return Feedback(*about, reference_id=reference_id, generation=generation)


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


def judge_own(critique: Feedback | None) -> Gap:
    """Decide by the model's verdict alone whether its answer is to be mended.

    Source: the self-feedback of arXiv 2310.00533, where there is no text.
    """
    if critique is None:
        return Gap(False, 0.0, False)
    wrong = critique.verdict == "incorrect"
    sure = critique.probability
    return Gap(wrong, float(wrong) if sure is None else 1.0 - sure, False)


@dataclass(frozen=True)
class Studied:
    """All that a study has found out about one question."""

    question: Question
    closed: Answer
    opened: Answer | None
    """None: the question is an instruction, and there is no text."""
    critique: Feedback | None = None
    refined: Answer | None = None
    check: Feedback | None = None

    @property
    def gap(self) -> Gap:
        """Return what separates the two answers."""
        if self.opened is None:
            return judge_own(self.critique)
        texts = (self.question.text, self.closed.text, self.opened.text)
        return judge_gap(*texts, self.critique)


def samples(studied: Sequence[Studied]) -> list[Record]:
    """Put together what may be learned: refined over closed-book answer.

    Source: chosen and rejected as the two papers join: r_hat of SELF over a_c of AL.
    """
    told: set[tuple[int | None, str]] = set()
    records: list[Record] = []
    for one in studied:
        best = one.opened or one.refined or one.closed
        fact = (one.question.passage_id, scoring.normalise(best.text))
        is_known = one.opened is not None and fact in told
        records.append(_sample(one, same_fact=is_known))
        told.add(fact)
    return records


def _sample(one: Studied, *, same_fact: bool) -> Sample:
    gap = one.gap
    best = one.refined or one.opened or one.closed
    return Sample(
        one.question.id,
        prompt=one.question.text,
        chosen=best.text,
        rejected=one.closed.text,
        gap=gap.is_gap,
        gap_probability=gap.probability,
        passage_id=one.question.passage_id,
        open_answer_id=one.opened.id if one.opened else None,
        closed_answer_id=one.closed.id,
        critique_id=one.critique.id if one.critique else None,
        refined_answer_id=one.refined.id if one.refined else None,
        check_id=one.check.id if one.check else None,
        flags=_flags(one, gap, same_fact),
    )


def _flags(one: Studied, gap: Gap, same_fact: bool) -> tuple[str, ...]:
    refined, opened = one.refined, one.opened
    passed = one.check is not None and one.check.verdict == "correct"
    is_same = refined is not None and refined.text == one.closed.text
    found = {
        "same_fact": same_fact,
        "disputed": gap.disputed,
        "no_refinement": gap.is_gap and (refined is None or is_same),
        "check_failed": refined is not None and not passed,
    }
    if refined and opened:
        told = (one.question.text, refined.text, opened.text)
        found["strays"] = scoring.agreement(*told) < AGREED
        found["not_open_book"] = not scoring.exact_match(refined.text, opened.text)
    own = tuple(flag for flag, holds in found.items() if holds)
    return (*one.question.flags, *(opened.flags if opened else ()), *own)
