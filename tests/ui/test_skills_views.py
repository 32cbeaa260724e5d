"""What the Model tab says about the skills of a model."""

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import gradio as gr
import pytest
from gradio.context import get_blocks_context

from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import Corpus, GoldExample
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.endpoints.facts import ServerFacts
from autolearn.evaluation.skill_report import RightCount, VerdictSkill
from autolearn.models import compute, hardware
from autolearn.models.memory import Device, Memory
from autolearn.runs import model_references, run_control
from autolearn.services import skill_actions
from autolearn.services.estimates import skill_teaching
from autolearn.services.estimates.durations import TrainingEstimate
from autolearn.services.estimates.memory_needs import MemoryFit
from autolearn.ui.session import Session
from autolearn.ui.tabs import skills as tab
from autolearn.ui.views import skills as views
from tests.support.layouts import laid_out
from tests.support.rounds import one_round
from tests.support.skill_reports import keep

MODEL = ModelSettings()


def test_without_a_check_the_page_says_that_a_study_works(store):
    markup = views.panel(store, MODEL).result
    assert "have not been checked" in markup
    assert "A study also works without" in markup
    assert "<svg" not in markup
    taught = one_round(store, "meta")
    markup = views.panel(store, replace(MODEL, round_id=taught.id)).result
    assert views.unchecked(taught.id) in markup
    assert "so the round needs a check of its own" in markup
    assert "A study also works without" not in markup


def test_a_check_that_was_stopped_says_where_it_is_resumed(store):
    run = store.runs.create("skills", {"model": MODEL.as_dict()})
    store.runs.request_cancel(run.id)
    markup = views.panel(store, MODEL).head
    assert f"Skill check (run {run.id}) is not finished (cancelled)" in markup
    assert 'data-pick="tab-History"' in markup
    done = store.runs.create("skills", {"model": MODEL.as_dict()})
    store.runs.finish(done.id, "done")
    assert "not finished" not in views.panel(store, MODEL).head


def test_each_skill_is_a_bar_a_row_and_a_sentence(store):
    keep(store, questions=RightCount(12, 60))
    markup = views.panel(store, MODEL).result
    (svg_text,) = re.findall(r"<svg.*</svg>", markup, re.DOTALL)
    svg = ElementTree.fromstring(svg_text)
    bars = [r for r in svg.iter("rect") if "al-skill-bar" in r.get("class", "")]
    assert len(bars) == 7
    weak = [r for r in bars if "al-skill-is-weak" in r.get("class", "")]
    assert len(weak) == 2
    assert svg.get("aria-label", "").count(", weak") == 2
    assert svg.get("role") == "img"
    widths = {float(r.get("width", "")) for r in bars}
    assert all(0 <= width <= 460 for width in widths)
    assert markup.count("<tr>") == 8
    assert "It asks 20 % valid questions." in markup
    assert "Teach it the skills first" in markup
    assert "are chance (AUC 0.48)" in markup


def test_the_skills_of_a_round_stand_beside_those_of_its_base_model(store):
    """They had to be looked up one after the other."""
    keep(store, questions=RightCount(12, 60))
    assert "Base model" not in views.panel(store, MODEL).result
    round_ = one_round(store, "join")
    keep(store, round_id=round_.id)
    markup = views.panel(store, replace(MODEL, round_id=round_.id)).result
    assert "Base model" in markup
    assert "20 %" in markup
    keep(store, round_id=round_.id, protocol="trained")
    markup = views.panel(store, replace(MODEL, round_id=round_.id)).result
    assert "Base model" not in markup


def test_a_check_of_other_weights_is_not_shown(store):
    keep(store)
    assert (
        "not been checked"
        in views.panel(store, replace(MODEL, quantization="none")).result
    )
    assert "<svg" in views.panel(store, MODEL).result


def test_a_model_that_is_not_there_is_a_sentence(store):
    markup = views.panel(store, ModelSettings("<b>none")).result
    assert "al-problem" in markup
    assert "<b>" not in markup


def test_a_model_is_checked_once_at_a_time(store):
    run = skill_actions.check(store, MODEL)
    assert f"Skill check (run {run.id}) is queued" in views.panel(store, MODEL).head
    with pytest.raises(JobError, match=f"already; wait for run {run.id}"):
        skill_actions.check(store, MODEL)
    assert skill_actions.check(store, replace(MODEL, quantization="none")).kind == (
        "skills"
    )


def test_teaching_is_offered_where_a_skill_is_weak_and_nowhere_else(store):
    assert not views.panel(store, MODEL).needs_teaching
    counts = VerdictSkill(0.97, 60, 60, 0.5, RightCount(115, 120))
    keep(store, verdicts=counts)
    assert not views.panel(store, MODEL).needs_teaching
    keep(store, verdicts=counts, questions=RightCount(12, 60))
    assert views.panel(store, MODEL).needs_teaching
    keep(store, protocol="trained")
    assert not views.panel(store, MODEL).needs_teaching


