import json
import random
import re
import subprocess
import sys
from collections import Counter

import pytest

from autolearn.demo import sums
from autolearn.demo.builder import tasks
from autolearn.demo.library import control, make_library, write_library
from autolearn.demo.names import is_held_out
from autolearn.demo.passages import crowded_passage, study_passage
from autolearn.demo.world import World, WorldFact, grammar, known_world

ATTRIBUTES = [a for rows in grammar().attributes.values() for a in rows]
SEEDS = range(5)


def test_the_same_seed_makes_the_same_library():
    assert make_library(7) == make_library(7)
    assert make_library(7) != make_library(8)
    assert known_world() == known_world()


@pytest.mark.parametrize("seed", SEEDS)
def test_library_names_are_held_out_from_training(seed):
    library = make_library(seed)
    names = {entity.name for entity in known_world()}
    assert library.quiz
    for item in library.quiz:
        assert is_held_out(item.entity.split()[0])
        assert item.entity not in names


def test_training_draws_no_held_out_name_word():
    world = World(random.Random(1))
    names = [world.name(kind) for kind in grammar().names for _ in range(200)]
    assert not any(is_held_out(name.split()[0]) for name in names)


@pytest.mark.parametrize("seed", SEEDS)
def test_every_gold_value_stands_in_its_document(seed):
    library = make_library(seed)
    texts = dict(library.documents)
    assert library.quiz
    for item in library.quiz:
        assert item.value in texts[item.document]
        assert item.entity in texts[item.document]
        assert item.value in item.answer


@pytest.mark.parametrize("seed", SEEDS)
def test_a_library_has_the_promised_size(seed):
    library = make_library(seed)
    assert len(library.documents) == 8
    assert 24 <= len({item.entity for item in library.quiz}) <= 28
    assert 85 <= len(library.quiz) <= 115


def test_every_statement_stands_in_its_passage():
    world = World(random.Random(2))
    for _ in range(200):
        passage = study_passage(world)
        assert passage.statements
        for row in passage.statements:
            assert row.sentence in passage.text
            assert row.fact.value in row.sentence


def test_quiz_wordings_are_never_written_by_the_model():
    assert ATTRIBUTES
    for attribute in ATTRIBUTES:
        assert len(attribute.quiz) == 2
        assert not set(attribute.quiz) & {*attribute.ask, attribute.turned}


def test_one_wording_of_each_attribute_keeps_the_order_of_a_statement():
    # A round whose wordings all begin with what is asked misses a quiz that does not.
    assert ATTRIBUTES
    begins = re.compile(r"(\w+ )?(wh(at|ich|om?|ose|en|ere)|how)\b", re.IGNORECASE)
    for attribute in ATTRIBUTES:
        assert not begins.match(attribute.turned)
        assert all(map(begins.match, attribute.ask))
        assert sum(not begins.match(text) for text in attribute.quiz) == 1


def test_a_question_belongs_to_one_attribute_of_its_kind():
    assert grammar().attributes
    for rows in grammar().attributes.values():
        questions = [q for row in rows for q in (*row.ask, row.turned, *row.quiz)]
        assert questions
        assert len(questions) == len(set(questions))


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=lambda a: f"{a.kind}.{a.key}")
def test_every_wording_names_its_thing(attribute):
    assert len(attribute.say) >= 3
    assert len(attribute.ask) >= 6
    texts = (*attribute.say, *attribute.ask, attribute.turned, attribute.answer)
    for text in (*texts, *attribute.quiz):
        assert "{e}" in text
    for text in (*attribute.say, attribute.answer):
        assert "{v}" in text


def test_a_near_value_is_a_wrong_value():
    world = World(random.Random(3))
    for _ in range(300):
        fact = world.entity(n_facts=1).facts[0]
        assert world.other_value(fact, near=True) != fact.value


def test_each_pool_of_values_has_at_least_forty():
    alone = {a.type for a in ATTRIBUTES} & set(grammar().pools)
    assert len(alone) >= 10
    for name in alone:
        assert len(set(grammar().pools[name])) >= 40


@pytest.mark.parametrize(
    ("type_", "pattern"),
    [
        ("year", r"\d{4}"),
        ("day", r"\d{1,2} [A-Z][a-z]+"),
        ("date", r"\d{1,2} [A-Z][a-z]+ \d{4}"),
        ("number 3 870", r"\d{1,3}"),
        ("list fish", r"[a-z]+(, [a-z]+)? and [a-z]+"),
    ],
)
def test_values_have_the_form_of_their_type(type_, pattern):
    attribute = next(a for a in ATTRIBUTES if a.type == type_)
    world = World(random.Random(8))
    fact = WorldFact("X", attribute, world.value(attribute))
    for _ in range(50):
        near = world.other_value(fact, near=True)
        assert re.fullmatch(pattern, near), near
        assert near != fact.value


def test_names_rarely_repeat():
    world = World(random.Random(9), odd_share=1.0)
    words = {world.name("animal").split()[0] for _ in range(500)}
    assert len(words) > 480
    assert any("-" in word or "'" in word for word in words)
    assert any(not word.isascii() for word in words)
    assert max(map(len, words)) >= 9


def test_passages_have_one_to_three_things():
    world = World(random.Random(10))
    n_things = Counter(
        len({row.fact.name for row in study_passage(world).statements})
        for _ in range(300)
    )
    assert min(n_things.values()) >= 3
    assert {1, 2, 3} <= set(n_things)


