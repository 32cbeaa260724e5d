"""Decide where there is a gap, and build the samples that may be learned."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from autolearn.core.flags import UNFIT, Flag, true_flags
from autolearn.core.records import Answer, Feedback, Question, Record, Sample
from autolearn.study.feedback import is_judged_wrong
from autolearn.text import matching

LEAST_AGREEMENT = 0.75
"""Share of the informative words from which two answers count as the same."""


@dataclass(frozen=True)
class Gap:
    """Whether the model lacks an answer, with what confidence."""

    is_gap: bool
    probability: float
    """P(gap), 0..1."""
    disputed: bool
    """Whether word overlap and verdict contradict each other."""


def judge_gap(
    question: str,
    closed_answer: str,
    open_answer: str,
    critique: Feedback | None,
    *,
    uses_verdicts: bool = True,
) -> Gap:
    """Decide whether closed-book and open-book answers disagree.

    There are two signals: word overlap, and the model's own verdict on the closed-book
    answer. Either is enough for a gap; if they contradict each other, the sample is
    flagged. An unclear verdict without P(correct) contradicts whatever the words say.
    Without ``uses_verdicts`` word overlap decides alone.
    """
    if matching.exact_match(closed_answer, open_answer):
        return Gap(False, 0.0, False)
    difference = 1.0 - matching.agreement(question, closed_answer, open_answer)
    by_words = difference > 1.0 - LEAST_AGREEMENT
    if critique is None or not uses_verdicts:
        return Gap(by_words, difference, False)
    if critique.verdict == "unclear" and critique.probability is None:
        return Gap(by_words, difference, True)
    own = judge_own(critique)
    return Gap(
        by_words or own.is_gap,
        (difference + own.probability) / 2,
        by_words != own.is_gap,
    )


def judge_own(critique: Feedback | None) -> Gap:
    """Decide by the model's verdict alone whether its answer needs a refinement.

    Source: the self-feedback of arXiv 2310.00533, where there is no text.
    """
    if critique is None:
        return Gap(False, 0.0, False)
    p_correct = critique.probability
    is_wrong = is_judged_wrong(critique.verdict, p_correct)
    return Gap(is_wrong, float(is_wrong) if p_correct is None else 1 - p_correct, False)


@dataclass(frozen=True)
class StudiedQuestion:
    """A question with everything that a study has generated for it."""

    question: Question
    closed_answer: Answer
    open_answer: Answer | None
    """None: the question is an instruction, and there is no text."""
    critique: Feedback | None = None
    refined_answer: Answer | None = None
    check: Feedback | None = None
    falls_back: bool = False
    """Whether the open-book answer replaces a refinement that failed."""
    uses_verdicts: bool = True
    """Whether the verdicts of the model count; see ``Generator.uses_verdicts``."""

    @property
    def best(self) -> Answer:
        """Return the answer that may be learned."""
        if self.open_answer and self.uses_open_book:
            return self.open_answer
        return self.refined_answer or self.open_answer or self.closed_answer

    @property
    def uses_open_book(self) -> bool:
        """Return whether the refinement failed and the open-book answer is chosen."""
        if not (self.falls_back and self.gap.is_gap and self.open_answer):
            return False
        if self.refined_answer is None or "too_long" in self.refined_answer.flags:
            return True
        texts = (self.question.text, self.refined_answer.text, self.open_answer.text)
        return not self.passes_check or matching.agreement(*texts) < LEAST_AGREEMENT

    @property
    def passes_check(self) -> bool:
        """Return whether the second check accepts the refinement."""
        if self.check is None:
            return False
        # Without a text there is no word overlap to decide, so the verdict must.
        by_words = not self.uses_verdicts and self.open_answer is not None
        return by_words or self.check.verdict == "correct"

    @property
    def gap(self) -> Gap:
        """Return whether closed-book and open-book answer differ."""
        if self.open_answer is None:
            return judge_own(self.critique)
        texts = (self.question.text, self.closed_answer.text, self.open_answer.text)
        return judge_gap(*texts, self.critique, uses_verdicts=self.uses_verdicts)


def is_fit(case: StudiedQuestion) -> bool:
    """Return whether neither question nor open-book answer has an ``unfit`` flag."""
    of_answer = case.open_answer.flags if case.open_answer else ()
    flags = {*case.question.flags, *of_answer}
    return not UNFIT & flags


def samples(
    cases: Sequence[StudiedQuestion], *, is_reliable: bool = True
) -> list[Record]:
    """Build one sample per question: the refined over the closed-book answer.

    Args:
        cases: The questions with all that was generated for them.
        is_reliable: Whether the model asks and reads well enough; else each sample is
            flagged.

    Source: chosen is r_hat of SELF (arXiv 2310.00533), rejected a_c of Autonomous
    Learning (arXiv 2406.00606).
    """
    facts: set[tuple[int | None, str]] = set()
    records: list[Record] = []
    for case in cases:
        best = case.open_answer or case.refined_answer or case.closed_answer
        fact = (case.question.passage_id, matching.normalise(best.text))
        is_repeated = case.open_answer is not None and fact in facts
        sample = _sample(case, same_fact=is_repeated)
        if not is_reliable:
            sample = replace(sample, flags=(*sample.flags, "unreliable_model"))
        records.append(sample)
        facts.add(fact)
    return records


def _sample(case: StudiedQuestion, *, same_fact: bool) -> Sample:
    gap = case.gap
    best = case.best
    return Sample(
        case.question.id,
        prompt=case.question.text,
        chosen=best.text,
        rejected=case.closed_answer.text,
        gap=gap.is_gap,
        gap_probability=gap.probability,
        passage_id=case.question.passage_id,
        open_answer_id=case.open_answer.id if case.open_answer else None,
        closed_answer_id=case.closed_answer.id,
        critique_id=case.critique.id if case.critique else None,
        refined_answer_id=case.refined_answer.id if case.refined_answer else None,
        check_id=case.check.id if case.check else None,
        flags=_flags(case, gap, same_fact),
    )


def _flags(case: StudiedQuestion, gap: Gap, same_fact: bool) -> tuple[Flag, ...]:
    refinement, open_answer = case.refined_answer, case.open_answer
    of_answer = open_answer.flags if open_answer else ()
    conditions: dict[Flag, bool] = {
        "too_long": "too_long" in case.best.flags and "too_long" not in of_answer,
        "same_fact": same_fact,
        "disputed": gap.disputed,
    }
    if case.uses_open_book:
        conditions["from_open_book"] = True
    else:
        is_same = refinement is not None and refinement.text == case.closed_answer.text
        conditions["no_refinement"] = gap.is_gap and (refinement is None or is_same)
        conditions["check_failed"] = refinement is not None and not case.passes_check
    if refinement and open_answer and not case.uses_open_book:
        texts = (case.question.text, refinement.text, open_answer.text)
        is_same = matching.exact_match(refinement.text, open_answer.text)
        conditions["contradicts_open_book"] = (
            matching.agreement(*texts) < LEAST_AGREEMENT
        )
        conditions["not_open_book"] = not is_same
    return (*case.question.flags, *of_answer, *true_flags(conditions))
