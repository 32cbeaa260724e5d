"""The ways in which quiz questions are asked, with a scripted model."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from autolearn.core.model_calls import Request
from autolearn.core.quiz_records import QuizMode
from autolearn.core.records import Passage, Question
from autolearn.core.settings import StudySettings
from autolearn.evaluation import quiz_modes
from autolearn.evaluation.quiz_modes import QuizRequest
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.study.generation import Generator
from tests.support.scripted_backend import ScriptedBackend

SUM = QuizQuestion(
    Question("Add 1 and 2?", "quiz", "gold", gold_answer="3", scorer="number", id=1),
    "3",
)
FACT = QuizQuestion(
    Question("Who leads Avel?", "quiz", "gold", 5, gold_answer="Ada", id=2),
    "Ada",
    passage=Passage.alone("Ada leads Avel.", "Avel, a town"),
)


def answered(
    reply: Callable[[Request], str],
    question: QuizQuestion,
    request: QuizRequest,
    protocol: str = "trained",
    p_correct: float = 0.5,
) -> tuple[str, ScriptedBackend]:
    """Return the text that counts, and the model that was asked."""
    backend = ScriptedBackend(reply, judge=lambda *_: (p_correct, 1 - p_correct))
    settings = StudySettings(protocol=protocol)  # type: ignore[arg-type]
    generator = Generator(backend, settings, lambda: False, lambda _: None)
    (answer,) = quiz_modes.answer(generator, [question], request)
    return answer.text, backend


def judged(verdict: str) -> Callable[[Request], str]:
    """A model that answers 4, judges so, and refines to 3."""

    def reply(request: Request) -> str:
        name = request.prompt.name
        if name == "feedback_free":
            return f"The sum is checked.\nVerdict: {verdict}"
        return "Answer: 3" if name == "refine_free" else "It is 4."

    return reply


@pytest.mark.parametrize(
    ("verdict", "text"), [("incorrect", "3"), ("correct", "It is 4.")]
)
def test_only_an_answer_that_is_judged_wrong_is_refined(
    verdict: str, text: str
) -> None:
    result, backend = answered(judged(verdict), SUM, QuizRequest("refined"))
    assert result == text
    assert len(backend.history) == (3 if verdict == "incorrect" else 2)


@pytest.mark.parametrize(("p_correct", "n_requests"), [(0.2, 3), (0.8, 2)])
def test_the_odds_decide_where_the_verdict_is_unclear(
    p_correct: float, n_requests: int
) -> None:
    reply = judged("correct or incorrect")
    _, backend = answered(reply, SUM, QuizRequest("refined"), p_correct=p_correct)
    assert len(backend.history) == n_requests


def test_self_consistency_elects_the_result_that_most_answers_have() -> None:
    results = iter(["1 + 2 = 4.", "The answer is 3.", "I add 1 and 2. It is 3."])
    text, backend = answered(
        lambda _: next(results), SUM, QuizRequest("consistent", votes=3)
    )
    assert text == "The answer is 3."
    assert len({request.sampling.seed for request in backend.history}) == 3
    assert all(request.sampling.temperature > 0 for request in backend.history)


def test_self_consistency_elects_the_sentence_most_like_the_others() -> None:
    texts = iter(["Bo leads Avel.", "Ada leads Avel.", "It is Ada who leads Avel."])
    text, _ = answered(lambda _: next(texts), FACT, QuizRequest("consistent", votes=3))
    assert "Ada" in text


@pytest.mark.parametrize("mode", ["open_book", "retrieval"])
def test_of_an_answer_from_a_text_that_misses_its_short_answer_that_counts(
    mode: QuizMode,
) -> None:
    def reply(request: Request) -> str:
        return "Evidence: Ada leads Avel.\nShort answer: Ada\nAnswer: Who leads Avel?"

    passages = [Passage.alone("Ada leads Avel.")]
    request = QuizRequest(mode, retrieve=lambda _: passages)
    text, _ = answered(reply, FACT, request, "guided")
    assert text == "Ada"


def test_retrieval_puts_what_was_found_before_the_question() -> None:
    request = QuizRequest(
        "retrieval", retrieve=lambda question: [Passage.alone(f"Found for {question}")]
    )
    _, backend = answered(lambda _: "Answer: Ada", FACT, request)
    assert "Found for Who leads Avel?" in backend.history[0].prompt.chat[-1].content


def test_a_sum_is_solved_step_by_step_by_a_guided_model_alone() -> None:
    for question, protocol, name in (
        (SUM, "guided", "solve"),
        (SUM, "trained", "closed_book"),
        (FACT, "guided", "closed_book"),
    ):
        request = QuizRequest("closed_book")
        _, backend = answered(lambda _: "3.", question, request, protocol)
        assert backend.history[0].prompt.name == name


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Dan had 3 pens and got 4. How many has he now?", "solve"),
        ("Ann sold 48 clips in April and half as many in May. How many?", "solve"),
        ("A robe takes two bolts, and a hat three. How many do both take?", "solve"),
        ("In 2020 a firm had 1500 workers and lost 20. How many stay?", "solve"),
        ("How many seats has the hall of Avel?", "closed_book"),
        ("In which year was the bridge of Avel built?", "closed_book"),
        ("How many people lived in Avel in 1990?", "closed_book"),
        ("How many floods were there between 1900 and 1950?", "closed_book"),
        ("How many of the 12 ships of 1711 were lost?", "closed_book"),
    ],
)
def test_a_question_of_fact_whose_answer_is_a_number_is_not_worked_out(
    text: str, name: str
) -> None:
    question = replace(SUM, question=replace(SUM.question, text=text))
    request = QuizRequest("closed_book")
    _, backend = answered(lambda _: "3.", question, request, "guided")
    assert backend.history[0].prompt.name == name


@pytest.mark.parametrize("mode", ["open_book", "retrieval"])
@pytest.mark.parametrize(("protocol", "has_heading"), [("guided", 1), ("trained", 0)])
def test_a_passage_is_shown_as_a_study_shows_it(
    mode: QuizMode, protocol: str, has_heading: int
) -> None:
    """Scores were too low for texts whose subject only their heading names."""
    assert FACT.passage
    passages = [FACT.passage]
    request = QuizRequest(mode, retrieve=lambda _: passages)
    _, backend = answered(lambda _: "Ada.", FACT, request, protocol)
    turns = [turn.content for turn in backend.history[0].prompt.chat]
    assert sum("# Avel, a town\n\nAda leads" in turn for turn in turns) == has_heading
    assert any("Ada leads Avel." in turn for turn in turns)


def test_self_consistency_on_a_fact_does_not_vote_on_the_numbers_beside_it() -> None:
    question = QuizQuestion(
        Question("Who walked on the Moon first?", "quiz", "gold", id=3),
        "Neil Armstrong",
    )
    texts = iter(
        [
            "Buzz Aldrin in 1969.",
            "Buzz Aldrin flew there in 1969.",
            "Neil Armstrong walked on it first.",
            "Neil Armstrong walked on it.",
            "Neil Armstrong walked first.",
        ]
    )
    request = QuizRequest("consistent", votes=5)
    text, _ = answered(lambda _: next(texts), question, request)
    assert "Armstrong" in text
