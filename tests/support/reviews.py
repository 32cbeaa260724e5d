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
HOSTILE = "<img src=x onerror=alert(1)> ${alert(1)} {{x}}"


def version(store):
    return store.decisions.version()


def filled(store, n=1, *, words="", flags=(), probability=None, gap=True):
    """Study ``n`` questions and return their samples; ``words`` stand in each text."""
    passages = put_passages(store, f"faust {words}.txt", [TEXT[:20], TEXT[20:]])
    passage = passages[1]
    journal = store.journal(store.runs.create("study", {}).id)
    chat = (Message("user", f"asked {words}"),)
    model = ModelIdentity("tiny", "d1", "nf4", "float32", "cpu")
    generation = Generation(
        Request(Prompt("closed_book", "p1", chat), Sampling()),
        Completion(f"raw {words}", "stop", 12, 3),
        model,
    )
    new = [
        Question(f"Who wrote {i} {words}?", "study", "model", passage.id)
        for i in range(n)
    ]
    questions = journal.step("ask", lambda: new)

    def answers():
        for q in questions:
            yield Answer(
                q.id, "closed_book", f"Schiller {words}", generation=generation
            )
            yield Answer(q.id, "open_book", f"Goethe {words}", "Goethe", 1.0, 20, 26)
            yield Answer(q.id, "refined", f"Goethe of Weimar {words}")

    texts = journal.step("answer", lambda: list(answers()))
    closed_book, open_book, refinements = texts[::3], texts[1::3], texts[2::3]
    critiques = journal.step(
        "judge",
        lambda: [
            Feedback(a.id, "critique", f"By Goethe {words}", "incorrect", 0.1)
            for a in closed_book
        ],
    )
    checks = journal.step(
        "check",
        lambda: [Feedback(a.id, "check", "Good.", "correct", 0.9) for a in refinements],
    )
    rows = zip(
        questions, closed_book, open_book, refinements, critiques, checks, strict=True
    )
    return journal.step(
        "sample",
        lambda: [
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
        ],
    )


def chosen(**values):
    """Return the values of the filter's fields, some of them changed."""
    names = ("state", "order", "text", "flag", "verdict", "gap", "low", "high")
    fields = dict(zip((*names, "document", "run"), FRESH, strict=True))
    return review_queue(*(fields | values).values())
