"""A round on a scripted model: what is frozen with it, and what is kept of it."""

from dataclasses import replace

import pytest

from autolearn.core.model_calls import (
    Completion,
    Generation,
    ModelIdentity,
    Request,
    Sampling,
)
from autolearn.core.ports import Cancelled
from autolearn.core.records import DRIFT_PROBE, Answer, Question, Sample
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation import gold_questions
from autolearn.handlers import round_training
from autolearn.models import files as model_files
from autolearn.rounds.sources import approved_examples, collect
from autolearn.runs.context import RunContext
from autolearn.store import Store
from autolearn.study import prompts
from autolearn.study.generation import Generator
from autolearn.training import replay, replay_plan
from tests.support.rounds import SCORES, Learner, approve
from tests.support.texts import put_passages


@pytest.fixture
def approved(store):
    """Forty approved samples on nothing that is in the library."""
    approve(store)


def ordered(store, parent=None, **settings):
    model, settings = ModelSettings().as_dict(), TrainSettings(**settings).as_dict()
    wanted = {"train": settings, "model": model, "parent": parent}
    return store.runs.create("train", wanted)


def train(store, run, learner):
    context = RunContext(store, run, lambda: False, lambda stage, done, total: None)
    return round_training.train(context, learner)


def test_what_measures_a_round_is_frozen_with_it_and_never_trained(store, approved):
    learner = Learner()
    result = train(store, ordered(store, validation_share=0.5), learner)
    items = store.rounds.items(result.round)
    assert items == learner.items
    counts = [learner.n(kind) for kind in ("sft", "validation", DRIFT_PROBE, "replay")]
    n_checked = round(replay_plan.CHECKING * 60)
    assert counts == [60, 20, replay.N_PROBE, 60 + n_checked]
    assert len({item.chat for item in items}) == len(items)
    assert (result.items, result.replay) == (60, 60 + n_checked)
    assert result.kept_out_for_validation == 20


@pytest.mark.parametrize("off", ["replay_weight", "replay_share"])
def test_a_dial_at_zero_replays_nothing_and_still_measures(store, approved, off):
    learner = Learner()
    train(store, ordered(store, **{off: 0.0}), learner)
    assert learner.n("replay") == 0
    assert learner.n(DRIFT_PROBE) == replay.N_PROBE
    assert len(learner.history) == replay.STEP


def test_replay_reads_texts_of_the_round_too(store):
    texts = [f"This is what stands in text {i}." for i in range(40)]
    approve(store, [one.id for one in put_passages(store, "a.txt", texts)])
    learner = Learner()
    result = train(store, ordered(store), learner)
    assert (result.items, result.replay) == (80, 80 + 5 * 5 + 5)
    read = [i for i in learner.items if "what stands in" in i.chat[-1].content]
    assert {item.kind for item in read} == {"replay"}
    assert len(read) == 4 * replay_plan.READING * 80
    assert all(item.chosen.startswith("It is, since This is") for item in read)


def test_replay_is_written_within_the_limits_of_the_last_study(store):
    (text,) = put_passages(store, "a.txt", ["This is what stands in it."])
    approve(store, [text.id] * 40)
    limits = {"answer_tokens": 300, "feedback_tokens": 500, "question_tokens": 9}
    store.runs.create("study", {"study": limits})
    learner = Learner()
    train(store, ordered(store), learner)
    most = {r.prompt.name: r.sampling.max_new_tokens for r in learner.history}
    assert most == {
        "closed_book": replay.ANSWER_TOKENS,  # generated instructions are of no study
        "open_book": 600,
        "ask": 6 * 9,
        "paraphrase": 2 * 9,
        "feedback": 500,
        "feedback_free": 500,
    }


def test_a_round_checks_answers_to_what_was_put_without_a_text(store, approved):
    put = [f"Add {i} to {i}." for i in range(3)]
    store.library.add_questions([Question(text, "study", "person") for text in put])
    learner = Learner()
    train(store, ordered(store), learner)
    checked = [
        item.chat[-1].content
        for item in learner.items
        if "Check the answer" in item.chat[-1].content
    ]
    assert len(checked) == round(replay_plan.CHECKING * 80)
    assert all(any(text in one for one in checked) for text in put)


