"""Backup, restore and check of the workspace, a part of the history."""

from datetime import datetime
from pathlib import Path
from tempfile import mkdtemp

import gradio as gr

from autolearn.core.errors import InputError
from autolearn.services import backups, integrity
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.session import SHOWN, PageContext, html_panel
from autolearn.ui.views import workspace as views


def build(context: PageContext) -> None:
    """Lay out the part and wire it to the page."""
    folder = context.session.folder
    with gr.Row():
        back_up = gr.Button("Back up now", size="sm", elem_id="backup-go")
        download = gr.Button("Download a backup", size="sm", elem_id="backup-download")
        check = gr.Button("Check the workspace", size="sm", elem_id="check-go")
    panel = html_panel(
        "workspace-report",
        html.note(
            f"Backups from here go to {_beside(folder, 'backups')}. For another disk: "
            "python -m autolearn backup FILE.zip"
        ),
    )
    file = gr.File(
        label="Backup", visible=False, interactive=False, elem_id="backup-file"
    )
    source = gr.File(
        label="A backup to restore (.zip)",
        file_types=[backups.ZIP],
        height=120,
        elem_id="restore-file",
    )
    restore = gr.Button("Restore into a new folder", size="sm", elem_id="restore-go")

    def write() -> Html:
        target = _beside(folder, "backups") / _name()
        return views.backup(backups.back_up(folder, target))

    def fetch() -> tuple[Html, gr.File]:
        # A temporary file, which goes with the others.
        result = backups.back_up(folder, Path(mkdtemp()) / _name())
        return views.download(result), gr.File(value=str(result.place), visible=True)

    def bring_back(path: str | None) -> tuple[Html, None]:
        if not path:
            raise InputError("Choose a backup first.")
        target = _beside(folder, f"restored-{_now()}")
        return views.restored(backups.restore_foreign(Path(path), target)), None

    context.on_action([back_up.click], write, [], [panel], **SHOWN)
    context.on_action([download.click], fetch, [], [panel, file], **SHOWN)
    context.on_action(
        [check.click],
        lambda: views.findings(integrity.check(folder)),
        [],
        [panel],
        **SHOWN,
    )
    context.on_action([restore.click], bring_back, [source], [panel, source], **SHOWN)


def _beside(folder: Path, what: str) -> Path:
    """Return the folder beside the workspace for its backups, or for a restored one."""
    # A page writes to no other place: whoever reaches it may not name one.
    place = folder.absolute()
    return place.with_name(f"{place.name}-{what}")


def _now() -> str:
    return f"{datetime.now():%Y%m%d-%H%M%S}"


def _name() -> str:
    return f"{_now()}{backups.ZIP}"
