"""Versions of the quiz: a set of questions with its scoring, frozen."""

import hashlib
import json
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace

from autolearn.core.quiz_records import FrozenQuestion, QuizVersion
from autolearn.core.records import Split
from autolearn.core.run_settings import QuizRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.evaluation.quiz_questions import QuizQuestion
from autolearn.evaluation.quiz_sets import (
    about,
    every_question,
    for_model,
    questions,
    with_passages,
)
from autolearn.store import Store
from autolearn.store.library import QuestionFilter


def freeze(store: Store) -> QuizVersion:
    """Return the version of quiz and control as they are now; a change makes a new one.

    A version fixes the questions, their gold answers, scorers and aliases.
    """
    now = every_question(store)
    frozen_rows = [
        FrozenQuestion(
            q.question.id,
            q.gold_answer,
            q.gold_value,
            q.question.scorer,
            q.question.aliases,
        )
        for q in now
    ]
    content = [(q.question.split, q.prompt_text) for q in now]
    text = json.dumps([content, [asdict(row) for row in frozen_rows]])
    return store.quizzes.freeze(hashlib.sha256(text.encode()).hexdigest(), frozen_rows)


def frozen_questions(
    store: Store, version: QuizVersion, split: Split
) -> list[QuizQuestion]:
    """Return the questions of quiz or control as a version has them."""
    frozen_by_id = {question.id: question for question in version.questions}
    records = store.library.questions(
        QuestionFilter(ids=list(frozen_by_id), split=split)
    )
    as_frozen = [
        (
            replace(
                question,
                gold_value=frozen_by_id[question.id].gold_value or None,
                scorer=frozen_by_id[question.id].scorer,
                aliases=frozen_by_id[question.id].aliases,
            ),
            frozen_by_id[question.id].gold_answer,
        )
        for question in records
    ]
    return with_passages(store, as_frozen)


def questions_of(
    store: Store, settings: QuizRunSettings, split: Split
) -> list[QuizQuestion]:
    """Return the questions of quiz or control that a run with these settings asks."""
    if settings.version is None:
        now = questions(store, split)
    else:
        now = frozen_questions(store, store.quizzes.get(settings.version), split)
    return for_model(settings.model.model, of_documents(now, settings.documents))


def of_documents(
    questions: Sequence[QuizQuestion], documents: Collection[int] | None
) -> list[QuizQuestion]:
    """Return the control questions, and those of the quiz about some documents or none.

    ``documents``: None: any.
    """
    if documents is None:
        return list(questions)
    control = [q for q in questions if q.question.split == "control"]
    quiz = [q for q in questions if q.question.split == "quiz"]
    return [*about(documents, quiz), *control]


def documents_asked(store: Store, model_digest: str) -> tuple[int, ...] | None:
    """Return the documents that a quiz of a model or its rounds is about; None: all.

    Those that the model has studied, if there are any. A locked quiz asks about all.
    """
    if store.quizzes.is_locked:
        return None
    return tuple(store.quizzes.studied_documents(model_digest)) or None


def asked_now(
    store: Store, model: ModelSettings, model_digest: str
) -> list[QuizQuestion]:
    """Return the questions of quiz and control that a model would be asked now."""
    documents = documents_asked(store, model_digest)
    settings = QuizRunSettings(model=model, documents=documents)
    return [
        *questions_of(store, settings, "quiz"),
        *questions_of(store, settings, "control"),
    ]
