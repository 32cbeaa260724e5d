"""What runs, rounds and states are called, the same in every tab."""

from datetime import datetime

from autolearn.core.methods import method_title
from autolearn.core.records import Round, Run
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html

RUNS = {
    "study": "Study",
    "train": "Training",
    "quiz": "Quiz",
    "chat": "Chat",
    "export": "Export",
    "import": "Reading texts",
    "download": "Download",
    "convert": "Conversion of a GGUF file",
    "skills": "Skill check",
}
"""What each kind of run is called."""

STATES = {
    "queued": "pending",
    "running": "pending",
    "training": "pending",
    "done": "approved",
    "trained": "known",
    "kept": "approved",
    "failed": "wrong",
    "rolled_back": "rejected",
    "interrupted": "gap",
    "cancelled": "gap",
}
"""The colour and sign of each state of a run or a round."""

VERDICTS = {"correct": "approved", "incorrect": "wrong", "unclear": "pending"}
"""The colour and sign of each verdict."""

BASE = ("base model", 0)
"""The base model where a round can be chosen."""


def state(name: str) -> Html:
    """Return the state of a run or a round as a badge."""
    return html.badge(name.replace("_", " "), STATES.get(name, ""))


def run(record: Run) -> str:
    """Return what a run is called."""
    return f"{RUNS[record.kind]} (run {record.id})"


def round_(record: Round) -> str:
    """Return what a round is called in a list."""
    return (
        f"round {record.id}: {method(record.method)}, {record.state.replace('_', ' ')}"
    )


def method(name: str) -> str:
    """Return the title of a training method; an unknown one keeps its name."""
    title = method_title(name).split(":")[0]
    return f"{title[:1].upper()}{title[1:]}"


def local_time(moment: str | None) -> str:
    """Return a stored moment (ISO 8601, UTC) in the time zone of this computer."""
    if not moment:
        return html.DASH
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def finished(store: Store) -> list[tuple[str, int]]:
    """Return the rounds that have an adapter to choose from, the newest first."""
    return [
        (round_(record), record.id)
        for record in reversed(store.rounds.all())
        if record.adapter
    ]


def finished_of(store: Store, digest: str) -> list[tuple[str, int]]:
    """Return the finished rounds of one model, the newest first."""
    own = {record.id for record in store.rounds.all() if record.model.digest == digest}
    return [choice for choice in finished(store) if choice[1] in own]


def adapter(round_id: int | None) -> str:
    """Return what the weights of a round are called, or those without one."""
    return f"round {round_id}" if round_id else BASE[0]
