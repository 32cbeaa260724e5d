"""The commands ``backup``, ``restore`` and ``check``."""

from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path

from autolearn.cli.common import Args, Result, workspace_of
from autolearn.services import backups, integrity
from autolearn.services.backups import Backup


def add_backup(parser: ArgumentParser) -> None:
    """Add what ``backup`` takes."""
    parser.add_argument(
        "target", type=Path, metavar="FILE|DIR", help="a new folder, or a new file.zip"
    )


def add_restore(parser: ArgumentParser) -> None:
    """Add what ``restore`` takes."""
    parser.add_argument(
        "source", type=Path, metavar="FILE|DIR", help="a backup made with backup"
    )
    parser.add_argument(
        "--replace",
        action="store_true",
        help="move the current content of the workspace to a folder next to it",
    )


def add_check(parser: ArgumentParser) -> None:
    """Let what is damaged be an error, after all findings have been shown."""
    parser.set_defaults(problem=damage)


def backup(args: Args) -> Result:
    """Copy the workspace as it is now, also while a worker writes."""
    return _as_row(backups.back_up(workspace_of(args), args.target))


def restore(args: Args) -> Result:
    """Make a workspace of a backup."""
    folder = workspace_of(args)
    return _as_row(backups.restore(args.source, folder, replace=args.replace))


def check(args: Args) -> list[Result]:
    """Check database and files."""
    return [asdict(finding) for finding in integrity.check(workspace_of(args))]


def damage(findings: list[Result]) -> str | None:
    """Return the sentence that makes findings an error; None: nothing is damaged."""
    if all(finding["ok"] for finding in findings):
        return None
    return (
        "Something in this workspace is damaged. Restore a backup with python -m "
        "autolearn restore, or train and add again what is named."
    )


def _as_row(result: Backup) -> Result:
    return {
        "place": str(result.place),
        "files": result.n_files,
        "mib": round(result.n_bytes / (1 << 20), 1),
        "missing": list(result.missing),
    }
