"""Orders are refused before anything is queued, each in one sentence."""

import json
import os
import sqlite3
from pathlib import Path

import pytest

from autolearn.core.errors import AutolearnError, InputError, JobError, StoreError
from autolearn.core.gold import MetaExample
from autolearn.core.model_calls import Message, ModelIdentity, Sampling
from autolearn.core.records import Decision, Question, Round, Sample, TrainItem
from autolearn.core.run_settings import (
    ImportRunSettings,
    QuizRunSettings,
    StudyRunSettings,
    TrainRunSettings,
)
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.evaluation import scoring
from autolearn.ingest import quiz_files
from autolearn.services import actions, export_actions, gold_actions, quiz_actions
from autolearn.services.actions import TrainSources
from autolearn.services.demo_library import LIBRARY
from autolearn.store.library import QuestionFilter
from tests.support.rounds import one_round
from tests.support.texts import put, put_text

MODEL = ModelSettings()


@pytest.fixture
def text(tmp_path):
    file = tmp_path / "avel.md"
    file.write_text("# Towns\n\n## Avel\n\nAvel was founded in 1711.\n")
    return file


def add(store, *files):
    return put(store, *files)


def one_sample(store, run):
    def make():
        return [Sample(question.id, "Q?", "A.", "B.", True, 0.9)]

    (question,) = store.library.add_questions([Question("Q?", "study", "person")])
    return store.journal(run.id).step("samples", make)[0]


def queued(store):
    return len(store.runs.in_state("queued"))


def test_files_uploads_and_a_pasted_text_are_queued_as_one(store, text, tmp_path):
    upload = tmp_path / "upload.md"
    upload.write_text("Boro.")
    run = actions.add_texts(
        store,
        [tmp_path],
        "built-in",
        320,
        uploads=actions.Uploads([upload], ("a/b.md", "Cova \ud800.")),
    )
    sources = ImportRunSettings.of(run).sources
    names = [source.name for source in sources]
    assert names == ["avel.md", "upload.md", "upload.md", "a/b.md"]
    upload.unlink()
    texts = [(store.folder / s.path).read_text() for s in sources[2:] if s.path]
    assert texts == ["Boro.", "Cova ?."], "put aside in the workspace"


def test_a_file_whose_name_cannot_be_stored_is_refused_in_one_sentence(store, tmp_path):
    """Adding its folder ended with a traceback."""
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.txt"))
    path.write_text("Avel was founded in 1711.")
    with pytest.raises(StoreError, match=r"follows “.*/caf” is not UTF-8"):
        actions.add_texts(store, [tmp_path], "built-in", 320)
    assert queued(store) == 0


def test_instructions_are_added_once_and_studied_without_a_text(store, tmp_path):
    with pytest.raises(JobError, match="There are no instructions; add some under"):
        actions.study(store, MODEL, StudySettings(), [], instructions=True)
    (tmp_path / "a.jsonl").write_text('"One?"\n"Two?"\n')
    assert gold_actions.add_instructions(store, tmp_path / "a.jsonl") == 2
    assert gold_actions.add_instructions(store, tmp_path / "a.jsonl") == 0
    run = actions.study(store, MODEL, StudySettings(), [], instructions=True)
    assert run.settings["instructions"]


def test_nothing_to_read_is_refused(store, tmp_path):
    (tmp_path / "folder").mkdir()
    for paths, says in (([], "Choose files"), ([tmp_path / "folder"], "has no file")):
        with pytest.raises(InputError, match=says):
            actions.add_texts(store, paths, "built-in", 320)
    assert queued(store) == 0


def test_there_must_be_something_to_study(store):
    with pytest.raises(JobError, match="no text to study"):
        actions.study(store, MODEL, StudySettings())
    document = put_text(store, "a.md", "Avel was founded in 1711.")
    ids = [passage.id for passage in store.library.passages([document.id])]
    store.library.set_excluded(ids, excluded=True)
    with pytest.raises(JobError, match="No passage of the selected documents"):
        actions.study(store, MODEL, StudySettings(), [document.id])
    assert queued(store) == 0


def test_a_study_keeps_its_settings_and_versions(store, text):
    add(store, text)
    run = actions.study(store, MODEL, StudySettings(seed=7))
    assert StudyRunSettings.of(run).study.seed == 7
    assert run.versions["torch"].startswith("2.13.0")


def test_an_unknown_document_model_or_round_is_refused(store, text, tmp_path):
    add(store, text)
    for model, documents in (
        (MODEL, [9]),
        (ModelSettings(str(tmp_path)), None),
        (ModelSettings("no/such"), None),
        (ModelSettings(round_id=3), None),
    ):
        with pytest.raises(AutolearnError):
            actions.study(store, model, StudySettings(), documents)
    assert queued(store) == 0


