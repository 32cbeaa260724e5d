"""Back up a workspace while it is in use, and restore it elsewhere or in its place.

A backup holds the database as it was at one moment, and the files that it names:
adapters, originals, prompts, and texts that wait to be read. What can be made again is
left out: checkpoints, exports, logs and converted models.
"""

import json
import lzma
import os
import shutil
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import ZIP_DEFLATED, BadZipFile, ZipFile
from zipfile import Path as ZipPath

from filelock import FileLock, Timeout

from autolearn import __version__, containment
from autolearn.containment import Limits
from autolearn.core import atomic, digests
from autolearn.core.errors import ChildFailed, InputError, JobError, StoreError
from autolearn.core.records import OPEN_STATES
from autolearn.core.run_settings import ImportRunSettings
from autolearn.ingest import originals
from autolearn.rounds import adapters
from autolearn.runs import queues, worker_locks
from autolearn.store import Store, copies, layout
from autolearn.store.layout import DATABASE
from autolearn.study import prompts

MANIFEST = "backup.json"
ZIP = ".zip"
FOLDERS = (layout.ADAPTERS, originals.FOLDER, prompts.FOLDER, layout.INCOMING)
"""What a backup may contain besides database and manifest."""
LARGEST_MANIFEST = 64 << 20
_ENCRYPTED = 0x1
_ZIP_ERRORS = (BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError)
"""The errors of reading a damaged or malformed zip file."""


@dataclass(frozen=True)
class Backup:
    """The result of a backup or a restore."""

    place: Path
    n_files: int
    n_bytes: int
    missing: tuple[str, ...] = ()
    """Sentences on files that the database names and that are not there or damaged."""


@dataclass
class _Contents:
    """The files of a backup by their names in it, and what has been copied of them."""

    files: dict[str, Path] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    hashes: dict[str, str] = field(default_factory=dict)
    n_bytes: int = 0

    def add_folder(self, workspace: Path, folder: Path) -> None:
        # Unlike ``Path.rglob``, this continues if a folder is removed meanwhile.
        for place, _, names in os.walk(folder):
            for path in (Path(place, name) for name in names):
                if path.is_file():
                    self.files[path.relative_to(workspace).as_posix()] = path

    def copy(self, create: Callable[[str], IO[bytes]]) -> None:
        """Copy each file into the one that ``create`` opens for its name.

        While gigabytes are copied, a text may be deleted, or an upload have been read.
        """
        for name, path in sorted(self.files.items()):
            try:
                original = path.open("rb")
            except FileNotFoundError:
                self.missing.append(f"{name} was deleted during the backup.")
                continue
            with original, create(name) as copy:
                self.hashes[name] = digests.while_copying(original, copy)
                self.n_bytes += original.tell()


# --- back up ------------------------------------------------------------------


def back_up(workspace: Path, target: Path) -> Backup:
    """Write a backup of a workspace to a new folder, or to a file that ends in .zip.

    Raises:
        InputError: The target exists or cannot be written.
        StoreError: There is no workspace, or its database cannot be read.
    """
    if not (workspace / DATABASE).exists():
        raise StoreError(f"{workspace} holds no workspace; there is nothing to copy.")
    if target.exists():
        raise InputError(f"{target} exists already; name a new file or folder.")
    write = _write_zip if target.suffix.lower() == ZIP else _write_folder
    with atomic.input_errors(target), atomic.scratch_folder(target) as draft:
        contents = _collect(workspace, draft)
        atomic.put_in_place(write(contents, draft), target)
    missing = tuple(contents.missing)
    return Backup(target, len(contents.hashes), contents.n_bytes, missing)


def _write_folder(contents: _Contents, draft: Path) -> Path:
    """Write a backup into a folder within the draft; return that folder."""
    folder = draft / "folder"

    def create(name: str) -> IO[bytes]:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("wb")

    contents.copy(create)
    (folder / MANIFEST).write_text(_manifest(contents), encoding="utf-8")
    return folder


