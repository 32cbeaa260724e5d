"""Backup and check of the workspace, a part of the history."""

from datetime import datetime
from pathlib import Path

import gradio as gr

from autolearn.services import backups, integrity
from autolearn.ui import html
from autolearn.ui.html import Html
from autolearn.ui.session import SHOWN, PageContext, html_panel
from autolearn.ui.views import workspace as views


def build(context: PageContext) -> None:
    """Lay out the part and wire it to the page."""
    folder = context.session.folder
    place = _place(folder)
    with gr.Row():
        back_up = gr.Button("Back up now", size="sm", elem_id="backup-go")
        check = gr.Button("Check the workspace", size="sm", elem_id="check-go")
    panel = html_panel(
        "workspace-report",
        html.note(
            f"Backups from here go to {place}. For another disk: "
            "python -m autolearn backup FILE.zip"
        ),
    )

    def write() -> Html:
        name = f"{datetime.now():%Y%m%d-%H%M%S}.zip"
        return views.backup(backups.back_up(folder, place / name))

    def look() -> Html:
        return views.findings(integrity.check(folder))

    context.on_action([back_up.click], write, [], [panel], **SHOWN)
    context.on_action([check.click], look, [], [panel], **SHOWN)


def _place(folder: Path) -> Path:
    """Return the folder beside the workspace that its backups go to."""
    # A page writes to no other place: whoever reaches it may not name one.
    place = folder.absolute()
    return place.with_name(f"{place.name}-backups")
