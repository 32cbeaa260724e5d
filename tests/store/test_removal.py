"""Documents are deleted, renamed and searched."""

import pytest

from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import Corpus, GoldQuestion
from autolearn.core.records import Exclusion
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.evaluation import gold_import, quiz_sets
from autolearn.runs import run_control
from autolearn.services import actions, reading_actions
from autolearn.ui.views import document as document_views
from autolearn.ui.views import library as library_views
from autolearn.ui.views.document import LibraryViewState
from tests.support.texts import put, put_passages, put_text
from tests.support.two_models import study


def test_a_document_without_samples_is_deleted_whole(store):
    document = put_text(store, "avel.md", "Avel was founded in 1711.")
    assert reading_actions.remove(store, document.id)
    assert store.library.documents() == []
    assert store.library.is_empty()
    assert store.library.find_passages("Avel", 10) == []
    with pytest.raises(InputError):
        store.library.document(document.id)


def test_samples_keep_the_passages_of_a_deleted_document(store):
    (passage,) = put_passages(store, "avel.md", ["Avel was founded in 1711."])
    (sample,) = study(store, ModelSettings(), 1, passage.id)
    question = document_views.draw(store, LibraryViewState(passage.document_id))
    assert "1 sample was made from it and will stay" in question
    assert not reading_actions.remove(store, passage.document_id)
    assert store.library.document_sizes() == []
    assert store.library.passages() == []
    assert store.library.find_passages("Avel", 10) == []
    view = store.samples.view(sample.id)
    assert view.passage.text == "Avel was founded in 1711."
    assert view.document.name == "avel.md"


def test_a_deleted_file_is_gone_and_comes_back_with_what_was_about_it(store, tmp_path):
    """Its gold questions were about a document that was no longer there."""
    path = tmp_path / "avel.md"
    path.write_text("# Avel\n\nAvel was founded in 1711.\n", encoding="utf-8")
    put(store, path)
    (document,) = store.library.documents()
    (passage,) = store.library.passages()
    (sample,) = study(store, ModelSettings(), 1, passage.id)
    gold = [GoldQuestion("When?", "1711", document="avel.md")]
    (question,) = gold_import.import_gold(store, gold, "quiz")
    copy = store.folder / "originals" / document.original
    assert copy.exists()
    reading_actions.remove(store, document.id)
    assert not copy.exists()
    assert quiz_sets.questions(store, "quiz") == []
    moved = path.rename(tmp_path / "towns.md")
    assert put(store, moved) == []
    (again,) = store.library.documents()
    assert (again.id, again.name) == (document.id, "towns.md")
    assert copy.exists()
    assert store.library.passages() == [passage]
    assert store.samples.view(sample.id).document.name == "towns.md"
    assert [q.question.id for q in quiz_sets.questions(store, "quiz")] == [question.id]
    gold = [GoldQuestion("When?", "1711", document="towns.md")]
    (same,) = gold_import.import_gold(store, gold, "quiz")
    assert same.id == question.id
    assert put(store, moved) == ["towns.md is already in the library, as towns.md."]


def test_nothing_is_deleted_while_a_study_continues(store):
    document = put_text(store, "avel.md", "Avel was founded in 1711.")
    run = actions.study(store, ModelSettings(), StudySettings())
    with pytest.raises(JobError):
        reading_actions.remove(store, document.id)
    run_control.cancel(store, run.id)
    assert reading_actions.remove(store, document.id)


def test_a_document_gets_another_name(store):
    document = put_text(store, "avel.md", "Avel was founded in 1711.")
    reading_actions.rename(store, document.id, "  Towns ")
    assert store.library.document(document.id).name == "Towns"
    for name in (" ", " / "):
        with pytest.raises(InputError, match="Enter a name"):
            reading_actions.rename(store, document.id, name)
    reading_actions.rename(store, document.id, "papers/")  # it has to be seen in a list
    assert store.library.document(document.id).name == "papers"


def test_any_new_name_redraws_the_pages_of_other_windows(store):
    """One of the same length did not."""
    document = put_text(store, "avel.md", "Avel was founded in 1711.")
    revisions = [store.revisions.page()]
    for name in ("brin.md", "avel.md", "brin.md"):
        reading_actions.rename(store, document.id, name)
        revisions.append(store.revisions.page())
    assert len(set(revisions)) == len(revisions)


def test_passages_are_found_by_words_and_the_beginning_of_the_last(store):
    put_passages(store, "a.md", ["Avel was founded in 1711.", "Brin lies by the sea."])
    put_passages(store, "b.md", ["A harbour was founded by the sea."])
    texts = [p.text for p in store.library.find_passages("founded sea", 10)]
    assert texts == ["A harbour was founded by the sea."]
    assert len(store.library.find_passages("fou", 10)) == 2
    assert store.library.find_passages('"; DROP', 10) == []
    markup = library_views.search_results(store, "<i>zz")
    assert "No passage has" in markup
    markup = library_views.search_results(store, "harbour")
    assert "<mark>harbour</mark>" in markup
    put_passages(store, "c.md", ["İzmir, İstanbul, İznik: KIYI lies there."])
    assert "<mark>KIYI</mark>" in library_views.search_results(store, "kiyi")
    assert 'data-pick="place-2-0"' in markup


def test_the_id_of_what_was_deleted_is_not_given_again(store):
    def put_avel():
        (passage,) = put_passages(store, "avel.md", ["Avel was founded in 1711."])
        document = store.library.document(passage.document_id)
        exclusion = Exclusion(document.id, 0, "7", "page number")
        store.readings.replace(document, [passage], [exclusion])
        return document.id, passage.id, store.library.exclusions(document.id)[0].id

    before = put_avel()
    corpus = Corpus("gold", "digest", "squad", "", 1, 0, 0)
    first = store.corpora.add(corpus, [])
    reading_actions.remove(store, before[0])
    store.corpora.remove(first.id)
    after = put_avel()
    assert all(new > old for old, new in zip(before, after, strict=True))
    assert store.corpora.add(corpus, []).id > first.id
    # A page that was drawn before names another row than before, or none.
    with pytest.raises(InputError, match="changed since the page was drawn"):
        reading_actions.take_in(store, before[2])
