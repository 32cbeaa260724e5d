"""Whatever is added to a list of names is added wherever the name is needed."""

import importlib
import inspect
import itertools
import re
from dataclasses import fields
from pathlib import Path
from typing import get_args

import pytest

from autolearn.core.experiments import ARMS, Arm, ArmSource, CompareSettings
from autolearn.core.methods import METHODS, Method
from autolearn.core.quiz_records import QuizMode, QuizPart
from autolearn.core.records import RunKind
from autolearn.core.run_kinds import RUN_KINDS, QueueName
from autolearn.core.run_results import QuizScores, RunResult, Score
from autolearn.core.run_settings import RunSettings
from autolearn.evaluation import skill_report
from autolearn.evaluation.quiz_modes import MODES
from autolearn.ingest import readers
from autolearn.runs import queues
from autolearn.store import revisions
from autolearn.training import dataset
from autolearn.ui import page
from autolearn.ui.views import guide
from tests.support import old_runs
from tests.support.run_kinds import classes_by_kind

ROOT = Path(__file__).parents[2]


# --- kinds of runs ------------------------------------------------------------


def test_every_kind_of_run_has_traits_settings_a_result_and_an_old_row():
    kinds = set(get_args(RunKind))
    assert skill_report.SkillRunResult.kind in kinds
    assert RUN_KINDS.keys() == kinds
    assert classes_by_kind(RunSettings).keys() == kinds
    assert classes_by_kind(RunResult).keys() == kinds
    assert {row["kind"] for row in old_runs.rows()} == kinds
    assert all(traits.title for traits in RUN_KINDS.values())


def test_every_kind_of_run_waits_in_one_queue():
    assert queues.QUEUES.keys() == set(get_args(QueueName))
    waiting = [kind for queue in queues.QUEUES.values() for kind in queue.kinds]
    assert sorted(waiting) == sorted(RUN_KINDS)
    assert all(kind in queues.queue_of(kind).kinds for kind in RUN_KINDS)


def test_every_kind_of_run_is_killed_by_the_rig():
    text = (ROOT / "tests" / "fire" / "workloads.py").read_text()
    table = text.partition("\nWORKLOADS: ")[2]
    assert table
    killed = {name.split()[0] for name in re.findall(r'^    "([\w ]+)": ', table, re.M)}
    assert set(RUN_KINDS) <= killed


# --- arms, modes, methods -----------------------------------------------------


def test_every_arm_is_described_and_trains_by_a_method_or_asks_in_a_mode():
    assert ARMS.keys() == set(get_args(Arm))
    assert len({arm.title for arm in ARMS.values()}) == len(ARMS)
    modes = [arm.mode for arm in ARMS.values() if not arm.is_trained]
    assert len(set(modes)) == len(modes)  # two arms would ask the same
    assert {arm.mode for arm in ARMS.values() if arm.is_trained} == {"closed_book"}
    assert {arm.method for arm in ARMS.values() if arm.method} <= METHODS.keys()


def test_the_source_of_an_arm_is_a_setting_of_the_comparison():
    sources = set(get_args(ArmSource))
    assert {arm.source for arm in ARMS.values() if arm.source} == sources
    assert sources <= {field.name for field in fields(CompareSettings)}


def test_an_arm_that_learns_pairs_names_corpora():
    for arm in ARMS.values():
        learns_pairs = bool(arm.method and METHODS[arm.method].learns_pairs)
        assert (arm.source == "corpora") is learns_pairs


def test_every_mode_of_a_quiz_has_a_title():
    assert MODES.keys() == set(get_args(QuizMode))


def test_scores_of_every_set_of_questions_in_every_mode_are_kept_apart():
    parts, modes = get_args(QuizPart), get_args(QuizMode)
    scores = {key: Score(i) for i, key in enumerate(itertools.product(parts, modes), 1)}
    assert len(scores) == 15
    assert QuizScores.from_dict(QuizScores(scores).as_dict()) == QuizScores(scores)


def test_every_method_makes_items_and_those_that_teach_answers_have_targets():
    methods = set(get_args(Method))
    assert METHODS.keys() == methods
    assert dataset._METHODS.keys() == methods
    teach_answers = {
        name
        for name, method in METHODS.items()
        if method.needs_samples and not method.trains_preferences
    }
    assert dataset._TARGETS.keys() == teach_answers


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_in_the_documents(method):
    assert f"`{method}`" in (ROOT / "docs" / "learning.md").read_text()


@pytest.mark.parametrize("arm", ARMS)
def test_every_arm_is_in_the_documents(arm):
    text = (ROOT / "docs" / "evaluation.md").read_text()
    assert re.search(rf"^\| (\w+, )*{arm}(, \w+)* \|", text, re.MULTILINE)


# --- formats, tools, tabs -----------------------------------------------------


def modules_of_readers():
    names = {module for _, module in readers._READERS.values()}
    return {n: importlib.import_module(f"autolearn.ingest.readers.{n}") for n in names}


def test_a_reader_gets_the_choices_of_a_person_if_it_takes_any():
    modules = modules_of_readers()
    takes_choices = {
        name
        for name, module in modules.items()
        if len(inspect.signature(module.read).parameters) > 1
    }
    assert takes_choices == set(readers._WITH_CHOICES)


def test_every_tab_has_a_row_in_the_guide_and_a_title_of_its_own():
    text = (ROOT / "docs" / "guide.md").read_text()
    table = text.partition("| tab | purpose |")[2].partition("\n\n")[0]
    rows = re.findall(r"^\| (\w+) \|", table, re.MULTILINE)
    assert rows == [module.TITLE for module in page.TABS]


def test_steps_of_the_guide_lead_to_tabs(store):
    steps = guide.of(store)
    assert steps
    assert {step.tab for step in steps} <= {module.TITLE for module in page.TABS}


CHANGES_WITH = {
    "metrics": "runs",
    "generations": "steps",
    "answers": "steps",
    "feedback": "steps",
    "skips": "steps",
    "quiz_results": "steps",
    "skill_results": "steps",
    "generated_instructions": "steps",
    "skill_checks": "runs",
    "round_items": "rounds",
    "gold_examples": "corpora",
    "experiments": "experiment_runs",
    "last_ids": "documents",
}
"""Tables whose rows come with a row of another table, which the page looks at."""


def test_a_new_row_of_any_table_redraws_the_page(store):
    tables = {
        row["name"]
        for row in store.db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not re.match(r"_?sqlite_|\w+_search", row["name"])
    }
    seen_tables = set(re.findall(r"FROM (\w+)", revisions._PAGE))
    assert {"runs", "documents"} <= seen_tables
    assert set(CHANGES_WITH.values()) <= seen_tables
    assert tables - seen_tables - CHANGES_WITH.keys() == set()
