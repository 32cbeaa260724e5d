"""What is learned, reworded and dropped in a study of a model as it comes."""

import re
from dataclasses import replace

import pytest

from autolearn.core.constraints import LINE
from autolearn.core.records import Answer, Feedback, Question, Sample, Skip
from autolearn.study.answers import with_stated_answer
from autolearn.study.dropped_questions import of_skip
from autolearn.study.fact_questions import ATTEMPTS
from autolearn.study.rules import RULES
from autolearn.text.model_output import OpenBook
from tests.support.guided_studies import (
    FACTS,
    QUESTION_TEXT,
    TEXT,
    TRUE,
    last_user,
    model,
    passage,
    prefill,
    stretch,
    study,
    writes_a_question,
)

LONG = "The mill of Avel opened in 1842 beside the old bridge over the river Sorn."


def _of_a_long_sentence(short):
    """Study a text whose sentence is given back as the answer; return its sample."""

    def copying(request):
        answer = model(request)
        if LINE not in request.constraint:  # the question is checked before
            return answer
        answer = answer.replace("The mill of Avel opened in 1842.", LONG)
        return answer.replace("1842.\nAnswer:", f"{short}\nAnswer:")

    text = TEXT.replace("The mill of Avel opened in 1842.", LONG)
    journal, _ = study(copying, [passage(text)])
    (sample,) = (s for s in journal.all(Sample) if "When" in s.prompt)
    return sample


def test_of_a_long_sentence_the_short_answer_is_learned_that_the_question_led_to():
    sample = _of_a_long_sentence("1842")
    assert sample.chosen == "1842"
    assert "short_answer" in sample.flags
    assert "copies_sentence" not in sample.flags
    assert RULES["default"].accepts(sample)


def test_a_long_sentence_with_another_short_answer_is_not_approved():
    sample = _of_a_long_sentence("the river Sorn")
    assert sample.chosen == LONG
    assert {"copies_sentence", "answers_differ"} <= set(sample.flags)
    assert not RULES["default"].accepts(sample)


def test_a_short_answer_or_a_short_sentence_copies_nothing():
    text = TEXT.replace("The mill of Avel opened in 1842.", LONG)

    def brief(request):
        return model(request).replace("The mill of Avel opened in 1842.", "1842")

    journal, _ = study(brief, [passage(text)])  # a few words of a long sentence
    assert not any("copies_sentence" in s.flags for s in journal.all(Sample))
    journal, _ = study()  # a short sentence may be the answer
    assert not any("copies_sentence" in s.flags for s in journal.all(Sample))


def test_a_closed_book_answer_in_another_form_is_a_gap():
    def strange(request):
        if request.prompt.name == "closed_book":
            return "Verdict: incorrect"
        return model(request)

    journal, _ = study(strange)
    samples = journal.all(Sample)
    assert [s.rejected for s in samples] == ["Verdict: incorrect"] * 2
    assert all(s.gap for s in samples)
    assert not any(s.stage == "closed-book answers" for s in journal.all(Skip))


def test_what_no_answer_puts_right_is_reported_with_its_reason():
    draws = iter(["mill", "Avel", "opened", "The"])

    def hopeless(request):
        text = stretch(request) + prefill(request)
        if request.prompt.name != "ask_sentence" or "Ada" in text:
            return model(request)
        if not writes_a_question(request):
            return f"{prefill(request)} {next(draws)}\n"
        answer = "1842\nQuestion: " if stretch(request) else ""
        return f"{prefill(request)} {answer}Was the mill of Avel open in 1842?"

    journal, backend = study(hopeless)
    (skip,) = (s for s in journal.all(Skip) if s.stage == "questions")
    assert skip.reason.endswith(" is not kept: it contains its own answer.")
    assert of_skip(skip, passage()) is None, "a question that gives its answer away"
    requests = [r for r in backend.history if r.prompt.name == "ask_sentence"]
    assert sum(map(writes_a_question, requests)) == ATTEMPTS + 1
    _, backend = study(hopeless, quick=True)
    assert sum(r.prompt.name == "ask_sentence" for r in backend.history) == 2


def test_a_question_that_the_model_answers_otherwise_is_dropped_with_that_answer():
    def otherwise(request):
        if request.prompt.name == "open_book":
            return f"{prefill(request)} the mill\nAnswer: It is the mill."
        return model(request)

    journal, _ = study(otherwise, quick=True)
    reasons = [s.reason for s in journal.all(Skip) if s.stage == "questions"]
    assert reasons
    assert all("the model itself answers “the mill”, not “" in r for r in reasons)


