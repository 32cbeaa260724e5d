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
        f"The backup is in {result.place}: {html.count(result.n_files, 'file')}, "
        f"{html.size(result.n_bytes)}. To restore it, choose that file below."
    )
    return html.note(sentence) + html.join(map(html.problem, result.missing))


def download(result: Backup) -> Html:
    """Return that a backup may be fetched, and the files that were missing."""
    files = html.count(result.n_files, "file")
    sentence = f"The backup has {files}; download it below."
    return html.note(sentence) + html.join(map(html.problem, result.missing))


def restored(result: Backup) -> Html:
    """Return where a restored workspace is, and how it is opened."""
    sentence = (
        f"Restored to {result.place}: {html.count(result.n_files, 'file')}. This page "
        "still shows the workspace as it is. Open the restored one with: python app.py "
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
