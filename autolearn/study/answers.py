"""Answer questions: with the text in view, from memory, and again after feedback."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from autolearn import parsing, scoring
from autolearn.core.constraints import LINE, Excerpt, OneOf
from autolearn.records import (
    Answer,
    AnswerKind,
    Feedback,
    Generation,
    Passage,
    Question,
    Record,
    Skip,
)
from autolearn.study import prompts
from autolearn.study.generation import (
    Form,
    GenerationRequest,
    Generator,
    why_nothing,
)
from autolearn.study.questions import shown
from autolearn.text import languages, sentences

Passages = Mapping[int, Passage]
T = TypeVar("T")
ROUND_TRIP = 0.75
"""Share of the words of a short answer that the open-book answer has to tell."""
SHORT_ANSWER_TOKENS = 24
"""Room for the answer in short, between the evidence and the answer."""


def passage_of(question: Question, passages: Passages) -> Passage:
    """Return the passage that a question is about."""
    assert question.passage_id is not None
    return passages[question.passage_id]


def open_book(
    writer: Generator, questions: Sequence[Question], passages: Passages
) -> list[Record]:
    """Answer with the text in view and find the quoted evidence in it.

    Small models reword what they quote, so a likely place counts as evidence only if
    what stands there bears out the answer; and so does a faithful quote.

    Source: the open-book answer a_o of arXiv 2406.00606; the quote is ours.
    """
    asks = [
        open_book_request(writer, question, passage_of(question, passages))
        for question in questions
    ]
    threshold = writer.settings.evidence_threshold
    return [
        _read_open_book(question, passage_of(question, passages), generation, threshold)
        for question, generation in writer.write(asks)
    ]


def open_book_request(
    writer: Generator, question: Question, passage: Passage
) -> GenerationRequest[Question]:
    """Return what is put to the model for the open-book answer to a question.

    The sentence that a question was made from is its evidence, and need not be sought.
    """
    if not writer.protocol.guided or question.start is None or question.end is None:
        text = shown(passage) if writer.protocol.guided else passage.text
        return quoting(writer, question, text, question.text)
    begin = passage.start
    sentence = passage.text[question.start - begin : question.end - begin]
    begun = f"{prompts.load('open_book').begun()} {sentence}\nShort answer:"
    constraint = (" ", Excerpt(sentence), "\nAnswer: ", LINE)
    form = Form(begun, constraint, languages.of(passage.text))
    given = {"passage": shown(passage), "question": question.text}
    limit = writer.settings.answer_tokens + SHORT_ANSWER_TOKENS
    return writer.request("open_book", question, given, limit, form)


def quoting(
    writer: Generator, subject: T, text: str, question: str
) -> GenerationRequest[T]:
    """Return what is put to the model for an answer from a text, with its evidence.

    A guided model can quote nothing but a sentence of the text, or none.
    """
    given = {"passage": text, "question": question}
    limit = writer.settings.answer_tokens
    if not writer.protocol.guided:
        return writer.request("open_book", subject, given, 2 * limit)
    quotes = [sentence.text for sentence in sentences.of(text)]
    longest = max(map(writer.backend.count_tokens, quotes), default=0)
    quote = OneOf((*quotes, "none"))
    constraint = (" ", quote, "\nShort answer: ", LINE, "\nAnswer: ", LINE)
    begun = prompts.load("open_book").begun()
    form = Form(begun, constraint, languages.of(text))
    limit += longest + SHORT_ANSWER_TOKENS
    return writer.request("open_book", subject, given, limit, form)


def _read_open_book(
    question: Question, passage: Passage, generation: Generation, threshold: float
) -> Answer | Skip:
    parts = parsing.open_book(generation.completion.text)
    if not parts.answer:
        return _skip("open-book answers", question, generation)
    place = scoring.find_quote(parts.evidence, passage.text)
    found = place is not None and place.score >= threshold
    if place and found:
        quoted = passage.text[place.start : place.end]
        found = scoring.supports(
            quoted, question.text, parts.answer, faithful=place.score == 1.0
        )
    expected = question.short_answer
    flags = {
        "no_evidence": not found,
        "answers_differ": bool(expected) and not _leads_back(parts, expected),
        "reworded_quote": place is not None and found and place.score < 1.0,
        "unanswerable": parsing.is_not_stated(parts.answer),
        "too_long": generation.completion.finish == "length",
    }
    return Answer(
        question.id,
        "open_book",
        parts.answer,
        evidence=parts.evidence,
        evidence_score=place.score if place else 0.0,
        start=passage.start + place.start if place and found else None,
        end=passage.start + place.end if place and found else None,
        flags=tuple(flag for flag, holds in flags.items() if holds),
        generation=generation,
    )


def _leads_back(parts: parsing.OpenBook, expected: str) -> bool:
    """Return whether an open-book answer leads back to what its question asks for."""
    short = parts.short or parts.answer
    agree = tells(short, expected) or tells(expected, short)
    return agree and tells(parts.answer, parts.short or expected)


def tells(answer: str, short: str) -> bool:
    """Return whether an answer tells the short answer that its question was made for.

    Round-trip consistency: only questions that lead back to what they were made from
    are to be trusted (Alberti et al., 2019, arXiv 1906.05416).
    """
    return scoring.agreement("", answer, short) >= ROUND_TRIP


def reworded(
    writer: Generator,
    questions: Sequence[Question],
    passages: Passages,
    expected: Mapping[int, Answer],
) -> list[Record]:
    """Answer reworded questions with the text in view.

    A wording whose answer is not that of the question it rewords (``expected``, by
    the id of that question) has lost the meaning and is flagged ``other_meaning``.
    """
    by_id = {question.id: question for question in questions}
    records: list[Record] = []
    for record in open_book(writer, questions, passages):
        if isinstance(record, Answer):
            question = by_id[record.question_id]
            wanted = expected[question.parent_id or 0]
            if scoring.agreement(question.text, record.text, wanted.text) < 1.0:
                record = replace(record, flags=(*record.flags, "other_meaning"))
        records.append(record)
    return records


def keeps_sense(answer: Answer) -> bool:
    """Return whether the answer to a reworded question is that of the original."""
    return not {"other_meaning", "unanswerable"} & set(answer.flags)


def closed_book(writer: Generator, questions: Sequence[Question]) -> list[Record]:
    """Answer from memory: greedily, and ``closed_book_samples`` times more.

    Source: the closed-book answer a_c of arXiv 2406.00606.
    """
    asks = [
        GenerationRequest(
            (question, draw),
            prompts.load("closed_book").render(question=question.text),
            writer.settings.answer_tokens,
            draw,
        )
        for question in questions
        for draw in range(1 + writer.settings.closed_book_samples)
    ]
    return [
        _read_answer("closed_book", question, generation, draw)
        for (question, draw), generation in writer.write(asks)
    ]


def refine(
    writer: Generator,
    gaps: Sequence[tuple[Question, Answer, Feedback]],
    passages: Passages,
) -> list[Record]:
    """Write closed-book answers again in the light of their feedback.

    Source: the refined response of arXiv 2310.00533.
    """
    asks = [refinement_request(writer, *gap, passages) for gap in gaps]
    return [
        _read_answer("refined", question, generation)
        for question, generation in writer.write(asks)
    ]


def refinement_request(
    writer: Generator,
    question: Question,
    answer: Answer,
    critique: Feedback,
    passages: Passages,
) -> GenerationRequest[Question]:
    """Return what is put to the model for an answer in the light of its feedback."""
    limit = writer.settings.answer_tokens
    given = {
        "question": question.text,
        "answer": answer.text,
        "feedback": critique.text,
    }
    if question.passage_id is None:
        return writer.request("refine_free", question, given, limit)
    passage = passage_of(question, passages)
    name = "mend" if writer.protocol.guided else "refine"
    form = Form(prompts.load(name).begun(), (" ", LINE), languages.of(passage.text))
    given["passage"] = shown(passage) if writer.protocol.guided else passage.text
    return writer.request(name, question, given, limit, form)


def _read_answer(
    kind: AnswerKind, question: Question, generation: Generation, draw: int = 0
) -> Answer | Skip:
    text = parsing.answer(generation.completion.text)
    if not text:
        stage = "refinements" if kind == "refined" else "closed-book answers"
        return _skip(stage, question, generation)
    flags = ("too_long",) if generation.completion.finish == "length" else ()
    return Answer(
        question.id, kind, text, sample_index=draw, flags=flags, generation=generation
    )


def _skip(stage: str, question: Question, generation: Generation) -> Skip:
    reason = why_nothing(generation, "no answer could be read")
    return Skip(stage, reason, question.passage_id, question.id, generation)
