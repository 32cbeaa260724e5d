"""Check a workspace: its database, and its files against their digests.

Nothing is changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path

from autolearn.core import digests
from autolearn.core.errors import AutolearnError, StoreError
from autolearn.core.records import OPEN_STATES
from autolearn.core.run_settings import ImportRunSettings
from autolearn.ingest import originals
from autolearn.rounds import adapters
from autolearn.runs import queues, worker_locks
from autolearn.store import Store, copies, layout

MOST_NAMED = 5
"""Most names of one kind that are listed."""


@dataclass(frozen=True)
class Finding:
    """The result of one check, of a workspace or of the computer."""

    what: str
    ok: bool
    result: str


def check(workspace: Path) -> list[Finding]:
    """Check the database of a workspace and all files that it names.

    Raises:
        StoreError: There is no workspace.
    """
    if not (workspace / layout.DATABASE).exists():
        raise StoreError(f"{workspace} holds no workspace; choose another folder.")
    problems = copies.problems(workspace / layout.DATABASE)
    database = Finding("database", not problems, "; ".join(problems) or "sound")
    try:
        with Store.open(workspace) as store:
            return [
                database,
                _finding("adapters", *_adapters(store)),
                _finding("checkpoints", *_checkpoints(store)),
                _finding("originals", *_originals(store)),
                _runs(store),
                _leftovers(store),
            ]
    except AutolearnError as error:
        finding = Finding("files", False, f"not checked: {error}")
        return [database, finding]


def _finding(what: str, total: int, damages: Sequence[str]) -> Finding:
    sentence = f"{total} checked"
    if damages:
        sentence += f", {len(damages)} missing or damaged: {_listing(damages)}"
    return Finding(what, not damages, sentence)


def _listing(names: Sequence[str]) -> str:
    rest = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + rest


def _adapters(store: Store) -> tuple[int, list[str]]:
    rounds = [round_ for round_ in store.rounds.all() if round_.adapter]
    sound = (adapters.is_intact(store.folder, round_) for round_ in rounds)
    pairs = zip(rounds, sound, strict=True)
    return len(rounds), [f"round {r.id}" for r, is_sound in pairs if not is_sound]


def _checkpoints(store: Store) -> tuple[int, list[str]]:
    """Compare the checkpoints that have a digest with it."""
    folder = store.folder / layout.CHECKPOINTS
    # A training deletes older checkpoints meanwhile; ``Path.glob`` would fail then.
    names = sorted(glob(f"*/*/{digests.CHECKPOINT_DIGEST}", root_dir=folder))
    damages = [
        str((folder / name).parent.relative_to(store.folder))
        for name in names
        if _is_damaged(folder / name)
    ]
    return len(names), damages


def _is_damaged(digest_file: Path) -> bool:
    """Return whether a checkpoint is damaged; one deleted during the check is not."""
    try:
        digest = digests.of_file(digest_file.with_name(digests.CHECKPOINT_STATE))
        return digest_file.read_bytes() != digest.encode()
    except FileNotFoundError:
        return digest_file.exists()


def _originals(store: Store) -> tuple[int, list[str]]:
    folder = store.folder / originals.FOLDER
    documents = [d for d in store.library.documents() if d.original]
    damages = [d.name for d in documents if not _is_intact(folder / d.original)]
    return len(documents), damages


def _is_intact(original: Path) -> bool:
    """Return whether a file is there and has the digest that its name is."""
    return original.is_file() and digests.of_file(original) == original.stem


def _runs(store: Store) -> Finding:
    """Name the runs that did not finish; each can be resumed."""
    runs = store.runs.in_state(*OPEN_STATES)
    names = _listing([f"{run.id} ({run.kind}, {run.state})" for run in runs])
    return Finding("unfinished runs", True, names or "none")


def _leftovers(store: Store) -> Finding:
    """Name what killed processes left behind; it does no harm and may be deleted.

    A worker that is at work may be about to use what nothing refers to yet.
    """
    paths: list[Path] = []
    if _is_idle(store, queues.MODEL_QUEUE):
        paths += _of_rounds(store)
    if _is_idle(store, queues.IMPORT_QUEUE):
        paths += _of_imports(store)
    names = [str(path.relative_to(store.folder)) for path in paths]
    return Finding("leftovers", True, _listing(names) or "none")


def _is_idle(store: Store, queue: queues.WorkerQueue) -> bool:
    return store.read_only or not worker_locks.worker_alive(store.folder, queue)


def _of_imports(store: Store) -> Iterator[Path]:
    """Yield uploads that no unfinished import is going to read."""
    open_runs = store.runs.in_state(*OPEN_STATES)
    imports = [run for run in open_runs if run.kind == "import"]
    folders = {ImportRunSettings.of(run).upload_folder for run in imports}
    used = {Path(folder).name for folder in folders if folder}
    for folder in sorted((store.folder / layout.INCOMING).glob("*")):
        if folder.name not in used:
            yield folder


def _of_rounds(store: Store) -> Iterator[Path]:
    """Yield adapters and checkpoints of no round, and drafts of killed writers."""
    rounds = store.rounds.all()
    adapter_names = {Path(r.adapter).name for r in rounds if r.adapter}
    training = {layout.round_name(r.id) for r in rounds if not r.adapter}
    names_by_folder = {layout.ADAPTERS: adapter_names, layout.CHECKPOINTS: training}
    for folder, names in names_by_folder.items():
        for path in sorted((store.folder / folder).glob("*")):
            if path.name not in names | training:
                yield path
    yield from sorted(store.folder.glob("*/.*.draft"))
