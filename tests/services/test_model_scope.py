"""What belongs to one model is kept from the others."""

from dataclasses import replace
from typing import cast

import pytest

from autolearn.cli import export_commands, main
from autolearn.core.errors import InputError, JobError
from autolearn.core.run_settings import (
    ExportRunSettings,
    SampleScope,
    TrainRunSettings,
)
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.handlers import export
from autolearn.handlers.models import Models
from autolearn.rounds.sources import approved_examples
from autolearn.runs.context import RunContext
from autolearn.runs.model_choice import choose_last_used
from autolearn.services import actions, export_actions, model_scope
from autolearn.services.actions import TrainSources
from autolearn.services.export_actions import ExportSource
from autolearn.store import SampleFilter
from autolearn.ui.session import Session
from autolearn.ui.tabs import history as history_tab
from autolearn.ui.tabs.review_filter import FRESH, review_queue
from autolearn.ui.views import guide, history, knowledge_map, labels, status, train
from autolearn.ui.views import study as study_views
from tests.support.texts import put_passages
from tests.support.two_models import OTHER, digest_of, finished_round, study

OWN = ModelSettings()
ALL = ExportSource(scope=SampleScope())


@pytest.fixture
def store(store):
    """A workspace whose page was opened while it was empty, with the built-in model."""
    choose_last_used(store)
    return store


def test_with_one_model_everything_is_shown(store):
    study(store, OWN)
    assert model_scope.shown_digest(store) is None
    assert model_scope.other_models(store) == []
    assert "hidden" not in status.draw(store)


def test_the_page_shows_the_chosen_model_and_can_show_all(store):
    study(store, OWN, 2)
    study(store, OTHER, 3)
    digest = model_scope.shown_digest(store)
    assert store.samples.counts(SampleFilter(model_digest=digest))["approved"] == 2
    sidebar = status.draw(store)
    assert "Data of other-7b are hidden" in sidebar
    assert "/models/other-7b" not in sidebar
    model_scope.show_all_models(store, all_models=True)
    assert model_scope.shown_digest(store) is None
    sidebar = status.draw(store)
    assert "Data of all models are shown" in sidebar
    assert f'data-pick="{status.ONE_MODEL}"' in sidebar
    model_scope.show_all_models(store, all_models=False)
    assert model_scope.shown_digest(store) == digest


def test_nothing_is_offered_that_a_missing_model_cannot_do(store):
    study(store, OTHER)
    store.choices.set("model", ModelSettings("/models/gone").as_dict())
    sidebar = status.draw(store)
    assert "The model in use is unavailable" in sidebar
    assert "data-pick" not in sidebar


def test_rounds_and_runs_of_another_model_are_not_listed(store):
    own, other = finished_round(store, OWN), finished_round(store, OTHER)
    study(store, OWN)
    study(store, OTHER)
    digest = model_scope.shown_digest(store)
    assert [number for _, number in labels.finished(store, digest)] == [own.id]
    assert f"round {other.id}" not in history.lineage(store)
    assert "Study (run 4)" not in history.runs(store, 0)
    model_scope.show_all_models(store, all_models=True)
    tree = history.lineage(store)
    assert "base model: built-in" in tree
    assert "base model: other-7b" in tree
    assert "Study (run 4)" in history.runs(store, 0)


def test_trainings_of_another_model_are_not_offered(store):
    study(store, OTHER)
    order = TrainRunSettings(model=OTHER, model_digest="digest of /models/other-7b")
    store.runs.create("train", order.as_dict())
    assert train.trainings(store) == []
    model_scope.show_all_models(store, all_models=True)
    assert len(train.trainings(store)) == 1


def test_the_review_and_the_map_keep_to_the_chosen_model(store):
    (passage,) = put_passages(store, "a.txt", ["Avel was founded in 1711."])
    (own,) = study(store, OWN, 1, passage.id, approve=False)
    (other,) = study(store, OTHER, 1, passage.id, approve=False)
    queue = review_queue(*FRESH)
    assert queue.next(store) == own.id
    assert queue.next(store, own.id) == 0
    assert not queue.shows(store, other.id)
    assert queue.undecided(store, "approve") == [own.id]
    markup = knowledge_map.draw(store, knowledge_map.MapView())
    assert f's{own.id}"' in markup
    assert f's{other.id}"' not in markup
    assert other.prompt not in study_views.newest(store, only_last=True)
    model_scope.show_all_models(store, all_models=True)
    assert queue.next(store, own.id) == other.id


def test_a_step_that_is_going_on_is_not_done_yet(store):
    study(store, OWN)
    done = 'aria-label="Let the model study them (done): open the Study tab"'
    assert done in guide.draw(store)
    run = store.runs.create("study", {})
    assert done.replace("done", "in progress") in guide.draw(store)
    store.runs.finish(run.id, "done")
    assert done in guide.draw(store)


def test_steps_count_only_what_the_chosen_model_has_done(store):
    study(store, OTHER)
    finished_tabs = {step.tab for step in guide.of(store) if step.done}
    assert "Study" not in finished_tabs
    assert "Review" not in finished_tabs


