"""What a round takes of items, time and memory, told before it is queued."""

import re
from dataclasses import replace
from math import ceil
from shutil import copytree

import pytest

from autolearn.core.model_calls import Message, ModelIdentity
from autolearn.core.records import (
    DRIFT_PROBE,
    Metric,
    Round,
    Skip,
    TrainItem,
)
from autolearn.core.run_results import StudyResult
from autolearn.core.run_settings import StudyRunSettings
from autolearn.core.settings import ModelSettings, StudySettings
from autolearn.demo import gold_examples
from autolearn.models import compute, hardware, memory_calibration
from autolearn.models import files as model_files
from autolearn.models.memory import Device
from autolearn.rounds.sources import collect
from autolearn.runs import run_control
from autolearn.services import round_progress
from autolearn.services.estimates import durations, memory_needs, replay_writing
from autolearn.services.estimates.durations import StudyTime
from autolearn.services.estimates.round_contents import ItemLength, round_contents
from autolearn.study import prompts
from autolearn.training import replay, replay_pool, similar_questions
from autolearn.ui.views import study as study_views
from tests.support.texts import put_passages
from tests.support.trainings import ORDER, SETTINGS, count, order, samples


def test_generated_instructions_are_as_long_as_those_of_the_round_before(store):
    samples(store, 20, gaps=20)
    most = replay.INSTRUCTION_TOKENS + replay.ANSWER_TOKENS
    first = round_contents(store, ORDER, count)
    assert first.instruction.tokens == most
    run = store.runs.create("train", {})
    probe_items = [
        TrainItem(DRIFT_PROBE, (Message("user", "Who is it?"),), "It is Ada."),
        TrainItem(DRIFT_PROBE, (Message("user", "Why?"),), "Ask."),
    ]
    base = ModelIdentity("m", "d", "nf4", "float32", "cpu")
    store.rounds.create(Round("refined_sft", run.id, {}, base, None), probe_items)
    then = round_contents(store, ORDER, count)
    assert then.instruction == ItemLength((3 + 1) / 2, (3 + 1) / 2)
    fewer = SETTINGS.n_replay(len(then.tokens)) * (most - 4)
    steps = ceil(len(then.tokens) / SETTINGS.batch_size)
    per_step = [
        durations.effort(SETTINGS, contents, None).tokens_per_step
        for contents in (first, then)
    ]
    assert per_step[0] - per_step[1] == pytest.approx(fewer / steps, abs=1)


def test_the_given_beginning_of_an_answer_is_counted_once_and_is_not_learned(store):
    """The evidence of each answer counted twice: a round was announced too long."""
    request = order(method="meta", meta_examples=40)
    sources = collect(store, request).with_gold(gold_examples.examples())
    contents = round_contents(store, request, count, sources=sources)
    n_given = 0
    for item, n_tokens in zip(contents.dataset.items, contents.tokens, strict=True):
        *before, last = item.chat
        assert last.role == "assistant"
        assert item.chosen.startswith(last.content)
        n_given += count(last.content)
        asked = sum(count(turn.content) for turn in before)
        assert n_tokens == asked + count(item.chosen)
    assert n_given
    answers = sum(count(item.chosen) for item in contents.dataset.items)
    assert contents.n_learned == answers - n_given


def test_the_pace_of_a_training_is_that_of_its_steps_together(store):
    """The mean of their speeds made the few tokens of a short step count as many."""
    model = ModelSettings()
    run = store.runs.create("train", {"model": model.as_dict(), "train": {}})
    steps = {1: (10, 1.0), 2: (1000, 10.0)}
    numbers = [Metric(i, "tokens", n) for i, (n, _) in steps.items()]
    numbers += [Metric(i, "tokens_per_second", n / s) for i, (n, s) in steps.items()]
    store.runs.add_metrics(run.id, numbers)
    assert durations.pace(store, model) == pytest.approx(1010 / 11)


