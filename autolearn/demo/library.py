"""The demo library: Markdown documents about things that no model was trained on.

It has a quiz on every fact, a control quiz on the world that the built-in model knows,
and word problems, which the model solves carelessly but can correct.
"""

import json
import random
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from autolearn.demo.passages import section
from autolearn.demo.sums import Problem, problem
from autolearn.demo.world import Entity, World, WorldFact, grammar, known_world

N_DOCUMENTS = 8
N_SECTIONS = 3
N_INSTRUCTIONS = 40
N_PROBLEMS, N_EVOLVED = 120, 200
DOUBLE_EVERY = 6
KNOWN = "known world"


@dataclass(frozen=True)
class QuizItem:
    """A question in a wording that is never trained on, and its gold answer."""

    question: str
    answer: str
    value: str
    document: str
    entity: str
    attribute: str


@dataclass(frozen=True)
class DemoLibrary:
    """Documents as (file name, Markdown), and the quiz on them."""

    documents: tuple[tuple[str, str], ...]
    quiz: tuple[QuizItem, ...]


def make_library(seed: int) -> DemoLibrary:
    """Return the library of a seed; its names are new to the built-in model."""
    rng = random.Random(f"library {seed}")
    world = World(rng, held_out=True, odd_share=0.0)
    titles = rng.sample(grammar().titles, N_DOCUMENTS)
    casts = iter(_casts(world, N_DOCUMENTS * N_SECTIONS))
    documents, quiz = [], []
    for number, title in enumerate(titles, start=1):
        file_name = f"{number:02}-{title.lower().replace(' ', '-')}.md"
        sections = [section(next(casts), rng) for _ in range(N_SECTIONS)]
        body = "\n\n".join(part.text for part in sections)
        documents.append((file_name, f"# {title}\n\n{body}\n"))
        facts = [row.fact for part in sections for row in part.statements]
        quiz += [quiz_item(fact, file_name, rng) for fact in facts]
    return DemoLibrary(tuple(documents), tuple(quiz))


def _casts(world: World, n_sections: int) -> list[list[Entity]]:
    """Return the things that each section is about, kinds alternating."""
    kinds = sorted(grammar().names)
    casts = []
    for i in range(n_sections):
        cast = [world.entity(kinds[i % len(kinds)], n_facts=world.rng.randint(3, 5))]
        if i % DOUBLE_EVERY == DOUBLE_EVERY - 1:
            cast.append(world.entity(n_facts=3))
        casts.append(cast)
    world.rng.shuffle(casts)
    return casts


def quiz_item(fact: WorldFact, document: str, rng: random.Random) -> QuizItem:
    """Return a quiz question about a fact."""
    return QuizItem(
        question=rng.choice(fact.quizzes),
        answer=fact.answer,
        value=fact.value,
        document=document,
        entity=fact.name,
        attribute=f"{fact.attribute.kind}.{fact.attribute.key}",
    )


def control() -> tuple[QuizItem, ...]:
    """Return quiz questions about the things that the built-in model was taught."""
    rng = random.Random("control 0")
    facts = [fact for entity in known_world() for fact in entity.facts]
    return tuple(quiz_item(fact, KNOWN, rng) for fact in facts)


def instructions(seed: int = 0) -> tuple[Problem, ...]:
    """Return word problems, which are answered without a text."""
    return _problems(f"instructions {seed}", N_INSTRUCTIONS)


def problem_quiz(seed: int = 0) -> tuple[QuizItem, ...]:
    """Return a quiz of word problems, none of which is an instruction."""
    tasks = _problems(f"instructions {seed}", N_EVOLVED)
    questions = {task.question for task in tasks}
    return tuple(
        QuizItem(p.question, p.answer(p.steps), str(p.steps[-1].truth), "", "", "")
        for p in _problems(f"problem quiz {seed}", N_PROBLEMS)
        if p.question not in questions
    )


def _problems(key: str, n: int) -> tuple[Problem, ...]:
    world = World(random.Random(key), held_out=True, odd_share=0.0)
    return tuple(problem(world) for _ in range(n))


def write_library(folder: Path, seed: int) -> None:
    """Write documents and JSON lines of quizzes, control and instructions."""
    library = make_library(seed)
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, text in library.documents:
        (folder / file_name).write_text(text, encoding="utf-8")
    _write_items(folder / "quiz.jsonl", library.quiz)
    _write_items(folder / "control.jsonl", control())
    _write_instructions(folder, instructions(seed))


def write_problems(folder: Path, seed: int) -> None:
    """Write word problems for rounds of self-evolution, a quiz of others, and control.

    There are more of them than in the library, since only some of the answers pass the
    filter.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _write_items(folder / "problems.jsonl", problem_quiz(seed))
    _write_items(folder / "control.jsonl", control())
    _write_instructions(folder, _problems(f"instructions {seed}", N_EVOLVED))


def _write_instructions(folder: Path, problems: Iterable[Problem]) -> None:
    rows = ({"prompt": p.question, "answer": p.answer(p.steps)} for p in problems)
    _write_lines(folder / "instructions.jsonl", rows)


def _write_items(path: Path, items: Iterable[QuizItem]) -> None:
    fields = ("question", "answer", "value", "document")
    _write_lines(path, ({key: asdict(item)[key] for key in fields} for item in items))


def _write_lines(path: Path, rows: Iterable[dict[str, str]]) -> None:
    lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
    path.write_text("".join(lines), encoding="utf-8")