def _write_zip(contents: _Contents, draft: Path) -> Path:
    """Write a backup into one file within the draft; return that file."""
    file = draft / "file.zip"
    with ZipFile(file, "w", ZIP_DEFLATED) as archive:
        # Parts of over 4 GiB need the larger headers from the start.
        contents.copy(lambda name: archive.open(name, "w", force_zip64=True))
        archive.writestr(MANIFEST, _manifest(contents))
    return file


def _collect(workspace: Path, draft: Path) -> _Contents:
    """Copy the database into a draft; return it with the files that it names.

    The database comes first: the files of its rows were complete before they were
    named there, and stay as they are.
    """
    copies.copy(workspace / DATABASE, draft / DATABASE)
    contents = _Contents({DATABASE: draft / DATABASE})
    with Store.open(draft) as snapshot:
        for round_ in snapshot.rounds.all():
            if not round_.adapter:
                continue
            if not adapters.is_intact(workspace, round_):
                contents.missing.append(
                    f"The adapter of round {round_.id} is missing or damaged."
                )
            contents.add_folder(workspace, workspace / round_.adapter)
        open_runs = snapshot.runs.in_state(*OPEN_STATES)
    for run in open_runs:
        if run.kind == "import" and (place := ImportRunSettings.of(run).upload_folder):
            contents.add_folder(
                workspace, workspace / layout.INCOMING / Path(place).name
            )
    for name in (originals.FOLDER, prompts.FOLDER):
        contents.add_folder(workspace, workspace / name)
    return contents


def _manifest(contents: _Contents) -> str:
    values = {
        "autolearn": __version__,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "missing": contents.missing,
        "files": contents.hashes,
    }
    return json.dumps(values, indent=1, ensure_ascii=False) + "\n"


# --- restore ------------------------------------------------------------------


@dataclass(frozen=True)
class _Manifest:
    """The description of a backup."""

    files: dict[str, str]
    """The digests of its files by their names in it."""
    missing: tuple[str, ...]


def restore(source: Path, workspace: Path, *, replace: bool = False) -> Backup:
    """Make a workspace of a backup, all of it or nothing.

    ``replace``: the content of the folder is moved to a folder next to it.

    Raises:
        InputError: The source is not an intact backup, or the folder is not empty.
        JobError: A page or a worker has the workspace open.
    """
    workspace = workspace.resolve()
    try:
        _refuse_full(workspace, replace=replace)
        with atomic.scratch_folder(workspace) as draft, _opened(source) as root:
            manifest = _manifest_of(source, root)
            _unpack(source, root, manifest, draft)
            if problems := copies.problems(draft / DATABASE):
                raise InputError(
                    f"The database in {source} is damaged ({problems[0]}); use another "
                    "backup."
                )
            with Store.open(draft):
                pass  # an older one is brought up to date
            # Again: since the first time, somebody may have opened or filled it.
            _refuse_full(workspace, replace=replace)
            _take_place(draft, workspace)
    except OSError as error:
        raise InputError(
            f"{workspace} cannot be written ({error.strerror}); choose another folder."
        ) from error
    n_bytes = sum((workspace / name).stat().st_size for name in manifest.files)
    return Backup(workspace, len(manifest.files), n_bytes, manifest.missing)


def restore_foreign(source: Path, workspace: Path) -> Backup:
    """Restore a zip file in a child, since anybody may have made it; see ``restore``.

    Raises:
        InputError: It cannot be restored.
    """
    n_bytes = source.stat().st_size
    limits = Limits.for_bytes(n_bytes, seconds_per_mib=10.0)
    function = f"{__name__}:restore_from"
    try:
        row = containment.run(function, source, workspace, limits=limits)
    except ChildFailed as error:
        shutil.rmtree(atomic.draft_of(workspace), ignore_errors=True)
        raise InputError(f"{source.name} {error}; nothing was restored.") from error
    missing = tuple(row["missing"])
    return Backup(Path(row["place"]), row["n_files"], row["n_bytes"], missing)


def restore_from(source: str, workspace: str) -> Backup:
    """Restore in the child."""
    return restore(Path(source), Path(workspace))


