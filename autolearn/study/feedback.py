"""Criticise answers, find the gaps, and put together what may be learned."""

from collections.abc import Sequence
from dataclasses import dataclass

from autolearn.core.constraints import LINE
from autolearn.core.flags import UNFIT, Flag, that_hold
from autolearn.core.model_calls import Generation, Prompt
from autolearn.core.records import (
    Answer,
    Feedback,
    Purpose,
    Question,
    Record,
    Sample,
    Skip,
)
from autolearn.study import prompts
from autolearn.study.answers import Passages, passage_of
from autolearn.study.generation import Form, GenerationRequest, Generator, why_nothing
from autolearn.study.grounding import shown
from autolearn.text import matching, model_output

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
    writer: Generator,
    purpose: Purpose,
    comparisons: Sequence[Comparison],
    passages: Passages,
) -> list[Record]:
    """Write a critique of each answer, its verdict, and how sure the verdict is.

    Source: self-feedback of arXiv 2310.00533; the probability is ours.
    """
    if writer.protocol.guided and all(one.reference for one in comparisons):
        return _guided(writer, purpose, comparisons, passages)
    limit = writer.settings.feedback_tokens
    asks = [
        GenerationRequest(one, feedback_prompt(one, passages), limit)
        for one in comparisons
    ]
    written = writer.write(asks)
    sure = _verdict_probabilities(writer, [generation for _, generation in written])
    return [
        _read_feedback(purpose, one, generation, probability)
        for (one, generation), probability in zip(written, sure, strict=True)
    ]


def feedback_prompt(one: Comparison, passages: Passages) -> Prompt:
    """Return what is put to a model for feedback in its own words."""
    given = {"question": one.question.text, "answer": one.answer.text}
    if one.reference is None:
        return prompts.load("feedback_free").render(**given)
    return prompts.load("feedback").render(
        passage=passage_of(one.question, passages).text,
        reference=one.reference.text,
        **given,
    )


def _guided(
    writer: Generator,
    purpose: Purpose,
    comparisons: Sequence[Comparison],
    passages: Passages,
) -> list[Record]:
    """Judge answers by the odds of two words, and write feedback around what is known.

    What the text says is the open-book answer, and what the answer says stands there,
    so neither is left to the model; it adds the reason why an answer is wrong. A second
    check needs no reason. A model whose verdicts do not count is asked for none.
    """
    if not writer.uses_verdicts:
        return [_unjudged(purpose, one) for one in comparisons]
    sure = odds(writer, [as_verdict(one) for one in comparisons])
    begun = [
        known_facts(one, "correct" if p >= writer.verdict_threshold else "incorrect")
        for one, p in zip(comparisons, sure, strict=True)
    ]
    wrong = [
        i
        for i, p in enumerate(sure)
        if purpose == "critique" and p < writer.verdict_threshold
    ]
    asks = [
        reason_request(writer, i, comparisons[i], begun[i], passages) for i in wrong
    ]
    reasons = dict(writer.write(asks))
    records: list[Record] = []
    for i, (one, text, p) in enumerate(zip(comparisons, begun, sure, strict=True)):
        assert one.reference is not None
        generation = reasons.get(i)
        if generation:
            text = model_output.without_thinking(generation.completion.text)
        about = (one.answer.id, purpose, text, model_output.verdict(text), p)
        records.append(
            Feedback(*about, reference_id=one.reference.id, generation=generation)
        )
    return records


def odds(writer: Generator, asked: Sequence[tuple[str, str, str]]) -> list[float]:
    """Return P(correct) for questions with their right answer and one to be judged."""
    begun = prompts.load("verdict").begun()
    chats = [verdict_request(writer, *texts).prompt.chat for texts in asked]
    read = writer.backend.probabilities(chats, [begun] * len(chats), VERDICTS)
    return [row[0] for row in read]


def verdict_request(
    writer: Generator, question: str, reference: str, answer: str
) -> GenerationRequest[None]:
    """Return what is put to a guided model for the verdict on an answer."""
    given = {"question": question, "reference": reference, "answer": answer}
    return writer.request("verdict", None, given, 1, Form())


def as_verdict(one: Comparison) -> tuple[str, str, str]:
    """Return what ``odds`` wants of a comparison: question, right answer, answer."""
    assert one.reference is not None
    return one.question.text, one.reference.text, one.answer.text


def known_facts(one: Comparison, verdict: str) -> str:
    """Return the part of a feedback that is known beforehand, with its verdict."""
    assert one.reference is not None
    says = {"reference": one.reference.text, "answer": one.answer.text}
    return prompts.load("feedback").begun(verdict=verdict, **says)


def _unjudged(purpose: Purpose, one: Comparison) -> Feedback:
    """Return the feedback of a model that is not asked for a verdict."""
    assert one.reference is not None
    text = known_facts(one, "")
    with_tag = model_output.before_verdict(text)
    if with_tag is not None:
        text = with_tag.rpartition("\n")[0]
    answer_id, reference_id = one.answer.id, one.reference.id
    return Feedback(
        answer_id, purpose, text, "unclear", None, reference_id=reference_id
    )


