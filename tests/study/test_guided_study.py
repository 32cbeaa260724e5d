"""A study of a model as it comes: asked fact by fact, in forms that it cannot miss."""

import pytest

from autolearn.core.constraints import Excerpt
from autolearn.core.records import Answer, Question
from autolearn.study.answers import open_book_requests
from autolearn.study.grounding import TextQuestion
from tests.support.guided_studies import (
    SENTENCES,
    TEXT,
    TRUE,
    guided,
    last_user,
    model,
    prefill,
    stretch,
    study,
)


def test_each_fact_is_asked_about_and_the_answer_stands_in_its_sentence():
    journal, backend = study()
    questions = [q for q in journal.all(Question) if q.origin == "model"]
    assert {q.text for q in questions} == set(TRUE)
    requests = [r for r in backend.history if r.prompt.name == "ask_sentence"]
    stretches = [
        p.source for r in requests for p in r.constraint if isinstance(p, Excerpt)
    ]
    assert stretches == [
        "The mill of Avel opened in 1842.",
        "It was built by Ada Horn.",
    ]


def test_the_evidence_is_the_sentence_that_the_question_was_made_from():
    journal, backend = study()
    prefills = [prefill(r) for r in backend.history if r.prompt.name == "open_book"]
    evidence = [f"Evidence: {sentence}\nShort answer:" for sentence in SENTENCES]
    assert prefills[:2] == evidence
    open_book = [a for a in journal.all(Answer) if a.kind == "open_book"]
    assert [a.evidence_score for a in open_book] == [1.0] * len(open_book)
    assert TEXT[open_book[0].start : open_book[0].end] == SENTENCES[0]


def likelier_after(sentence):
    """Texts are likelier after a prompt with this sentence."""
    return lambda chat, text: -1.0 if sentence in chat[-1].content else -2.0


def test_where_no_sentence_is_known_the_question_chooses_it():
    for sentence in SENTENCES:
        generator = guided(sure=likelier_after(sentence))
        cases = [TextQuestion(None, TEXT, "When was the mill of Avel opened?")]
        (request,) = open_book_requests(generator, cases)
        assert prefill(request) == f"Evidence: {sentence}\nShort answer:"
        assert Excerpt(sentence) in request.constraint


def test_where_no_sentence_makes_the_question_likelier_the_text_does_not_say():
    cases = [TextQuestion(None, TEXT, "When was the mill of Avel sold?")]
    (request,) = open_book_requests(guided(sure=lambda chat, text: -1.0), cases)
    assert prefill(request) == "Evidence: none\nShort answer:"
    assert request.constraint[0] == " none"


def test_a_text_without_a_sentence_answers_nothing():
    cases = [TextQuestion(None, "# 12\n", "Who built it?")]
    (request,) = open_book_requests(guided(), cases)
    assert prefill(request) == "Evidence: none\nShort answer:"
    assert request.constraint[0] == " none"


@pytest.mark.parametrize(
    "written",
    [
        "1842\nQuestion: Did the mill of Avel open in 1842?",
        "1842\nQuestion: When did it open?",
        "opened in 1842\nQuestion: What of Avel opened?",
        "Avel\nQuestion: When did the mill of Avel open?",
    ],
)
def test_a_question_that_does_not_hold_is_drawn_again(written):
    n_draws = 0

    def stumbling(request):
        nonlocal n_draws
        is_first = SENTENCES[0] in (last_user(request) or "")
        if request.prompt.name == "ask_sentence" and "1842" in stretch(request):
            n_draws += 1
            assert (request.sampling.temperature == 0) == (n_draws == 1)
            return f"{prefill(request)} {written}" if n_draws < 3 else model(request)
        if request.prompt.name == "stand_alone" and is_first:
            return f"{prefill(request)} When did it open?"
        return model(request)

    journal, _ = study(stumbling)
    questions = [q.text for q in journal.all(Question) if q.origin == "model"]
    assert questions == list(TRUE)  # in the order of the text, whichever draw held
    assert n_draws == 3
