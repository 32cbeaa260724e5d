"""What must hold after each kill, and what a workspace is compared by at the end."""

from pathlib import Path

from autolearn.core import digests
from autolearn.models import files as model_files
from autolearn.services import integrity
from autolearn.store import Store, copies

Story = dict[str, list[tuple[object, ...]]]
"""Rows by the table that they are of."""

TEXTS = {
    "documents": "name, digest, n_characters",
    "passages": 'document_id, position, start, "end", text',
    "questions": "text, split, origin, flags, passage_id, gold_answer",
    "answers": 'kind, text, evidence, start, "end", sample_index, flags',
    "feedback": "purpose, text, verdict, probability",
    "samples": "prompt, chosen, rejected, gap, gap_probability, flags, state",
    "skips": "stage, reason",
    "steps": "name, n_records",
    "generations": "prompt_name, prompt, raw, finish, n_tokens, seed",
    "generated_instructions": "draw, text",
    "round_items": "kind, chat, chosen, rejected, position",
    "quiz_results": "mode, text, right, exact, f1, question_id",
    "decisions": "sample_id, action, author, before, after",
    "runs": "kind, state, after_id",
    "rounds": "method, state, n_steps",
    "experiment_runs": "task, reused",
    # Memory is measured anew by whoever goes on, and speed is never the same.
    "metrics WHERE name NOT LIKE 'memory%'": "name, step",
}
"""The columns that two workspaces are compared by."""
FILES = (
    "exports/*/*.safetensors",
    "exports/*/*.gguf",
    "models/[!.]*/*",
    "hub/models--*/snapshots/*/*",
)
"""Models that runs export, convert or download."""
COMMITTED = [
    "documents",
    "passages",
    "questions",
    "answers",
    "feedback",
    "skips",
    "steps",
    "generations",
    "generated_instructions",
    "round_items",
    "quiz_results",
    "decisions",
    "experiments",
    "experiment_runs",
]
"""Tables whose rows stay as they are once they are committed."""


def story(folder: Path) -> Story:
    """Return what a workspace knows, without ids, times and the order of runs."""
    with Store.open(folder) as store:
        rows = {
            table: sorted(
                (tuple(row) for row in store.db.rows(f"SELECT {names} FROM {table}")),
                key=repr,
            )
            for table, names in TEXTS.items()
        }
        rows["adapters"] = [
            (model_files.adapter_digest(folder / round_.adapter),)
            for round_ in store.rounds.all()
            if round_.adapter
        ]
    rows["files"] = [
        (path.relative_to(folder).as_posix(), digests.of_file(path))
        for pattern in FILES
        for path in sorted(folder.glob(pattern))
    ]
    return rows


def committed(folder: Path) -> set[tuple[object, ...]]:
    """Return the rows that no kill may lose or change."""
    with Store.open(folder) as store:
        return {
            (table, *row)
            for table in COMMITTED
            for row in store.db.rows(f"SELECT * FROM {table}")
        }


def violations(folder: Path, before: set[tuple[object, ...]]) -> list[str]:
    """Return what a kill has broken; ``before`` was committed earlier."""
    sentences = copies.problems(folder / "autolearn.db")
    if lost_rows := before - committed(folder):
        sentences.append(
            f"{len(lost_rows)} committed rows are lost, such as "
            f"{next(iter(lost_rows))!r:.200}"
        )
    sentences += [
        f"{finding.what}: {finding.result}"
        for finding in integrity.check(folder)
        if not finding.ok
    ]
    return sentences


def differences(story: Story, other: Story) -> list[str]:
    """Return in which tables two workspaces differ."""
    return [
        f"{table}: {len(story[table])} rows instead of {len(other[table])}"
        if len(story[table]) != len(other[table])
        else f"{table}: other contents"
        for table in other
        if story[table] != other[table]
    ]
