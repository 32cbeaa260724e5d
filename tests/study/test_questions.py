"""Which questions a study asks of its passages, and what it leaves out."""

from dataclasses import replace

import pytest

from autolearn.core.records import Question, Sample, Skip
from autolearn.study.loop import Study
from autolearn.study.questions import how_many
from tests.support.journals import MemoryJournal
from tests.support.scripted_backend import ScriptedBackend
from tests.support.studies import SETTINGS, model, passages, study, sure


@pytest.mark.parametrize(("sentences", "asked"), [(2, 3), (5, 5), (40, 6)])
def test_a_list_asks_more_of_a_passage_that_says_more(sentences, asked):
    settings = replace(SETTINGS, questions_per_passage=3)
    assert how_many(settings, "Ada leads Avel. " * sentences) == asked


def test_a_passage_without_a_question_is_asked_again_and_then_reported():
    journal, backend, _ = study(lambda request: "I have no idea.")
    assert [r.prompt.name for r in backend.history] == ["ask", "ask"]
    assert [s.reason for s in journal.all(Skip)] == ["no question could be read"] * 2


def test_a_passage_that_does_not_fit_the_context_is_reported():
    journal, backend, _ = study(context_length=20)
    assert backend.history == []
    assert all("do not fit the context" in s.reason for s in journal.all(Skip))


def test_near_repeats_are_flagged_and_not_worked_on():
    def repeats(request):
        if request.prompt.name == "ask":
            return "When was Avel founded?\nWhen was the Avel founded?"
        return model(request)

    journal, _, _ = study(repeats)
    assert [q.flags for q in journal.all(Question)[:2]] == [(), ("duplicate",)]
    assert len(journal.all(Sample)) == 1


def test_excluded_passages_are_not_read():
    journal, backend = MemoryJournal(), ScriptedBackend(model, judge=sure)
    passage = replace(passages()[0], excluded=True)
    Study(backend, journal, SETTINGS, lambda: False, lambda *_: None).run([passage])
    assert backend.history == []
