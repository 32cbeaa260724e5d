"""Instructions are studied without a text."""

import pytest

from autolearn.core.records import Answer, Feedback, Question, Sample
from autolearn.study.loop import EVOLUTION, Study
from autolearn.study.rules import RULES
from tests.support.journals import MemoryJournal
from tests.support.scripted_backend import ScriptedBackend
from tests.support.studies import SETTINGS


def solver(request):
    """Adds wrongly, finds that out, and mends it; but is sure that 3 + 3 is 6."""
    name, user = request.prompt.name, request.prompt.chat[-1].content
    if name == "closed_book":
        return "Six." if "3 + 3" in user else "It is 5."
    if name == "feedback_free":
        return f"Added.\nVerdict: {'incorrect' if 'It is 5.' in user else 'correct'}"
    assert name == "refine_free", name
    assert "Verdict: incorrect" in user
    return "Answer: It is 4."


def test_instructions_are_answered_criticised_and_refined_without_a_text():
    instructions = [
        Question("What is 2 + 2?", "study", "person", id=1),
        Question("What is 3 + 3?", "study", "person", id=2),
    ]
    journal, calls = MemoryJournal(), []
    backend = ScriptedBackend(solver, judge=lambda chat, prefill: (0.2, 0.8))
    Study(backend, journal, SETTINGS, lambda: False, lambda *p: calls.append(p)).evolve(
        instructions
    )
    wrong, right = journal.all(Sample)
    assert (wrong.chosen, wrong.rejected) == ("It is 4.", "It is 5.")
    assert (wrong.gap, wrong.flags) == (True, ())
    assert wrong.gap_probability == pytest.approx(0.8)
    assert (right.gap, right.chosen) == (False, "Six.")
    assert right.open_answer_id is wrong.passage_id is None
    assert list(journal.kept) == [f"instructions 1-2: {stage}" for stage in EVOLUTION]
    assert calls[-1] == ("samples", 10, 10)
    assert all(f.reference_id is None for f in journal.all(Feedback))
    assert [s.id for s in (wrong, right) if RULES["default"].accepts(s)] == [wrong.id]


def test_an_instruction_that_is_added_before_a_resumption_is_answered_too():
    """The last group got another name, and its instructions were answered again."""
    instructions = [
        Question("What is 2 + 2?", "study", "person", id=1),
        Question("What is 3 + 3?", "study", "person", id=2),
    ]
    journal = MemoryJournal()
    for known in (instructions[:1], instructions):
        study = Study(
            ScriptedBackend(solver), journal, SETTINGS, lambda: False, lambda *_: None
        )
        study.evolve(known)
    answers = [a for a in journal.all(Answer) if a.kind == "closed_book"]
    assert [answer.question_id for answer in answers] == [1, 2]


def test_an_unchanged_refinement_gives_nothing_to_learn():
    def stubborn(request):
        answer = solver(request)
        return "Answer: It is 5." if request.prompt.name == "refine_free" else answer

    journal = MemoryJournal()
    instructions = [Question("What is 2 + 2?", "study", "person", id=1)]
    study = Study(
        ScriptedBackend(stubborn), journal, SETTINGS, lambda: False, lambda *_: None
    )
    study.evolve(instructions)
    (sample,) = journal.all(Sample)
    assert "no_refinement" in sample.flags
    assert not RULES["default"].accepts(sample)


@pytest.mark.parametrize(
    ("long", "answer"), [("closed_book", "Six"), ("refine_free", "It is 4")]
)
def test_an_answer_that_was_cut_off_is_not_learned(long, answer):
    """Once, only an open-book answer that was cut off had the flag."""

    def endless(request):
        text = solver(request)
        return f"{text} {text}" * 200 if request.prompt.name == long else text

    journal = MemoryJournal()
    instructions = [
        Question("What is 2 + 2?", "study", "person", id=1),
        Question("What is 3 + 3?", "study", "person", id=2),
    ]
    backend = ScriptedBackend(endless, judge=lambda chat, prefill: (0.2, 0.8))
    Study(backend, journal, SETTINGS, lambda: False, lambda *_: None).evolve(
        instructions
    )
    (cut,) = [s for s in journal.all(Sample) if "too_long" in s.flags]
    assert cut.chosen.startswith(answer)
    assert not RULES["all-pairs"].accepts(cut)
