"""The form of the study tab: its settings, and what a study would take."""

import time
from dataclasses import replace

import gradio as gr
import pytest

from autolearn.core.errors import InputError
from autolearn.core.records import Document
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.models import hardware
from autolearn.models.memory import Device
from autolearn.ui.session import Session
from autolearn.ui.tabs import document_choice, train_form
from autolearn.ui.tabs import study as tab
from tests.support.layouts import events, laid_out
from tests.support.texts import put_passages


def test_an_empty_field_is_reported_by_its_name(workspace):
    values = [getattr(StudySettings(), name) for name in tab.LABELS]
    with pytest.raises(InputError, match="Questions per passage"):
        tab._study(Session(workspace), [], None, *values[1:])


def test_a_setting_out_of_its_range_is_named_as_the_form_names_it(workspace):
    values = {name: getattr(StudySettings(), name) for name in tab.LABELS}
    values["ask_rounds"] = 99
    with pytest.raises(InputError, match="“Question lists per passage” must be from"):
        tab._study(Session(workspace), [], *values.values())
    wrong = vars(TrainSettings()) | {"rank": 0}
    with pytest.raises(InputError, match="“LoRA rank” must be from"):
        train_form.settings_of([*wrong.values()])


def test_the_form_has_every_setting_of_a_study():
    assert set(tab.LABELS) | {"passage_tokens"} == set(StudySettings().as_dict())


def test_the_estimate_of_a_study_follows_the_form(store, monkeypatch):
    put_passages(store, "faust.txt", ["Goethe wrote Faust.", "He lived in Weimar."])
    session, usual = Session(store.folder), StudySettings()
    # Once an import, which names its model by a word, took the estimate away.
    store.runs.create("import", {"model": "built-in"})
    values = {name: getattr(usual, name) for name in tab.LABELS}
    gpu = Device("cuda", half=True, size=64 << 30)
    monkeypatch.setattr(hardware, "device", lambda: gpu)
    markup = tab._effort(session, [], *values.values())
    n = len(store.library.passages())
    assert f"{n} passages; time unknown until the first study" in markup
    monkeypatch.setattr(
        hardware, "device", lambda: Device("cpu", half=True, size=64 << 30)
    )
    markup = tab._effort(session, [], *values.values())
    assert "(rough: no study with these stages and weights yet)" in markup
    assert "KV cache" in markup
    more = {**values, "answer_tokens": 4096}
    assert tab._effort(session, [], *more.values()) != markup
    empty = {**values, "temperature": None}
    assert "Enter a number" in tab._effort(session, [], *empty.values())
    wrong = {**values, "paraphrases": 99}
    assert "from 0 to 10" in tab._effort(session, [], *wrong.values())
    run = store.runs.create(
        "study", {"model": ModelSettings().as_dict(), "study": usual.as_dict()}
    )
    store.runs.claim(1, ["study"])
    time.sleep(0.02)
    store.runs.finish(run.id, "done", None, {"passages": n})
    assert "at the speed of the last study" in tab._effort(
        session, [], *values.values()
    )


def test_a_text_that_is_read_while_the_tab_is_open_is_selected(store):
    """The study took the whole library, and the estimate was that of before."""
    put_passages(store, "old.txt", ["Goethe wrote Faust."])
    session = Session(store.folder)
    added = store.runs.create("import", {})
    _, key = tab._renewed_documents(session, "", [])
    assert tab._renewed_documents(session, key, []) == (gr.skip(), gr.skip())
    new = Document("new.txt", "d", 9, run_id=added.id, source=0)
    record = store.library.add_document(new, [])
    store.runs.finish(added.id, "done")
    documents, later_key = tab._renewed_documents(session, key, [])
    assert ("new.txt", record.id) in documents.choices
    assert (documents.value, later_key != key) == ([record.id], True)


def test_what_was_chosen_to_be_studied_is_still_chosen_after_a_reload(store):
    """The second study after a reload took the whole library."""
    session, texts = Session(store.folder), ["Goethe wrote Faust."]
    _, second = (
        put_passages(store, name, texts)[0].document_id for name in ("a.txt", "b.txt")
    )
    document_choice.remember(store, [second])
    assert tab._documents(session, []).value == [second]
    document_choice.remember(store, [])
    assert document_choice.preselected(store) == []
    added = store.runs.create("import", {})
    new = Document("new.txt", "d", 9, run_id=added.id, source=0)
    record = store.library.add_document(new, [])
    assert document_choice.preselected(store) == [record.id]
    document_choice.remember(store, [second, record.id + 1])  # since removed
    assert tab._documents(session, []).value == [second]


def test_the_stages_are_still_those_that_were_chosen_after_a_reload(context):
    """A reload chose all of them again, so the next study took far longer."""

    def lay_out():
        page = replace(context, notice=gr.HTML(), last_action_at=gr.Textbox())
        tab._remember_stages(page, gr.Radio([("all", False), ("quick", True)]))
        return [event.fn for event in events()]

    load, choose = laid_out(lay_out)
    assert load() is False
    for is_quick in (True, False):
        choose(is_quick)
        assert load() is is_quick
