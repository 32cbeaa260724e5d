"""The steps of a round by hand, where the skills of the model are one of them."""

import re
from dataclasses import replace
from shutil import copytree

from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.evaluation.skill_report import RightCount, VerdictSkill
from autolearn.models import files as model_files
from autolearn.services import model_scope
from autolearn.store import RunFilter
from autolearn.ui.views import guide
from autolearn.ui.views import skills as views
from autolearn.ui.views.links import SKILLS, SKILLS_RESULT
from tests.support.rounds import one_round
from tests.support.skill_reports import keep
from tests.support.texts import put_text
from tests.support.trainings import samples


def test_the_skills_of_a_real_model_are_a_step_that_may_be_left_out(store, tmp_path):
    """A newcomer was led to study with a model that asks and reads too poorly."""

    def step():
        (step,) = [step for step in guide.of(store) if step.tab == "Model"]
        return step.what, step.done

    assert "Model" not in {step.tab for step in guide.of(store)}
    folder = tmp_path / "real"
    copytree(model_files.BUILT_IN, folder)
    store.choices.set("model", ModelSettings(str(folder)).as_dict())
    put_text(store, "avel.md", "Ada leads Avel.")
    assert "Check its skills (next)" in guide.draw(store)
    samples(store, 1, gaps=1)
    assert "Check its skills (to do)" in guide.draw(store)
    digest = model_scope.chosen_digest(store)
    good = VerdictSkill(0.97, 60, 60, 0.5, RightCount(115, 120))
    about = dict(model_digest=digest, verdicts=good)
    keep(store, **about, questions=RightCount(12, 60))
    assert step() == ("Teach it the weak skills", False)
    one_round(store, "meta", digest=digest)
    assert step() == ("Use the round with the skills", False)
    assert not any(step.done for step in guide.of(store) if step.tab == "Train")
    keep(store, **about)
    assert step() == ("Check its skills", True)


def test_the_next_step_follows_the_last_study_and_the_round_in_use(store, tmp_path):
    """After a poor study, and after teaching, the steps went on to a round."""
    model = ModelSettings(str(copytree(model_files.BUILT_IN, tmp_path / "real")))
    store.choices.set("model", model.as_dict())
    put_text(store, "avel.md", "Ada leads Avel.")
    samples(store, 1, gaps=1)
    digest = model_scope.chosen_digest(store)
    good = VerdictSkill(0.97, 60, 60, 0.5, RightCount(115, 120))
    about = dict(model_digest=digest, verdicts=good)

    def next_step():
        for run in store.runs.in_state("queued"):
            store.runs.finish(run.id, "failed")
        (step,) = re.findall(r'aria-label="([^"(]*) \(next\)', guide.draw(store))
        return step

    def study(round_id, approvable):
        settings = replace(model, round_id=round_id).as_dict()
        run = store.runs.create("study", {"model": settings})
        result = {"gaps": 9, "approvable": approvable}
        store.runs.finish(run.id, "done", result=result)

    keep(store, **about, questions=RightCount(12, 60))
    study(None, 9)
    assert next_step() == "Train a round"
    study(None, 1)
    assert next_step() == "Teach it the weak skills"
    assert f'data-part="{SKILLS}"' in guide.draw(store)
    teaching = TrainRunSettings(model=model, train=TrainSettings(method="meta"))
    store.runs.create("train", teaching.as_dict())
    markup = guide.draw(store)
    assert "Teach it the weak skills (in progress)" in markup
    assert "Train a round (to do)" in markup
    taught = one_round(store, "meta", digest=digest)
    study(None, 9)
    assert next_step() == "Use the round with the skills"
    assert f'data-part="{SKILLS_RESULT}"' in guide.draw(store)
    store.choices.set("model", replace(model, round_id=taught.id).as_dict())
    assert next_step() == "Check its skills"
    keep(store, **about, round_id=taught.id, protocol="taught")
    assert next_step() == "Let the model study them"
    study(taught.id, 9)
    assert next_step() == "Train a round"


def test_weak_skills_that_were_taught_in_few_steps_are_the_next_step(store, tmp_path):
    """The step was ticked, while the advice asked for more steps."""
    model = ModelSettings(str(copytree(model_files.BUILT_IN, tmp_path / "real")))
    put_text(store, "avel.md", "Ada leads Avel.")
    store.choices.set("model", model.as_dict())
    digest = model_scope.chosen_digest(store)
    good = VerdictSkill(0.97, 60, 60, 0.5, RightCount(115, 120))
    about = dict(model_digest=digest, verdicts=good, not_stated=RightCount(12, 60))
    keep(store, **about)

    def teach(n_steps, parent_id):
        train = TrainSettings(method="meta", epochs=1, batch_size=6, max_steps=n_steps)
        settings = TrainRunSettings(model=model, train=train).as_dict()
        run = store.runs.create("train", settings)
        store.runs.finish(run.id, "done", result={"items": 900})
        taught = replace(
            one_round(store, "meta", digest=digest),
            run_id=run.id,
            settings=settings,
            parent_id=parent_id,
            n_steps=n_steps,
        )
        return store.rounds.create(replace(taught, id=0), []).id

    def use(round_id):
        store.choices.set("model", replace(model, round_id=round_id).as_dict())

    def next_step():
        for run in store.runs.in_state("queued"):
            store.runs.finish(run.id, "failed")
        (step,) = re.findall(r'aria-label="([^"]*) \(next\)', guide.draw(store))
        return step

    few = teach(30, None)
    use(few)
    assert next_step() == "Check its skills"
    keep(store, **about, round_id=few)
    assert next_step() == "Teach it the skills in more steps (30 of 150 so far)"
    advice = views.panel(store, replace(model, round_id=few)).result
    assert "teach it the skills in more steps: only 30 of the 150" in advice
    more = teach(150, few)
    assert next_step() == "Use the round with the skills"
    advice = views.panel(store, replace(model, round_id=few)).result
    assert f"use round {more}" in advice
    use(more)
    keep(store, **about, round_id=more)
    assert next_step() == "Let the model study them"


def test_who_approves_what_a_weak_study_made_is_led_on(store, tmp_path):
    """The skill check stayed the next step through training, quiz and chat."""
    model = ModelSettings(str(copytree(model_files.BUILT_IN, tmp_path / "real")))
    store.choices.set("model", model.as_dict())
    put_text(store, "avel.md", "Ada leads Avel.")
    digest = model_scope.chosen_digest(store)
    keep(store, model_digest=digest, questions=RightCount(12, 60))
    samples(store, 1, gaps=1)
    (run,) = store.runs.find(RunFilter(("study",)))
    change = "UPDATE runs SET settings = json_set(settings, '$.model_digest', ?)"
    store.db.write(f"{change} WHERE id = ?", digest, run.id)
    store.runs.finish(run.id, "done", result={"gaps": 9, "approvable": 0})
    for check in store.runs.in_state("queued"):
        store.runs.finish(check.id, "done")
    assert "Teach it the weak skills (to do)" in guide.draw(store)
    assert "Train a round (next)" in guide.draw(store)
    store.decisions.undo_batch(store.decisions.last().id)
    assert "Teach it the weak skills (next)" in guide.draw(store)
    one_round(store, "join", digest=digest)  # of samples that a person has added
    for run in store.runs.in_state("queued"):
        store.runs.finish(run.id, "done")
    assert "Teach it the weak skills (to do)" in guide.draw(store)
