"""What a round learns and replays is collected from the workspace, without a model."""

from dataclasses import replace

import pytest

from autolearn.core.errors import InputError
from autolearn.core.gold import Corpus, GoldExample, MetaExample
from autolearn.core.model_calls import Message
from autolearn.core.records import (
    Answer,
    Decision,
    Document,
    Passage,
    Question,
    Sample,
    TrainItem,
)
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import StudySettings, TrainSettings
from autolearn.demo import gold_examples
from autolearn.metaskills.items import skill_of
from autolearn.rounds import sources
from autolearn.study import prompts
from autolearn.training import replay_plan
from tests.support.rounds import approve, one_round
from tests.support.texts import put_passages

N = 40
CORRECTION = MetaExample("Add 1.", "No.", "Wrong.\nVerdict: incorrect", "Two.")


@pytest.fixture
def passages(store):
    """Forty passages, with an approved sample and a checked wording of each."""
    texts = [f"Ada leads town {i}. Nobody else does." for i in range(N)]
    rows = put_passages(store, "a.txt", texts)
    approve(store, [passage.id for passage in rows])
    return rows


def order(parent=None, samples=None, corpus=(), corpora=(), documents=None, **settings):
    return TrainRunSettings(
        train=TrainSettings(**settings),
        parent=parent,
        samples=samples,
        corpus_examples=corpus,
        corpus_ids=corpora,
        documents=documents,
    )


def gold_question(store, text, split="quiz"):
    question = Question(text, split, "gold", gold_answer="Ada.", gold_value="Ada")
    store.library.add_questions([question])


def collected(store, request):
    return sources.collect(store, request).material.examples


def test_only_approved_samples_are_collected_with_their_texts(store, passages):
    rejected_sample, edited_sample, *_ = store.samples.find()
    store.decisions.decide([Decision(rejected_sample.id, "reject", "person")])
    change = {"chosen": "Bo does."}
    store.decisions.decide([Decision(edited_sample.id, "edit", "person", after=change)])
    examples = collected(store, order())
    assert rejected_sample.id not in [example.sample.id for example in examples]
    assert len(examples) == N - 1
    texts = {example.sample.id: example for example in examples}
    assert texts[edited_sample.id].target == "Bo does."
    assert texts[edited_sample.id].edits == {"chosen"}
    assert {example.passage for example in examples} < {p.text for p in passages}


def test_an_experiment_names_its_samples_whatever_was_decided(store, passages):
    first, second, *_ = store.samples.find()
    store.decisions.decide([Decision(first.id, "reject", "person")])
    examples = collected(store, order(samples=(first.id, second.id)))
    assert [example.sample.id for example in examples] == [first.id, second.id]


def test_a_wording_is_learned_only_if_its_answer_was_checked(store, passages):
    assert {example.wordings for example in collected(store, order())} == {
        (f"Who heads town {i}?",) for i in range(N)
    }
    store.db.write("DELETE FROM answers WHERE question_id > ?", N)
    assert {example.wordings for example in collected(store, order())} == {()}


def test_the_second_stage_learns_what_the_model_of_its_parent_wrote(store, passages):
    parent = one_round(store, "al1")
    assert collected(store, order(parent.id, method="al2")) == []
    assert len(collected(store, order(parent.id, method="al1"))) == N


@pytest.mark.parametrize(("state", "n_new"), [("kept", N - 2), ("rolled_back", N)])
def test_continual_new_leaves_out_what_a_kept_round_has_learned(
    store, passages, state, n_new
):
    samples = store.samples.find()[:2]
    items = [
        TrainItem("sft", (Message("user", s.prompt),), s.chosen, sample_id=s.id)
        for s in samples
    ]
    run = store.runs.create("train", {})
    first = one_round(store, "self")
    store.rounds.create(replace(first, run_id=run.id, state=state, id=0), items)
    request = order(first.id, method="self", evolution="continual-new")
    assert len(collected(store, request)) == n_new
    assert len(collected(store, order(method="self"))) == N