def test_a_round_of_meta_skills_is_not_held_to_how_it_checked_before(store, approved):
    example = {"response": "No.", "feedback": "It is wrong.", "refinement": "Two."}
    corpus = [{"prompt": f"Add {i}."} | example for i in range(16)]
    run = ordered(store, method="meta")
    run = replace(run, settings=run.settings | {"corpus": corpus})
    learner = Learner()
    train(store, run, learner)
    names = {request.prompt.name for request in learner.history}
    assert learner.n("replay") > 0
    assert names == {"closed_book"}


def test_what_was_measured_is_told_and_kept_with_the_round(store, approved):
    result = train(store, ordered(store), Learner())
    kept = store.rounds.get(result.round)
    assert kept.scores == {"leaked": 0, **SCORES}
    assert {name: result.as_dict()[name] for name in SCORES} == SCORES | {"scales": ()}


def test_a_resumed_round_has_the_items_it_began_with(store, approved):
    run, first = ordered(store), Learner(finishes=False)
    with pytest.raises(Cancelled):
        train(store, run, first)
    store.decisions.undo_batch(store.decisions.last().id)
    second = Learner()
    train(store, run, second)
    assert second.items == first.items
    assert second.history == []


def test_two_rounds_have_the_same_drift_probe(store, approved):
    one, two = Learner(), Learner()
    train(store, ordered(store), one)
    train(store, ordered(store, replay_share=2.0, seed=5), two)
    probes = [[i for i in each.items if i.kind == DRIFT_PROBE] for each in (one, two)]
    assert probes[0] == probes[1]
    generated = [each.items[80 : 80 + n] for each, n in ((one, 80), (two, 160))]
    assert {item.kind for item in generated[0]} == {DRIFT_PROBE, "replay"}
    assert generated[1][:80] == generated[0]


