"""A study that is resumed goes on as it began, whatever the workspace has since."""

from typing import Any

import pytest

from autolearn.core.errors import BackendError, InputError
from autolearn.core.records import Question
from autolearn.core.run_settings import StudyRunSettings
from autolearn.core.settings import StudySettings
from autolearn.evaluation import quiz_versions
from autolearn.evaluation.skill_report import (
    SHARES,
    RightCount,
    SkillReport,
    VerdictSkill,
)
from autolearn.handlers import study_run
from autolearn.runs.context import RunContext
from autolearn.store import Store
from autolearn.study.instructions import STEP
from autolearn.study.loop import Study
from tests.support.scripted_backend import ScriptedStudyBackend
from tests.support.texts import put_passages

GOOD = RightCount(9, 10)
ALL_GOOD: dict[str, Any] = dict.fromkeys(SHARES, GOOD)
REPORT = SkillReport(
    *("a model", "scripted", "none", "guided", None),
    **{**ALL_GOOD, "questions": RightCount(4, 40)},
    verdicts=VerdictSkill(0.9, 60, 60, 0.62, GOOD),
)
TASKS = ("Ann has 3 pens. She buys 2. How many has she?", "Bo ran 4 km. How far?")


class Inventive(ScriptedStudyBackend):
    """Writes a new task for each seed; ``dies_at``: the call at which it is killed."""

    def __init__(self, dies_at=0, protocol="trained"):
        super().__init__(lambda request: "Verdict: correct", protocol=protocol)
        self.dies_at = dies_at
        self.beginnings = []

    def generate_instructions(
        self, seeds, stop, max_new_tokens=48, beginnings=None, progress=None
    ):
        self.beginnings.append(beginnings)
        if len(self.beginnings) == self.dies_at:
            raise KeyboardInterrupt
        return [f"Cy{seed} has {seed} hats of {seed}. How many hats?" for seed in seeds]


def study(store, run, backend):
    context = RunContext(store, run, lambda: False, lambda stage, n_done, total: None)
    return study_run.study(context, backend)


def queue(store, **request):
    settings = StudyRunSettings(study=StudySettings(quiz_share=0.5), **request)
    return store.runs.create("study", settings.as_dict())


def queue_evolution(store):
    store.library.add_questions([Question(text, "study", "person") for text in TASKS])
    return queue(store, documents=(), instructions=True, new_instructions=STEP + 8)


def test_instructions_are_written_from_those_before_the_run(store, tmp_path):
    """Those that the run had written before it was killed changed its later prompts."""
    run, killed = queue_evolution(store), Inventive(dies_at=2)
    with pytest.raises(KeyboardInterrupt):
        study(store, run, killed)
    assert len(store.library.instructions(with_generated=True)) == len(TASKS) + STEP
    store.library.add_questions([Question("What is 2 + 2?", "study", "person")])
    resumed, whole = Inventive(), Inventive()
    study(store, run, resumed)
    with Store.open(tmp_path / "other") as other:
        study(other, queue_evolution(other), whole)
    assert len(whole.beginnings) == 2
    assert [killed.beginnings[0], *resumed.beginnings] == whole.beginnings


@pytest.fixture
def loops(monkeypatch):
    """The loops of all studies; the first one is killed when it begins."""
    loops = []

    class Killed(Study):
        def run(self, passages):
            loops.append(self)
            if len(loops) == 1:
                raise KeyboardInterrupt

    monkeypatch.setattr(study_run, "Study", Killed)
    return loops


def test_a_skill_check_and_a_locked_quiz_change_no_study_that_has_begun(store, loops):
    put_passages(store, "a.txt", ["Ada leads Avel. Nobody else does."])
    run = queue(store)
    with pytest.raises(KeyboardInterrupt):
        study(store, run, Inventive(protocol="guided"))
    version = quiz_versions.freeze(store)
    store.quizzes.set_locked(version.version, locked=True)
    check = store.runs.create("skills", {})
    store.skills.add(check.id, REPORT.as_dict())
    for each in (run, queue(store)):
        with pytest.raises(BackendError, match="No passage gave a question"):
            study(store, each, Inventive(protocol="guided"))
    begun, resumed, new = (
        (loop.settings.quiz_share, loop.verdict_threshold, loop.is_reliable)
        for loop in loops
    )
    assert begun == resumed == (0.5, 0.5, True)
    assert new == (0.0, 0.62, False)


def test_a_study_without_a_question_gives_a_few_reasons(store):
    """The sidebar showed all of them, which were two pages long."""
    towns = ("Avel", "Brin", "Calm", "Dorn")
    texts = [f"Ada leads {town}. Nobody else does." for town in towns]
    put_passages(store, "a.txt", texts)
    with pytest.raises(BackendError, match=r"and \d+ more\); choose") as caught:
        study(store, queue(store), Inventive(protocol="guided"))
    assert len(str(caught.value)) < 600


def test_a_study_whose_documents_were_deleted_studies_no_other_one(store):
    (passage,) = put_passages(store, "avel.md", ["Avel was founded in 1711."])
    run = queue(store, documents=(passage.document_id,))
    store.readings.remove(passage.document_id)
    put_passages(store, "brin.md", ["Brin lies by the sea."])
    with pytest.raises(InputError, match="no passage in the library any more"):
        study(store, run, Inventive())
