"""The round that the next one starts from: what is offered, chosen and kept."""

from dataclasses import replace

import pytest

from autolearn.core.settings import ModelSettings
from autolearn.runs.model_choice import choose_model
from autolearn.ui.tabs import train, training_progress
from tests.support.rounds import one_round
from tests.support.trainings import ORDER, order


@pytest.fixture(autouse=True)
def offered(monkeypatch):
    """Show of a list what stays chosen, and what takes its place if that is nothing."""
    monkeypatch.setattr(
        training_progress, "offer", lambda _, chosen, default: (chosen, default)
    )


def test_a_round_says_that_it_will_lack_the_skills_of_the_one_in_use(store):
    taught = one_round(store, "meta")
    choose_model(store, ModelSettings(round_id=taught.id))
    (note,) = train._skills_left_behind(store, ORDER)
    assert f"Round {taught.id}, which is in use, has learned meta-skills" in note
    for other in (replace(ORDER, parent=taught.id), order(method="meta")):
        assert train._skills_left_behind(store, other) == []
    choose_model(store, ModelSettings())
    assert train._skills_left_behind(store, ORDER) == []


def test_a_round_starts_from_the_one_in_use_if_that_has_learned_skills(store, session):
    """It started from the base model again after each reload, and lost the skills."""
    facts, taught = one_round(store, "al1"), one_round(store, "meta")
    choose_model(store, ModelSettings(round_id=facts.id))
    parent, _, known = training_progress._lists(session, (), 0, 0)
    assert parent == (0, 0)
    choose_model(store, ModelSettings(round_id=taught.id))
    for old in ((), known):  # after a reload, and in an open page
        parent, _, new = training_progress._lists(session, old, 0, 0)
        assert parent == (None, taught.id)
    another = one_round(store, "al1")
    for chosen in (0, another.id):  # by a person
        parent, *_ = training_progress._lists(session, new, chosen, 0)
        assert parent == (chosen, taught.id)
    choose_model(store, ModelSettings())
    parent, *_ = training_progress._lists(session, new, taught.id, 0)
    assert parent == (None, 0)


def test_the_parent_that_was_chosen_is_kept_for_its_model(store, session):
    """Each reload chose the default again."""
    facts, taught = one_round(store, "al1"), one_round(store, "meta")
    choose_model(store, ModelSettings(round_id=taught.id))

    def after_reload():
        parent, *_ = training_progress._lists(session, (), 0, 0)
        return parent

    usual = None, taught.id
    for chosen, shown in (
        (facts.id, (None, facts.id)),
        (0, (0, 0)),
        (taught.id, usual),
        (taught.id + 1, usual),  # no longer there
    ):
        training_progress.keep_parent(store, chosen)
        assert after_reload() == shown
    of_another_model = {"model": "another", "round": facts.id}
    store.choices.set(training_progress.PARENT, of_another_model)
    assert after_reload() == usual