def test_continued_pretraining_reads_whole_documents(store, passages):
    """Also the passages of which nothing is approved, but no other document."""
    other = put_passages(store, "b.txt", ["Nothing of this was studied."])
    request = order(method="cpt", samples=(store.samples.find()[0].id,))
    material = sources.collect(store, request).material
    assert list(material.passages) == [passage.text for passage in passages]
    narrow_request = replace(request, documents=(other[0].document_id,))
    material = sources.collect(store, narrow_request).material
    assert list(material.passages) == ["Nothing of this was studied."]
    assert list(sources.collect(store, order()).material.passages) == []


def test_what_the_quiz_asks_is_left_out_and_counted(store, passages):
    whole = sources.collect(store, order(validation_share=0.0)).build()
    gold_question(store, "Who leads town 3?")
    gold_question(store, "Who heads town 5?", "control")
    dataset = sources.collect(store, order(validation_share=0.0)).build()
    assert (whole.leaked, len(whole.items)) == (0, 2 * N)
    assert dataset.leaked >= 2
    prompts = {item.chat[-1].content for item in dataset.items}
    assert prompts.isdisjoint({"Who leads town 3?", "Who heads town 5?"})
    assert "Who leads town 4?" in prompts


def test_building_twice_gives_the_same_items(store, passages):
    first, second, other_seed = (
        sources.collect(store, order(validation_share=0.5, seed=seed)).build()
        for seed in (0, 0, 1)
    )
    assert first == second
    assert len(first.validation) == N // 2
    assert other_seed.validation != first.validation


def test_replay_grows_with_the_items_and_reads_texts_of_the_round(store, passages):
    round_sources = sources.collect(store, order())
    items = round_sources.build().items
    plan = round_sources.replay(items)
    assert plan.n_instructions == len(items)
    assert {text.passage.text for text in plan.texts} < {p.text for p in passages}
    assert plan.questions == tuple(f"Who leads town {i}?" for i in range(N))
    assert plan.wordings == tuple(f"Who heads town {i}?" for i in range(N))
    assert all(text.other != text.question for text in plan.texts)
    twice = sources.collect(store, order(replay_share=2.0)).replay(items)
    assert twice.n_instructions == 2 * plan.n_instructions
    assert len(twice.texts) > len(plan.texts) > 0
    none = sources.collect(store, order(replay_weight=0.0)).replay(items)
    assert (none.n_instructions, none.texts) == (0, ())


def test_instructions_of_the_library_are_checked_before_generated_ones(store, passages):
    store.library.add_questions([Question("Add 1 and 2.", "study", "person")])
    round_sources = sources.collect(store, order())
    items = round_sources.build().items
    plan = round_sources.replay(items)
    assert plan.library_instructions == ("Add 1 and 2.",)
    assert plan.n_checked == round(replay_plan.CHECKING * len(items)) - 1 > 0


def test_a_round_of_meta_skills_replays_generated_instructions_alone(store, passages):
    round_sources = sources.collect(store, order(method="meta", corpus=(CORRECTION,)))
    dataset = round_sources.build()
    assert len(dataset.items) == 3, "criticism, refinement and answer"
    plan = round_sources.replay(dataset.items)
    assert plan == replay_plan.ReplayPlan(3)


@pytest.mark.parametrize(("earlier", "taught"), [("meta", True), ("al1", False)])
def test_a_round_is_not_held_to_skills_that_its_lineage_has_learned(
    store, passages, earlier, taught
):
    rules = prompts.load("feedback_free").system
    chat = (Message("system", rules), Message("user", "Add 1."))
    run = store.runs.create("train", {})
    parent = one_round(store, earlier)
    new = replace(parent, run_id=run.id, parent_id=parent.id, id=0)
    parent = store.rounds.create(new, [TrainItem("sft", chat, "It is wrong.")])
    round_sources = sources.collect(store, order(parent.id))
    plan = round_sources.replay(round_sources.build().items)
    assert plan.excluded_skills == (replay_plan.CRITIC if taught else frozenset())
    assert (plan.n_checked == 0) is taught


def test_a_corpus_that_was_removed_is_refused(store, passages):
    with pytest.raises(InputError, match="There is no corpus 7"):
        sources.collect(store, order(method="meta", corpora=(7,)))


def test_what_rounds_have_asked_is_what_they_trained(store, passages):
    assert sources.asked_by_rounds(store) == []
    run = store.runs.create("train", {})
    chat = (Message("user", "Who leads Avel?"),)
    new = replace(one_round(store, "al1"), run_id=run.id, id=0)
    store.rounds.create(new, [TrainItem("sft", chat, "Ada does.")])
    assert sources.asked_by_rounds(store) == ["Who leads Avel?"]


