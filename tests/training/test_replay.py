"""Replay items are generated once for all rounds of a model, even after kills."""

from dataclasses import replace
from math import ceil

import pytest

from autolearn.core.model_calls import Completion, Generation, Request, Sampling
from autolearn.core.ports import Cancelled
from autolearn.core.records import DRIFT_PROBE, GeneratedInstruction, Passage
from autolearn.core.settings import StudySettings, TrainSettings
from autolearn.store import Store
from autolearn.study import prompts
from autolearn.study.generation import Generator
from autolearn.training import presets, replay, replay_plan
from tests.support.scripted_backend import ScriptedBackend

CLOSED_BOOK = prompts.load("closed_book").digest


def long_reply(request):
    return f"It is, since {request.prompt.chat[-1].content}"


def backend(n_different=10**9, reply=long_reply):
    return ScriptedBackend(reply, instruction=lambda seed: f"Why {seed % n_different}?")


def generate(store, n, model=None, run=None, stop=lambda: False):
    run = run or store.runs.create("train", {})
    model = model or backend()
    pool = store.instructions.of(model.identity, CLOSED_BOOK)
    writer = Generator(model, StudySettings(), stop, lambda share: None)
    journal = store.journal(run.id)
    return replay.generate_instructions(writer, journal, pool, n, lambda n_done: None)


def texts(items):
    return [item.text for item in items]


def test_a_second_round_reuses_all_replay_items(store):
    first, model = generate(store, 40), backend()
    assert generate(store, 40, model) == first
    assert generate(store, 7, model) == first[:7]
    assert model.history == []


def test_a_round_that_needs_more_adds_to_the_replay_items(store):
    first, model = generate(store, 40), backend()
    more = generate(store, 150, model)
    assert texts(more[:40]) == texts(first)
    assert len(model.history) == 2 * replay.STEP
    assert len(set(texts(more))) == 150


def test_another_workspace_gets_the_same_replay_items(store, tmp_path):
    at_once = generate(store, 150)
    with Store.open(tmp_path / "other") as other:
        generate(other, 10)
        assert texts(generate(other, 150)) == texts(at_once)


def test_what_was_made_before_a_kill_is_not_made_again(store):
    run, calls = store.runs.create("train", {}), []

    def die(request):
        calls.append(request)
        if len(calls) > replay.STEP + 5:
            raise KeyboardInterrupt
        return long_reply(request)

    with pytest.raises(KeyboardInterrupt):
        generate(store, 150, backend(reply=die), run)
    model = backend()
    whole = generate(store, 150, model, run)
    assert len(whole) == 150
    assert len(model.history) == 2 * replay.STEP
    assert [item.draw for item in whole] == list(range(150))


def test_a_stop_keeps_complete_steps_only(store):
    model = backend()
    with pytest.raises(Cancelled):
        generate(store, 150, model, stop=lambda: len(model.history) >= 70)
    items = store.instructions.of(model.identity, CLOSED_BOOK)
    assert len(items) == replay.STEP


def test_a_model_that_repeats_itself_is_asked_a_limited_number_of_times(store):
    model = backend(n_different=20)
    assert len(generate(store, 150, model)) == len(model.history) == 20
    assert len(generate(store, 150, model)) == len(model.history) == 20


def test_an_answer_that_says_nothing_is_not_kept(store):
    model = backend(
        reply=lambda request: "" if "7?" in str(request) else long_reply(request)
    )
    items = generate(store, 50, model)
    assert len(items) == 50
    assert not any(text.endswith("7?") for text in texts(items))


def test_an_answer_that_only_repeats_its_instruction_is_not_replayed(store):
    def echo(request):
        question = request.prompt.chat[-1].content
        if "7?" in question:
            return question.replace("Why", "The")
        return long_reply(request)

    earlier = generate(store, 8)  # those of earlier versions may repeat theirs
    completion = Completion(earlier[0].text, "stop", 1, 1)
    generation = replace(earlier[0].generation, completion=completion)
    repeating = replace(earlier[0], generation=generation)
    writer = Generator(
        backend(reply=echo), StudySettings(), lambda: False, lambda s: None
    )
    journal = store.journal(store.runs.create("train", {}).id)
    pool = [repeating, *earlier[1:]]
    items = replay.generate_instructions(writer, journal, pool, 40, lambda n_done: None)
    assert len(items) == 40
    assert items[0] == earlier[1]
    assert not any(item.text.endswith("7?") for item in items[7:])
    draws = [item.draw for item in items]
    assert draws == sorted(set(draws))  # none is drawn again


def test_of_those_with_the_same_answer_only_some_are_kept(store):
    def reply(request):
        return long_reply(request) if "0?" in str(request) else "No idea."

    items = generate(store, 60, backend(reply=reply))
    answers = [item.generation.completion.text for item in items]
    assert answers.count("No idea.") == replay.SAME
    assert len(set(answers)) == len(items) - replay.SAME + 1 > 10