def test_the_prompting_style_is_explained(store):
    """Newcomers did not understand “protocol”."""
    keep(store, protocol="trained")
    markup = views.panel(store, MODEL).result
    assert "Prompting style: trained (the bare prompts;" in markup
    assert "protocol" not in markup.lower()


def test_a_round_that_teaches_the_skills_is_named_while_it_lasts(store):
    """The button began it, and nothing was seen of it on the tab."""
    keep(store, questions=RightCount(12, 60))
    settings = TrainRunSettings(model=MODEL, train=TrainSettings(method="meta"))
    run = run_control.submit(store, settings)
    panel = views.panel(store, MODEL)
    assert f"Run {run.id} teaches it the skills (queued)" in panel.head
    assert not panel.needs_teaching
    store.runs.finish(run.id, "failed", "too little memory")
    panel = views.panel(store, MODEL)
    assert "teaches it the skills" not in panel.head
    assert panel.needs_teaching


def test_a_round_that_has_learned_the_skills_is_named(store):
    """The page asked to teach them again, and did not say what to do with the round."""
    keep(store, questions=RightCount(12, 60))
    sentence = "Round 1 has learned these skills"
    assert sentence not in views.panel(store, MODEL).result
    assert not views.panel(store, MODEL).is_taught
    taught = one_round(store, "meta")
    panel = views.panel(store, MODEL)
    assert sentence in panel.result
    assert f'data-pick="{taught.id}"' in panel.result
    assert "Teach it the skills first" not in panel.result
    assert (panel.needs_teaching, panel.is_taught) == (True, True)
    *_, teach, _ = tab._draw(Session(store.folder), MODEL)
    assert teach.variant == "secondary"
    keep(store, questions=RightCount(12, 60), round_id=taught.id)
    own = replace(MODEL, round_id=taught.id)
    panel = views.panel(store, own)
    assert sentence not in panel.result
    assert f"{views.STILL_WEAK}{views.ANOTHER_CORPUS}" in panel.result
    assert "Teach it the skills first" not in panel.result
    assert (panel.needs_teaching, panel.is_taught) == (True, True)


def test_a_round_that_was_taught_in_few_steps_is_to_be_taught_in_more(store):
    """The page advised another corpus or model after a third of the steps."""

    def teach(parent_id, n_steps, max_steps):
        train = TrainSettings(
            method="meta", epochs=1, batch_size=6, least_steps=70, max_steps=max_steps
        )
        settings = TrainRunSettings(model=MODEL, train=train).as_dict()
        run = store.runs.create("train", settings)
        store.runs.finish(run.id, "done", result={"items": 903, "dropped": 3})
        taught = replace(
            one_round(store, "meta"),
            run_id=run.id,
            settings=settings,
            parent_id=parent_id,
            n_steps=n_steps,
        )
        return store.rounds.create(replace(taught, id=0), []).id

    few = teach(None, 50, 50)
    assert skill_actions.limited_steps(store, None) is None
    keep(store, questions=RightCount(12, 60), round_id=few)
    panel = views.panel(store, replace(MODEL, round_id=few))
    assert f"{views.STILL_WEAK}teach it the skills in more steps: only 50" in (
        panel.result
    )
    assert "only 50 of the 150 steps" in panel.result
    assert (panel.needs_teaching, panel.is_taught) == (True, False)
    more = teach(few, 40, 40)
    assert skill_actions.limited_steps(store, more) == (90, 150)
    assert skill_actions.limited_steps(store, teach(more, 60, 60)) is None
    assert skill_actions.limited_steps(store, teach(None, 140, 0)) is None


def test_a_model_on_a_server_is_not_offered_to_be_taught(store):
    server = ModelSettings("http://127.0.0.1:1/v1#tiny")
    facts = ServerFacts(server.model, "llama.cpp")
    store.choices.set(model_references.CHOICE, {server.model: facts.as_dict()})
    about = dict(model=server.model, model_digest=facts.digest, quantization="none")
    keep(store, **about, questions=RightCount(12, 60))
    panel = views.panel(store, server)
    assert "Choose a larger model." in panel.result
    assert "Teach it the skills" not in panel.result
    assert not panel.needs_teaching


def test_a_model_is_taught_from_the_corpora_of_the_library(store):
    with pytest.raises(JobError, match="add one under Library"):
        skill_actions.teach(store, MODEL)
    corpus = Corpus("squad.json", "d1", "squad", n_examples=1, n_texts=1, n_refused=0)
    example = GoldExample("Avel has 300 inhabitants.", "How many live in Avel?", "300")
    corpus = store.corpora.add(corpus, [example])
    run = skill_actions.teach(store, MODEL)
    settings = TrainRunSettings.of(run)
    assert settings.train.method == "meta"
    assert settings.corpus_ids == (corpus.id,)