def test_replay_keeps_to_the_settings_of_the_last_study(store):
    assert sources.study_settings(store) == StudySettings()
    study = StudySettings(answer_tokens=33)
    store.runs.create("study", {"study": study.as_dict()})
    assert sources.study_settings(store) == study


def test_a_round_without_items_says_what_to_do(store):
    assert sources.collect(store, order()).build().items == ()
    assert "approve more" in sources.why_nothing(TrainSettings())
    assert "corpus" in sources.why_nothing(TrainSettings(method="meta"))


def test_the_heading_of_a_passage_goes_with_its_examples(store):
    text = "It was founded in 1711. Nobody knows by whom."
    passage = Passage(0, 0, 0, len(text), text, 9, heading="Avel")
    document = store.library.add_document(Document("a.txt", "d", len(text)), [passage])
    approve(store, [store.library.passages([document.id])[0].id])
    (example,) = collected(store, order())
    assert (example.passage, example.heading) == (text, "Avel")
    round_sources = sources.collect(store, order())
    plan = round_sources.replay(round_sources.build().items)
    assert [text.passage.heading for text in plan.texts] == ["Avel"]


@pytest.mark.parametrize(("place", "evidence"), [(3, "Ada leads."), (None, "")])
def test_the_evidence_of_an_answer_goes_with_its_examples(store, place, evidence):
    (passage,) = put_passages(store, "a.txt", ["Ada leads."])
    journal = store.journal(store.runs.create("study", {"study": {}}).id)

    def stored(record):
        return journal.step(type(record).__name__, lambda: [record])[0]

    question = stored(
        Question("Who leads?", "study", "model", passage.id, short_answer="Ada")
    )
    answer = stored(
        Answer(question.id, "open_book", "Ada.", evidence="Ada leads.", start=place)
    )
    values = ("Who leads?", "Ada.", "Bo.", True, 0.9, passage.id)
    sample = stored(Sample(question.id, *values, open_answer_id=answer.id))
    store.decisions.decide([Decision(sample.id, "approve", "person")])
    (example,) = collected(store, order())
    assert (example.evidence, example.short_answer) == (evidence, "Ada")


WORLD = gold_examples.examples(n_passages=40)


def corpus_of(store, name, examples):
    corpus = Corpus(name, name, "texts", n_examples=len(examples), n_texts=1)
    return store.corpora.add(corpus, examples).id


def feedback_examples(n, verdict="incorrect"):
    return [
        GoldExample(
            "",
            f"Add 1 to {i}.",
            "",
            response="No.",
            feedback=f"It is so.\nVerdict: {verdict}",
            refinement="Two.",
        )
        for i in range(n)
    ]


def meta_items(store, *numbers):
    request = order(method="meta", corpora=numbers, meta_examples=90)
    return sources.collect(store, request).build().items


@pytest.mark.parametrize(("verdict", "n_each"), [("incorrect", 3), ("correct", 2)])
def test_examples_with_feedback_leave_room_for_the_other_skills(store, verdict, n_each):
    """140 of them took all 420 items; right answers were counted as three items."""
    given = corpus_of(store, "f", feedback_examples(200, verdict))
    items = meta_items(store, given, corpus_of(store, "w", WORLD))
    n_feedback = sum(item.chat[-1].content.find("Add 1 to") >= 0 for item in items)
    assert len(items) == 90
    assert 20 - n_each < n_feedback <= 20
    assert len({skill_of(item) for item in items}) > 4


def test_examples_with_feedback_take_the_place_of_what_is_missing(store):
    items = meta_items(store, corpus_of(store, "f", feedback_examples(200)))
    assert len(items) == 90
    few = corpus_of(store, "w", WORLD[:2])
    assert 87 < len(meta_items(store, 1, few)) <= 90


def test_a_round_that_asks_and_answers_from_passages_does_so_as_its_model_is_asked(
    store,
):
    def protocol():
        return sources.collect(store, order(method="al1", dqa=True)).material.protocol

    assert protocol() == "trained"
    study = StudySettings(protocol="guided")
    store.runs.create("study", {"study": study.as_dict()})
    assert protocol() == "taught"
