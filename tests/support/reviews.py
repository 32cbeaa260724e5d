"""Studied samples as a person reviews them."""

from autolearn.core.model_calls import (
    Completion,
    Generation,
    Message,
    ModelIdentity,
    Prompt,
    Request,
    Sampling,
)
from autolearn.core.records import Answer, Feedback, Question, Sample
from autolearn.ui.tabs.review_filter import FRESH, review_queue
from tests.support.texts import put_passages

TEXT = "Ludwig lived there. Goethe wrote Faust in Weimar."
MODEL = ModelIdentity("tiny", "d1", "nf4", "float32", "cpu")
HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"


def version(store):
    return store.decisions.version()


def filled(store, n=1, *, words="", flags=(), probability=None, gap=True):
    """Study ``n`` questions and return their samples; ``words`` stand in each text."""
    passages = put_passages(store, f"faust {words}.txt", [TEXT[:20], TEXT[20:]])
    passage = passages[1]
    journal = store.journal(store.runs.create("study", {}).id)
    new = [
        Question(f"Who wrote {i} {words}?", "study", "model", passage.id)
        for i in range(n)
    ]
    questions = journal.step("ask", lambda: new)
    answers = journal.step(
        "answer", lambda: [a for q in questions for a in _answers(q, words)]
    )
    closed_book, open_book, refinements = answers[::3], answers[1::3], answers[2::3]
    critiques, checks = _judge(journal, closed_book, refinements, words)
    rows = zip(
        questions, closed_book, open_book, refinements, critiques, checks, strict=True
    )
    samples = [
        Sample(
            q.id,
            q.text,
            r.text,
            c.text,
            gap,
            (i + 1) / (n + 1) if probability is None else probability,
            passage.id,
            o.id,
            c.id,
            f.id,
            r.id,
            k.id,
            flags,
        )
        for i, (q, c, o, r, f, k) in enumerate(rows)
    ]
    return journal.step("sample", lambda: samples)


def _judge(journal, closed_book, refinements, words):
    """Return the critiques of closed-book answers, and the checks of refined ones."""
    critiques = [
        Feedback(answer.id, "critique", f"By Goethe {words}", "incorrect", 0.1)
        for answer in closed_book
    ]
    checks = [
        Feedback(answer.id, "check", "Good.", "correct", 0.9) for answer in refinements
    ]
    return (
        journal.step("judge", lambda: critiques),
        journal.step("check", lambda: checks),
    )


def _answers(question, words):
    """Return the three answers to a question; only the first shows its prompt."""
    chat = (Message("user", f"asked {words}"),)
    generation = Generation(
        Request(Prompt("closed_book", "p1", chat), Sampling()),
        Completion(f"raw {words}", "stop", 12, 3),
        MODEL,
    )
    return [
        Answer(question.id, "closed_book", f"Schiller {words}", generation=generation),
        Answer(question.id, "open_book", f"Goethe {words}", "Goethe", 1.0, 20, 26),
        Answer(question.id, "refined", f"Goethe of Weimar {words}"),
    ]


def chosen(**values):
    """Return the values of the filter's fields, some of them changed."""
    names = ("state", "order", "text", "flag", "verdict", "gap", "low", "high")
    fields = dict(zip((*names, "document", "run"), FRESH, strict=True))
    return review_queue(*(fields | values).values())