def test_each_answer_has_its_provenance(store):
    run = store.runs.create("train", {})
    (item, *_) = generate(store, 1, run=run)
    (row,) = store.db.rows(
        "SELECT g.run_id, s.name, g.prompt_name, g.model, g.raw"
        " FROM generated_instructions i"
        " JOIN generations g ON g.id = i.generation_id JOIN steps s ON s.id = i.step_id"
        " WHERE i.id = ?",
        item.id,
    )
    answer = f"It is, since {item.text}"
    assert tuple(row) == (
        run.id,
        "generated instructions 1-64",
        "closed_book",
        "scripted",
        answer,
    )


def test_each_base_model_and_prompt_has_a_pool_of_its_own(store):
    items = generate(store, 3)
    identity = backend().identity
    assert store.instructions.of(identity, CLOSED_BOOK)[:3] == items
    assert store.instructions.of(identity, "another prompt") == []
    for other in ({"digest": "other"}, {"quantization": "nf4"}):
        assert store.instructions.of(replace(identity, **other), CLOSED_BOOK) == []


def test_items_ask_as_the_model_is_asked_what_it_learned(store):
    (item,) = replay.items(DRIFT_PROBE, generate(store, 1, backend(n_different=1)))
    prompt = prompts.load("closed_book").render(question="Why 0?")
    answer = "It is, since Why 0?"
    assert (item.kind, item.chat, item.chosen) == (DRIFT_PROBE, prompt.chat, answer)
    assert not item.teaches


TEXTS = [
    (Passage.alone(f"Text {i}.", "The head"), f"What is {i}?", f"No. {i}.")
    for i in range(10)
]


def test_each_text_is_asked_its_question_and_one_of_another():
    readings = replay_plan.texts_to_read([*TEXTS, *TEXTS], 160)
    assert readings == replay_plan.texts_to_read(TEXTS, 160)
    rows = [(f.passage, f.question, f.answer) for f in readings]
    assert sorted(rows, key=lambda row: row[1]) == TEXTS
    assert sorted(f.other for f in readings) == [question for _, question, _ in TEXTS]
    assert all(f.other != f.question for f in readings)


@pytest.mark.parametrize(("texts", "n", "read"), [(0, 8, 0), (1, 8, 1), (10, 33, 3)])
def test_few_texts_or_little_replay_read_less(texts, n, read):
    assert len(replay_plan.texts_to_read(TEXTS[:texts], n)) == read


def test_reading_items_are_the_model_s_own_words():
    def reply(request):
        turn = request.prompt.chat[-1].content
        if request.prompt.name == "feedback":
            return turn.split("Text answer: ")[1]
        if request.prompt.name == "ask":
            return f"What does this say: {turn.splitlines()[0]}?"
        if request.prompt.name == "paraphrase":
            return f"In other words: {turn.splitlines()[0]}"
        passage, question = turn.splitlines()[0], turn.splitlines()[2]
        return f"Evidence: {passage}\nAnswer: To {question}"

    writer = Generator(
        backend(reply=reply), StudySettings(), lambda: False, lambda share: None
    )
    texts = replay_plan.texts_to_read(TEXTS, 64)
    items = list(map(replay.as_item, replay.read(writer, texts)))
    assert {item.kind for item in items} == {"replay"}
    answers = [item.chosen for item in items]
    for i, text in enumerate(texts):
        assert answers[i].endswith(f"Answer: To Question: {text.question}")
        assert answers[4 + i].endswith(f"Answer: To Question: {text.other}")
        assert answers[8 + 2 * i] == f"What does this say: {text.passage.text}?"
        assert answers[9 + 2 * i] == f"In other words: Question: {text.question}"
        reference = text.answer if i % 2 else f"To Question: {text.question}"
        assert answers[16 + i].startswith(f"To Question: {text.question}")
        assert f"\nAnswer: {reference}\n" in answers[16 + i]
    assert len(items) == 20


@pytest.mark.parametrize(("protocol", "shows"), [("guided", True), ("trained", False)])
def test_texts_are_read_again_as_a_study_shows_them(protocol, shows):
    model = ScriptedBackend(lambda request: "Answer: No.", protocol=protocol)
    writer = Generator(model, StudySettings(), lambda: False, lambda share: None)
    replay.read(writer, replay_plan.texts_to_read(TEXTS[:2], 64))
    turns = [r.prompt.chat for r in model.history if r.prompt.name != "paraphrase"]
    assert len(turns) == (6 if shows else 8)
    for chat in turns:
        user = [turn.content for turn in chat if turn.role == "user"][-1]
        assert ("# The head\n\nText" in user) == shows
        assert "Text " in user


def test_a_single_text_gets_no_question_of_another():
    writer = Generator(backend(), StudySettings(), lambda: False, lambda share: None)
    generations = replay.read(writer, replay_plan.texts_to_read(TEXTS[:1], 16))
    assert [generation.request.prompt.name for generation in generations] == [
        "open_book",
        "ask",
        "paraphrase",
        "feedback",
    ]


