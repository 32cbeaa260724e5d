"""A study of a model as it comes: asked fact by fact, in forms that it cannot miss."""

import re

import pytest

from autolearn.core.constraints import Excerpt
from autolearn.core.records import Answer, Question
from autolearn.endpoints import regex
from autolearn.study import fact_questions
from autolearn.study.answers import open_book_requests
from autolearn.study.fact_questions import QUESTION
from autolearn.study.generation import Generator
from autolearn.study.grounding import TextQuestion, tells
from tests.support.guided_studies import (
    FACTS,
    SENTENCES,
    SETTINGS,
    TEXT,
    TRUE,
    guided,
    judge,
    last_user,
    model,
    passage,
    prefill,
    stretch,
    study,
    writes_a_question,
)
from tests.support.scripted_backend import ScriptedBackend


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


def test_every_request_for_a_question_is_progress():
    """The count stood still after the first ones, and the time left climbed."""

    def gives_it_away(request):
        if writes_a_question(request) and stretch(request):
            told = "1842\nQuestion: Did the mill of Avel open in 1842?"
            return f"{prefill(request)} {told}"
        return model(request)

    shares: list[float] = []
    backend = ScriptedBackend(gives_it_away, judge=judge, protocol="guided")
    generator = Generator(backend, SETTINGS, lambda: False, shares.append)
    fact_questions.ask(generator, [passage()])
    assert len(shares) == len(backend.history)
    assert shares == sorted(set(shares))
    assert shares[0] < fact_questions.FIRST_SHARE < shares[-1] <= 1


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


def gains(nats):
    """Texts are likelier by so much after a prompt with a sentence of the mill."""
    return lambda chat, text: nats if "Avel opened" in chat[-1].content else 0.0


@pytest.mark.parametrize(
    ("nats", "begun", "short_answer"),
    [
        (0.2, f"Evidence: {SENTENCES[0]}", Excerpt(SENTENCES[0])),
        (0.05, f"Evidence: {SENTENCES[0]}", Excerpt(SENTENCES[0], "none")),
        (-0.05, f"Evidence: {SENTENCES[0]}", Excerpt(SENTENCES[0], "none")),
        (-0.2, "Evidence: none", None),
    ],
)
def test_a_sentence_that_makes_the_question_less_likely_does_not_answer_it(
    nats, begun, short_answer
):
    text = f"# The mill of Avel\n\n{SENTENCES[0]}\n"
    cases = [TextQuestion(None, text, "When was the mill of Avel sold?")]
    (request,) = open_book_requests(guided(sure=gains(nats)), cases)
    assert prefill(request) == f"{begun}\nShort answer:"
    excerpts = [part for part in request.constraint if isinstance(part, Excerpt)]
    assert excerpts == ([short_answer] if short_answer else [])
    assert (request.constraint[0] == " none") == (not short_answer)


def test_a_text_without_a_sentence_answers_nothing():
    cases = [TextQuestion(None, "# 12\n", "Who built it?")]
    (request,) = open_book_requests(guided(), cases)
    assert prefill(request) == "Evidence: none\nShort answer:"
    assert request.constraint[0] == " none"


@pytest.mark.parametrize(
    "written",
    [
        "in 1842\nQuestion: Did the mill of Avel open in 1842?",
        "in 1842\nQuestion: When did it open?",
        "opened in 1842\nQuestion: What of Avel opened?",
        "mill\nQuestion: When did the mill of Avel open?",
        "\nQuestion: When did the mill of Avel open?",
    ],
)
def test_where_a_question_does_not_hold_another_answer_is_asked_for(written):
    first_answer = written.partition("\n")[0]
    other, question, answer = (
        ("1842", "When did the mill of Avel open?", "It opened in 1842.")
        if first_answer == "mill"
        else ("Avel", "Which mill opened in 1842?", "The mill of Avel.")
    )
    draws = iter([first_answer, "--", other, other, "mill of Avel"])

    def stumbling(request):
        name, begun = request.prompt.name, prefill(request)
        if name == "open_book" and question in (last_user(request) or ""):
            return f"{begun} {other}\nAnswer: {answer}"
        if SENTENCES[0] not in (last_user(request) or "").partition("Sentence:")[2]:
            is_unclear = name == "stand_alone"
            return f"{begun} When did it open?" if is_unclear else model(request)
        if not writes_a_question(request):
            assert request.sampling.temperature > 0
            return f"{begun} {next(draws)}\n"
        assert request.sampling.temperature == 0, "a sampled question is rarely right"
        return f"{begun} {written if stretch(request) else question}"

    journal, backend = study(stumbling)
    questions = [q for q in journal.all(Question) if q.origin == "model"]
    # In the order of the text, whichever answer held.
    assert [q.text for q in questions] == [question, FACTS["Ada"]]
    assert [q.short_answer for q in questions] == [other, "Ada Horn"]
    assert sum(r.prompt.name == "ask_sentence" for r in backend.history) == 3 + 4