def test_nothing_trains_without_an_approval(store):
    with pytest.raises(JobError, match="No sample is approved") as refusal:
        actions.train(store, MODEL, TrainSettings())
    assert refusal.value.command == "approve --rule default"
    one_sample(store, store.runs.create("study", {}))
    with pytest.raises(JobError, match="No sample is approved") as refusal:
        actions.train(store, MODEL, TrainSettings())
    assert refusal.value.command == "approve --rule default"


def test_a_decision_opens_the_way_and_its_undo_closes_it(store):
    sample = one_sample(store, store.runs.create("study", {}))
    actions.decide(store, [sample.id], Decision(0, "approve", "person"))
    assert actions.train(store, MODEL, TrainSettings()).kind == "train"
    store.decisions.undo_batch(store.decisions.last().id)
    with pytest.raises(JobError):
        actions.train(store, MODEL, TrainSettings())


def test_stage_2_comes_after_stage_1_and_its_study(store):
    sample = one_sample(store, store.runs.create("study", {}))
    actions.decide(store, [sample.id], Decision(0, "approve", "person"))
    settings = TrainSettings(method="al2")
    with pytest.raises(JobError, match="stage-1 round"):
        actions.train(store, MODEL, settings)
    parent = one_round(store, "cpt")
    with pytest.raises(JobError, match="no open-book answers"):
        actions.train(store, MODEL, settings, parent.id)
    parent = one_round(store, "al1")
    with pytest.raises(JobError, match=f"adapter of round {parent.id}"):
        actions.train(store, MODEL, settings, parent.id)
    study = store.runs.create("study", {"model": {"round_id": parent.id}})
    store.runs.finish(study.id, "done")
    assert (
        actions.train(store, MODEL, settings, parent.id).settings["parent"] == parent.id
    )


def test_a_round_of_another_base_model_is_refused(store, text):
    add(store, text)
    other = one_round(store, "join", digest="0" * 64)
    with pytest.raises(JobError, match="was trained on"):
        actions.study(store, ModelSettings(round_id=other.id), StudySettings())


def test_evolution_from_the_base_takes_no_parent(store):
    parent = one_round(store, "self")
    with pytest.raises(JobError, match="'continual'"):
        actions.train(store, MODEL, TrainSettings(method="self"), parent.id)


@pytest.mark.parametrize("evolution", ["continual", "continual-new"])
def test_continual_evolution_needs_a_round_to_continue(store, evolution):
    settings = TrainSettings(method="self", evolution=evolution)
    with pytest.raises(JobError, match="continues an earlier round"):
        actions.train(store, MODEL, settings)


def test_meta_skills_can_come_from_a_corpus_alone(store):
    gold = TrainSources([MetaExample("p", "r", "f", "rr")])
    run = actions.train(store, MODEL, TrainSettings(method="meta"), sources=gold)
    assert TrainRunSettings.of(run).corpus_examples[0].feedback == "f"


def test_a_quiz_needs_questions(store, text, tmp_path):
    with pytest.raises(JobError, match="no quiz"):
        actions.quiz(store, MODEL)
    add(store, text)
    gold = {"question": "When?", "answer": "In 1711.", "document": "avel.md"}
    (tmp_path / "quiz.jsonl").write_text(json.dumps(gold))
    assert gold_actions.add_gold(store, tmp_path / "quiz.jsonl", "quiz").n_in_set == 1
    parts = actions.quiz(store, MODEL, open_book=True).settings["parts"]
    assert parts == [["quiz", "closed_book"], ["quiz", "open_book"]]
    (question,) = store.library.questions()
    assert question.passage_id == store.library.passages()[0].id


def test_an_unknown_rule_and_a_rule_without_samples_are_refused(store):
    with pytest.raises(InputError, match="no rule 'magic'"):
        actions.approve(store, "magic")
    with pytest.raises(JobError, match="study texts first"):
        actions.approve(store, "default")


def test_a_rule_writes_its_name_with_each_decision(store):
    sample = one_sample(store, store.runs.create("study", {}))
    assert actions.approve(store, "default") == 1
    (decision,) = store.decisions.of([sample.id])
    assert decision.author == "rule:default"
    assert actions.approve(store, "default") == 0


def test_an_unknown_sample_is_refused_and_nothing_decided(store):
    sample = one_sample(store, store.runs.create("study", {}))
    with pytest.raises(InputError, match="no sample 99"):
        actions.decide(store, [sample.id, 99], Decision(0, "approve", "person"))
    assert store.samples.counts()["approved"] == 0


def test_an_empty_question_is_refused(store):
    with pytest.raises(InputError, match="Type a question"):
        actions.chat(store, MODEL, [Message("user", "  ")], Sampling())


def test_an_export_is_of_a_known_kind_and_of_a_round_where_it_needs_one(
    store, tmp_path
):
    with pytest.raises(InputError, match="choose one of chat, preference"):
        export_actions.export(store, "xml", tmp_path / "x")
    with pytest.raises(InputError, match="round whose meta"):
        export_actions.export(store, "meta", tmp_path / "x")


