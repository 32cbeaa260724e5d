"""Samples on a text about Faust, each studied in a run of its own, and their rounds."""

from dataclasses import replace

from autolearn.core.model_calls import (
    Completion,
    Generation,
    Message,
    Prompt,
    Request,
    Sampling,
)
from autolearn.core.quiz_records import QuizResult
from autolearn.core.records import Answer, Feedback, Question, Round, Sample, TrainItem
from tests.support.faust import MODEL
from tests.support.reviews import HOSTILE


def _generation(text):
    chat = (Message("user", f"Answer this: {HOSTILE}"),)
    return Generation(
        Request(Prompt("closed_book", "0123456789", chat), Sampling(0.7)),
        Completion(text, "stop", 12, 3),
        MODEL,
    )


def studied(store, passage, text="Who wrote Faust?", closed_answer="Schiller", **more):
    """Study one question of a passage in a run of its own."""
    journal = store.journal(store.runs.create("study", {}).id)
    (question,) = journal.step(
        "ask",
        lambda: [
            Question(text, "study", "model", passage.id, generation=_generation(text))
        ],
    )
    written = _generation(closed_answer)
    answers = [
        Answer(question.id, "closed_book", closed_answer, generation=written),
        Answer(question.id, "open_book", "Goethe", "Goethe wrote Faust.", 1.0, 0, 6),
        Answer(question.id, "refined", "Goethe wrote it"),
    ]
    first, second, third = journal.step("answer", lambda: answers)
    critique, check = journal.step(
        "judge",
        lambda: [
            Feedback(first.id, "critique", "By Goethe.", "incorrect", 0.1, second.id),
            Feedback(third.id, "check", "Yes.", "correct", 0.8, second.id),
        ],
    )
    sample = Sample(
        question.id,
        text,
        "Goethe wrote it",
        closed_answer,
        True,
        0.93,
        passage.id,
        second.id,
        first.id,
        critique.id,
        third.id,
        check.id,
    )
    (stored_sample,) = journal.step("sample", lambda: [replace(sample, **more)])
    return stored_sample


def quizzed(store, sample, right):
    """Train a round on a sample and ask its question again in other words."""
    run = store.runs.create("train", {})
    item = TrainItem("sft", (), "Goethe", sample_id=sample.id)
    round_ = store.rounds.create(Round("refined_sft", run.id, {}, MODEL), [item])
    journal = store.journal(store.runs.create("quiz", {}).id)
    wording = Question(
        "By whom is Faust?",
        "quiz",
        "paraphrase",
        sample.passage_id,
        parent_id=sample.question_id,
    )
    (question,) = journal.step("ask", lambda: [wording])
    result = QuizResult(question.id, "closed_book", "G.", right, right, 1.0, round_.id)
    journal.step("quiz", lambda: [result])
    return round_
