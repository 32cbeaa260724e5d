"""The result of a backup or a check of the workspace."""

import shlex
from collections.abc import Sequence

from autolearn.services.backups import Backup
from autolearn.services.integrity import Finding
from autolearn.ui import html
from autolearn.ui.html import Html


def backup(result: Backup) -> Html:
    """Return where a backup is, and the files that were missing."""
    sentence = (
        f"{result.n_files:,} files ({html.size(result.n_bytes)}) are in "
        f"{result.place}. To restore them, choose that file below."
    )
    return html.note(sentence) + html.join(map(html.problem, result.missing))


def download(result: Backup) -> Html:
    """Return that a backup may be fetched, and the files that were missing."""
    sentence = f"{result.n_files:,} files are in the backup; download it below."
    return html.note(sentence) + html.join(map(html.problem, result.missing))


def restored(result: Backup) -> Html:
    """Return where a restored workspace is, and how it is opened."""
    sentence = (
        f"{result.n_files:,} files are restored to {result.place}. This page still "
        "shows the workspace as it is. Open the restored one with: python app.py "
        f"--workspace {shlex.quote(str(result.place))}"
    )
    return html.note(sentence) + html.join(map(html.problem, result.missing))


def findings(rows: Sequence[Finding]) -> Html:
    """Return the findings of a check of the workspace."""
    cells = [
        (
            html.text(row.what),
            html.text("sound" if row.ok else "damaged"),
            html.text(row.result),
        )
        for row in rows
    ]
    table = html.table(("Part", "State", "Result"), cells, "Check of the workspace")
    if all(row.ok for row in rows):
        return html.note("Nothing is damaged.") + table
    advice = "Something is damaged; restore a backup, or train and add it again."
    return html.problem(advice) + table
