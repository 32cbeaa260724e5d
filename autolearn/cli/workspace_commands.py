"""The commands ``backup``, ``restore`` and ``check``."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from autolearn.cli import terminal
from autolearn.cli.common import Args, workspace_of
from autolearn.core.errors import StoreError
from autolearn.services import backups, integrity
from autolearn.services.backups import Backup


def add_backup(command: Any) -> None:
    """Add what ``backup`` takes."""
    command.add_argument(
        "target", type=Path, metavar="FILE|DIR", help="a new folder, or a new file.zip"
    )


def add_restore(command: Any) -> None:
    """Add what ``restore`` takes."""
    command.add_argument(
        "source", type=Path, metavar="FILE|DIR", help="what backup has written"
    )
    command.add_argument(
        "--replace",
        action="store_true",
        help="move what is in the workspace aside, to a folder beside it",
    )


def backup(args: Args) -> dict[str, Any]:
    """Copy the workspace as it is now, also while a worker writes."""
    return _as_row(backups.back_up(workspace_of(args), args.target))


def restore(args: Args) -> dict[str, Any]:
    """Make a workspace of a backup."""
    folder = workspace_of(args)
    return _as_row(backups.restore(args.source, folder, replace=args.replace))


def check(args: Args) -> list[dict[str, Any]]:
    """Check database and files; something that is damaged is an error.

    Raises:
        StoreError: Something is damaged; the findings are its message.
    """
    findings = integrity.check(workspace_of(args))
    rows = [asdict(finding) for finding in findings]
    if not all(finding.ok for finding in findings):
        show = terminal.as_json if args.json else terminal.as_table
        terminal.say(show(rows))
        raise StoreError(
            "Something in this workspace is damaged. Restore a backup with "
            "python -m autolearn restore, or train and add again what is named."
        )
    return rows


def _as_row(result: Backup) -> dict[str, Any]:
    return {
        "place": str(result.place),
        "files": result.n_files,
        "mib": round(result.n_bytes / (1 << 20), 1),
        "missing": list(result.missing),
    }