def test_a_guided_model_is_to_read_a_text_again_only_as_often_as_it_does(store):
    """It compares no answers, but its replay was announced with comparisons."""
    (passage,) = put_passages(store, "a.txt", ["Ada leads the town. It is old."])
    samples(store, 4, gaps=4, passage_id=passage.id)
    n_replayed = {
        protocol: round_contents(
            store, replace(ORDER, study=StudySettings(protocol=protocol)), count
        ).other_replay
        for protocol in ("guided", "trained")
    }
    assert len(n_replayed["trained"]) == len(n_replayed["guided"]) + 1
    tokens = {
        protocol: sum(item.tokens for item in items)
        for protocol, items in n_replayed.items()
    }
    assert tokens["trained"] > tokens["guided"]


def test_a_model_that_reads_no_system_message_is_told_less(store):
    samples(store, 4, gaps=4)
    both = [
        round_contents(store, ORDER, count, reads_system=reads)
        for reads in (True, False)
    ]
    rules = len(prompts.load("closed_book").system.split())
    assert [a - b for a, b in zip(both[0].tokens, both[1].tokens, strict=True)] == [
        rules
    ] * len(both[0].tokens)


def test_the_memory_that_a_run_needs_is_not_what_the_worker_holds_at_the_moment(
    store, monkeypatch
):
    """What a run in progress used was added to what the next one needs."""
    contents, model = round_contents(store, ORDER, count), ModelSettings()

    def needs():
        study = memory_needs.of_study(store, model, StudySettings(), 9).need
        training = memory_needs.of_training(store, model, SETTINGS, contents).need
        return study, training

    before = needs()
    monkeypatch.setattr(hardware, "worker_memory", lambda path: 3 << 30)
    store.runs.create("study", {"model": model.as_dict(), "study": {}})
    store.runs.claim(1, ("study",))
    assert needs() == before


def test_the_loaded_model_is_as_large_in_a_run_of_another_kind(store):
    contents, model = round_contents(store, ORDER, count), ModelSettings()
    need = memory_needs.of_training(store, model, SETTINGS, contents).need
    run = store.runs.create("study", {"model": model.as_dict(), "study": {}})
    study = memory_needs.of_study(store, model, StudySettings(), 9).need
    more = 100 << 20
    numbers = memory_calibration.numbers(study, study.n_loaded + more, study.total)
    rows = [Metric(0, name, value) for name, value in numbers.items()]
    store.runs.add_metrics(run.id, rows)
    fit = memory_needs.of_training(store, model, SETTINGS, contents)
    assert fit.need == replace(need, libraries=need.libraries + more)
    assert fit.calibration_run is None
    other = ModelSettings(quantization="none")
    plain = memory_needs.of_training(store, other, SETTINGS, contents).need
    assert plain.libraries == need.libraries


def test_a_round_that_may_not_fit_is_shown_with_settings_that_would(store, monkeypatch):
    samples(store, 3, gaps=3)
    contents = round_contents(store, ORDER, lambda text: 150)
    monkeypatch.setattr(hardware, "free", lambda devices=1: 480 << 20)
    fit = memory_needs.of_training(store, ModelSettings(), SETTINGS, contents)
    words = r"train with at most \d+ tokens per item \(--max-tokens\)"
    assert re.search(words, str(fit.problem))


def test_the_first_study_is_estimated_by_the_speed_of_this_computer(monkeypatch):
    cpu = Device("cpu", half=False, size=64 << 30)
    monkeypatch.setattr(hardware, "device", lambda: cpu)
    monkeypatch.setattr(compute, "speed", lambda: 1e10)
    settings, model = StudySettings(protocol="guided"), ModelSettings()

    def seconds(n_passages):
        return durations.first_study_seconds(model, settings, n_passages)

    assert seconds(160) == pytest.approx(2 * seconds(80))
    # However few passages a step has, its texts are written token by token.
    assert seconds(1) > 1.1 * seconds(8) / 8
    slow = seconds(10)
    settings = replace(settings, protocol="trained")
    assert seconds(10) != slow
    monkeypatch.setattr(compute, "speed", lambda: 1e8)
    assert seconds(10) > 5 * slow
    monkeypatch.setattr(hardware, "device", lambda: replace(cpu, kind="cuda"))
    assert seconds(10) is None