def test_a_refinement_that_repeats_the_mistake_gives_way_to_the_open_book_answer():
    journal, _ = study()
    samples = journal.all(Sample)
    assert [s.chosen for s in samples] == list(TRUE.values())
    assert all("from_open_book" in s.flags for s in samples)
    assert all(RULES["default"].accepts(s) for s in samples)


def test_feedback_is_written_around_what_is_known():
    journal, _ = study()
    critique = next(f for f in journal.all(Feedback) if f.purpose == "critique")
    assert critique.text.splitlines() == [
        "The text says: The mill of Avel opened in 1842.",
        "The answer says: It was in 1790, by Bo.",
        "Verdict: incorrect",
        "Reason: The text tells something else.",
    ]
    assert (critique.verdict, critique.probability) == ("incorrect", 0.2)


def test_an_answer_that_leads_elsewhere_is_not_approved():
    def wandering(request):
        return model(request).replace("opened in 1842", "opened in 1711")

    journal, _ = study(wandering)
    (sample,) = (s for s in journal.all(Sample) if "When" in s.prompt)
    assert "answers_differ" in sample.flags
    assert not RULES["default"].accepts(sample)


def test_a_question_that_leads_to_another_answer_is_not_kept():
    def copying(request):
        return model(request).replace(" 1842.\n", " The mill of Avel\n")

    journal, _ = study(copying)
    assert not any("When" in question.text for question in journal.all(Question))


def test_a_question_that_does_not_stand_alone_is_repaired_once():
    def vague(request):
        if "Ada" in stretch(request) and writes_a_question(request):
            return f"{prefill(request)} Ada Horn\nQuestion: Who built it?"
        if request.prompt.name == "stand_alone":
            return f"{prefill(request)} Who built the mill of Avel?"
        return model(request)

    journal, backend = study(vague)
    assert {q.text for q in journal.all(Question) if q.origin == "model"} == set(TRUE)
    (repair,) = (r for r in backend.history if r.prompt.name == "stand_alone")
    assert prefill(repair) == "Answer: Ada Horn\nQuestion:"

    def stubborn(request):
        if request.prompt.name == "stand_alone":
            return f"{prefill(request)} Who built the thing?"
        return vague(request)

    journal, _ = study(stubborn, [passage(heading="")])
    (skip,) = (s for s in journal.all(Skip) if s.stage == "questions")
    assert "it cannot be understood without the text" in skip.reason


def test_a_question_in_another_language_than_its_text_is_not_kept():
    def changing(request):
        text = model(request)
        return text.replace(
            "When did the mill of Avel open?", "Wann hat die Mühle von Avel geöffnet?"
        )

    journal, _ = study(changing)
    assert not any("Wann" in question.text for question in journal.all(Question))
    (skip,) = (s for s in journal.all(Skip) if "Wann" in s.reason)
    assert "it is not in the language of the text" in skip.reason


def test_a_question_that_another_sentence_answers_is_not_kept():
    """Its short answer leads back, since no other one is in its own sentence."""
    text = TEXT.replace("1842.", "1842 beside the old bridge.")
    asked = "Who stood beside the old bridge of Avel?"

    def wandering(request):
        return model(request).replace(FACTS["Ada"], asked)

    journal, _ = study(wandering, [passage(text)])
    assert [q.text for q in journal.all(Question) if q.origin == "model"] == [
        FACTS["1842"]
    ]
    (skip,) = (s for s in journal.all(Skip) if s.stage == "questions")
    assert "another sentence answers it" in skip.reason


def test_an_answer_that_names_some_of_the_persons_asked_for_is_completed():
    text = TEXT.replace("Ada Horn.", "Ada Horn and Bo Lind.")
    journal, _ = study(passages=[passage(text)])
    (sample,) = (s for s in journal.all(Sample) if "Who" in s.prompt)
    assert sample.chosen == "Ada Horn and Bo Lind"
    assert "short_answer" in sample.flags
    assert RULES["default"].accepts(sample)


def reworded(backend):
    """Return the questions that were put in other words."""
    questions = [last_user(r) for r in backend.history if r.prompt.name == "paraphrase"]
    return {text.splitlines()[0].removeprefix("Question: ") for text in questions}


