"""Temporary files of the page: in the workspace, and removed when the page ends.

Gradio keeps uploads and what is fetched in one folder. It deletes there what has become
old while the page runs, if ``gr.Blocks`` is asked to. The files of a killed page are
removed by the next one.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NAME = "temporary"
DELETE_CACHE = (30 * 60, 12 * 60 * 60)
"""How often Gradio looks for old files, and how old they may become, in seconds."""


@contextmanager
def temporary_files(workspace: Path) -> Iterator[Path]:
    """Let this process, Gradio included, keep its temporary files in a workspace.

    To be entered before Gradio is imported, which reads the folder then. Where the
    workspace cannot be written, they are in a folder of the system.
    """
    folder = (workspace / NAME).resolve()
    shutil.rmtree(folder, ignore_errors=True)
    try:
        folder.mkdir(mode=0o700, parents=True)
    except OSError:
        # A workspace that can only be read.
        folder = Path(tempfile.mkdtemp()).resolve()
    usual = tempfile.tempdir
    os.environ["GRADIO_TEMP_DIR"] = tempfile.tempdir = str(folder)
    try:
        yield folder
    finally:
        tempfile.tempdir = usual
        shutil.rmtree(folder, ignore_errors=True)
