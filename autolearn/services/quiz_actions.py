"""The quiz and its user: lock it, choose scorers, accept answers, what it lacks."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from typing import Any, cast, get_args

from autolearn.core.errors import InputError
from autolearn.core.quiz_records import QuizVersion, Scorer
from autolearn.core.records import Question, Run
from autolearn.core.run_results import StudyResult
from autolearn.core.run_settings import QuizRunSettings, StudyRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.evaluation import quiz_sets, quiz_versions
from autolearn.evaluation.paired_quizzes import PARTS, part_of
from autolearn.runs.model_choice import chosen_model, with_model
from autolearn.services import gold_actions
from autolearn.services.model_scope import chosen_digest
from autolearn.store import QuestionFilter, Store


def question_rows(store: Store) -> list[dict[str, Any]]:
    """Return the questions as rows: where each is from, and how it is scored."""
    return [
        {
            "id": q.question.id,
            "set": PARTS[part_of(q)],
            "origin": q.question.origin,
            "scorer": q.question.scorer,
            "question": q.question.text,
            "gold": q.question.gold_value or q.gold_answer,
            "aliases": " | ".join(q.question.aliases),
            "excluded": q.question.excluded,
        }
        for q in [*quiz_sets.every_question(store), *quiz_sets.excluded(store)]
    ]


def sizes_in_words(store: Store) -> str:
    """Return how many questions the model in use would be asked now, and is not.

    Empty: there is no question for it.
    """
    model = chosen_model(store)
    now = quiz_sets.for_model(model.model, quiz_sets.every_question(store))
    if not now:
        return ""
    documents = quiz_versions.documents_asked(store, chosen_digest(store) or "")
    asked = quiz_versions.of_documents(now, documents)
    counts = Counter(PARTS[part_of(question)] for question in asked)
    sizes = ", ".join(f"{title}: {n}" for title, n in counts.items()) or "No question"
    asked_ids = {question.question.id for question in asked}
    others = [q.passage for q in now if q.passage and q.question.id not in asked_ids]
    if not others:
        return f"{sizes}."
    verb = "is" if len(others) == 1 else "are"
    document = store.library.document(others[0].document_id).name
    return (
        f"{sizes}. {len(others)} more {verb} about documents that this model has not "
        f"studied, such as {document}."
    )


def check_open_book(store: Store, model: ModelSettings) -> None:
    """Check that a model would be asked a question with its passage in view.

    Raises:
        InputError: No question that it is asked belongs to a document of the library.
        ModelNotFound: There is no model at that place.
        BackendError: There is one, but it cannot be used.
        JobError: The round is not finished, or was trained on another model.
    """
    digest = with_model(store, QuizRunSettings(), model).model_digest
    asked = quiz_versions.asked_now(store, model, digest)
    if not any(q.passage and q.question.split == "quiz" for q in asked):
        raise InputError(
            "No question that this model is asked belongs to a text of the library, so "
            "none can be asked open-book; name the text of each in the field document, "
            "or leave out --open-book."
        )


def set_locked(store: Store, *, locked: bool) -> QuizVersion:
    """Lock the quiz as it is now against later studies and imports, or unlock it.

    Raises:
        InputError: There is no question.
    """
    if not quiz_sets.every_question(store):
        raise InputError("There is no quiz to lock; add one first.")
    version = quiz_versions.freeze(store)
    return store.quizzes.set_locked(version.version, locked=locked)


def accept(store: Store, question_id: int, answer: str) -> QuizVersion:
    """Accept another right answer to a question; it counts in all later comparisons.

    Raises:
        InputError: There is no such question, or the answer is empty.
    """
    question, alias = _question(store, question_id), " ".join(answer.split())
    if not alias:
        raise InputError("An empty answer cannot be accepted; enter the answer.")
    aliases = tuple(dict.fromkeys((*question.aliases, alias)))
    store.library.update_question(replace(question, aliases=aliases))
    return quiz_versions.freeze(store)


def set_scorer(store: Store, question_id: int, scorer: str) -> QuizVersion:
    """Choose how the answers to a question are scored.

    Raises:
        InputError: There is no such question or scorer.
    """
    question = _question(store, question_id)
    if scorer not in get_args(Scorer):
        scorers = ", ".join(get_args(Scorer))
        raise InputError(f"There is no scorer {scorer!r}; choose one of {scorers}.")
    store.library.update_question(replace(question, scorer=cast(Scorer, scorer)))
    return quiz_versions.freeze(store)


def set_excluded(store: Store, question_id: int, *, excluded: bool) -> Question:
    """Take a question out of quiz or control, or ask it again.

    Results of earlier quizzes keep it, and no round is trained on it.

    Raises:
        InputError: There is no such question, or the quiz is locked.
    """
    question = _question(store, question_id)
    gold_actions.check_unlocked(store)
    store.library.update_question(replace(question, excluded=excluded))
    return question


def nothing_added(store: Store, run: Run) -> str:
    """Return that a finished study added no question to the quiz, though it should.

    Without a full stop, since the page appends where to add questions. Empty: it has
    added some, or should add none, or the quiz has gold questions about its documents.
    """
    if run.state != "done" or not StudyResult.of(run).passages:
        return ""
    shares = store.runs.metrics(run.id, "quiz_share")
    if not any(share.value for share in shares):
        return ""
    of_run = store.library.questions(QuestionFilter(split="quiz", run_id=run.id))
    if quiz_sets.asked(store, "quiz", [question.id for question in of_run]):
        return ""
    if _has_gold(store, StudyRunSettings.of(run).documents):
        return ""
    reason = _why_nothing_added(store, run, len(of_run))
    return (
        f"This study added no question to the quiz, since {reason}; to measure a round "
        "on its texts, add gold questions of your own"
    )


def _has_gold(store: Store, documents: Collection[int] | None) -> bool:
    """Return whether the quiz has gold questions about some documents; None: any."""
    return any(
        q.is_gold
        and q.passage is not None
        and (documents is None or q.passage.document_id in documents)
        for q in quiz_sets.questions(store, "quiz")
    )


def _why_nothing_added(store: Store, run: Run, n_wordings: int) -> str:
    """Return why none of the new wordings of a study, if any, became a quiz question.

    ``n_wordings``: those that it has written for the quiz.
    """
    settings = StudyRunSettings.of(run).study
    if settings.quick:
        return "a quick study writes no other wordings"
    if not settings.paraphrases:
        return "its settings ask for no paraphrases"
    if n_wordings:
        noun = "wording" if n_wordings == 1 else "wordings"
        return f"none of its {n_wordings} new {noun} for it kept the meaning"
    of_run = store.library.questions(QuestionFilter(split="study", run_id=run.id))
    is_asked = any(q.passage_id and not q.parent_id for q in of_run)
    if not is_asked:
        return "it asked no question about a text"
    return "the questions chosen for it were unfit or had no wording not asked before"


def _question(store: Store, question_id: int) -> Question:
    for quiz_question in quiz_sets.every_asked(store, [question_id]):
        return quiz_question.question
    raise InputError(
        f"Quiz and control have no question {question_id}.", command="quizzes"
    )
