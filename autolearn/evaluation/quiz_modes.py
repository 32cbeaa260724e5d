"""The ways in which quiz questions are asked."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from autolearn.core.model_calls import Generation
from autolearn.core.quiz_records import QuizMode
from autolearn.core.records import Answer, Feedback, Passage, Question
from autolearn.evaluation import numbers
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.study import answers, grounding
from autolearn.study.answers import open_book_requests
from autolearn.study.feedback import Comparison, feedback, is_judged_wrong
from autolearn.study.generation import GenerationRequest, Generator, of_type
from autolearn.study.grounding import TextQuestion
from autolearn.text import matching, model_output

Generations = list[tuple[QuizQuestion, Generation]]

MODES: dict[QuizMode, str] = {
    "closed_book": "closed-book",
    "open_book": "passage in the prompt",
    "retrieval": "retrieved passages in the prompt",
    "refined": "closed-book, self-refined",
    "consistent": "closed-book, self-consistency",
}
"""The modes, with their titles."""


@dataclass(frozen=True)
class QuizRequest:
    """How questions are asked."""

    mode: QuizMode
    votes: int = 5
    """Sampled answers per question, for self-consistency."""
    retrieve: Callable[[str], Sequence[Passage]] = lambda _: ()
    """Returns the passages that are put before a question, for retrieval."""


@dataclass(frozen=True)
class QuizAnswer:
    """The answer of a model to a question."""

    question: QuizQuestion
    text: str
    """The answer alone, without quote and labels."""
    generation: Generation


def answer(
    generator: Generator, questions: Sequence[QuizQuestion], request: QuizRequest
) -> list[QuizAnswer]:
    """Return the answer to each question.

    Raises:
        Cancelled: The user stopped the run.
    """
    match request.mode:
        case "open_book":
            texts = [_shown_passage(generator, question) for question in questions]
            return _with_texts(generator, questions, texts)
        case "retrieval":
            texts = [
                grounding.passages_text(generator, request.retrieve(q.question.text))
                for q in questions
            ]
            return _with_texts(generator, questions, texts)
        case "refined":
            generations = _refined(generator, questions)
        case "consistent":
            generations = _consistent(generator, questions, request.votes)
        case "closed_book":
            generations = generator.write(
                [_closed_book(generator, q) for q in questions]
            )
    return [
        QuizAnswer(q, _text(generation), generation) for q, generation in generations
    ]


def _shown_passage(generator: Generator, question: QuizQuestion) -> str:
    """Return the passage of a question as a study shows it; empty if it has none."""
    if question.passage is None:
        return ""
    return grounding.passage_text(generator, question.passage)


def _with_texts(
    generator: Generator, questions: Sequence[QuizQuestion], texts: Sequence[str]
) -> list[QuizAnswer]:
    """Answer from texts; the answers are read as those of a study are."""
    cases = [
        TextQuestion(question, text, question.prompt_text)
        for question, text in zip(questions, texts, strict=True)
    ]
    generations = generator.write(open_book_requests(generator, cases))
    results = []
    for case, (question, generation) in zip(cases, generations, strict=True):
        written = model_output.open_book(generation.completion.text)
        parts = answers.with_stated_answer(question.question.text, written, case.text)
        results.append(QuizAnswer(question, parts.answer, generation))
    return results


def _closed_book(
    generator: Generator, question: QuizQuestion, draw: int = 0
) -> GenerationRequest[QuizQuestion]:
    name = "closed_book"
    if question.is_solved and generator.protocol.guided:
        name = "solve"
    values = {"question": question.prompt_text}
    limit = generator.settings.answer_tokens
    return replace(generator.request(name, question, values, limit), draw=draw)


def _refined(generator: Generator, questions: Sequence[QuizQuestion]) -> Generations:
    """Answer, check the answer, and refine it if it is judged wrong.

    Source: online self-refinement of arXiv 2310.00533.
    """
    first = generator.write([_closed_book(generator, q) for q in questions])
    drafts = [
        Answer(i, "closed_book", _text(generation), generation=generation, id=i)
        for i, (_, generation) in enumerate(first)
    ]
    texts = [_without_text(i, q) for i, (q, _) in enumerate(first)]
    to_judge = [Comparison(q, a) for q, a in zip(texts, drafts, strict=True) if a.text]
    critiques = of_type(Feedback, feedback(generator, "critique", to_judge, {}))
    wrong = [
        (texts[f.answer_id], drafts[f.answer_id], f)
        for f in critiques
        if is_judged_wrong(f.verdict, f.probability)
    ]
    refinements = of_type(Answer, answers.refine(generator, wrong, {}))
    better = {a.question_id: a.generation for a in refinements}
    return [
        (question, better.get(i) or generation)
        for i, (question, generation) in enumerate(first)
    ]


def _without_text(i: int, question: QuizQuestion) -> Question:
    """Return a question as one that is judged without its passage."""
    return replace(question.question, text=question.prompt_text, passage_id=None, id=i)


def _consistent(
    generator: Generator, questions: Sequence[QuizQuestion], votes: int
) -> Generations:
    """Sample several answers and take the one that most of them agree with.

    Source: self-consistency of arXiv 2203.11171. Answers are sentences, so the vote
    goes to the answer that is most like the others, not to the most frequent one.
    """
    requests = [
        _closed_book(generator, question, draw)
        for question in questions
        for draw in range(1, votes + 1)
    ]
    results = generator.write(requests)
    rows = [results[i : i + votes] for i in range(0, len(results), votes)]
    return [
        (row[0][0], _elected(row[0][0], [generation for _, generation in row]))
        for row in rows
    ]


def _elected(question: QuizQuestion, generations: Sequence[Generation]) -> Generation:
    texts = [_text(generation) for generation in generations]
    asks_number = question.question.scorer == "number"
    compare = _same_result if asks_number else matching.token_f1
    support = [sum(compare(text, other) for other in texts) for text in texts]
    return generations[support.index(max(support))]


def _same_result(text: str, other: str) -> float:
    """Return 1 if the results of two answers agree, else 0; without both, their F1."""
    results = numbers.result(text), numbers.result(other)
    if all(results):
        return float(bool(results[0] & results[1]))
    return matching.token_f1(text, other)


def _text(generation: Generation) -> str:
    return model_output.answer(generation.completion.text)
