"""Answer questions: open-book, closed-book, and again after feedback."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from autolearn.core.constraints import LINE, Excerpt, Part
from autolearn.core.flags import true_flags
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
from autolearn.study.generation import (
    Form,
    GenerationRequest,
    Generator,
    RequestBuilder,
    why_nothing,
)
from autolearn.study.grounding import (
    NOT_STATED,
    SHORT_ANSWER_TOKENS,
    TextQuestion,
    with_heading,
)
from autolearn.text import languages, matching, model_output, persons, sentences
from autolearn.text.model_output import OpenBook

Passages = Mapping[int, Passage]
T = TypeVar("T")


def passage_of(question: Question, passages: Passages) -> Passage:
    """Return the passage that a question is about."""
    assert question.passage_id is not None
    return passages[question.passage_id]


def open_book(
    generator: Generator, questions: Sequence[Question], passages: Passages
) -> list[Record]:
    """Answer with the text in view, and find the quoted evidence in it.

    Small models reword quotes, so an inexact match is accepted too. In either case the
    place counts as evidence only if it supports the answer.

    Source: the open-book answer a_o of arXiv 2406.00606; the quote is ours.
    """
    cases = [
        as_text_question(generator, question, passage_of(question, passages))
        for question in questions
    ]
    threshold = generator.settings.evidence_threshold
    results = generator.write(open_book_requests(generator, cases))
    return [
        _read_open_book(question, passage_of(question, passages), generation, threshold)
        for question, generation in results
    ]


def as_text_question(
    builder: RequestBuilder, question: Question, passage: Passage
) -> TextQuestion[Question]:
    """Return a question about a passage, with the sentence that it was made from."""
    if not builder.protocol.guided:
        return TextQuestion(question, passage.text, question.text)
    sentence = ""
    if question.start is not None and question.end is not None:
        begin = passage.start
        sentence = passage.text[question.start - begin : question.end - begin]
    return TextQuestion(question, with_heading(passage), question.text, sentence)


def open_book_requests(
    generator: Generator, cases: Sequence[TextQuestion[T]]
) -> list[GenerationRequest[T]]:
    """Return the requests for answers from texts, with their evidence.

    A guided model quotes the sentence that is known to answer the question. If none is
    known, it gets the likeliest one, if any is likely.

    Raises:
        Cancelled: The user stopped the run.
    """
    if not generator.protocol.guided:
        return [open_book_request(generator, case) for case in cases]
    unknown = [case for case in cases if not case.sentence]
    likeliest = iter(grounding.with_likeliest_sentences(generator, unknown))
    return [
        quoting(generator, case if case.sentence else next(likeliest)) for case in cases
    ]


def open_book_request(
    builder: RequestBuilder, case: TextQuestion[T]
) -> GenerationRequest[T]:
    """Return the request for an answer from a text; see ``quoting``."""
    if builder.protocol.guided:
        return quoting(builder, case)
    limit = 2 * builder.settings.answer_tokens
    values = {"passage": case.text, "question": case.question}
    return builder.request("open_book", case.subject, values, limit)


def quoting(builder: RequestBuilder, case: TextQuestion[T]) -> GenerationRequest[T]:
    """Return the request to a guided model for an answer with this evidence.

    Without a sentence the model must say that the text does not contain the answer.
    """
    quote = grounding.as_quote(case.sentence)
    otherwise = NOT_STATED if case.may_be_unanswered else ""
    short: tuple[Part, ...] = (" ", Excerpt(quote, otherwise))
    if not case.sentence:
        short = (f" {NOT_STATED}",)
    constraint = (*short, "\nAnswer: ", LINE)
    limit = builder.settings.answer_tokens + SHORT_ANSWER_TOKENS
    return grounding.after_evidence(builder, case, constraint, limit)


def _read_open_book(
    question: Question, passage: Passage, generation: Generation, threshold: float
) -> Answer | Skip:
    written = model_output.open_book(generation.completion.text)
    parts = with_stated_answer(question.text, written, passage.text)
    if not parts.answer:
        return _skip("open-book answers", question, generation)
    short_answer = question.short_answer
    if short_answer:
        parts = _with_whole_list(question.text, parts)
    leads_back = not short_answer or _leads_back(parts, short_answer)
    # Small models copy the sentence whether or not they can answer.
    copies_sentence = bool(short_answer) and _is_copied(parts.answer, parts.evidence)
    uses_short_answer = (
        copies_sentence and leads_back and grounding.tells(parts.short, short_answer)
    )
    if uses_short_answer:
        parts = replace(parts, answer=parts.short)
    place = matching.find_quote(parts.evidence, passage.text)
    evidence = place
    if place and not _is_evidence(place, threshold, question, passage, parts.answer):
        evidence = None
    flags = true_flags(
        {
            "no_evidence": evidence is None,
            "answers_differ": not leads_back,
            "copies_sentence": copies_sentence and not uses_short_answer,
            "short_answer": parts.answer != written.answer,
            "reworded_quote": evidence is not None and evidence.score < 1.0,
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
        start=passage.start + evidence.start if evidence else None,
        end=passage.start + evidence.end if evidence else None,
        flags=flags,
        generation=generation,
    )


def _with_whole_list(question: str, parts: OpenBook) -> OpenBook:
    """Complete both answers if they name only some of the persons asked for."""
    answer, short = (
        persons.with_whole_list(question, parts.evidence, text)
        for text in (parts.answer, parts.short)
    )
    return replace(parts, answer=answer, short=short)


def _is_evidence(
    place: matching.QuoteMatch,
    threshold: float,
    question: Question,
    passage: Passage,
    answer: str,
) -> bool:
    """Return whether a place is close enough to the quote and supports the answer."""
    text = passage.text[place.start : place.end]
    return place.score >= threshold and matching.supports(
        text, question.text, answer, faithful=place.score == 1.0
    )


def with_stated_answer(question: str, parts: OpenBook, text: str) -> OpenBook:
    """Replace the full answer by the short answer if the full one does not state it.

    Small models often find the answer and then only repeat words of the question ("When
    This Is All Over was released."), copy another part of the text, or claim that the
    text has no answer.
    """
    if parts.has_short and _fails_to_state(question, parts, text):
        return replace(parts, answer=parts.short)
    return parts


def _fails_to_state(question: str, parts: OpenBook, text: str) -> bool:
    """Return whether a full answer does not answer, while the short answer may."""
    answer = parts.answer
    tells_nothing = not matching.key_terms(question, answer)
    if tells_nothing or model_output.is_not_stated(answer):
        return True
    is_phrase = sentences.n_words(parts.short) < sentences.FACT_WORDS
    has_short = matching.contains(answer, parts.short)
    return is_phrase and not has_short and _is_copied(answer, text)


def _is_copied(answer: str, text: str) -> bool:
    """Return whether an answer is a long stretch of a text, word for word."""
    is_long = sentences.n_words(answer) >= sentences.FACT_WORDS
    return is_long and matching.contains(text, answer)


def _leads_back(parts: OpenBook, short_answer: str) -> bool:
    """Return whether an open-book answer gives the short answer of its question."""
    short = parts.short or parts.answer
    is_same = grounding.same_short_answer(short, short_answer)
    return is_same and grounding.tells(parts.answer, parts.short or short_answer)


def check_paraphrases(
    generator: Generator,
    questions: Sequence[Question],
    passages: Passages,
    originals: Mapping[int, Answer],
) -> list[Record]:
    """Answer paraphrases open-book; flag those with another answer ``other_meaning``.

    ``originals``: the answers to the original questions, by question id.
    """
    by_id = {question.id: question for question in questions}
    records: list[Record] = []
    for record in open_book(generator, questions, passages):
        if isinstance(record, Answer):
            question = by_id[record.question_id]
            original = originals[question.parent_id or 0]
            if matching.agreement(question.text, record.text, original.text) < 1.0:
                record = replace(record, flags=(*record.flags, "other_meaning"))
        records.append(record)
    return records


def keeps_sense(answer: Answer) -> bool:
    """Return whether the answer to a paraphrase is that of the original."""
    return not {"other_meaning", "unanswerable"} & set(answer.flags)


def closed_book(generator: Generator, questions: Sequence[Question]) -> list[Record]:
    """Answer from memory: greedily, and ``closed_book_samples`` times more.

    Source: the closed-book answer a_c of arXiv 2406.00606.
    """
    requests = [
        GenerationRequest(
            (question, draw),
            prompts.load(answer_prompt(generator, question)).render(
                question=question.text
            ),
            generator.settings.answer_tokens,
            draw,
        )
        for question in questions
        for draw in range(1 + generator.settings.closed_book_samples)
    ]
    return [
        _read_answer("closed_book", question, generation, draw)
        for (question, draw), generation in generator.write(requests)
    ]


def answer_prompt(builder: RequestBuilder, question: Question) -> str:
    """Return the name of the prompt that asks for an answer without any text.

    An instruction is solved step by step, unless the model was trained on the prompt
    for questions alone.
    """
    is_instruction = question.passage_id is None and question.split == "study"
    return "solve" if is_instruction and builder.protocol.guided else "closed_book"


def refine(
    generator: Generator,
    gaps: Sequence[tuple[Question, Answer, Feedback]],
    passages: Passages,
) -> list[Record]:
    """Refine closed-book answers by their feedback.

    Source: the refined response of arXiv 2310.00533.
    """
    requests = [refinement_request(generator, *gap, passages) for gap in gaps]
    return [
        _read_answer("refined", question, generation)
        for question, generation in generator.write(requests)
    ]


def refinement_request(
    builder: RequestBuilder,
    question: Question,
    answer: Answer,
    critique: Feedback,
    passages: Passages,
) -> GenerationRequest[Question]:
    """Return the request for a refined answer."""
    limit = builder.settings.answer_tokens
    values = {
        "question": question.text,
        "answer": answer.text,
        "feedback": critique.text,
    }
    if question.passage_id is None:
        return builder.request("refine_free", question, values, limit)
    passage = passage_of(question, passages)
    name = "mend" if builder.protocol.guided else "refine"
    form = Form(prompts.load(name).prefill(), (" ", LINE), languages.of(passage.text))
    values["passage"] = grounding.passage_text(builder, passage)
    return builder.request(name, question, values, limit, form)


def _read_answer(
    kind: AnswerKind, question: Question, generation: Generation, draw: int = 0
) -> Answer | Skip:
    text = model_output.answer(generation.completion.text)
    if kind == "closed_book" and not text:
        # Whatever a model says instead of an answer, it does not know the answer.
        text = model_output.without_thinking(generation.completion.text)
    if not text:
        stage = "refinements" if kind == "refined" else "closed-book answers"
        return _skip(stage, question, generation)
    flags = true_flags({"too_long": generation.completion.finish == "length"})
    return Answer(
        question.id, kind, text, sample_index=draw, flags=flags, generation=generation
    )


def _skip(stage: str, question: Question, generation: Generation) -> Skip:
    reason = why_nothing(generation, "no answer could be read")
    return Skip(stage, reason, question.passage_id, question.id, generation)