def test_the_review_step_says_how_many_samples_are_left(store):
    """With one approved it was ticked, and did not say that others wait."""
    study(store, OWN)
    assert "Approve samples (done)" in guide.draw(store)
    study(store, OWN, 2, approve=False)
    assert "Approve samples (1 approved, 2 to review) (done)" in guide.draw(store)


def test_a_round_leaves_out_samples_of_another_model_unless_they_are_asked_for(store):
    (own,) = study(store, OWN)
    (other,) = study(store, OTHER)
    run = actions.train(store, OWN, TrainSettings())
    examples = approved_examples(store, TrainRunSettings.of(run))
    assert [example.sample.id for example in examples] == [own.id]
    everything = TrainSources(scope=SampleScope())
    run = actions.train(store, OWN, TrainSettings(), sources=everything)
    examples = approved_examples(store, TrainRunSettings.of(run))
    assert [example.sample.id for example in examples] == [own.id, other.id]


def test_a_round_on_samples_of_another_model_alone_is_refused(store):
    study(store, OTHER, 2)
    with pytest.raises(JobError, match="2 approved samples were measured with another"):
        actions.train(store, OWN, TrainSettings())


def test_a_round_learns_from_the_selected_documents_and_studies(store):
    (first,) = put_passages(store, "a.txt", ["Avel is old."])
    (second,) = put_passages(store, "b.txt", ["Brin is new."])
    samples = [study(store, OWN, 1, p.id)[0] for p in (first, second, second)]

    def chosen(**scope):
        sources = TrainSources(scope=SampleScope(**scope))
        run = actions.train(store, OWN, TrainSettings(), sources=sources)
        examples = approved_examples(store, TrainRunSettings.of(run))
        return [example.sample.id for example in examples]

    assert chosen(documents=(second.document_id,)) == [s.id for s in samples[1:]]
    assert chosen(studies=(3,)) == [samples[2].id]
    with pytest.raises(JobError, match="select others"):
        chosen(documents=(first.document_id,), studies=(3,))


def test_a_rule_in_a_whole_round_approves_only_its_own_samples(store):
    study(store, OWN, 1, approve=False)
    study(store, OTHER, 1, approve=False)
    digest = model_scope.chosen_digest(store)
    assert actions.approve(store, "all-pairs", SampleFilter(model_digest=digest)) == 1


def test_an_export_takes_the_samples_of_the_chosen_model_unless_all_are_asked_for(
    store, tmp_path
):
    study(store, OWN, 2)
    study(store, OTHER, 3)
    own = export_actions.export(store, "chat", tmp_path / "own" / "data.jsonl")
    every = export_actions.export(
        store, "chat", tmp_path / "all" / "data.jsonl", source=ALL
    )
    assert written(store, own) == 2
    assert written(store, every) == 5
    assert "Measured with built-in." in card(tmp_path / "own")
    assert "Measured with built-in, other-7b." in card(tmp_path / "all"), "no path"


def test_the_command_exports_the_samples_of_the_model_that_was_used_last(
    store, tmp_path, monkeypatch
):
    """It took those of the model that was chosen on a page before."""
    study(store, OWN, 2)
    store.choices.set("model", OTHER.as_dict())
    monkeypatch.setattr(export_commands, "finish", lambda store, run, *_, **__: run)
    words = ["export", "chat", str(tmp_path / "data.jsonl")]
    export_commands.export(main.parse([*words, "--workspace", str(store.folder)]))
    (order,) = map(ExportRunSettings.of, store.runs.newest(1))
    assert order.scope == SampleScope(digest_of(OWN))


def written(store, run):
    """Export what a run orders; return the number of samples."""
    context = RunContext(store, run, lambda: False, lambda *of: None)
    return export.export(context, cast(Models, None)).samples


def card(folder):
    """Return the text beside exported samples."""
    return (folder / "README.md").read_text()


def test_samples_of_a_model_that_is_gone_are_exported_only_with_all(store, tmp_path):
    study(store, OTHER, 3)
    store.choices.set("model", replace(OTHER, model=str(tmp_path / "gone")).as_dict())
    with pytest.raises(InputError, match="files of the model in use are missing"):
        export_actions.export(store, "chat", tmp_path / "own" / "data.jsonl")
    run = export_actions.export(
        store, "chat", tmp_path / "all" / "data.jsonl", source=ALL
    )
    assert written(store, run) == 3


def test_exports_offer_samples_of_all_models_only_where_there_are_several(store):
    study(store, OWN)
    finished_round(store, OWN)
    session = Session(store.folder)
    assert history_tab.sources(session) == [
        ("approved samples of built-in", history_tab.OWN),
        ("round 1: Both papers combined (refined SFT), trained", 1),
    ]
    study(store, OTHER)
    finished_round(store, OTHER)
    names = [name for name, _ in history_tab.sources(session)]
    assert names[1] == "approved samples of all models"
    assert not any("round 2" in name for name in names)
