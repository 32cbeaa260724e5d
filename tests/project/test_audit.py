"""What CI reports of known vulnerabilities, and what it says where it knows nothing."""

import json
import runpy
from pathlib import Path

ROOT = Path(__file__).parents[2]
report = runpy.run_path(str(ROOT / ".ci" / "audit.py"))["report"]

SOUND = {"name": "a", "version": "1.0", "vulns": []}
HOLE = {"id": "CVE-1", "fix_versions": ["2.1"], "aliases": [], "description": ""}
HOLED = {"name": "b", "version": "2.0", "vulns": [HOLE, HOLE | {"fix_versions": []}]}
UNKNOWN = {"name": "c", "skip_reason": "not found on PyPI"}


def answer(*packages):
    return json.dumps({"dependencies": packages, "fixes": []})


def test_each_hole_is_a_line():
    heading, first, second = report(answer(SOUND, HOLED, UNKNOWN), "")
    assert heading == "Known vulnerabilities in 2 of 3 locked versions:"
    assert first == "b 2.0: CVE-1, mended in 2.1"
    assert second == "b 2.0: CVE-1, mended in no version yet"


def test_none_is_reported_only_of_what_was_looked_up():
    (line,) = report(answer(SOUND, UNKNOWN), "")
    assert line == "No known vulnerabilities in 1 of 2 locked versions."
    (line,) = report(answer(UNKNOWN), "")
    assert line.startswith("No report")


def test_without_an_answer_the_reason_is_reported():
    (line,) = report("", "Traceback\n  File\nConnectionError: no network\n")
    assert line == "No report on known vulnerabilities: ConnectionError: no network"
    assert report("[]", "") == ["No report on known vulnerabilities: no answer"]