@pytest.mark.parametrize(
    ("heading", "sentence", "question"),
    [
        ("Avel Mill", "Avel Mill opened in 1842.", "Avel Mill: When did it open?"),
        ("Old mill", "The old mill opened in 1842.", "Old mill: When did it open?"),
        ("Avel & Co.", "Avel & Co. opened in 1842.", "Avel & Co.: When did it open?"),
        ("Avel (mill)", "Avel opened in 1842.", "Avel (mill): When did it open?"),
        (
            "아벨 방앗간",
            "아벨 방앗간은 1842년에 문을 열었다.",
            "아벨 방앗간: 언제 열렸나요?",
        ),
        ("History", "The history of it began in 1842.", None),
        ("Mill reopens after fire", "It opened in 1842.", None),
        ("", "It opened in 1842.", None),
    ],
)
def test_a_question_without_its_subject_gets_the_heading_if_that_names_it(
    heading, sentence, question
):
    asked = (question or "When did it open?").removeprefix(f"{heading}: ")

    def vague(request):
        if request.prompt.name == "ask_sentence" and not writes_a_question(request):
            return f"{prefill(request)} 1842\n"
        if request.prompt.name == "ask_sentence":
            return f"{prefill(request)} 1842\nQuestion: {asked}"
        if request.prompt.name == "stand_alone":
            return f"{prefill(request)} {asked}"
        return f"{prefill(request)} 1842\nAnswer: It opened in 1842."

    text = f"# {heading}\n\n{sentence}\n"
    journal, _ = study(vague, [passage(text, heading)])
    questions = [q.text for q in journal.all(Question) if q.origin == "model"]
    assert questions == ([question] if question else [])


def test_a_refrain_is_one_fact():
    """Its question was asked, and kept, once for each time that it is sung."""
    line = "The mill of Avel turns by the river as it did in the old days, "
    text = f"{line}{line}{line}and Ada Horn sings of it."
    facts = fact_questions.facts(SETTINGS, passage(text))
    stretches = [fact.stretch for fact in facts]
    assert len(stretches) == len(set(stretches)) == 2


@pytest.mark.parametrize(
    ("answer", "short", "is_told"),
    [
        ("It was built by Ada Horn.", "Ada Horn", True),
        ("It was built by Ida Horn.", "Ada Horn", False),
        ("Tommy is by The Who.", "The Who", True),
        ("본사는 서울에 있다.", "서울", True),
        ("본사는 부산에 있다.", "서울", False),
        ("وُلد الكاتب بالقاهرة.", "القاهرة", True),
        ("บริษัทก่อตั้งในกรุงเทพ", "กรุงเทพ", True),
        ("บริษัทก่อตั้งในเชียงใหม่", "กรุงเทพ", False),
        ("ນະຄອນຫຼວງແມ່ນວຽງຈັນ", "ວຽງຈັນ", True),
        ("မြို့တော်မှာနေပြည်တော်ဖြစ်သည်", "နေပြည်တော်", True),
        ("រាជធានីគឺភ្នំពេញ", "ភ្នំពេញ", True),
        ("首都是北京。", "北京", True),
    ],
)
def test_an_answer_tells_the_short_answer_in_any_script(answer, short, is_told):
    assert tells(answer, short) is is_told


@pytest.mark.parametrize(
    ("text", "is_question"),
    [
        ("Who leads Avel?", True),
        ("谁领导北京市政府？", True),  # noqa: RUF001
        ("من أسس مدينة بغداد؟", True),
        ("Ποιος ίδρυσε την Αθήνα;", True),
        ("Ποιος ίδρυσε την Αθήνα\u037e", True),
        ("አዲስ አበባን ማን መሰረተ፧", True),
        ("Who leads Avel;", False),
        ("Who leads Avel", False),
        ("Who? Who leads Avel?", False),
    ],
)
def test_a_question_of_a_guided_model_ends_with_the_mark_of_its_script(
    text, is_question
):
    assert bool(re.fullmatch(QUESTION.regex, text)) is is_question
    assert regex.to_gbnf(QUESTION.regex)