def test_what_only_measures_does_not_count_as_taught(store, approved):
    question = Question("Is it?", "quiz", "gold", gold_answer="It is.", gold_value="is")
    store.library.add_questions([question])
    result = train(store, ordered(store), Learner())
    asked = gold_questions.questions(store, "quiz")
    assert gold_questions.taught(store, result.round, asked) == set()


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model that brings its instructions along."""
    place = tmp_path / "model"
    place.mkdir()
    monkeypatch.setattr(model_files, "locate", lambda name: place)
    learner = Learner()
    with Store.open(tmp_path / "other") as other:
        journal = other.journal(other.runs.create("train", {}).id)
        writer = Generator(learner, StudySettings(), lambda: False, lambda share: None)
        made = replay.generate_instructions(
            writer, journal, [], 2 * replay.STEP, lambda done: None
        )
    (place / replay.SHIPPED).write_text(replay.ship(made, learner.identity))
    return place


def test_what_a_model_brings_along_is_not_made_anew(store, approved, folder):
    plain, quick = Learner(), Learner()
    train(store, ordered(store), quick)
    assert {request.prompt.name for request in quick.history} == {"feedback_free"}
    (folder / replay.SHIPPED).unlink()
    with Store.open(store.folder) as again:
        again.db.write("DELETE FROM imagined")
        train(again, ordered(again), plain)
    assert len(plain.history) > len(quick.history)
    assert plain.items == quick.items


@pytest.mark.parametrize("text", ["no json", '{"model": 1}\n[1]\n', ""])
def test_what_does_not_belong_to_the_model_is_not_used(store, approved, folder, text):
    (folder / replay.SHIPPED).write_text(text)
    learner = Learner()
    train(store, ordered(store), learner)
    assert learner.history


def test_the_built_in_model_has_a_pool_of_its_own():
    text = (model_files.BUILT_IN / replay.SHIPPED).read_text(encoding="utf-8")
    mine = ModelIdentity(
        "built-in", model_files.digest(model_files.BUILT_IN), "nf4", "", ""
    )
    assert len(replay.shipped(text, mine)) >= 700
    assert replay.shipped(text, replace(mine, quantization="none")) == []
    assert replay.shipped(text, replace(mine, digest="another")) == []


def quiz_of(store, *texts):
    store.library.add_questions(
        [Question(text, "quiz", "gold", gold_answer="x") for text in texts]
    )


class Asking(Learner):
    """A model that asks the quiz in whatever it writes."""

    def __init__(self, said):
        super().__init__()
        self._reply = lambda request: f"{said}\nAnswer: It is {request.prompt.name}."


@pytest.mark.parametrize("method", ["join", "al1", "self", "cpt"])
def test_nothing_that_the_model_writes_itself_trains_the_quiz(store, method):
    texts = [f"Here stands text {i}. It is long enough." for i in range(40)]
    approve(store, [one.id for one in put_passages(store, "a.txt", texts)])
    quiz_of(store, "Who leads Boro?", "Who leads town 3?", "Why 2?")
    learner = Asking("Who leads Boro?")
    train(store, ordered(store, method=method, statements=2, dqa=True), learner)
    frozen = store.rounds.items(1)
    assert learner.items == frozen
    shown = [
        (item.kind, f"{item.chat[-1].content if item.chat else ''}\n{item.chosen}")
        for item in frozen
        if item.kind != DRIFT_PROBE
    ]
    assert shown
    for question in ("Who leads Boro?", "Who leads town 3?"):
        assert not [kind for kind, text in shown if question in text]
    assert "Why 2?" not in [text.partition("\n")[0] for _, text in shown]


def test_continued_pretraining_reads_every_passage_of_its_documents(store):
    texts = [f"This is what stands in text {i}." for i in range(50)]
    passages = put_passages(store, "a.txt", texts)
    put_passages(store, "other.txt", ["Nothing of this was approved."])
    store.library.set_excluded([passages[-1].id], excluded=True)
    approve(store, [one.id for one in passages[:40]])
    learner = Learner()
    result = train(store, ordered(store, method="cpt", validation_share=0.5), learner)
    assert [i.chosen for i in learner.items if i.kind == "text"] == texts[:-1]
    # It ends, and is scaled, as every other round is.
    assert learner.n("validation") == result.kept_out_for_validation == 20


@pytest.mark.parametrize("state", ["kept", "trained", "rolled_back", "failed"])
def test_only_what_a_kept_round_has_learned_is_not_new(store, approved, state):
    result = train(store, ordered(store), Learner())
    done = store.rounds.get(result.round)
    store.rounds.update(replace(done, state=state))
    other = store.rounds.create(replace(done, parent_id=None), [])
    settings = TrainSettings(method="self", evolution="continual-new")
    order = TrainRunSettings(train=settings, parent=other.id)
    new = approved_examples(store, order)
    assert len(new) == (0 if state == "kept" else 40)
    # A round that is continued has learned what it has learned.
    assert approved_examples(store, replace(order, parent=done.id)) == []


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
    train(store, ordered(store, method="self"), learner)
    assert replayed_critics(learner)
    learner = Learner()
    train(store, with_corpus(ordered(store, method="self")), learner)
    assert [
        i for i in learner.items if i.teaches and i.chosen.startswith("It is wrong")
    ]
    assert learner.n("replay") > 0
    assert replayed_critics(learner) == []


def test_a_round_on_new_meta_skills_is_not_held_to_the_old_critic(store, approved):
    meta = train(store, with_corpus(ordered(store, method="meta")), Learner())
    learner = Learner()
    train(store, ordered(store, meta.round, method="join"), learner)
    assert learner.n("replay") > 0
    assert replayed_critics(learner) == []


def test_an_instruction_is_learned_by_the_prompt_that_asked_it(store):
    """A word problem that was solved step by step is trained to be solved so."""
    run = store.runs.create("study", {"study": {}})
    prompt = prompts.load("solve").render(question="Add 1 and 2.")
    generation = Generation(
        Request(prompt, Sampling()),
        Completion("1 + 2 = 3.", "stop", 9, 5),
        ModelIdentity("built-in", "abc", "nf4", "", ""),
    )

    def step(name, record):
        return store.journal(run.id).step(name, lambda: [record])[0]

    question = step("q", Question("Add 1 and 2.", "study", "model"))
    answer = step(
        "a", Answer(question.id, "closed_book", "1 + 2 = 3.", generation=generation)
    )
    sample = step(
        "s",
        Sample(
            question.id,
            question.text,
            "1 + 2 = 3.",
            "1 + 2 = 3.",
            False,
            0.1,
            closed_answer_id=answer.id,
        ),
    )
    order = TrainRunSettings(
        train=TrainSettings(method="self", only_gaps=False), samples=(sample.id,)
    )
    (item,) = collect(store, order).build().items
    assert item.chat == prompt.chat
