"""Let the model judge answers: written feedback, verdicts and their probability."""

from collections.abc import Sequence
from dataclasses import dataclass

from autolearn.core.constraints import LINE
from autolearn.core.model_calls import Generation, Prompt
from autolearn.core.records import (
    Answer,
    Feedback,
    Purpose,
    Question,
    Record,
    Skip,
    Verdict,
)
from autolearn.study import prompts
from autolearn.study.answers import Passages, passage_of
from autolearn.study.generation import (
    Form,
    GenerationRequest,
    Generator,
    RequestBuilder,
    why_nothing,
)
from autolearn.study.grounding import with_heading
from autolearn.text import languages, model_output

VERDICTS = (" correct", " incorrect")
STAGE_OF: dict[Purpose, str] = {"critique": "feedback", "check": "second check"}
"""The stage of a study that writes the feedback for a purpose."""


def is_judged_wrong(verdict: Verdict, p_correct: float | None = None) -> bool:
    """Return whether a verdict calls an answer wrong, so that it needs a refinement.

    An unclear verdict is decided by P(correct), 0..1. If that is unknown, the answer is
    kept: refining an answer that no verdict calls wrong spoils right ones.
    """
    if verdict == "unclear" and p_correct is not None:
        return p_correct < 0.5
    return verdict == "incorrect"


@dataclass(frozen=True)
class Comparison:
    """An answer to judge, with the reference that it is compared with."""

    question: Question
    answer: Answer
    reference: Answer | None = None
    """None: there is no text, so the answer is judged by itself."""


def feedback(
    generator: Generator,
    purpose: Purpose,
    comparisons: Sequence[Comparison],
    passages: Passages,
) -> list[Record]:
    """Write feedback on each answer, with its verdict and P(correct).

    Source: self-feedback of arXiv 2310.00533; the probability is ours.
    """
    if generator.protocol.guided and all(pair.reference for pair in comparisons):
        return _guided(generator, purpose, comparisons, passages)
    limit = generator.settings.feedback_tokens
    requests = [
        GenerationRequest(pair, feedback_prompt(pair, passages), limit)
        for pair in comparisons
    ]
    results = generator.write(requests)
    p_correct = _verdict_probabilities(generator, [answer for _, answer in results])
    return [
        _read_feedback(purpose, pair, generation, probability)
        for (pair, generation), probability in zip(results, p_correct, strict=True)
    ]


def feedback_prompt(pair: Comparison, passages: Passages) -> Prompt:
    """Return the prompt for feedback that the model words by itself."""
    values = {"question": pair.question.text, "answer": pair.answer.text}
    if pair.reference is None:
        return prompts.load("feedback_free").render(**values)
    return prompts.load("feedback").render(
        passage=passage_of(pair.question, passages).text,
        reference=pair.reference.text,
        **values,
    )


def _guided(
    generator: Generator,
    purpose: Purpose,
    comparisons: Sequence[Comparison],
    passages: Passages,
) -> list[Record]:
    """Read each verdict as a probability, and prefill the feedback with known facts.

    What the text says is the open-book answer, and the answer is given, so neither is
    left to the model. It adds the reason why an answer is wrong. A second check needs
    no reason. A model whose verdicts do not count is not asked for any.
    """
    if not generator.uses_verdicts:
        return [_without_verdict(purpose, pair) for pair in comparisons]
    p_correct = verdict_probabilities(
        generator, [verdict_texts(c) for c in comparisons]
    )
    threshold = generator.verdict_threshold
    verdicts: list[Verdict] = [
        "correct" if p >= threshold else "incorrect" for p in p_correct
    ]
    prefills = list(map(known_facts, comparisons, verdicts))
    requests = [
        reason_request(generator, i, comparisons[i], prefills[i], passages)
        for i, verdict in enumerate(verdicts)
        if purpose == "critique" and verdict == "incorrect"
    ]
    reasons = dict(generator.write(requests))
    records: list[Record] = []
    for i, (pair, p) in enumerate(zip(comparisons, p_correct, strict=True)):
        assert pair.reference is not None
        generation, text = reasons.get(i), prefills[i]
        if generation:
            text = model_output.without_thinking(generation.completion.text)
        records.append(
            Feedback(
                pair.answer.id,
                purpose,
                text,
                verdicts[i],
                probability=p,
                reference_id=pair.reference.id,
                generation=generation,
            )
        )
    return records


