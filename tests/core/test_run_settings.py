"""The settings and results of runs: one class a kind, and rows of old versions."""

import json

import pytest

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import Round, Run
from autolearn.core.run_results import (
    ExportResult,
    FailedResult,
    ImportResult,
    QuizRunResult,
    RoundScores,
    RunResult,
    Score,
    StudyResult,
    TrainResult,
)
from autolearn.core.run_settings import (
    ExportRunSettings,
    ImportRunSettings,
    PipelineRunSettings,
    PromptSettings,
    QuizRunSettings,
    RunSettings,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.core.settings import StudySettings, TrainSettings
from autolearn.evaluation.skill_report import SkillRunResult
from tests.support import old_runs
from tests.support.run_kinds import classes_by_kind

MODEL = ModelIdentity("m", "d", "nf4", "", "")
ROWS = old_runs.rows()


assert SkillRunResult.kind == "skills"  # it is a result, too, once it is imported
SETTINGS, RESULTS = classes_by_kind(RunSettings), classes_by_kind(RunResult)


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    return old_runs.migrated(tmp_path_factory.mktemp("old") / "workspace")


@pytest.fixture
def old_run(rows):
    def run(number):
        row = rows[number - 1]
        return Run(row["kind"], row["settings"], row["state"], result=row["result"])

    return run


@pytest.mark.parametrize("number", range(1, len(ROWS) + 1))
def test_rows_of_an_old_version_are_read_whole_and_written_with_the_same_keys(
    number, rows
):
    row = rows[number - 1]
    for classes, values in ((SETTINGS, row["settings"]), (RESULTS, row["result"])):
        cls = classes[row["kind"]]
        # The first run of a whole round said with null that there was none before it.
        stored_values = {k: v for k, v in values.items() if (k, v) != ("after", None)}
        text = json.dumps(stored_values).replace(
            '"method": "join"', '"method": "refined_sft"'
        )
        output = json.loads(json.dumps(cls.from_dict(values).as_dict()))
        assert {name: output[name] for name in stored_values} == json.loads(text)


def test_an_old_study_carries_the_plan_of_its_round(old_run):
    study, quiz = (PipelineRunSettings.of(old_run(number)) for number in (1, 2))
    assert study.plan
    assert study.plan.phases == ("quiz", "train", "quiz")
    assert study.plan.trains == (TrainSettings(),)
    assert (study.after, quiz.after) == (None, 1)
    assert StudyRunSettings.of(old_run(1)).study == StudySettings(quiz_share=0.0)
    assert StudyResult.of(old_run(1)).flags["same_fact"] == 243


def test_an_old_quiz_has_its_parts_and_scores(old_run):
    settings = QuizRunSettings.of(old_run(2))
    assert settings.asks("open_book")
    assert not QuizRunSettings.of(old_run(4)).asks("open_book")
    assert QuizRunResult.of(old_run(2)).by_part_and_mode == {
        ("quiz", "closed_book"): Score(105, 0.0095, 0.0095, 0.7557),
        ("control", "closed_book"): Score(180, 1.0, 1.0, 1.0),
        ("quiz", "open_book"): Score(105, 0.9905, 0.9905, 0.9973),
    }


def test_an_old_round_has_what_was_measured(old_run):
    round_ = Round(
        "refined_sft", 3, ROWS[2]["settings"], MODEL, scores=old_runs.round_scores()
    )
    scores, result = RoundScores.of(round_), TrainResult.of(old_run(3))
    assert (scores.leaked, scores.scale, scores.validation) == (25, 0.9, 1.0)
    assert scores.right("control") == 0.9889
    assert scores.right("gold") is None
    assert (result.round, result.items, result.scales) == (1, 611, scores.scales)
    assert TrainRunSettings.of(round_) == TrainRunSettings.of(old_run(3))


def test_old_imports_are_of_texts_or_of_a_corpus(old_run):
    texts, corpus = (ImportRunSettings.of(old_run(number)) for number in (5, 6))
    assert [source.name for source in texts.sources] == ["avel.txt", "missing.txt"]
    assert texts.corpus_source is None
    assert corpus.corpus_source
    assert corpus.corpus_source.name == "gold.jsonl"
    result = ImportResult.of(old_run(6))
    assert result.refusals == ("gold.jsonl: Line 2 lacks question.",)
    assert result.n_refused == 1


def test_only_an_export_of_weights_has_a_model(old_run):
    assert ExportResult.of(old_run(10)).n_same_answers == 5
    samples, weights = (ExportRunSettings.of(old_run(number)) for number in (9, 10))
    assert samples.model is None
    assert weights.model
    assert weights.model.round_id == 1
    assert PromptSettings.of(old_run(10)).changed_prompts == {}
    assert PromptSettings.of(old_run(9)).changed_prompts is None


@pytest.mark.parametrize("kind", sorted(SETTINGS))
def test_a_row_without_any_key_has_the_defaults(kind):
    assert SETTINGS[kind].of(Run(kind, {})) == SETTINGS[kind]()
    if kind != "skills":  # a report is whole, or there is none
        assert RESULTS[kind].of(Run(kind, {})) == RESULTS[kind]()


def test_keys_of_another_version_are_ignored():
    settings = {"train": {"rank": 8, "gone": 1}, "later": True}
    run = Run("train", settings, result={"round": 2, "later": {"a": 1}})
    assert TrainRunSettings.of(run).train == TrainSettings(rank=8)
    assert TrainResult.of(run).round == 2


def test_a_run_of_another_kind_is_refused():
    with pytest.raises(TypeError, match="kind quiz has no StudyRunSettings"):
        StudyRunSettings.of(Run("quiz", {}))
    with pytest.raises(TypeError, match="kind quiz has no StudyResult"):
        StudyResult.of(Run("quiz", {}))


def test_the_advice_of_a_failed_run_is_read_from_any_kind():
    run = Run("train", {}, "failed", result={"advice": {"batch_size": 2}})
    assert FailedResult.of(run).advice == {"batch_size": 2}
    assert FailedResult.of(Run("chat", {})).advice == {}