def reason_request(
    writer: Generator, i: int, one: Comparison, begun: str, passages: Passages
) -> GenerationRequest[int]:
    """Return what is put to a guided model for the reason of a verdict.

    ``begun``: the part of the feedback that is known beforehand; ``i``: its place.
    """
    assert one.reference is not None
    passage = passage_of(one.question, passages)
    given = {
        "passage": shown(passage),
        "question": one.question.text,
        "reference": one.reference.text,
        "answer": one.answer.text,
    }
    form = Form(f"{begun}\nReason:", (" ", LINE))
    limit = writer.settings.feedback_tokens
    return writer.request("feedback", i, given, limit, form)


def _read_feedback(
    purpose: Purpose,
    one: Comparison,
    generation: Generation,
    probability: float | None,
) -> Feedback | Skip:
    text = model_output.without_thinking(generation.completion.text)
    if not text:
        stage = "feedback" if purpose == "critique" else "second check"
        reason = why_nothing(generation, "no feedback could be read")
        place = (one.question.passage_id, one.question.id)
        return Skip(stage, reason, *place, generation)
    verdict = model_output.verdict(text)
    about = (one.answer.id, purpose, text, verdict, probability)
    reference_id = one.reference.id if one.reference else None
    return Feedback(*about, reference_id=reference_id, generation=generation)


def _verdict_probabilities(
    writer: Generator, generations: Sequence[Generation]
) -> list[float | None]:
    """Return P(correct) read where each feedback gives its verdict."""
    begun = [model_output.before_verdict(g.completion.text) for g in generations]
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
    question: str,
    closed: str,
    opened: str,
    critique: Feedback | None,
    *,
    uses_verdicts: bool = True,
) -> Gap:
    """Decide whether closed-book and open-book answers disagree.

    Two witnesses: the words that carry the answer, and the model's own verdict on
    the closed-book answer. Either is enough for a gap; where they contradict each
    other the sample is flagged for the person. Where the verdicts of a model do not
    count, the words decide alone, and nothing is disputed.
    """
    if matching.exact_match(closed, opened):
        return Gap(False, 0.0, False)
    differs = 1.0 - matching.agreement(question, closed, opened)
    by_words = differs > 1.0 - AGREED
    if not uses_verdicts:
        return Gap(by_words, differs, False)
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
    falls_back: bool = False
    """Whether the open-book answer takes the place of a refinement that failed."""
    uses_verdicts: bool = True
    """Whether the verdicts of the model count; see ``Generator.uses_verdicts``."""

    @property
    def best(self) -> Answer:
        """Return the answer that may be learned."""
        if self.opened and self.uses_open_book:
            return self.opened
        return self.refined or self.opened or self.closed

    @property
    def uses_open_book(self) -> bool:
        """Return whether the refinement failed and the open-book answer is chosen."""
        if not (self.falls_back and self.gap.is_gap and self.opened):
            return False
        if self.refined is None or "too_long" in self.refined.flags:
            return True
        told = (self.question.text, self.refined.text, self.opened.text)
        return not self.passes_check or matching.agreement(*told) < AGREED

    @property
    def passes_check(self) -> bool:
        """Return whether the second check finds nothing wrong, where it counts."""
        if self.check is None:
            return False
        # Without a text there are no words to go by, so its verdict has to do.
        by_words = not self.uses_verdicts and self.opened is not None
        return by_words or self.check.verdict == "correct"

    @property
    def gap(self) -> Gap:
        """Return what separates the two answers."""
        if self.opened is None:
            return judge_own(self.critique)
        texts = (self.question.text, self.closed.text, self.opened.text)
        return judge_gap(*texts, self.critique, uses_verdicts=self.uses_verdicts)


def is_sound(one: Studied) -> bool:
    """Return whether nothing about question and open-book answer speaks against it."""
    flags = {*one.question.flags, *(one.opened.flags if one.opened else ())}
    return not UNFIT & flags


def samples(studied: Sequence[Studied]) -> list[Record]:
    """Put together what may be learned: refined over closed-book answer.

    Source: chosen and rejected as the two papers join: r_hat of SELF over a_c of AL.
    """
    told: set[tuple[int | None, str]] = set()
    records: list[Record] = []
    for one in studied:
        best = one.opened or one.refined or one.closed
        fact = (one.question.passage_id, matching.normalise(best.text))
        is_known = one.opened is not None and fact in told
        records.append(_sample(one, same_fact=is_known))
        told.add(fact)
    return records


def _sample(one: Studied, *, same_fact: bool) -> Sample:
    gap = one.gap
    best = one.best
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


def _flags(one: Studied, gap: Gap, same_fact: bool) -> tuple[Flag, ...]:
    refined, opened = one.refined, one.opened
    conditions: dict[Flag, bool] = {"same_fact": same_fact, "disputed": gap.disputed}
    if one.uses_open_book:
        conditions["from_open_book"] = True
    else:
        is_same = refined is not None and refined.text == one.closed.text
        conditions["no_refinement"] = gap.is_gap and (refined is None or is_same)
        conditions["check_failed"] = refined is not None and not one.passes_check
    if refined and opened and not one.uses_open_book:
        texts = (one.question.text, refined.text, opened.text)
        is_same = matching.exact_match(refined.text, opened.text)
        conditions["strays"] = matching.agreement(*texts) < AGREED
        conditions["not_open_book"] = not is_same
    of_answer = opened.flags if opened else ()
    return (*one.question.flags, *of_answer, *that_hold(conditions))