def test_word_problems_are_right_and_slips_are_wrong():
    world = World(random.Random(11))
    for _ in range(300):
        problem = sums.problem(world)
        (number,) = re.findall(r"\d+", problem.question)[:1]
        count = int(number)
        for step in problem.steps:
            count += step.change
            assert step.result == count
            assert 0 < count <= sums.HIGHEST
        assert str(count) in problem.answer(problem.steps).split(".")[-2]
        slip_steps = sums.slip(problem.steps, world.rng)
        assert any(step.result != step.truth for step in slip_steps)
        right = tasks.sum_feedback(problem, problem.steps).target
        wrong = tasks.sum_feedback(problem, slip_steps).target
        assert "differs" not in right
        assert right.endswith("Verdict: correct")
        assert "differs" in wrong
        assert wrong.endswith("Verdict: incorrect")
        assert all(step.result >= 0 for step in slip_steps)


def test_careless_steps_are_wrong_only_where_they_cross_a_ten():
    world = World(random.Random(14))
    n_wrong = n_crossing = 0
    for _ in range(300):
        steps = sums.problem(world).steps
        careless = sums.carelessly(steps, world.rng)
        n_wrong += careless != steps
        n_crossing += any(s.result // 10 != s.before // 10 for s in steps)
        for step in careless:
            assert step.result >= 0
            assert (step.result - step.truth) % 10 == 0
    assert 0.6 * n_crossing < n_wrong <= n_crossing


def test_crowded_passages_state_similar_facts_about_things_of_one_kind():
    world = World(random.Random(15))
    n_shared = 0
    for _ in range(200):
        facts = [row.fact for row in crowded_passage(world).statements]
        counts = Counter(fact.attribute for fact in facts)
        n_shared += max(counts.values()) > 1
        assert len({fact.name for fact in facts}) >= 2
    assert 100 < n_shared < 150


def test_questions_about_long_passages_start_at_any_fact():
    world = World(random.Random(18))
    passage = crowded_passage(world)
    facts = [row.fact for row in passage.statements]
    firsts = set()
    for _ in range(100):
        lines = tasks.ask(passage, 2, world.rng).target.splitlines()
        at = [next(f for f in facts if line in f.asks) for line in lines]
        first, second = map(facts.index, at)
        assert second == (first + 1) % len(facts)
        firsts.add(first)
    assert firsts == set(range(len(facts)))


def test_paraphrases_follow_a_fixed_order():
    world = World(random.Random(19))
    fact = world.entity(n_facts=1).facts[0]
    firsts = set()
    for _ in range(50):
        exercise = tasks.paraphrase(fact, fact.quizzes[0], 3, world.rng)
        lines = exercise.target.splitlines()
        first = fact.wordings.index(lines[0])
        assert lines == (fact.wordings * 2)[first : first + 3]
        firsts.add(first)
    assert firsts == set(range(len(fact.wordings)))


def test_some_values_are_invented_words():
    trade = next(a for a in ATTRIBUTES if a.type == "trade")
    world = World(random.Random(16), odd_value_share=0.5)
    values = [world.value(trade) for _ in range(200)]
    n_listed = sum(value in grammar().pools["trade"] for value in values)
    assert 60 < n_listed < 140
    assert all(value.islower() for value in values)


def test_statements_are_true_and_stand_alone():
    world = World(random.Random(12))
    passage = study_passage(world)
    lines = tasks.statements(passage, 12, world.rng).target.splitlines()
    true = {
        text
        for row in passage.statements
        for text in (row.fact.answer, *row.fact.statements)
    }
    assert len(lines) == 12
    assert set(lines) <= true


def test_feedback_on_an_answer_about_another_thing_names_it():
    world = World(random.Random(13))
    fact = world.entity(n_facts=1).facts[0]
    other = WorldFact("Bo", fact.attribute, fact.value)
    reply = "".join(text for text, _ in tasks.comparison(fact, other))
    assert reply.startswith(f"The text is about {fact.name}; the answer Bo differs")
    assert reply.endswith("Verdict: incorrect")


def test_replies_are_whole_sentences_whatever_their_weights():
    world = World(random.Random(4))
    for _ in range(100):
        passage = study_passage(world)
        row = passage.statements[0]
        exercise = tasks.open_book(passage, row.fact.asks[0], row)
        evidence, answer = exercise.target.splitlines()
        assert evidence == f"Evidence: {row.sentence}"
        assert answer == f"Answer: {row.fact.answer}"
        assert exercise.prompt.startswith(f"{passage.text}\n\nQuestion: ")


def test_exercises_never_contain_quiz_wordings():
    world = World(random.Random(5))
    for _ in range(100):
        passage = study_passage(world)
        texts = tasks.ask(passage, 8, world.rng).target.splitlines()
        fact = passage.statements[0].fact
        texts += tasks.paraphrase(
            fact, fact.quizzes[0], 4, world.rng
        ).target.splitlines()
        quizzes = {q for row in passage.statements for q in row.fact.quizzes}
        assert not quizzes & set(texts)


def test_half_of_the_answers_to_check_are_right():
    world = World(random.Random(6))
    right = 0
    for _ in range(1000):
        passage = study_passage(world)
        fact = passage.statements[0].fact
        right += tasks.attempt(fact, passage, world, right=0.5) == fact
    assert 450 < right < 550


def test_the_library_is_written_as_files(tmp_path):
    write_library(tmp_path, seed=0)
    rows = (tmp_path / "quiz.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(list(tmp_path.glob("*.md"))) == 8
    assert set(json.loads(rows[0])) == {"question", "answer", "value", "document"}
    assert len(control()) >= 100
    prompts = (tmp_path / "instructions.jsonl").read_text(encoding="utf-8").splitlines()
    assert len({json.loads(line)["prompt"] for line in prompts}) == 40


def test_the_world_needs_no_torch():
    code = "import sys, autolearn.demo.library; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