def test_a_model_is_taught_in_as_many_steps_as_are_chosen(store):
    """Beside the button it could not be chosen, so that a slow computer took hours."""
    corpus = Corpus("squad.json", "d1", "squad", n_examples=1, n_texts=1, n_refused=0)
    example = GoldExample("Avel has 300 inhabitants.", "How many live in Avel?", "300")
    store.corpora.add(corpus, [example])
    keep(store, questions=RightCount(12, 60))
    session = Session(store.folder)
    *_, steps, teach, _ = tab._draw(session, MODEL)
    assert (steps.visible, teach.visible) == (True, True)
    run = tab._teach(session, tab._checked(12), store, MODEL)
    assert TrainRunSettings.of(run).train.max_steps == 12
    assert store.choices.get(tab.CHOICE) == 0, "the next one is by the preset"
    *_, steps, teach, _ = tab._draw(session, MODEL)
    assert (steps.visible, teach.visible) == ("hidden", False)
    for typed in (12, None):  # it was 0 again after a reload
        tab._remember(session, typed)
        assert store.choices.get(tab.CHOICE) == 12
    for wrong, message in ((None, "Enter a number for"), (-1, "must be from 0")):
        with pytest.raises(InputError, match=message):
            tab._checked(wrong)


def test_the_time_of_a_check_is_told_before_it_begins(store, monkeypatch):
    cpu = Device("cpu", half=False, size=64 << 30)
    monkeypatch.setattr(compute, "speed", lambda: 1e10)
    monkeypatch.setattr(hardware, "device", lambda: cpu)
    assert "A check takes roughly" in views.panel(store, MODEL).head
    monkeypatch.setattr(hardware, "device", lambda: replace(cpu, kind="cuda"))
    assert "The first check of a model shows" in views.panel(store, MODEL).head
    run = store.runs.create("skills", {"model": MODEL.as_dict()})
    assert "The first check of a model shows" not in views.panel(store, MODEL).head
    store.runs.finish(run.id, "done")
    store.db.write(
        "UPDATE runs SET started_at = created_at, worked_seconds = 300 WHERE id = ?",
        run.id,
    )
    assert "A check takes about 5 min" in views.panel(store, MODEL).head
    other = replace(MODEL, quantization="none")
    assert "The first check of a model shows" in views.panel(store, other).head


def test_the_time_of_teaching_is_told_before_it_begins(store, monkeypatch):
    """It began at once, and took hours. A new library has no corpus yet."""
    cpu = Device("cpu", half=False, size=64 << 30)
    monkeypatch.setattr(hardware, "device", lambda: cpu)
    monkeypatch.setattr(compute, "speed", lambda: 1e10)
    settings = TrainSettings(method="meta", meta_examples=40)
    monkeypatch.setattr(
        skill_actions,
        "teaching_settings",
        lambda _, max_steps: replace(settings, max_steps=max_steps),
    )
    estimate = skill_teaching.estimate(store, MODEL)
    assert estimate
    time, _ = estimate
    assert (time.steps, time.is_first) == (settings.steps(40 // 8), True)
    assert time.seconds
    assert time.seconds_before is not None
    fewer = skill_teaching.estimate(store, MODEL, 2)
    assert fewer
    assert fewer[0].steps == 2
    keep(store, questions=RightCount(12, 60))
    *_, basis = tab._draw(Session(store.folder), MODEL)
    assert basis
    request = TrainRunSettings(model=MODEL, train=settings)
    run_control.submit(store, request)
    *_, basis = tab._draw(Session(store.folder), MODEL)
    assert basis == ""


def test_the_estimate_of_teaching_is_shown_only_for_its_number_of_steps(context):
    """That of the former number stood for seconds beside another one."""

    def lay_out():
        basis, steps = gr.Textbox(), gr.Number()
        estimate = gr.HTML()
        tab._draw_estimate(context.session, basis, steps, [], estimate)
        blocks = get_blocks_context()
        assert blocks
        return [*blocks.fns.values()], estimate

    (clear, ask, show), estimate = laid_out(lay_out)
    for event in (clear, show):
        assert event.outputs == [estimate]
        assert event.fn is None, "the server is not asked"
        assert "Estimating how long" in event.js
    assert estimate not in ask.outputs
    assert json.loads(ask.fn("", 30)) == [30, ""]


def test_the_time_of_teaching_has_the_replay_that_is_written_first():
    fit = MemoryFit(Memory(weights=1 << 30), 2 << 30, None)
    time = TrainingEstimate(150, 900, 1200.0, 600.0, is_first=True)
    sentence = views.teaching_estimate(time, fit)
    assert "at most 150 steps; about 30 min, 10 min of it to write" in sentence
    assert "(rough: the first round with this model)" in sentence
    assert "memory about 1.0 GiB of 2.0 GiB free" in sentence
    unknown = replace(time, seconds_before=None)
    assert "about 20 min (rough" in views.teaching_estimate(unknown, fit)
    unknown = replace(time, seconds=None)
    assert "known after the first round" in views.teaching_estimate(unknown, fit)