@pytest.mark.parametrize("protocol", ["guided", "trained"])
def test_a_quick_first_study_is_to_take_a_part_of_a_full_one(monkeypatch, protocol):
    """Both were to take 20 s."""
    cpu = Device("cpu", half=False, size=64 << 30)
    monkeypatch.setattr(hardware, "device", lambda: cpu)
    monkeypatch.setattr(compute, "speed", lambda: 1e10)
    settings, model = StudySettings(protocol=protocol), ModelSettings()
    full, quick = (
        durations.first_study_seconds(model, replace(settings, quick=part), 10)
        for part in (False, True)
    )
    assert full is not None
    assert quick is not None
    assert full / 5 < quick < full / 2


def test_the_study_tab_and_a_whole_round_estimate_a_study_alike(store, monkeypatch):
    model, settings = ModelSettings(), StudySettings()
    monkeypatch.setattr(durations, "first_study_seconds", lambda *_: 50.0)
    assert durations.study_time(store, model, settings, 9) == StudyTime(
        50.0, is_first=True
    )
    shares = sum(round_progress.FIRST_SHARES.values())
    shares += round_progress.FIRST_SHARES["quiz"]
    assert round_progress.seconds_of_all(store, model, 9) == 50.0 * shares
    monkeypatch.setattr(durations, "study_seconds", lambda *_: 20.0)
    assert durations.study_time(store, model, settings, 9) == StudyTime(
        20.0, is_first=False
    )
    assert round_progress.seconds_of_all(store, model, 9) == 20.0 * shares
    monkeypatch.setattr(durations, "study_seconds", lambda *_: None)
    server = ModelSettings("http://127.0.0.1:1/v1#tiny")
    assert durations.study_time(store, server, settings, 9) == StudyTime(
        None, is_first=True
    )


@pytest.mark.parametrize(
    ("passages", "instructions", "says"),
    [
        (3, 0, "3 passages; about 60 s, at the speed of the last study"),
        (3, 5, "3 passages and 5 instructions; about 60 s for the passages, at"),
        (0, 5, "5 instructions; the time of instructions is not estimated"),
        (0, 0, "no passage to study"),
    ],
)
def test_the_time_of_a_study_is_that_of_its_passages(passages, instructions, says):
    time = StudyTime(60.0, is_first=False)
    assert says in study_views.effort(passages, instructions, time, None)


def test_the_pace_of_a_study_is_that_of_one_that_did_the_same(store):
    """A full study was estimated by a quick one, which does a fraction of its work."""
    model = ModelSettings()
    full = StudySettings()
    others = [
        replace(full, quick=True),
        replace(full, closed_book_samples=4),
        replace(full, paraphrases=full.paraphrases + 1),
    ]
    for minutes, settings in enumerate([full, *others], 1):
        request = StudyRunSettings(study=settings, model=model)
        run = run_control.submit(store, request)
        store.runs.finish(run.id, "done", result=StudyResult(passages=10).as_dict())
        store.db.write(
            "UPDATE runs SET started_at = created_at, worked_seconds = ? WHERE id = ?",
            60 * minutes,
            run.id,
        )
    for minutes, settings in enumerate([full, *others], 1):
        seconds = durations.study_seconds(store, model, settings, 20)
        assert seconds == pytest.approx(2 * 60 * minutes)
    both = replace(full, quick=True, closed_book_samples=4)
    assert durations.study_seconds(store, model, both, 20) is None


@pytest.mark.parametrize("protocol", ["guided", "trained"])
def test_the_first_full_study_takes_several_times_as_long_as_a_quick_one(
    store, protocol
):
    """After a quick one of 29 s, a full one of 143 s was to take 30 s."""
    model, quick = ModelSettings(), StudySettings(quick=True, protocol=protocol)
    run = run_control.submit(store, StudyRunSettings(study=quick, model=model))
    store.runs.finish(run.id, "done", result=StudyResult(passages=1).as_dict())
    store.db.write(
        "UPDATE runs SET started_at = created_at, worked_seconds = 29 WHERE id = ?",
        run.id,
    )
    full = replace(quick, quick=False)
    one, two = (durations.study_time(store, model, full, n) for n in (1, 2))
    assert one.is_first
    assert one.seconds
    assert 143 / 2 < one.seconds < 143 * 2
    assert two.seconds == pytest.approx(2 * one.seconds)
    again = durations.study_time(store, model, quick, 1)
    assert again.seconds == pytest.approx(29)
    assert not again.is_first


