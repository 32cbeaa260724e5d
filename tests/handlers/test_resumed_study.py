"""A study that is resumed after the library has changed."""

import pytest

from autolearn.core.ports import Cancelled
from autolearn.core.records import Passage
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.handlers import study_run
from autolearn.runs.context import RunContext
from autolearn.services import actions
from autolearn.store.library import QuestionFilter
from autolearn.store.samples import SampleFilter
from tests.support.scripted_backend import ScriptedStudyBackend
from tests.support.texts import put_passages

SETTINGS = StudySettings(
    ask_rounds=1, paraphrases=0, quiz_share=0.0, passages_per_step=2
)
TEXTS = [f"Ida founded Town{i} in 1711." for i in range(5)]


class Studying(ScriptedStudyBackend):
    """Asks one question about each passage, and answers it with the passage only."""

    def __init__(self):
        super().__init__(self.written)

    def written(self, request):
        name, user = request.prompt.name, request.prompt.chat[-1].content
        town = next(word for word in user.split() if word.startswith("Town"))
        fact = f"Ida founded {town.strip('?')} in 1711."
        texts = {
            "ask": f"In which year did Ida found {town}?",
            "open_book": f"Evidence: {fact}\nAnswer: {fact}",
            "closed_book": "It was founded in 1699.",
            "feedback": "Compared.\nVerdict: incorrect",
            "refine": f"Answer: {fact}",
        }
        return texts[name]


def study(store, run, last_step=None):
    """Do a run, or its part until a step is stored."""

    def stop():
        return bool(store.db.rows("SELECT 1 FROM steps WHERE name = ?", last_step))

    context = RunContext(store, run, stop, lambda *_: None)
    return study_run.study(context, Studying())


def exclude(store, document_id):
    """Exclude a passage that was begun, and the one that was not."""
    passages = store.library.passages()
    store.library.set_excluded([passages[2].id, passages[4].id], excluded=True)


def remove(store, document_id):
    put_passages(store, "more.txt", ["Ida founded Town5 in 1711."])
    store.readings.remove(document_id)


def add(store, document_id):
    put_passages(store, "more.txt", [f"Ida founded Town{i} in 1711." for i in (5, 6)])


def read_again(store, document_id):
    """Read other texts for a passage that was begun, and for the one that was not."""
    texts = [*TEXTS[:2], f"{TEXTS[2]} It grew.", TEXTS[3], f"{TEXTS[4]} It grew."]
    place, passages = 0, []
    for i, text in enumerate(texts):
        passages.append(Passage(0, i, place, place + len(text), text, 5))
        place += len(text)
    store.readings.replace(store.library.document(document_id), passages, ())


@pytest.mark.parametrize("change", [exclude, remove, add, read_again])
@pytest.mark.parametrize("range_name", ["passages 3-4", "passages 5-5"])
def test_a_study_asks_once_about_what_was_begun_and_what_is_there_now(
    store, change, range_name
):
    """A changed library moved the groups: it failed, left out or asked again."""
    passages = put_passages(store, "towns.txt", TEXTS)
    run = actions.study(store, ModelSettings(), SETTINGS)
    with pytest.raises(Cancelled):
        study(store, run, f"{range_name}: questions")
    change(store, passages[0].document_id)
    begun = passages[: int(range_name[-1])]
    result = study(store, run)

    expected = {p.id for p in [*begun, *store.library.passages()]}
    questions = store.library.questions(QuestionFilter(run_id=run.id))
    samples = store.samples.find(SampleFilter(run_id=run.id))
    assert sorted(question.passage_id for question in questions) == sorted(expected)
    assert sorted(sample.passage_id for sample in samples) == sorted(expected)
    assert result.passages == len(expected)
