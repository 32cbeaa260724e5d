"""What the model makes up is made once for all its rounds, whatever interrupts it."""

from dataclasses import replace

import pytest

from autolearn import prompts, replay
from autolearn.backends.scripted import ScriptedBackend
from autolearn.ports import Cancelled
from autolearn.settings import StudySettings
from autolearn.store import Store
from autolearn.writing import Writer

CLOSED_BOOK = prompts.load("closed_book").digest


def backend(n_different=10**9, reply=lambda request: "It is."):
    return ScriptedBackend(reply, imagine=lambda seed: f"Why {seed % n_different}?")


def imagine(store, n, model=None, run=None, stop=lambda: False):
    run = run or store.runs.create("train", {})
    model = model or backend()
    known = store.pool.of(model.identity, CLOSED_BOOK)
    writer = Writer(model, StudySettings(), stop, lambda share: None)
    journal = store.journal(run.id)
    return replay.imagine(writer, journal, known, n, lambda done: None)


def texts(imagined):
    return [one.text for one in imagined]


def test_a_second_round_makes_nothing_anew(store):
    first, model = imagine(store, 40), backend()
    assert imagine(store, 40, model) == first
    assert imagine(store, 7, model) == first[:7]
    assert model.history == []


def test_a_round_that_wants_more_adds_to_what_there_is(store):
    first, model = imagine(store, 40), backend()
    more = imagine(store, 150, model)
    assert texts(more[:40]) == texts(first)
    assert len(model.history) == 2 * replay.STEP
    assert len(set(texts(more))) == 150


def test_another_workspace_gets_the_same(store, tmp_path):
    at_once = imagine(store, 150)
    with Store.open(tmp_path / "other") as other:
        imagine(other, 10)
        assert texts(imagine(other, 150)) == texts(at_once)


def test_what_was_made_before_a_kill_is_not_made_again(store):
    run, calls = store.runs.create("train", {}), []

    def die(request):
        calls.append(request)
        if len(calls) > replay.STEP + 5:
            raise KeyboardInterrupt
        return "It is."

    with pytest.raises(KeyboardInterrupt):
        imagine(store, 150, backend(reply=die), run)
    model = backend()
    whole = imagine(store, 150, model, run)
    assert len(whole) == 150
    assert len(model.history) == 2 * replay.STEP
    assert [one.draw for one in whole] == list(range(150))


def test_a_wish_to_stop_keeps_what_is_whole_and_nothing_else(store):
    model = backend()
    with pytest.raises(Cancelled):
        imagine(store, 150, model, stop=lambda: len(model.history) >= 70)
    kept = store.pool.of(model.identity, CLOSED_BOOK)
    assert len(kept) == replay.STEP


def test_a_model_that_repeats_itself_is_not_asked_for_ever(store):
    model = backend(n_different=20)
    assert len(imagine(store, 150, model)) == len(model.history) == 20
    assert len(imagine(store, 150, model)) == len(model.history) == 20


def test_an_answer_that_says_nothing_is_not_kept(store):
    model = backend(reply=lambda request: "" if "7?" in str(request) else "It is.")
    made = imagine(store, 50, model)
    assert len(made) == 50
    assert not any(text.endswith("7?") for text in texts(made))


def test_each_answer_has_its_provenance(store):
    run = store.runs.create("train", {})
    (one, *_) = imagine(store, 1, run=run)
    (row,) = store.db.rows(
        "SELECT g.run_id, s.name, g.prompt_name, g.model, g.raw FROM imagined i"
        " JOIN generations g ON g.id = i.generation_id JOIN steps s ON s.id = step_id"
        " WHERE i.id = ?",
        one.id,
    )
    assert tuple(row) == (run.id, "imagined 1-64", "closed_book", "scripted", "It is.")


def test_each_base_model_and_prompt_has_a_pool_of_its_own(store):
    made = imagine(store, 3)
    identity = backend().identity
    assert store.pool.of(identity, CLOSED_BOOK)[:3] == made
    assert store.pool.of(identity, "another prompt") == []
    for other in ({"digest": "other"}, {"quantization": "nf4"}):
        assert store.pool.of(replace(identity, **other), CLOSED_BOOK) == []


def test_items_ask_as_the_model_is_asked_what_it_learned(store):
    (item,) = replay.items("gauge", imagine(store, 1, backend(n_different=1)))
    asked = prompts.load("closed_book").render(question="Why 0?")
    assert (item.kind, item.chat, item.chosen) == ("gauge", asked.chat, "It is.")
    assert not item.teaches


TEXTS = [(f"Text {i}.", f"What is {i}?") for i in range(10)]


def test_each_text_is_asked_its_question_and_one_of_another():
    found = replay.to_read([*TEXTS, *TEXTS], 20)
    assert found == replay.to_read(TEXTS, 20)
    shown = [one.chat[-1].content for one in found]
    assert len(set(shown)) == 20
    answerable = [s for s in shown for text, q in TEXTS if text in s and q in s]
    assert len(answerable) == 10
    for text, _ in TEXTS:
        assert sum(text in s for s in shown) == 2


@pytest.mark.parametrize(("texts", "n", "asked"), [(0, 8, 0), (1, 8, 1), (10, 3, 3)])
def test_few_texts_or_little_replay_ask_less(texts, n, asked):
    assert len(replay.to_read(TEXTS[:texts], n)) == asked


def test_what_is_read_is_held_as_the_model_wrote_it():
    model = backend(reply=lambda request: "Evidence: none\nAnswer: It does not say.")
    writer = Writer(model, StudySettings(), lambda: False, lambda share: None)
    asked = replay.to_read(TEXTS, 4)
    read = replay.read(writer, asked)
    assert [item.chat for item, _ in read] == [prompt.chat for prompt in asked]
    for item, generation in read:
        assert (item.kind, item.chosen) == ("replay", generation.completion.text)
