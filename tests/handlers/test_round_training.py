"""A round on a scripted model: what is frozen with it, and what is kept of it."""

from contextlib import suppress
from dataclasses import replace

import pytest

from autolearn.core.errors import InputError
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
from autolearn.core.settings import TrainSettings
from autolearn.evaluation import quiz_sets, taught_questions
from autolearn.models import files as model_files
from autolearn.rounds.sources import approved_examples, collect
from autolearn.store import Store
from autolearn.study import prompts
from autolearn.training import replay, replay_plan
from tests.support.rounds import SCORES, Learner, approve, queue_round, train
from tests.support.texts import put_passages


def test_what_measures_a_round_is_frozen_with_it_and_never_trained(
    store, approved_samples
):
    learner = Learner()
    result = train(store, queue_round(store, validation_share=0.5), learner)
    items = store.rounds.items(result.round)
    assert items == learner.items
    counts = [learner.n(kind) for kind in ("sft", "validation", DRIFT_PROBE, "replay")]
    n_checked = round(replay_plan.CHECKING * 60)
    assert counts == [60, 20, replay.N_PROBE, 60 + n_checked]
    assert len({item.chat for item in items}) == len(items)
    assert (result.items, result.replay) == (60, 60 + n_checked)
    assert result.kept_out_for_validation == 20


def test_what_was_measured_is_told_and_kept_with_the_round(store, approved_samples):
    result = train(store, queue_round(store), Learner())
    round_ = store.rounds.get(result.round)
    assert round_.scores == {"leaked": 0, **SCORES}
    assert {name: result.as_dict()[name] for name in SCORES} == SCORES | {"scales": ()}


def test_a_resumed_round_has_the_items_it_began_with(store, approved_samples):
    run, first = queue_round(store), Learner(finishes=False)
    with pytest.raises(Cancelled):
        train(store, run, first)
    (stopped,) = store.rounds.all(run.id)
    assert (stopped.state, stopped.n_steps) == ("training", 3), "it showed 0 steps"
    store.decisions.undo_batch(store.decisions.last().id)
    second = Learner()
    train(store, run, second)
    assert second.items == first.items
    assert second.history == []


def test_what_only_measures_does_not_count_as_taught(store, approved_samples):
    question = Question("Is it?", "quiz", "gold", gold_answer="It is.", gold_value="is")
    store.library.add_questions([question])
    result = train(store, queue_round(store), Learner())
    questions = quiz_sets.questions(store, "quiz")
    assert taught_questions.taught_ids(store, result.round, questions) == set()


def quiz_of(store, *texts):
    store.library.add_questions(
        [Question(text, "quiz", "gold", gold_answer="x") for text in texts]
    )


class Asking(Learner):
    """A model that asks the quiz in whatever it writes."""

    def __init__(self, text):
        super().__init__()
        self._reply = lambda request: f"{text}\nAnswer: It is {request.prompt.name}."


@pytest.mark.parametrize("method", ["join", "al1", "self", "cpt"])
def test_nothing_that_the_model_writes_itself_trains_the_quiz(store, method):
    texts = [f"Here stands text {i}. It is long enough." for i in range(40)]
    approve(store, [one.id for one in put_passages(store, "a.txt", texts)])
    quiz_of(store, "Who leads Boro?", "Who leads town 3?", "Why 2?")
    learner = Asking("Who leads Boro?")
    train(store, queue_round(store, method=method, statements=2, dqa=True), learner)
    items = store.rounds.items(1)
    assert learner.items == items
    item_texts = [
        (item.kind, f"{item.chat[-1].content if item.chat else ''}\n{item.chosen}")
        for item in items
        if item.kind != DRIFT_PROBE
    ]
    assert item_texts
    for question in ("Who leads Boro?", "Who leads town 3?"):
        assert not [kind for kind, text in item_texts if question in text]
    assert "Why 2?" not in [text.partition("\n")[0] for _, text in item_texts]


def test_continued_pretraining_reads_every_passage_of_its_documents(store):
    texts = [f"This is what stands in text {i}." for i in range(50)]
    passages = put_passages(store, "a.txt", texts)
    put_passages(store, "other.txt", ["Nothing of this was approved."])
    store.library.set_excluded([passages[-1].id], excluded=True)
    approve(store, [one.id for one in passages[:40]])
    learner = Learner()
    result = train(
        store, queue_round(store, method="cpt", validation_share=0.5), learner
    )
    assert [i.chosen for i in learner.items if i.kind == "text"] == texts[:-1]
    # It ends, and is scaled, as every other round is.
    assert learner.n("validation") == result.kept_out_for_validation == 20


@pytest.mark.parametrize("state", ["kept", "trained", "rolled_back", "failed"])
def test_only_what_a_kept_round_has_learned_is_not_new(store, approved_samples, state):
    result = train(store, queue_round(store), Learner())
    round_ = store.rounds.get(result.round)
    store.rounds.set_state(round_.id, state)
    other = store.rounds.create(replace(round_, parent_id=None), [])
    settings = TrainSettings(method="self", evolution="continual-new")
    order = TrainRunSettings(train=settings, parent=other.id)
    new = approved_examples(store, order)
    assert len(new) == (0 if state == "kept" else 40)
    # A round that is continued has learned what it has learned.
    assert approved_examples(store, replace(order, parent=round_.id)) == []


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


def n_rows(store, table):
    return store.db.rows(f"SELECT count(*) AS n FROM {table}")[0]["n"]


class Dying(Learner):
    """Is killed after so many calls."""

    def __init__(self, n_calls):
        super().__init__()
        self.n_left = n_calls

    def complete(self, requests, stop, progress=None):
        if not self.n_left:
            raise KeyboardInterrupt
        self.n_left -= 1
        return super().complete(requests, stop, progress)


def test_a_kill_while_a_round_is_frozen_doubles_no_generation(store, tmp_path):
    """What was read again and checked was logged outside of the journal."""
    texts = [f"This is what stands in text {i}." for i in range(40)]
    counts = []
    for name in ("calm", "killed"):
        with Store.open(tmp_path / name) as lab:
            approve(lab, [one.id for one in put_passages(lab, "a.txt", texts)])
            run = queue_round(lab)
            for n_calls in range(9 if name == "killed" else 0):
                with suppress(KeyboardInterrupt):
                    train(lab, run, Dying(n_calls))
            result = train(lab, run, Learner())
            items = lab.rounds.items(result.round)
            counts.append(
                (
                    n_rows(lab, "generations"),
                    n_rows(lab, "generated_instructions"),
                    items,
                )
            )
    assert counts[0] == counts[1]


def test_a_round_that_was_trained_before_the_kill_is_not_trained_again(
    store, approved_samples
):
    run = queue_round(store)
    result = train(store, run, Learner())
    again = Learner()
    context_run = store.runs.get(run.id)
    assert train(store, context_run, again) == result
    assert again.items == []


@pytest.mark.parametrize("name", model_files.ADAPTER_FILES)
@pytest.mark.parametrize("how", ["changed", "gone"])
def test_no_round_continues_an_adapter_that_was_tampered_with(
    store, approved_samples, name, how
):
    first = train(store, queue_round(store), Learner())
    file = store.folder / str(store.rounds.get(first.round).adapter) / name
    if how == "gone":
        file.unlink()
    else:
        file.write_text(file.read_text()[:-1] + "?")
    with pytest.raises(InputError, match=r"adapter of round 1 .* damaged or changed"):
        train(store, queue_round(store, parent=first.round), Learner())
