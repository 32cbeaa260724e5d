"""Answer questions: with the text in view, from memory, and again after feedback."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from autolearn.core.constraints import LINE, Excerpt, Part
from autolearn.core.flags import that_hold
from autolearn.core.model_calls import Generation
from autolearn.core.records import (
    Answer,
    AnswerKind,
    Feedback,
    Passage,
    Question,
    Record,
    Skip,
)
from autolearn.study import grounding, prompts
from autolearn.study.generation import Form, GenerationRequest, Generator, why_nothing
from autolearn.study.grounding import NOT_STATED, SHORT_ANSWER_TOKENS, shown
from autolearn.text import languages, matching, model_output, sentences

Passages = Mapping[int, Passage]
T = TypeVar("T")


@dataclass(frozen=True)
class TextQuestion(Generic[T]):
    """A question to be answered from a text."""

    subject: T
    text: str
    question: str
    sentence: str = ""
    """The sentence of the text that is known to answer it; empty: none is known."""


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
    asked = [
        as_text_question(writer, question, passage_of(question, passages))
        for question in questions
    ]
    threshold = writer.settings.evidence_threshold
    return [
        _read_open_book(question, passage_of(question, passages), generation, threshold)
        for question, generation in writer.write(open_book_requests(writer, asked))
    ]


def as_text_question(
    writer: Generator, question: Question, passage: Passage
) -> TextQuestion[Question]:
    """Return a question about a passage, with the sentence that it was made from."""
    if not writer.protocol.guided:
        return TextQuestion(question, passage.text, question.text)
    sentence = ""
    if question.start is not None and question.end is not None:
        begin = passage.start
        sentence = passage.text[question.start - begin : question.end - begin]
    return TextQuestion(question, shown(passage), question.text, sentence)


def open_book_requests(
    writer: Generator, asked: Sequence[TextQuestion[T]]
) -> list[GenerationRequest[T]]:
    """Return what is put to the model for answers from texts, with their evidence.

    A guided model quotes the sentence that is known to answer the question, else the
    likeliest one; of that it may say that it does not tell.

    Raises:
        Cancelled: The person stopped the run.
    """
    if not writer.protocol.guided:
        limit = 2 * writer.settings.answer_tokens
        return [
            writer.request(
                "open_book",
                case.subject,
                {"passage": case.text, "question": case.question},
                limit,
            )
            for case in asked
        ]
    open_cases = [(r.text, r.question) for r in asked if not r.sentence]
    chosen = iter(grounding.likeliest_sentences(writer, open_cases))
    return [
        quoting(writer, case)
        if case.sentence
        else quoting(writer, replace(case, sentence=next(chosen)), is_certain=False)
        for case in asked
    ]


def quoting(
    writer: Generator, case: TextQuestion[T], *, is_certain: bool = True
) -> GenerationRequest[T]:
    """Return what is put to a guided model for an answer by a sentence.

    If it is not ``is_certain`` that the sentence tells the answer, the model may say
    that the text does not; without a sentence it must.
    """
    otherwise = "" if is_certain else NOT_STATED
    short: tuple[Part, ...] = (" ", Excerpt(case.sentence, otherwise))
    if not case.sentence:
        short = (f" {NOT_STATED}",)
    constraint = (*short, "\nAnswer: ", LINE)
    begun = grounding.evidence_begun(case.sentence or NOT_STATED)
    form = Form(begun, constraint, languages.of(case.text))
    given = {"passage": case.text, "question": case.question}
    limit = writer.settings.answer_tokens + SHORT_ANSWER_TOKENS
    return writer.request("open_book", case.subject, given, limit, form)


def _read_open_book(
    question: Question, passage: Passage, generation: Generation, threshold: float
) -> Answer | Skip:
    parts = model_output.open_book(generation.completion.text)
    if not parts.answer:
        return _skip("open-book answers", question, generation)
    place = matching.find_quote(parts.evidence, passage.text)
    found = place is not None and place.score >= threshold
    if place and found:
        quoted = passage.text[place.start : place.end]
        found = matching.supports(
            quoted, question.text, parts.answer, faithful=place.score == 1.0
        )
    expected = question.short_answer
    flags = that_hold(
        {
            "no_evidence": not found,
            "answers_differ": bool(expected) and not _leads_back(parts, expected),
            "copies_sentence": bool(expected) and _copies_sentence(parts),
            "reworded_quote": place is not None and found and place.score < 1.0,
            "unanswerable": not parts.is_stated,
            "too_long": generation.completion.finish == "length",
        }
    )
    return Answer(
        question.id,
        "open_book",
        parts.answer,
        evidence=parts.evidence,
        evidence_score=place.score if place else 0.0,
        start=passage.start + place.start if place and found else None,
        end=passage.start + place.end if place and found else None,
        flags=flags,
        generation=generation,
    )


def _leads_back(parts: model_output.OpenBook, expected: str) -> bool:
    """Return whether an open-book answer leads back to what its question asks for."""
    short = parts.short or parts.answer
    agree = grounding.same_short_answer(short, expected)
    return agree and grounding.tells(parts.answer, parts.short or expected)


def _copies_sentence(parts: model_output.OpenBook) -> bool:
    """Return whether an answer is a long sentence of the text, word for word.

    Small models fall back on that where they cannot answer: of six such answers of a
    0.5B model to its own questions, five did not answer them.
    """
    is_long = sentences.n_words(parts.evidence) >= sentences.FACT_WORDS
    return is_long and matching.contains(parts.evidence, parts.answer)


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
            if matching.agreement(question.text, record.text, wanted.text) < 1.0:
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
    text = model_output.answer(generation.completion.text)
    if not text:
        stage = "refinements" if kind == "refined" else "closed-book answers"
        return _skip(stage, question, generation)
    flags = that_hold({"too_long": generation.completion.finish == "length"})
    return Answer(
        question.id, kind, text, sample_index=draw, flags=flags, generation=generation
    )


def _skip(stage: str, question: Question, generation: Generation) -> Skip:
    reason = why_nothing(generation, "no answer could be read")
    return Skip(stage, reason, question.passage_id, question.id, generation)
