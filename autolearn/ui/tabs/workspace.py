"""Backup, restore and check of the workspace, a part of the history."""

from datetime import datetime
from functools import partial
from itertools import chain, count
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
    back_up, download, check = _buttons()
    panel = html_panel("workspace-report", _where_backups_go(folder))
    file = gr.File(
        label="Backup", visible=False, interactive=False, elem_id="backup-file"
    )
    source, restore = _restore_form()
    for button, action, inputs, outputs in (
        (back_up, _back_up, [], [panel]),
        (download, _download, [], [panel, file]),
        (check, _check, [], [panel]),
        (restore, _restore, [source], [panel, source]),
    ):
        context.on_action(
            [button.click], partial(action, folder), inputs, outputs, **SHOWN
        )


def _buttons() -> tuple[gr.Button, gr.Button, gr.Button]:
    """Lay out the buttons to back up, to download a backup, and to check."""
    with gr.Row():
        return (
            gr.Button("Back up now", size="sm", elem_id="backup-go"),
            gr.Button("Download a backup", size="sm", elem_id="backup-download"),
            gr.Button("Check the workspace", size="sm", elem_id="check-go"),
        )


def _restore_form() -> tuple[gr.File, gr.Button]:
    source = gr.File(
        label="A backup to restore (.zip)",
        file_types=[backups.ZIP],
        height=160,
        elem_id="restore-file",
    )
    restore = gr.Button("Restore into a new folder", size="sm", elem_id="restore-go")
    return source, restore


def _where_backups_go(folder: Path) -> Html:
    return html.note(
        f"Backups from here go to {_beside(folder, 'backups')}. To keep one on another "
        "disk, download it."
    )


def _back_up(folder: Path) -> Html:
    target = _beside(folder, "backups") / _name()
    return views.backup(backups.back_up(folder, target))


def _download(folder: Path) -> tuple[Html, gr.File]:
    # A temporary file, which goes with the others.
    result = backups.back_up(folder, Path(mkdtemp()) / _name())
    return views.download(result), gr.File(value=str(result.place), visible=True)


def _check(folder: Path) -> Html:
    return views.findings(integrity.check(folder))


def _restore(folder: Path, path: str | None) -> tuple[Html, None]:
    if not path:
        raise InputError("Choose a backup first.")
    target = unused(_beside(folder, f"restored-{_now()}"))
    return views.restored(backups.restore_foreign(Path(path), target)), None


def _beside(folder: Path, what: str) -> Path:
    """Return the folder next to the workspace for backups, or for a restored one."""
    # A page writes to no other place: its visitors may not name one.
    place = folder.absolute()
    return place.with_name(f"{place.name}-{what}")


def unused(place: Path) -> Path:
    """Return the place, with a number after its name if something is there already."""
    names = (place.with_name(f"{place.name}-{n}") for n in count(2))
    return next(name for name in chain([place], names) if not name.exists())


def _now() -> str:
    return f"{datetime.now():%Y%m%d-%H%M%S}"


def _name() -> str:
    return f"{_now()}{backups.ZIP}"