def test_only_what_may_be_learned_is_put_in_other_words():
    _, backend = study()
    originals = {
        last_user(r).split("\n")[0]
        for r in backend.history
        if r.prompt.name == "paraphrase"
    }
    assert originals == {f"Question: {q}" for q in TRUE}

    def wandering(request):
        return model(request).replace("opened in 1842", "opened in 1711")

    _, backend = study(wandering)
    originals = {
        last_user(r).split("\n")[0]
        for r in backend.history
        if r.prompt.name == "paraphrase"
    }
    assert originals == {"Question: Who built the mill of Avel?"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (TEXT, "rye bread"),
        ("城市的北面在一七一二年被烧毁并由市长重建。", "黑麦面包"),
        (
            "Die Mühle von Avel wurde 1842 von der Gemeinde eröffnet.",
            "Roggenbrot",
        ),
        ("Моя мельница была открыта в 1842 году общиной.", None),
    ],
)
def test_worked_examples_are_in_the_language_of_the_passage_or_left_out(text, shown):
    def any_answer(request):
        if request.prompt.name == "ask_sentence":
            return f"{prefill(request)} 1842\nQuestion: Avel 1842?"
        return f"{prefill(request)} none\nAnswer: 1842"

    _, backend = study(any_answer, [passage(text, "")])
    (first, *_) = backend.history
    turns = " ".join(m.content for m in first.prompt.chat[1:-2])
    assert shown in turns if shown else not turns


@pytest.mark.parametrize("text", ["", "# Only a heading\n", "***\n\n12\n", "x = 1"])
def test_a_passage_without_a_sentence_says_why_it_gave_nothing(text):
    journal, backend = study(passages=[passage(text or " ")])
    assert backend.history == []
    (skip,) = journal.all(Skip)
    assert skip.reason == "there is no sentence to ask about"


def test_long_passages_are_asked_about_from_anywhere():
    text = " ".join(f"The mill of Avel{i} opened in 1842." for i in range(40))

    def numbered(request):
        if request.prompt.name == "open_book":
            return f"{prefill(request)} 1842"
        if request.prompt.name != "ask_sentence":
            return "nothing"
        name = stretch(request).split()[3]
        return f"{prefill(request)} 1842\nQuestion: When did {name} open?"

    journal, _ = study(numbered, [passage(text, "")], questions_per_passage=5)
    numbers = [int(re.findall(r"\d+", q.text)[0]) for q in journal.all(Question)]
    assert len(numbers) == 10
    assert min(numbers) < 4
    assert max(numbers) > 35


def test_a_quick_study_learns_open_book_answers_without_feedback():
    journal, backend = study(quick=True)
    names = {r.prompt.name for r in backend.history}
    assert names == {"ask_sentence", "open_book", "closed_book"}
    samples = journal.all(Sample)
    assert [s.chosen for s in samples] == list(TRUE.values())
    assert all(RULES["default"].accepts(s) for s in samples)


def test_answers_to_questions_that_no_rule_would_approve_are_not_criticised():
    def wandering(request):
        return model(request).replace("opened in 1842", "opened in 1711")

    journal, _ = study(wandering)
    answer_ids = {f.answer_id for f in journal.all(Feedback) if f.purpose == "critique"}
    questions = {q.id: q.text for q in journal.all(Question)}
    question_of = {a.id: questions[a.question_id] for a in journal.all(Answer)}
    assert {question_of[number] for number in answer_ids} == {QUESTION_TEXT}


@pytest.mark.parametrize(
    "full", ["When did the mill of Avel open?", "The mill of Avel did open.", ""]
)
def test_of_an_answer_that_tells_nothing_the_short_answer_is_used(full):
    def repeating(request):
        answer = model(request)
        if LINE not in request.constraint:
            return answer
        return answer.replace(
            "1842.\nAnswer: The mill of Avel opened in 1842.", new_end
        )

    new_end = f"1842\nAnswer: {full}"
    journal, _ = study(repeating)
    (sample,) = (s for s in journal.all(Sample) if "When" in s.prompt)
    assert sample.chosen == "1842"
    assert "short_answer" in sample.flags
    assert RULES["default"].accepts(sample)


TEXT_OF_MILL = (
    "The mill of Avel opened in 1842. It burned down in 1901 and was built again by "
    "the town in the very same place two years later."
)


@pytest.mark.parametrize(
    ("full", "is_short"),
    [
        ("When did the mill of Avel open?", True),  # says nothing new
        ("The text does not say when the mill of Avel opened.", True),
        (TEXT_OF_MILL.partition(". ")[2], True),  # copies another part of the text
        ("The mill of Avel opened in 1842.", False),
        ("It was opened by Ada.", False),  # another answer is not a failure to tell
        (TEXT_OF_MILL, False),  # copies the text, but tells the short answer
    ],
)
def test_a_full_answer_that_fails_to_tell_its_short_answer_gives_way_to_it(
    full, is_short
):
    question = "When did the mill of Avel open?"
    parts = OpenBook(full, "The mill of Avel opened in 1842.", "1842")
    answer = with_stated_answer(question, parts, TEXT_OF_MILL).answer
    assert answer == ("1842" if is_short else full)
    for none in ("", "none"):  # without a short answer the full one stays
        without = replace(parts, short=none)
        assert with_stated_answer(question, without, TEXT_OF_MILL) == without
