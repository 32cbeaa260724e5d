"""A sample of the kills of the rig; ``--kills N`` of ``kills.py`` does a thousand."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KINDS = ("study", "train", "whole round", "export adapter", "import", "backup zip")


@pytest.mark.parametrize("seed", [3])
def test_nothing_is_lost_or_doubled_by_kills_and_all_is_resumed(tmp_path, seed):
    """In a process of its own: a forked trainer needs a parent with one thread."""
    only = [word for kind in KINDS for word in ("--only", kind)]
    command = [sys.executable, "-m", "tests.fire.kills", "--kills", "8", *only]
    report = tmp_path / "kills"
    process = subprocess.run(
        [*command, "--seed", str(seed), "--report", str(report)],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "OMP_NUM_THREADS": "1", "TMPDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=500,  # less than a hanging test is given
    )
    assert process.returncode == 0, process.stdout + process.stderr
    table = report.with_suffix(".md").read_text()
    assert all(f"| {kind} |" in table for kind in KINDS)
