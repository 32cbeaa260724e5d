"""Questions with right answers, and instructions, added to the library at once."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import GoldQuestion
from autolearn.core.records import Question, Split
from autolearn.core.settings import ModelSettings
from autolearn.evaluation import gold_import, quiz_sets, scoring
from autolearn.ingest import contained_files, quiz_files
from autolearn.models import files as model_files
from autolearn.rounds import sources as round_sources
from autolearn.store import Store
from autolearn.training.leakage import Guard

_GENERAL_KNOWLEDGE = model_files.BUILT_IN.parent / "general-knowledge.jsonl"


def add_instructions(store: Store, path: Path) -> int:
    """Add instructions without any text, for self-evolution; return how many are new.

    Raises:
        InputError: The file is not JSON lines of prompts.
    """
    before = len(store.library.instructions())
    questions = [
        Question(
            text,
            "study",
            "person",
            gold_answer=answer or None,
            scorer=scoring.usual(GoldQuestion(text, answer)) if answer else "contains",
        )
        for text, answer in contained_files.instructions(path)
    ]
    store.library.add_questions(questions)
    return len(store.library.instructions()) - before


def check_instructions(store: Store) -> None:
    """Check that the library has instructions.

    Raises:
        JobError: It has none.
    """
    if not store.library.instructions():
        raise JobError(
            "There are no instructions; add some under Library.",
            command="add --instructions FILE",
        )


@dataclass(frozen=True)
class GoldImport:
    """The result of adding gold questions."""

    n_in_set: int
    """Questions that are in the quiz or the control set now."""
    n_trained: int = 0
    """Questions left out because a round was trained on them."""


def add_gold(store: Store, path: Path, split: Split) -> GoldImport:
    """Add questions with gold answers to quiz or control.

    Raises:
        InputError: The file has no such questions, or the quiz is locked.
    """
    return add_gold_questions(store, contained_files.quiz(path), split)


def add_gold_questions(
    store: Store, gold: Sequence[GoldQuestion], split: Split
) -> GoldImport:
    """Add questions with gold answers to quiz or control.

    Raises:
        InputError: The quiz is locked.
    """
    check_unlocked(store)
    guard = Guard(round_sources.asked_by_rounds(store))
    new = [question for question in gold if not guard.blocks(question.question)]
    kept_questions = gold_import.import_gold(store, new, split)
    asked = {question.id for question in kept_questions if not question.excluded}
    return GoldImport(len(asked), len(gold) - len(new))


def add_question(store: Store, text: str, answer: str, split: Split) -> Question:
    """Add a question that a person has typed to quiz or control.

    If the answer stands in one of the passages that are found by the words of both, the
    question belongs to that passage: with it in view it is asked open-book.

    Raises:
        InputError: It is incomplete, is asked already or was trained on, or the quiz is
            locked.
    """
    check_unlocked(store)
    text, answer = " ".join(text.split()), " ".join(answer.split())
    if not text or not answer:
        raise InputError("Enter a question and its answer.")
    asked = Guard(q.question.text for q in quiz_sets.questions(store, split))
    if asked.blocks(text):
        raise InputError(
            "This question is asked already; exclude it first to give it another "
            "answer."
        )
    if Guard(round_sources.asked_by_rounds(store)).blocks(text):
        raise InputError(
            "A round was trained on this question, so the quiz cannot ask it; ask for "
            "the fact in other words."
        )
    found = store.library.passages_about(f"{text} {answer}")
    passage = next((p.text for p in found if scoring.holds(p.text, answer)), "")
    gold = GoldQuestion(text, answer, passage=passage)
    (question,) = gold_import.import_gold(store, [gold], split)
    store.library.update_question(replace(question, excluded=False))
    return replace(question, excluded=False)


def check_unlocked(store: Store) -> None:
    """Check that quiz and control take further questions.

    Raises:
        InputError: The quiz is locked.
    """
    version = store.quizzes.newest()
    if version and version.locked:
        raise InputError(
            f"The quiz is locked (version {version.version}), so it takes no further "
            "question; unlock it first.",
            command="quizzes --unlock",
        )


@cache
def general_knowledge() -> tuple[GoldQuestion, ...]:
    """Return the questions of general knowledge that come with autolearn, in English.

    Few texts teach their answers, and models from half a billion parameters know most
    of them: as a control set they show what a round forgets.
    """
    return tuple(quiz_files.read(_GENERAL_KNOWLEDGE))


def add_general_knowledge(store: Store) -> GoldImport:
    """Add the questions of general knowledge to the control set.

    Raises:
        InputError: The quiz is locked.
    """
    return add_gold_questions(store, general_knowledge(), "control")


def lacks_control(store: Store, model: str) -> bool:
    """Return whether there are texts for a model, but no control set that it knows.

    The one of the built-in library asks about an invented world, which only the
    built-in model knows; that model lacks none.
    """
    if model == ModelSettings.model or store.library.is_empty():
        return False
    return not quiz_sets.for_model(model, quiz_sets.questions(store, "control"))