def verdict_probabilities(
    generator: Generator, cases: Sequence[tuple[str, str, str]]
) -> list[float]:
    """Return P(correct) for each question, reference answer and answer to judge."""
    prefill = prompts.load("verdict").prefill()
    chats = [verdict_request(generator, *texts).prompt.chat for texts in cases]
    rows = generator.backend.probabilities(chats, [prefill] * len(chats), VERDICTS)
    return [row[0] for row in rows]


def verdict_request(
    builder: RequestBuilder, question: str, reference: str, answer: str
) -> GenerationRequest[None]:
    """Return the request for the verdict of a guided model on an answer."""
    values = {"question": question, "reference": reference, "answer": answer}
    return builder.request("verdict", None, values, 1, Form())


def verdict_texts(pair: Comparison) -> tuple[str, str, str]:
    """Return question, reference answer and answer, as a verdict is asked for."""
    assert pair.reference is not None
    return pair.question.text, pair.reference.text, pair.answer.text


def known_facts(pair: Comparison, verdict: str) -> str:
    """Return the part of a feedback that is known beforehand, with its verdict."""
    assert pair.reference is not None
    texts = {"reference": pair.reference.text, "answer": pair.answer.text}
    return prompts.load("feedback").prefill(verdict=verdict, **texts)


def _without_verdict(purpose: Purpose, pair: Comparison) -> Feedback:
    """Return the feedback of a model whose verdicts do not count."""
    assert pair.reference is not None
    text = known_facts(pair, "")
    with_tag = model_output.before_verdict(text)
    if with_tag is not None:
        text = with_tag.rpartition("\n")[0]
    answer_id, reference_id = pair.answer.id, pair.reference.id
    return Feedback(
        answer_id, purpose, text, "unclear", None, reference_id=reference_id
    )


def reason_request(
    builder: RequestBuilder, i: int, pair: Comparison, prefill: str, passages: Passages
) -> GenerationRequest[int]:
    """Return the request for the reason of a verdict of a guided model.

    ``prefill``: the part of the feedback that is known beforehand; ``i``: its index.
    """
    assert pair.reference is not None
    passage = passage_of(pair.question, passages)
    values = {
        "passage": with_heading(passage),
        "question": pair.question.text,
        "reference": pair.reference.text,
        "answer": pair.answer.text,
    }
    language = languages.of(passage.text)
    form = Form(f"{prefill}\nReason:", (" ", LINE), language)
    limit = builder.settings.feedback_tokens
    return builder.request("feedback", i, values, limit, form)


def _read_feedback(
    purpose: Purpose,
    pair: Comparison,
    generation: Generation,
    probability: float | None,
) -> Feedback | Skip:
    text = model_output.without_thinking(generation.completion.text)
    if not text:
        return Skip(
            STAGE_OF[purpose],
            why_nothing(generation, "no feedback could be read"),
            passage_id=pair.question.passage_id,
            question_id=pair.question.id,
            generation=generation,
        )
    return Feedback(
        pair.answer.id,
        purpose,
        text,
        model_output.verdict(text),
        probability=probability,
        reference_id=pair.reference.id if pair.reference else None,
        generation=generation,
    )


def _verdict_probabilities(
    generator: Generator, generations: Sequence[Generation]
) -> list[float | None]:
    """Return P(correct) read where each feedback gives its verdict."""
    prefixes = [model_output.before_verdict(g.completion.text) for g in generations]
    with_verdict = [(i, text) for i, text in enumerate(prefixes) if text is not None]
    rows = generator.backend.probabilities(
        [generations[i].request.prompt.chat for i, _ in with_verdict],
        [text for _, text in with_verdict],
        VERDICTS,
    )
    by_place = {i: row[0] for (i, _), row in zip(with_verdict, rows, strict=True)}
    return [by_place.get(i) for i in range(len(generations))]
