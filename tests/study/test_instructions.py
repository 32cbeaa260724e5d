"""Self-Instruct: new tasks like the given ones, each once, the same after a kill."""

import pytest

from autolearn.core.ports import Cancelled
from autolearn.core.settings import StudySettings
from autolearn.study.generation import Generator
from autolearn.study.instructions import STEP, write_instructions
from tests.support.journals import MemoryJournal
from tests.support.scripted_backend import ScriptedBackend

POOL = ["Ann has 3 pens. She buys 2. How many has she?", "Bo ran 4 km. How far?"]


def generator(backend, protocol="trained"):
    settings = StudySettings(protocol=protocol)
    return Generator(backend, settings, lambda: False, lambda _: None)


def written(backend, n=3, protocol="trained", journal=None):
    instructions = write_instructions(
        generator(backend, protocol),
        journal or MemoryJournal(),
        POOL,
        n,
        lambda _: None,
    )
    return [question.text for question in instructions]


def continued(texts):
    return ScriptedBackend((), instruction=lambda seed: texts[seed % len(texts)])


def test_only_new_tasks_of_the_form_of_the_given_ones_are_kept():
    texts = [
        POOL[0],
        "Cy has 9 hats. He sells 4. How many has he?",
        "cut off in the",
        "Two\nlines are no task, are they?",
        "Why?",
        "Di rows 7 km, then 2 more. How far?",
    ]
    assert set(written(continued(texts), n=9)) == {texts[1], texts[5]}


def test_tasks_are_counted_and_a_model_that_repeats_itself_ends():
    backend = ScriptedBackend(
        (),
        instruction=lambda seed: f"Cy{seed} has {seed} hats in {seed}. How many hats?",
    )
    assert len(written(backend, n=5)) == 5
    assert written(continued([POOL[0]])) == []


def test_a_guided_model_sees_tasks_and_writes_another():
    backend = ScriptedBackend(
        lambda request: f"Task: Ed has {request.sampling.seed} cups. How many has he?"
    )
    texts = written(backend, protocol="guided")
    assert len(texts) == 3
    assert all(not text.startswith("Task:") for text in texts)
    assert POOL[0] in backend.history[0].prompt.chat[-2].content


class Drawing(ScriptedBackend):
    """Notes what it is given and writes nothing."""

    def __init__(self):
        super().__init__(())
        self.draws = []

    def generate_instructions(
        self, seeds, stop, max_new_tokens=48, beginnings=None, progress=None
    ):
        self.draws += zip(seeds, beginnings, strict=True)
        return ["" for _ in seeds]


def test_the_draws_are_those_of_earlier_versions():
    backend = Drawing()
    assert written(backend, n=1) == []
    assert backend.draws[:3] == [
        (656941951, "Bo ran 4"),
        (1754944531, "Bo ran 4"),
        (2880890643, "Ann has 3"),
    ]


def test_a_stop_keeps_no_draws():
    journal = MemoryJournal()
    stopped = Generator(Drawing(), StudySettings(), lambda: True, lambda _: None)
    with pytest.raises(Cancelled):
        write_instructions(stopped, journal, POOL, 1, lambda _: None)
    assert journal.kept == {}


def test_a_step_that_was_committed_is_not_drawn_again():
    calls = []

    def instruction(seed):
        calls.append(seed)
        return f"Cy{seed} has {seed} hats. How many hats has Cy?"

    journal = MemoryJournal()
    first = written(ScriptedBackend((), instruction=instruction), journal=journal)
    assert len(calls) == STEP
    assert (
        written(ScriptedBackend((), instruction=instruction), journal=journal) == first
    )
    assert len(calls) == STEP


def test_a_task_in_a_script_without_spaces_has_the_length_of_the_given_ones():
    pool = ["小明有三支笔,他又买了两支,他一共有几支笔?", "小红走了四公里,她走了多远?"]
    right, long = "小刚有九顶帽子,他卖了四顶,还剩几顶?", f"{'小明有三支笔,' * 9}有几支?"
    questions = write_instructions(
        generator(continued([right, long])), MemoryJournal(), pool, 2, lambda _: None
    )
    assert [question.text for question in questions] == [right]
