"""The names of runs, rounds and states, the same in every tab."""

from dataclasses import fields
from datetime import datetime
from pathlib import Path

from autolearn.core import run_kinds, server_addresses
from autolearn.core.methods import method_title
from autolearn.core.records import Round, Run
from autolearn.core.run_kinds import RUN_KINDS
from autolearn.core.settings import TrainSettings
from autolearn.evaluation import statistics
from autolearn.evaluation.paired_quizzes import PARTS, QuizChange, RoundComparison
from autolearn.runs import run_control
from autolearn.runs.queues import MODEL_QUEUE
from autolearn.services.model_scope import chosen_digest, shown_digest
from autolearn.store import Store
from autolearn.ui import html
from autolearn.ui.html import Html

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


TRAIN_SETTINGS = {
    "replay_weight": "Learn faster (0) … forget less (100)",
    "epochs": "Epochs",
    "max_steps": "Steps (0: from epochs)",
    "least_steps": "Steps, minimum (if from epochs)",
    "replay_share": "Replay items per training item",
    "least_replay": "Replay items, minimum",
    "rank": "LoRA rank",
    "alpha": "LoRA alpha",
    "batch_size": "Batch size (items)",
    "warmup_steps": "Warm-up (steps)",
    "max_tokens": "Max. tokens per item",
    "max_grad_norm": "Gradient clipping (norm)",
    "stop_at": "Stop early at (validation)",
    "choose_scale": "Scale down the finished adapter",
    "only_gaps": "Gaps only",
    "statements": "Statements per passage (CPT)",
    "evolution": "Evolution (SELF)",
    "dqa": "Also learn to ask and answer from the passage (AL stage 1)",
    "nll_weight": "NLL weight (AL stage 2)",
    "beta": "DPO beta (AL stage 2)",
    "meta_share": "Meta-skill items per new item (SELF)",
    "meta_examples": "Max. meta-skill items (meta, SELF)",
    "checkpoint_seconds": "Checkpoint interval (seconds)",
    "tracker": "Experiment tracker",
    "devices": "GPUs that train together",
}
TRAIN_SETTINGS |= {
    field.name: field.name.replace("_", " ").capitalize()
    for field in fields(TrainSettings)
    if field.name not in TRAIN_SETTINGS
}
"""The labels of the settings of a training; of some, the names alone say enough."""


def state(name: str) -> Html:
    """Return the state of a run or a round as a badge."""
    return html.badge(name.replace("_", " "), STATES.get(name, ""))


def run(record: Run) -> str:
    """Return the name of a run."""
    return f"{RUN_KINDS[record.kind].title} (run {record.id})"


def awaited(store: Store, record: Run) -> str:
    """Return what a queued run with a model waits for: another run, or a process."""
    first = run_control.current(store)
    if first and first.id != record.id and first.kind in MODEL_QUEUE.kinds:
        return f"the end of {run(first)}"
    return "the worker to start"


def stage(record: Run) -> str:
    """Return what a running run does now."""
    return run_kinds.stage_title(record) or "preparing the run"


def time_left_name(record: Run) -> str:
    """Return what the time left of a run is called: that of a stage is not of all."""
    return "time left" + " of this stage" * run_kinds.is_preparing(record)


def stage_end(record: Run) -> str:
    """Return what follows a stage whose units are all done; empty: some are not."""
    if record.state != "running" or not 0 < record.total <= record.done:
        return ""
    return "preparing the next stage" if run_kinds.is_preparing(record) else "finishing"


def progress(record: Run) -> str:
    """Return how far a run is, in what its stage counts."""
    counts = RUN_KINDS[record.kind].counts
    if counts == "kilobytes":
        return f"{html.size(1024 * record.done)} of {html.size(1024 * record.total)}"
    if counts == "items":
        return f"{record.done:,} of {record.total:,}" if record.total else html.DASH
    return f"{100 * record.done / max(1, record.total):.0f}\N{NO-BREAK SPACE}%"


def round_(record: Round) -> str:
    """Return the name of a round in a list."""
    return (
        f"round {record.id}: {method(record.method)}, {record.state.replace('_', ' ')}"
    )


def model(name: str) -> str:
    """Return the name of a model: the last part of a path or hub id.

    A server has its host too, as in "tiny on 127.0.0.1:8080".
    """
    if not server_addresses.is_server(name):
        return Path(name).name or name
    address = server_addresses.parse(name)
    title = Path(address.model).name
    return f"{title} on {address.host}" if title else address.host


def method(name: str) -> str:
    """Return the title of a training method; an unknown one keeps its name."""
    title = method_title(name).split(":")[0]
    return f"{title[:1].upper()}{title[1:]}"


def local_time(moment: str | None) -> str:
    """Return a stored moment (ISO 8601, UTC) in the time zone of this computer."""
    if not moment:
        return html.DASH
    return f"{datetime.fromisoformat(moment).astimezone():%Y-%m-%d %H:%M}"


def rounds(store: Store, digest: str | None = None) -> list[Round]:
    """Return the rounds of one model, or of all, the oldest first."""
    return [
        record
        for record in store.rounds.all()
        if digest is None or record.model.digest == digest
    ]


def finished(store: Store, digest: str | None = None) -> list[tuple[str, int]]:
    """Return the rounds to choose from that have an adapter, the newest first.

    ``digest``: only those of this model.
    """
    return [
        (round_(record), record.id)
        for record in reversed(rounds(store, digest))
        if record.adapter
    ]


def rounds_in_use(store: Store) -> list[tuple[str, int]]:
    """Return the rounds to choose from of the chosen model; none if it is not there."""
    digest = chosen_digest(store)
    return finished(store, digest) if digest else []


def of_model(store: Store) -> str:
    """Return " of this model" if those of other models are not shown, else nothing."""
    return " of this model" if shown_digest(store) else ""


def adapter(round_id: int | None) -> str:
    """Return the name of the weights of a round, or of those without one."""
    return f"round {round_id}" if round_id else BASE[0]


def few_changed_in(comparison: RoundComparison) -> list[str]:
    """Return of each quiz that too few of its answers changed, where that is so."""
    return [
        f"{PARTS[part]}: {few}"
        for part, change in comparison.parts.items()
        if part != "control" and (few := few_changed(change))
    ]


def few_changed(change: QuizChange) -> str:
    """Return that too few answers changed to differ from chance; nothing if enough."""
    least = statistics.LEAST_CHANGED
    if not change.n or change.n_changed >= least:
        return ""
    if change.n < least:
        asked = html.count(change.n, "question")
        return (
            f"with {asked} no change can be told from chance, since at least {least} "
            "answers have to change."
        )
    changed = html.count(change.n_changed, "changed answer")
    return f"{changed} cannot be told from chance; at least {least} are needed."
