"""Questions that a study dropped."""

from autolearn.core.model_calls import (
    Completion,
    Generation,
    Message,
    Prompt,
    Request,
    Sampling,
)
from autolearn.study import dropped_questions
from tests.support.reviews import MODEL
from tests.support.texts import put_passages

TEXT = "It was built by Ada Horn."
QUESTION = "Who built the mill of Avel?"


def written(raw):
    """Return a generation with this text."""
    prompt = Prompt("ask_sentence", "p1", (Message("user", TEXT),))
    completion = Completion(raw, "stop", 12, 3)
    return Generation(Request(prompt, Sampling()), completion, MODEL)


def drop(passage, question=QUESTION, answer="Ada Horn", fault="it has a fault"):
    """Return the skip of a question about a passage."""
    generation = written(f"Answer: {answer}\nQuestion: {question}")
    return dropped_questions.as_skip(question, TEXT, fault, passage, generation)


def dropped(store, question=QUESTION, answer="Ada Horn"):
    """Drop a question in a study of its own; return the skip."""
    (passage,) = put_passages(store, f"{question} {answer}.txt", [TEXT])
    journal = store.journal(store.runs.create("study", {}).id)
    (skip,) = journal.step("ask", lambda: [drop(passage, question, answer)])
    return skip