def test_an_export_of_an_adapter_names_a_finished_round(store, tmp_path):
    with pytest.raises(InputError, match="Choose the round"):
        export_actions.export(store, "adapter", tmp_path / "x")
    with pytest.raises(InputError, match="no round 4"):
        export_actions.export(store, "adapter", tmp_path / "x", 4)


def test_a_round_continues_only_one_that_is_there(store):
    """Round 0 was taken for the base model, until the round was to be stored."""
    with pytest.raises(InputError, match="There is no round 0"):
        actions.train(store, MODEL, TrainSettings(), 0)
    assert not queued(store)


def test_the_database_can_be_read_by_anyone(store, text):
    add(store, text)
    with sqlite3.connect(store.folder / "autolearn.db") as plain:
        (row,) = plain.execute(
            "SELECT name, heading FROM passages JOIN documents d ON d.id = document_id"
        )
    plain.close()
    assert row == ("avel.md", "Avel")


def test_a_question_that_was_trained_does_not_become_quiz(store, tmp_path):
    chat = (Message("user", "Who leads Avel?"),)
    run = store.runs.create("train", {})
    identity = ModelIdentity("built-in", "d", "nf4", "", "")
    round_ = Round("join", run.id, {}, identity, state="trained")
    store.rounds.create(round_, [TrainItem("sft", chat, "Ada does.")])
    rows = [
        {"question": "who  leads AVEL", "answer": "Ada"},
        {"question": "Who's leading Boro?", "answer": "Bo"},
    ]
    path = tmp_path / "quiz.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    addition = gold_actions.add_gold(store, path, "quiz")
    assert (addition.n_in_set, addition.n_trained) == (1, 1)
    assert [q.text for q in store.library.questions()] == ["Who's leading Boro?"]


def test_a_locked_quiz_takes_no_further_question(store, tmp_path):
    path = tmp_path / "quiz.jsonl"
    path.write_text('{"question": "Who?", "answer": "Ada"}')
    gold_actions.add_gold(store, path, "quiz")
    quiz_actions.set_locked(store, locked=True)
    path.write_text('{"question": "When?", "answer": "1711"}')
    for split in ("quiz", "control"):
        with pytest.raises(InputError, match=r"locked \(version 1\).*unlock it"):
            gold_actions.add_gold(store, path, split)
    quiz_actions.set_locked(store, locked=False)
    assert gold_actions.add_gold(store, path, "quiz").n_in_set == 1


def test_a_quiz_is_asked_within_the_limits_of_the_last_study(store, tmp_path):
    path = tmp_path / "quiz.jsonl"
    path.write_text('{"question": "Who?", "answer": "Ada"}')
    gold_actions.add_gold(store, path, "quiz")
    limits = {"answer_tokens": 300, "protocol": "guided"}
    store.runs.create("study", {"study": limits})
    settings = QuizRunSettings.of(actions.quiz(store, MODEL))
    assert settings.study is not None
    assert (settings.study.answer_tokens, settings.study.protocol) == (300, "guided")
    assert settings.version == 1
    own = QuizRunSettings.of(
        actions.quiz(store, MODEL, study=StudySettings(answer_tokens=512))
    )
    assert own.study is not None
    assert own.study.answer_tokens == 512


def test_general_knowledge_becomes_control_once(store):
    assert not gold_actions.lacks_control(store, "1B")
    put_text(store, "avel.md", "Ada leads Avel.")
    assert gold_actions.lacks_control(store, "1B")
    assert not gold_actions.lacks_control(store, MODEL.model)
    for _ in range(2):
        n = gold_actions.add_general_knowledge(store).n_in_set
        controls = store.library.questions(QuestionFilter(split="control"))
        assert n == len(controls) == len(gold_actions.general_knowledge()) > 100
    assert not gold_actions.lacks_control(store, "1B")


def test_the_control_set_of_the_demo_is_none_for_a_real_model(store):
    """A new workspace has it, so general knowledge was never offered there."""
    put_text(store, "avel.md", "Ada leads Avel.")
    questions = quiz_files.read(LIBRARY / "control.jsonl")
    gold_actions.add_gold_questions(store, questions, "control")
    assert gold_actions.lacks_control(store, "1B")
    assert not gold_actions.lacks_control(store, MODEL.model)
    own = Question("Who was Ada?", "control", "gold", gold_answer="Countess Lovelace")
    store.library.add_questions([own])
    assert not gold_actions.lacks_control(store, "1B")


def test_each_question_of_general_knowledge_takes_its_own_answers_and_no_others():
    questions = gold_actions.general_knowledge()
    assert len({question.question for question in questions}) == len(questions)
    for gold in questions:
        question = Question(
            gold.question,
            "control",
            "gold",
            scorer=gold.scorer or scoring.usual(gold),
            aliases=gold.aliases,
        )
        for answer in (gold.answer, *gold.aliases):
            assert scoring.is_right(question, f"It is {answer}.", gold.answer)
        assert not scoring.is_right(question, gold.question, gold.answer)
        assert not scoring.is_right(question, "It is Avel, or 1711.", gold.answer)