def test_a_study_of_instructions_tells_no_pace_of_passages(store):
    """Forty instructions and one passage told that each passage takes ten minutes."""
    model, settings = ModelSettings(), StudySettings()
    request = StudyRunSettings(study=settings, model=model, instructions=True)
    run = run_control.submit(store, request)
    store.runs.finish(run.id, "done", result=StudyResult(passages=1).as_dict())
    store.db.write(
        "UPDATE runs SET started_at = created_at, worked_seconds = 600 WHERE id = ?",
        run.id,
    )
    assert durations.study_seconds(store, model, settings, 26) is None


def test_replay_that_is_still_to_be_written_is_counted(store, tmp_path):
    samples(store, 20, gaps=20)
    shipped = round_contents(store, ORDER, count)
    folder = tmp_path / "instruct"  # as the built-in model, but without what it ships
    copytree(model_files.BUILT_IN, folder)
    for name in (replay_pool.FILE, model_files.ADAPTER_NOTE):
        (folder / name).unlink()
    model = ModelSettings(str(folder))
    contents = round_contents(store, replace(ORDER, model=model), count)
    n = SETTINGS.n_replay(20)
    n_free, n_similar = n - n // 2, n // 2
    assert contents.n_written - shipped.n_written == (
        4 * (replay.N_PROBE + n_free) + 2 * similar_questions.DRAWS * n_similar
    )
    effort = durations.effort(SETTINGS, contents, None, 0.5)
    assert effort.seconds_before == contents.n_written / 2
    assert durations.effort(SETTINGS, contents, None).seconds_before is None


def test_a_text_of_the_replay_takes_as_long_as_an_answer_in_a_large_step(store):
    """The few answers of a short text, each as slow as 20, made a minute an hour."""
    model = ModelSettings()
    assert replay_writing.seconds_per_text(store, model) is None
    run = store.runs.create("study", {"model": model.as_dict(), "study": {}})
    steps = {
        "questions": (5, 20),
        "closed-book answers": (45, 20),
        "more closed-book answers": (145, 20),
        "yet more closed-book answers": (400, 3),
    }
    for name, (second, n) in steps.items():
        skips = [Skip("questions", "no", None)] * n
        store.journal(run.id).step(name, lambda skips=skips: skips)
        moment = f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"
        store.db.write("UPDATE steps SET created_at = ? WHERE name = ?", moment, name)
    journal = store.journal(run.id)
    assert journal.step_seconds("closed-book", 1) == pytest.approx([2, 5, 85], abs=1e-3)
    # The first step of a run has no beginning that is kept.
    assert journal.step_seconds("questions", 1) == []
    per_text = replay_writing.seconds_per_text(store, model)
    assert per_text == pytest.approx((2 + 5) / 2, abs=1e-3)
    other = ModelSettings(quantization="none")
    assert replay_writing.seconds_per_text(store, other) is None


def test_a_text_of_the_replay_takes_as_long_as_in_a_measured_round(store):
    """After a replay of 5 minutes, that of a longer round was to take two."""
    model = ModelSettings()
    run = store.runs.create("train", {"model": model.as_dict(), "train": {}})
    steps = {
        f"{replay.STAGE}, shipped": 10,
        f"{replay.STAGE} 1-64": 20,
        f"{replay.STAGE} 65-128": 90,
        f"{replay.STAGE} 129-192": 170,
    }
    for name, second in steps.items():
        skips = [Skip("questions", "no", None)] * 10
        store.journal(run.id).step(name, lambda skips=skips: skips)
        moment = f"2026-01-01T00:{second // 60:02}:{second % 60:02}Z"
        store.db.write("UPDATE steps SET created_at = ? WHERE name = ?", moment, name)
    # Of four texts, one instruction is kept; the steps took 10, 70 and 80 s.
    per_text = replay_writing.seconds_per_text(store, model)
    assert per_text == pytest.approx(70 / 10 / 4, abs=1e-3)
    assert replay_writing.seconds_per_answer(store, model) is None
