"""Tie questions to the sentences of a text that answer them, in both directions.

A question that was made from a sentence has it as its evidence, and must lead back to
the answer that it was made for. For any other question, the sentence is chosen among
all sentences of the text.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from autolearn.core.constraints import Constraint, Excerpt
from autolearn.core.ports import Cancelled
from autolearn.core.records import Passage
from autolearn.study import prompts
from autolearn.study.generation import (
    Form,
    GenerationRequest,
    Generator,
    RequestBuilder,
)
from autolearn.text import languages, matching, model_output, retrieval, sentences

T = TypeVar("T")

ROUND_TRIP = 0.75
"""Share of the words of a short answer that the open-book answer must contain."""
SHORT_ANSWER_TOKENS = 24
"""Tokens for the short answer, between the evidence and the answer."""
CANDIDATES = 4
"""Sentences of a text that the model compares: those nearest to the question in words.

The sentence that holds the answer was among them for 98 % of 1,357 gold questions on
Wikipedia articles of three sentences or more.
"""
TELLS = 0.1
"""Nats per token by which the sentence that answers a question makes it likelier.

A sentence that makes it less likely by as much does not answer it. In between, the
model itself may say so; docs/lab-notes.md has the figures.
"""
_CASES_PER_CALL = 32
"""Questions that are compared between two checks for cancellation."""
NOT_STATED = "none"
"""The short answer that means: the text does not say."""


@dataclass(frozen=True)
class TextQuestion(Generic[T]):
    """A question to be answered from a text."""

    subject: T
    text: str
    question: str
    sentence: str = ""
    """The sentence that is known to answer it; empty: unknown."""
    may_be_unanswered: bool = False
    """Whether the model may say that the sentence does not answer it."""


def with_heading(passage: Passage) -> str:
    """Return a passage as a guided model gets it: below its heading."""
    text = passage.text.strip()
    if not passage.heading or passage.heading in text.partition("\n")[0]:
        return text
    return f"# {passage.heading}\n\n{text}"


def passage_text(builder: RequestBuilder, passage: Passage) -> str:
    """Return a passage as the protocol of a model shows it."""
    return with_heading(passage) if builder.protocol.guided else passage.text


def passages_text(builder: RequestBuilder, passages: Iterable[Passage]) -> str:
    """Return passages as one text, each as the protocol of a model shows it."""
    return "\n\n".join(passage_text(builder, p).strip() for p in passages)


def tells(answer: str, short: str) -> bool:
    """Return whether an answer tells the short answer that its question was made for.

    It must contain it, or most of its words. Round-trip consistency: only questions
    that lead back to what they were made from are to be trusted (Alberti et al., 2019,
    arXiv 1906.05416).
    """
    has_short = matching.contains(answer, short)
    return has_short or matching.agreement("", answer, short) >= ROUND_TRIP


def same_short_answer(short: str, other: str) -> bool:
    """Return whether one of two short answers contains the other."""
    return tells(short, other) or tells(other, short)


def as_quote(sentence: str) -> str:
    """Return a sentence of a text as it is quoted in an answer.

    Line breaks are kept, unless a line after the first one begins with a tag such as
    "Answer:", which would be read as the answer of the model.
    """
    _, _, rest = sentence.partition("\n")
    return " ".join(sentence.split()) if model_output.parse_tags(rest) else sentence


def after_evidence(
    builder: RequestBuilder, case: TextQuestion[T], constraint: Constraint, limit: int
) -> GenerationRequest[T]:
    """Return the request to a guided model for what follows ``Short answer:``.

    The evidence before it is given: the sentence of the case, or "none".
    """
    evidence = (
        f"{prompts.load('open_book').prefill()} {as_quote(case.sentence) or NOT_STATED}"
    )
    form = Form(f"{evidence}\nShort answer:", constraint, languages.of(case.text))
    values = {"passage": case.text, "question": case.question}
    return builder.request("open_book", case.subject, values, limit, form)


def short_answers(generator: Generator, cases: Sequence[TextQuestion[T]]) -> list[str]:
    """Return the short answer of a guided model to each question.

    It is written as the open-book answer begins, after the sentence as its evidence.
    It may be any excerpt of the text, or "none". So it reveals a question whose answer
    is not in its sentence.
    """
    requests = [short_answer_request(generator, case) for case in cases]
    return [
        model_output.parse_tags(generation.completion.text).get("short answer", "")
        for _, generation in generator.write(requests)
    ]


def short_answer_request(
    builder: RequestBuilder, case: TextQuestion[T]
) -> GenerationRequest[T]:
    """Return the request for a short answer: any excerpt of the text, or "none"."""
    constraint = (" ", Excerpt(case.text, NOT_STATED))
    return after_evidence(builder, case, constraint, SHORT_ANSWER_TOKENS)


def with_likeliest_sentences(
    generator: Generator, cases: Sequence[TextQuestion[T]]
) -> list[TextQuestion[T]]:
    """Return each case with the sentence of its text that most likely answers it.

    That is the one after which the question is likeliest, given the heading: the query
    likelihood of Ponte and Croft (1998) by a language model (Sachan et al., 2022,
    arXiv 2204.07496). When a small model generates the quote, it chooses almost at
    random among sentences with the same beginning. If no sentence is likely, the
    sentence stays empty. A model whose likelihoods cannot be measured gets the
    sentence that is nearest in words.

    Raises:
        Cancelled: The user stopped the run.
    """
    if not generator.backend.scores_texts:
        return [
            replace(case, sentence=nearest_sentence(case.text, case.question))
            for case in cases
        ]
    results: list[TextQuestion[T]] = []
    for begin in range(0, len(cases), _CASES_PER_CALL):
        if generator.stop():
            raise Cancelled
        results += _with_likeliest(generator, cases[begin : begin + _CASES_PER_CALL])
    return results


def _with_likeliest(
    generator: Generator, cases: Sequence[TextQuestion[T]]
) -> list[TextQuestion[T]]:
    nearest = [_nearest(case.text, case.question) for case in cases]
    prompt = prompts.load("sentence_question")
    chats, questions = [], []
    for case, candidates in zip(cases, nearest, strict=True):
        for sentence in ("", *candidates):
            values = {"heading": _heading(case.text), "sentence": sentence}
            chats.append(prompt.render(**values).chat)
            questions.append(case.question)
    likelihoods = iter(generator.backend.confidence(chats, questions))
    return [
        _with_best(case, candidates, likelihoods)
        for case, candidates in zip(cases, nearest, strict=True)
    ]


def _with_best(
    case: TextQuestion[T], candidates: Sequence[str], likelihoods: Iterator[float]
) -> TextQuestion[T]:
    """Return a case with its likeliest sentence, unless that makes it less likely.

    ``likelihoods``: that of the question after the heading alone, then after each
    sentence.
    """
    alone = next(likelihoods)
    gains = {sentence: next(likelihoods) - alone for sentence in candidates}
    best = max(gains, key=gains.__getitem__, default="")
    if not best or gains[best] <= -TELLS:
        return case
    return replace(case, sentence=best, may_be_unanswered=gains[best] < TELLS)


def _nearest(text: str, question: str) -> list[str]:
    """Return the sentences of a text that are nearest to a question, by BM25."""
    all_sentences = [sentence.text for sentence in sentences.of(text)]
    scores = retrieval.bm25(question, all_sentences)
    pairs = sorted(zip(scores, all_sentences, strict=True), key=lambda pair: -pair[0])
    return [sentence for _, sentence in pairs[:CANDIDATES]]


def nearest_sentence(text: str, question: str) -> str:
    """Return the sentence nearest to a question in words; empty: there is none."""
    return next(iter(_nearest(text, question)), "")


def _heading(text: str) -> str:
    """Return what precedes the first sentence."""
    first = next(iter(sentences.of(text)), None)
    return text[: first.start].strip("# \n") if first else ""
