"""Corrections and corpora with feedback are turned into items of their skills."""

import pytest

from autolearn.core.gold import MetaExample
from autolearn.core.records import Answer, Feedback, Passage, Question
from autolearn.metaskills import corrections
from autolearn.metaskills.items import skill_of
from autolearn.study import answers, feedback
from autolearn.study.feedback import Comparison
from tests.support.skill_requests import WRITER

PASSAGE = Passage.alone("Ada Lum founded it in 1711.", "Avel")
WRONG = MetaExample(
    "Who founded Avel?",
    "Bo founded Avel.",
    "The answer names Bo.\nThe text names Ada.\nVerdict: incorrect",
    "Ada Lum founded Avel.",
    PASSAGE.text,
    "Ada Lum.",
    7,
    PASSAGE.heading,
)


def example(**values):
    return MetaExample(**vars(WRONG) | values)


def made(example, protocol="taught"):
    return corrections.make(example, protocol)


def comparison(reference="Ada Lum."):
    return Comparison(
        Question("Who founded Avel?", "study", "model", 0),
        Answer(0, "closed_book", "Bo founded Avel."),
        Answer(0, "open_book", reference),
    )


FACTS = "The text says: Ada Lum.\nThe answer says: Bo founded Avel.\nVerdict: incorrect"
REASON = "The answer names Bo. The text names Ada."


def test_each_item_is_what_a_taught_model_is_asked():
    verdict, reason, refinement = made(WRONG)
    texts = feedback.verdict_texts(comparison())
    judging = feedback.verdict_request(WRITER, *texts)
    assert verdict.chat[:-1] == judging.prompt.chat
    assert (verdict.chat[-1].content, verdict.chosen) == (
        "Verdict:",
        "Verdict: incorrect",
    )
    assert feedback.known_facts(comparison(), "incorrect") == FACTS
    asking = feedback.reason_request(WRITER, 0, comparison(), FACTS, {0: PASSAGE})
    assert reason.chat == asking.prompt.chat
    assert reason.chosen == f"{FACTS}\nReason: {REASON}"
    critique = Feedback(0, "critique", f"{FACTS}\nReason: {REASON}", "incorrect", None)
    mending = answers.refinement_request(
        WRITER, comparison().question, comparison().answer, critique, {0: PASSAGE}
    )
    assert refinement.chat == mending.prompt.chat
    assert refinement.chosen == "Better answer: Ada Lum founded Avel."
    items = (verdict, reason, refinement)
    assert [skill_of(item) for item in items] == ["verdict", "feedback", "refine"]
    assert {item.sample_id for item in items} == {7}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{FACTS}\nReason: It names Bo.", "It names Bo."),
        ("It names Bo.", "It names Bo."),
        (FACTS, ""),
        ("Verdict: incorrect", ""),
    ],
)
def test_only_the_reason_is_left_to_a_taught_model(text, reason):
    _, *criticism, refinement = made(example(feedback=text))
    assert [item.chosen for item in criticism] == (
        [f"{FACTS}\nReason: {reason}"] if reason else []
    )
    assert ("Reason:" in refinement.chat[-2].content) == bool(reason)


def test_what_is_right_is_neither_criticised_nor_refined():
    right = example(feedback="It says so.\nVerdict: correct")
    assert [item.chosen for item in made(right)] == ["Verdict: correct"]


def test_without_a_reference_the_refinement_is_what_the_text_says():
    assert "Right answer: Ada Lum founded Avel." in (
        made(example(reference=""))[0].chat[-2].content
    )


@pytest.mark.parametrize("protocol", ["taught", "trained"])
def test_a_model_trained_on_the_bare_prompts_and_tasks_without_a_text_word_all(
    protocol,
):
    task = example(passage="", reference="", title="")
    criticism, refinement, answer = made(task, protocol)
    assert criticism.chosen == WRONG.feedback
    assert refinement.chosen == "Answer: Ada Lum founded Avel."
    assert answer.chosen == "Ada Lum founded Avel."
    name = answers.answer_prompt(WRITER, Question("", "study", "person"))
    assert name == "solve"
    steps = "step by step" in str(answer.chat).lower()
    assert steps == (protocol == "taught")


def test_the_bare_prompts_show_the_text_without_its_heading():
    criticism, refinement, answer = made(WRONG, "trained")
    for item in (criticism, refinement):
        assert "\nText answer:" in item.chat[-1].content or item is refinement
        assert "# Avel" not in item.chat[-1].content
        assert PASSAGE.text in item.chat[-1].content
    assert PASSAGE.text not in answer.chat[-1].content
