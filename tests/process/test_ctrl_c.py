"""What ends with the page, and what goes on."""

import signal
import subprocess
import sys

import pytest

from autolearn.runs import worker_processes
from autolearn.store import Store
from tests.support.pages import ROOT, start_app, until
from tests.support.texts import put_text

TEXT = "## Orlo\n\nOrlo was founded in 1711. Orlo has 340 inhabitants."


@pytest.mark.torch_model
def test_a_run_of_the_command_line_continues_when_the_page_is_ended(tmp_path):
    with Store.open(tmp_path) as store:
        put_text(store, "orlo.md", TEXT)
        app = start_app(tmp_path)
        study = [sys.executable, "-m", "autolearn", "study", "--workspace", tmp_path]
        command = subprocess.Popen(study, cwd=ROOT, stdout=subprocess.DEVNULL)
        try:
            until(
                lambda: [run.state for run in store.runs.newest()],
                lambda states: {"running", "done"} & set(states),
            )
        finally:
            app.process.send_signal(signal.SIGINT)
            said, _ = app.process.communicate(timeout=60)
        assert said.endswith("Run 1 continues: another program waits for it.\n")
        assert command.wait(240) == 0
        assert [run.state for run in store.runs.newest()] == ["done"]
        assert worker_processes.stop_worker(tmp_path)
