"""The skill check with the built-in model, and the study that uses it."""

from dataclasses import replace

import pytest

from autolearn.core.quiz_records import SkillResult
from autolearn.core.records import Feedback, Question
from autolearn.core.settings import StudySettings
from autolearn.evaluation import skills
from autolearn.evaluation.skill_items import texts
from autolearn.evaluation.skill_report import RightCount, SkillReport
from autolearn.handlers import model_runs
from autolearn.handlers.models import Models
from autolearn.runs.context import RunContext
from autolearn.services import actions, skill_actions
from autolearn.services.demo_library import LIBRARY
from autolearn.study.loop import Study
from tests.support.labs import MODEL
from tests.support.texts import put

pytestmark = pytest.mark.torch_model


@pytest.fixture(scope="module")
def handlers():
    return model_runs.handlers(Models())


def perform(store, handlers, run):
    context = RunContext(store, run, lambda: False, lambda *_: None)
    return handlers[run.kind](context)


def stored_records(store, cls, table):
    rows = store.db.rows(f"SELECT * FROM {table}")
    return store.db.records(cls, rows, whole=True)


def test_a_check_is_kept_with_all_that_was_asked(store, handlers, monkeypatch):
    monkeypatch.setattr(skills, "texts", lambda: texts()[:2])
    result = perform(store, handlers, skill_actions.check(store, MODEL))
    report = skill_actions.newest_report(store, MODEL)
    assert report == SkillReport.from_dict(result.as_dict())
    assert report.protocol == "trained"
    assert (report.open_book.n, report.not_stated.n) == (6, 4)
    assert report.verdicts.n_right == report.verdicts.n_wrong == 6
    assert result.advice
    results = stored_records(store, SkillResult, "skill_results")
    answers = [r for r in results if r.skill in ("open_book", "refinement")]
    assert len(answers) == 12
    assert all(r.generation.request.prompt.chat for r in answers)


GUIDED = StudySettings(
    protocol="guided",
    questions_per_passage=1,
    question_tokens=96,
    paraphrases=0,
    answer_tokens=24,
)


def put_short_text(store):
    """Put three sentences of the library into a store."""
    file = store.folder / "library.md"
    library = sorted(LIBRARY.glob("*.md"))[0].read_text()
    file.write_text(". ".join(library.split(". ")[:3]) + ".")
    put(store, file)


def test_a_study_asks_for_no_verdict_where_they_are_chance(
    store, handlers, monkeypatch
):
    monkeypatch.setattr(skills, "texts", lambda: texts()[:2])
    monkeypatch.setattr("autolearn.handlers.skill_check.StudySettings", lambda: GUIDED)
    check = skill_actions.check(store, MODEL)
    perform(store, handlers, check)
    report = skill_actions.newest_report(store, MODEL)
    assert report
    assert report.protocol == "guided"
    chance = replace(report.verdicts, auc=0.5, accuracy=RightCount(6, 12))
    store.skills.add(check.id, replace(report, verdicts=chance).as_dict())
    monkeypatch.undo()
    put_short_text(store)
    # The built-in model was not trained to ask about one sentence at a time.
    monkeypatch.setattr(
        "autolearn.study.fact_questions.ask",
        lambda _, passages: [
            Question(f"What is {p.heading}?", "study", "model", p.id) for p in passages
        ],
    )
    studies = []

    def study(*arguments):
        studies.append(Study(*arguments))
        return studies[-1]

    monkeypatch.setattr("autolearn.handlers.study_run.Study", study)
    perform(store, handlers, actions.study(store, MODEL, GUIDED))
    assert not studies[0].uses_verdicts
    assert studies[0].verdict_threshold == 0.5
    verdicts = {
        (f.verdict, f.probability) for f in stored_records(store, Feedback, "feedback")
    }
    assert verdicts == {("unclear", None)}