def _refuse_full(workspace: Path, *, replace: bool) -> None:
    if not workspace.exists() or not any(workspace.iterdir()):
        return
    if not replace:
        raise InputError(
            f"{workspace} is not empty; name another --workspace, or add --replace, "
            "which moves its content aside."
        )
    for queue in queues.QUEUES.values():
        if worker_locks.worker_alive(workspace, queue):
            raise JobError(f"A {queue.name} is at work in {workspace}; stop it first.")
    try:
        with FileLock(workspace / layout.PAGE_LOCK, timeout=0):
            pass
    except Timeout:
        raise JobError(f"{workspace} is open in a page; close it first.") from None


def _take_place(draft: Path, workspace: Path) -> None:
    if workspace.exists() and any(workspace.iterdir()):
        stamp = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
        workspace.rename(workspace.with_name(f"{workspace.name}.before-{stamp}"))
    atomic.put_in_place(draft, workspace)


@contextmanager
def _opened(source: Path) -> Iterator[Path | ZipPath]:
    """Yield the top folder of a backup, which is a folder or a zip file."""
    if source.is_dir():
        yield source
        return
    try:
        with ZipFile(source) as archive:
            if any(entry.flag_bits & _ENCRYPTED for entry in archive.infolist()):
                raise InputError(
                    f"{source} is encrypted, so it is not a backup; use another file."
                )
            yield ZipPath(archive)
    except _ZIP_ERRORS as error:
        raise InputError(
            f"{source} is damaged, or no backup of autolearn; use another backup."
        ) from error
    except FileNotFoundError as error:
        raise InputError(f"There is no backup {source}; check the path.") from error


def _manifest_of(source: Path, root: Path | ZipPath) -> _Manifest:
    try:
        with (root / MANIFEST).open("rb") as file:
            text = file.read(LARGEST_MANIFEST)
        values = json.loads(text)
        files = {str(name): digest for name, digest in values["files"].items()}
        return _Manifest(files, tuple(map(str, values["missing"])))
    except (
        LookupError,
        ValueError,
        TypeError,
        OSError,
        AttributeError,
        RecursionError,
    ):
        raise InputError(
            f"{source} is not a backup of autolearn; use another file."
        ) from None


def _unpack(
    source: Path, root: Path | ZipPath, manifest: _Manifest, draft: Path
) -> None:
    """Copy the files of a backup into a draft, and verify each.

    Raises:
        InputError: One is missing or has changed, or does not belong into a backup.
    """
    if DATABASE not in manifest.files:
        raise InputError(
            f"{source} is damaged: it has no database; use another backup."
        )
    _refuse_large(root, draft)
    for name, digest in manifest.files.items():
        target = _target(source, name, draft)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            with (root / name).open("rb") as part, target.open("wb") as copy:
                copy_digest = digests.while_copying(part, copy)
        except (KeyError, FileNotFoundError):
            raise InputError(
                f"{source} is damaged: {name} is missing; use another backup."
            ) from None
        if copy_digest != digest:
            raise InputError(
                f"{source} is damaged: {name} has changed; use another backup."
            )


def _target(source: Path, name: str, draft: Path) -> Path:
    """Return where a file of a backup goes.

    Raises:
        InputError: No backup has a file of this name.
    """
    parts = PurePosixPath(name).parts
    is_ours = name == DATABASE or (parts and parts[0] in FOLDERS)
    is_ours = is_ours and "\0" not in name
    target = draft.joinpath(*parts if is_ours else ())
    # The second check is for names that only mean something on Windows.
    is_within = ".." not in parts and target.resolve().is_relative_to(draft.resolve())
    if not is_ours or not is_within:
        raise InputError(
            f"{source} is not a backup of autolearn (it has {name!r}); use another "
            "file."
        )
    return target


def _refuse_large(root: Path | ZipPath, draft: Path) -> None:
    """Refuse what does not fit on the disk, such as a small file of zeros.

    Raises:
        InputError: It needs more than is free.
    """
    if isinstance(root, Path):
        return
    needed = sum(entry.file_size for entry in root.root.infolist())
    free = shutil.disk_usage(draft).free
    if needed > free:
        raise InputError(
            f"The backup needs {needed >> 20:,} MiB and {free >> 20:,} MiB are free; "
            "free some space."
        )
