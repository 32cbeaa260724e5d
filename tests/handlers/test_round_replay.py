"""What a round on a scripted model replays: its pool, its texts and its critic."""

from dataclasses import replace

import pytest

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.records import DRIFT_PROBE, Question
from autolearn.core.run_settings import SampleScope
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.handlers import round_training
from autolearn.models import files as model_files
from autolearn.runs.context import RunContext
from autolearn.services import actions
from autolearn.services.actions import TrainSources
from autolearn.store import Store
from autolearn.study import prompts
from autolearn.study.generation import Generator
from autolearn.training import replay, replay_plan, replay_pool
from tests.support.rounds import Learner, approve, queue_round, train
from tests.support.texts import put_passages


@pytest.mark.parametrize("off", ["replay_weight", "replay_share"])
def test_a_dial_at_zero_replays_nothing_and_still_measures(
    store, approved_samples, off
):
    learner = Learner()
    train(store, queue_round(store, **{off: 0.0}), learner)
    assert learner.n("replay") == 0
    assert learner.n(DRIFT_PROBE) == replay.N_PROBE
    assert len(learner.history) == replay.STEP


def test_the_count_of_generated_instructions_goes_on_within_a_batch(
    store, approved_samples
):
    """It stood for more than a minute, and the page said that it takes too long."""
    calls = []
    run = queue_round(store)
    context = RunContext(
        store, run, lambda: False, lambda *progress: calls.append(progress)
    )
    round_training.train(context, Learner())
    counts = [n for stage, n, _ in calls if stage == "generated instructions"]
    (total,) = {n for stage, _, n in calls if stage == "generated instructions"}
    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] <= total
    assert len({n for n in counts if n < replay.STEP}) > replay.STEP // 4


def test_replay_reads_texts_of_the_round_too(store):
    texts = [f"This is what stands in text {i}." for i in range(40)]
    approve(store, [one.id for one in put_passages(store, "a.txt", texts)])
    learner = Learner()
    result = train(store, queue_round(store, validation_share=0.0), learner)
    assert (result.items, result.replay) == (80, 80 + 5 * 5 + 5)
    read = [i for i in learner.items if "what stands in" in i.chat[-1].content]
    assert {item.kind for item in read} == {"replay"}
    assert len(read) == 4 * replay_plan.READING * 80
    assert all(item.chosen.startswith("It is, since This is") for item in read)


class Continuing(Learner):
    """Goes on from the beginnings that it is given."""

    def generate_instructions(
        self, seeds, stop, max_new_tokens=48, beginnings=None, progress=None
    ):
        new = super().generate_instructions(seeds, stop, max_new_tokens, beginnings)
        if not beginnings:
            return new
        return [f"{begin} {text}" for begin, text in zip(beginnings, new, strict=True)]


@pytest.mark.parametrize("protocol", ["guided", "taught", "trained"])
def test_an_instruct_model_begins_half_of_its_instructions_as_the_round_does(
    store, approved_samples, protocol
):
    store.runs.create("study", {"study": {"protocol": protocol}})
    learner = Continuing()
    train(store, queue_round(store, validation_share=0.0), learner)
    replayed = [i.chat[-1].content for i in learner.items if i.kind == "replay"]
    alike = [text for text in replayed if text.startswith(("Who Why", "Who leads Why"))]
    free = [text for text in replayed if text.startswith("Why")]
    n_alike = 0 if protocol == "trained" else 40
    assert (len(alike), len(free)) == (n_alike, 80 - n_alike)


def test_replay_is_written_within_the_limits_of_the_last_study(store):
    (text,) = put_passages(store, "a.txt", ["This is what stands in it."])
    approve(store, [text.id] * 40)
    limits = {"answer_tokens": 300, "feedback_tokens": 500, "question_tokens": 9}
    store.runs.create("study", {"study": limits})
    learner = Learner()
    train(store, queue_round(store), learner)
    most = {r.prompt.name: r.sampling.max_new_tokens for r in learner.history}
    assert most == {
        "closed_book": replay.ANSWER_TOKENS,  # generated instructions are of no study
        "open_book": 600,
        "ask": 6 * 9,
        "paraphrase": 2 * 9,
        "feedback": 500,
        "feedback_free": 500,
    }


def test_the_limits_of_replay_are_those_of_when_the_round_was_queued(
    store, approved_samples
):
    """A study that was queued later changed the rest of the replay on resumption."""
    store.runs.create("study", {"study": {"feedback_tokens": 500}})
    scope = TrainSources(scope=SampleScope())
    run = actions.train(store, ModelSettings(), TrainSettings(), sources=scope)
    store.runs.create("study", {"study": {"feedback_tokens": 7}})
    learner = Learner()
    train(store, run, learner)
    checks = [r for r in learner.history if r.prompt.name == "feedback_free"]
    assert {request.sampling.max_new_tokens for request in checks} == {500}