def test_the_base_checks_its_own_answers_and_mends_the_wrong_ones():
    def reply(request):
        turn = request.prompt.chat[-1].content
        if request.prompt.name == "feedback_free":
            return f"Verdict: {'in' if 'Wrong' in turn else ''}correct"
        return "Mended." if request.prompt.name == "refine_free" else "Wrong."

    writer = Generator(
        backend(reply=reply), StudySettings(), lambda: False, lambda share: None
    )
    closed_book = prompts.load("closed_book").render(question="Why 7?")
    right = Generation(
        Request(closed_book, Sampling()),
        Completion("Right.", "stop", 9, 2),
        writer.backend.identity,
    )
    own = [GeneratedInstruction(7, "Why 7?", right)]
    generations = replay.self_checks(writer, ["Add."], own)
    items = list(map(replay.as_item, generations))
    names = [generation.request.prompt.name for generation in generations]
    assert list(zip(names, [item.chosen for item in items], strict=True)) == [
        ("feedback_free", "Verdict: incorrect"),
        ("feedback_free", "Verdict: correct"),
        ("refine_free", "Mended."),
    ]
    assert {item.kind for item in items} == {"replay"}
    assert "Answer: Wrong." in items[2].chat[-1].content


def test_more_instructions_than_are_checked_are_picked_from_all_over():
    put = [f"Do {i}." for i in range(100)]
    sample = replay_plan.instructions_to_check(put, 10)
    assert len(set(sample)) == 10
    assert sample == replay_plan.instructions_to_check(put, 10) != put[:10]
    assert sorted(replay_plan.instructions_to_check(put[:3], 10)) == put[:3]


def test_guesses_are_not_kept_for_replay(store):
    def sure(chat, answer):
        return -1.0 if int(answer[-2]) % 2 else -0.1

    model = ScriptedBackend(
        long_reply, instruction=lambda seed: f"Why {seed}?", sure=sure
    )
    items = generate(store, 40, model)
    odd = [item for item in items if int(item.text[-2]) % 2]
    assert len(odd) < len(items) / 4
    assert len(model.history) == 2 * replay.STEP


@pytest.mark.parametrize(
    ("n_new", "made", "per_step"), [(400, 400, 8), (100, 320, 8), (100, 640, 16)]
)
def test_replay_made_ahead_for_a_small_round_lasts_for_several_epochs(
    n_new, made, per_step
):
    settings = TrainSettings(batch_size=8, least_replay=320)
    assert settings.n_replay(n_new) == max(320, n_new)
    assert replay.in_step(settings, n_new, made) == per_step


def test_not_more_replay_is_made_than_the_steps_reach():
    settings = TrainSettings(batch_size=6, max_steps=10, least_replay=32)
    assert settings.n_replay(900) == 60
    assert replay.in_step(settings, 900, 60) == 6
    assert settings.n_replay(20) == 32
    many = replace(settings, max_steps=10_000)
    assert many.n_replay(900) == TrainSettings(batch_size=6).n_replay(900)


@pytest.mark.parametrize(
    "settings",
    [
        TrainSettings(epochs=0.1, least_steps=10),
        TrainSettings(method="al2", epochs=1, least_replay=128),
        presets.PRESETS["facts"].apply(TrainSettings()),
        presets.PRESETS["skills"].apply(TrainSettings(method="meta")),
    ],
)
@pytest.mark.parametrize("n_new", [4, 24, 900])
def test_no_replay_is_made_that_no_step_would_take(settings, n_new):
    """The base model wrote hundreds of answers before a round of ten steps."""
    made = settings.n_replay(n_new)
    steps = settings.steps(ceil(n_new / settings.batch_size))
    assert 0 < made <= steps * replay.in_step(settings, n_new, made)


def test_no_replay_is_made_where_nothing_is_taught_or_replay_is_off():
    assert TrainSettings(least_replay=320).n_replay(0) == 0
    assert TrainSettings(least_replay=320, replay_share=0.0).n_replay(10) == 0
    assert TrainSettings(least_replay=320, replay_weight=0.0).n_replay(10) == 0


@pytest.mark.parametrize("protocol", ["guided", "trained"])
def test_the_progress_of_a_stage_never_falls(protocol):
    """It reached the end of the stage with each kind of request, and began again."""
    text = "Answer: No.\nVerdict: incorrect"
    model = ScriptedBackend(lambda request: text, protocol=protocol)
    for work in (
        lambda writer: replay.read(writer, replay_plan.texts_to_read(TEXTS, 64)),
        lambda writer: replay.self_checks(writer, ["Add.", "Why?"], []),
    ):
        shares: list[float] = []
        work(Generator(model, StudySettings(), lambda: False, shares.append))
        assert shares == sorted(shares)
        assert shares[-1] == pytest.approx(1.0)
