"""Gold corpora on the page: listed with their counts, used or not, removed."""

from dataclasses import replace

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import Corpus, GoldExample
from autolearn.core.records import Run
from autolearn.core.run_settings import ImportRunSettings, TrainRunSettings
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.rounds.corpora import MISSING
from autolearn.services import actions, corpus_actions
from autolearn.ui.session import Session
from autolearn.ui.tabs import corpora, library, train
from autolearn.ui.views import corpora as views
from autolearn.ui.views import train as train_views
from tests.support.corpora import added, rows, written

HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"
META = TrainSettings(method="meta", meta_examples=40)


def kept(store, name="towns", **values):
    corpus = Corpus(name, f"digest {name}", "squad", n_examples=1, n_texts=1, **values)
    return store.corpora.add(corpus, [GoldExample("t", "q", "a")])


def test_corpora_are_listed_with_their_counts(store):
    assert "No gold corpus yet" in views.corpora(store)
    assert "“Teach these skills” under Model: it adds" in views.corpora(store)
    kept(store, HOSTILE, licence=HOSTILE, n_refused=7)
    markup = views.corpora(store)
    assert "SQuAD-style JSON" in markup
    assert ">7<" in markup
    assert "<img" not in markup
    assert "${" not in markup
    assert "{{" not in markup


def test_a_corpus_is_left_out_used_again_and_removed(store):
    session, corpus = Session(store.folder), kept(store)
    for _ in range(2):  # the second click is one of a page that was drawn before
        corpora._press(session, f"{views.EXCLUDE}{corpus.id}")
        assert store.corpora.in_use() == []
    assert "excluded" in views.corpora(store)
    assert "Include" in views.corpora(store)
    before = session.revision()
    corpora._press(session, f"{views.INCLUDE}{corpus.id}")
    assert [c.id for c in store.corpora.in_use()] == [corpus.id]
    assert session.revision() != before
    run = actions.train(store, ModelSettings(), META)
    with pytest.raises(JobError, match=f"Run {run.id}"):
        corpora._press(session, f"{views.REMOVE}{corpus.id}")
    store.runs.finish(run.id, "cancelled", None, {})
    corpora._press(session, f"{views.REMOVE}{corpus.id}")
    assert store.corpora.all() == []


def test_a_corpus_is_removed_only_after_a_question(store):
    """One click beside “Exclude” lost what had taken minutes to read."""
    corpus = kept(store)
    markup = views.corpora(store)
    assert "Remove corpus “towns” with its 1 example?" in markup
    assert f'data-key="{views.REMOVE}{corpus.id}"' in markup
    assert f'data-pick="{views.REMOVE}' not in markup


def test_a_corpus_file_is_copied_and_its_import_queued(store, tmp_path, monkeypatch):
    orders: list[Run] = []
    session = Session(store.folder)
    monkeypatch.setattr(session, "start_worker_for", orders.append)
    with pytest.raises(InputError, match="Choose a corpus file"):
        corpora._add(session, None, "")
    file = tmp_path / "towns.json"
    file.write_text("{}")
    assert corpora._add(session, str(file), " CC0 ") == (None, "")
    corpora._make(session)
    file.unlink()
    upload, built_in = (ImportRunSettings.of(run) for run in orders)
    assert upload.corpus_source
    assert upload.corpus_source.name == "towns.json"
    assert str(upload.corpus_source.path).startswith(str(upload.upload_folder))
    assert upload.licence == "CC0"
    assert built_in.corpus_source
    assert built_in.corpus_source.path is None


def test_the_report_of_an_import_names_the_corpus(store, tmp_path):
    """It stood above the form of the texts, out of sight of its button."""
    added(store, written(tmp_path / "towns.jsonl", rows()))
    session = Session(store.folder)
    report, _ = corpora._show(session)
    assert "Added: corpus towns.jsonl" in report
    report, _ = library._show(session)
    assert report == ""


def test_the_built_in_corpus_does_not_announce_itself(store):
    """Teaching skills adds it, and it was reported below what a person had added."""
    added(store)
    report, listing = corpora._show(Session(store.folder))
    assert report == ""
    assert "invented world" in listing


def test_train_shows_the_corpora_and_the_items_of_each_skill(store):
    memo = train.PlanCache()
    order = TrainRunSettings(train=META)
    contents = memo.intake(store, order)
    assert "none yet" in train_views.intake(contents, META)
    assert train.problems(store, order, contents) == [MISSING]
    added(store)
    order = replace(order, corpus_ids=tuple(corpus_actions.ids(store)))
    contents = memo.intake(store, order)
    markup = train_views.intake(contents, META)
    assert "invented world" in markup
    assert "ask 9, answer 13, verdict 8, feedback 5, refine 5" in markup
    assert train.problems(store, order, contents) == []
    other = TrainSettings()
    plain = memo.intake(store, TrainRunSettings(train=other))
    assert "Gold corpora" not in train_views.intake(plain, other)
    store.corpora.set_excluded(1, excluded=True)
    order = replace(order, corpus_ids=tuple(corpus_actions.ids(store)))
    assert "none yet" in train_views.intake(memo.intake(store, order), META)