def test_a_round_checks_answers_to_what_was_put_without_a_text(store, approved_samples):
    put = [f"Add {i} to {i}." for i in range(3)]
    store.library.add_questions([Question(text, "study", "person") for text in put])
    learner = Learner()
    train(store, queue_round(store, validation_share=0.0), learner)
    check_prompts = [
        item.chat[-1].content
        for item in learner.items
        if "Check the answer" in item.chat[-1].content
    ]
    assert len(check_prompts) == round(replay_plan.CHECKING * 80)
    assert all(any(text in one for one in check_prompts) for text in put)


def test_a_round_of_meta_skills_is_not_held_to_how_it_checked_before(
    store, approved_samples
):
    example = {"response": "No.", "feedback": "It is wrong.", "refinement": "Two."}
    corpus = [{"prompt": f"Add {i}."} | example for i in range(16)]
    run = queue_round(store, method="meta")
    run = replace(run, settings=run.settings | {"corpus": corpus})
    learner = Learner()
    train(store, run, learner)
    names = {request.prompt.name for request in learner.history}
    assert learner.n("replay") > 0
    assert names == {"closed_book"}


def test_two_rounds_have_the_same_drift_probe(store, approved_samples):
    one, two = Learner(), Learner()
    train(store, queue_round(store), one)
    train(store, queue_round(store, replay_share=2.0, seed=5), two)
    probes = [[i for i in each.items if i.kind == DRIFT_PROBE] for each in (one, two)]
    assert probes[0] == probes[1]
    instructions = [each.items[80 : 80 + n] for each, n in ((one, 80), (two, 160))]
    assert {item.kind for item in instructions[0]} == {DRIFT_PROBE, "replay"}
    assert instructions[1][:80] == instructions[0]


@pytest.fixture(params=[replay_pool.FILE, replay_pool.OLD_FILE])
def pool_file(request, tmp_path, monkeypatch):
    """A model that brings its instructions along, by the present or the older name."""
    place = tmp_path / "model"
    place.mkdir()
    monkeypatch.setattr(model_files, "locate", lambda name: place)
    learner = Learner()
    with Store.open(tmp_path / "other") as other:
        journal = other.journal(other.runs.create("train", {}).id)
        writer = Generator(learner, StudySettings(), lambda: False, lambda share: None)
        instructions = replay.generate_instructions(
            writer, journal, [], 2 * replay.STEP, lambda n_done: None
        )
    file = place / request.param
    file.write_text(replay_pool.as_text(instructions, learner.identity))
    return file


def test_what_a_model_brings_along_is_not_made_anew(store, approved_samples, pool_file):
    plain, quick = Learner(), Learner()
    train(store, queue_round(store), quick)
    assert {request.prompt.name for request in quick.history} == {"feedback_free"}
    pool_file.unlink()
    with Store.open(store.folder) as again:
        again.db.write("DELETE FROM generated_instructions")
        train(again, queue_round(again), plain)
    assert len(plain.history) > len(quick.history)
    assert plain.items == quick.items


@pytest.mark.parametrize("text", ["no json", '{"model": 1}\n[1]\n', ""])
def test_what_does_not_belong_to_the_model_is_not_used(
    store, approved_samples, pool_file, text
):
    pool_file.write_text(text)
    learner = Learner()
    train(store, queue_round(store), learner)
    assert learner.history


def test_the_built_in_model_has_a_pool_of_its_own():
    text = (model_files.BUILT_IN / replay_pool.FILE).read_text(encoding="utf-8")
    mine = ModelIdentity(
        "built-in", model_files.digest(model_files.BUILT_IN), "nf4", "", ""
    )
    assert len(replay_pool.parse(text, mine)) >= 700
    assert replay_pool.parse(text, replace(mine, quantization="none")) == []
    assert replay_pool.parse(text, replace(mine, digest="another")) == []


CRITIC = [
    {
        "prompt": f"Add {i}.",
        "response": "No.",
        "feedback": "It is wrong.\nVerdict: incorrect",
        "refinement": "Two.",
    }
    for i in range(16)
]


def with_corpus(run):
    return replace(run, settings=run.settings | {"corpus": CRITIC})


def replayed_critics(learner):
    names = {"feedback", "feedback_free", "refine", "refine_free"}
    rules = {prompts.load(name).system for name in names}
    return [
        i for i in learner.items if i.kind == "replay" and i.chat[0].content in rules
    ]


def test_the_critic_of_the_base_model_is_replayed_unless_another_is_taught(store):
    texts = [f"This is what stands in text {i}." for i in range(40)]
    approve(store, [one.id for one in put_passages(store, "a.txt", texts)])
    learner = Learner()
    train(store, queue_round(store, method="self"), learner)
    assert replayed_critics(learner)
    learner = Learner()
    train(store, with_corpus(queue_round(store, method="self")), learner)
    assert [
        i for i in learner.items if i.teaches and i.chosen.startswith("It is wrong")
    ]
    assert learner.n("replay") > 0
    assert replayed_critics(learner) == []


def test_a_round_on_new_meta_skills_is_not_held_to_the_old_critic(
    store, approved_samples
):
    meta = train(store, with_corpus(queue_round(store, method="meta")), Learner())
    learner = Learner()
    train(store, queue_round(store, meta.round, method="join"), learner)
    assert learner.n("replay") > 0
    assert replayed_critics(learner) == []
