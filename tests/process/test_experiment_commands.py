"""The commands ``run``, ``compare`` and ``evolve`` with a real worker and model."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from autolearn.store import Store
from tests.support.texts import write_excerpt

pytestmark = pytest.mark.torch_model

ROOT = Path(__file__).resolve().parents[2]
COMMAND = (sys.executable, "-m", "autolearn")
LIBRARY = ROOT / "assets" / "demo-library"


def command(folder: Path, *options: str) -> dict[str, Any]:
    process = subprocess.run(
        [*COMMAND, *options, "--workspace", str(folder), "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    values: dict[str, Any] = json.loads(process.stdout.splitlines()[-1])
    return values


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The beginning of a document of the library, with its quiz beside it."""
    path, *_ = write_excerpt(tmp_path_factory.mktemp("text"))
    return path


@pytest.fixture(scope="module")
def workspace_used(text: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which a text has been taken through a whole round."""
    folder = tmp_path_factory.mktemp("workspace")
    quiz = ("--quiz", str(text.with_name("quiz.jsonl")))
    result = command(folder, "run", str(text), *quiz, "--max-steps", "3")
    assert result["approved"] > 0
    assert result["steps"] == 3
    return folder


def test_a_text_is_taken_through_a_whole_round(workspace_used: Path) -> None:
    with Store.open(workspace_used) as store:
        kinds = [run.kind for run in reversed(store.runs.newest())]
        assert kinds == ["import", "study", "quiz", "train", "quiz"]


def test_a_comparison_is_written_as_a_report_and_continues_by_its_number(
    workspace_used: Path, tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    arms = ("--arm", "base", "--arm", "passage", "--arm", "al1", "--arm", "cpt")
    result = command(
        workspace_used,
        "compare",
        *arms,
        "--seeds",
        "1",
        "--steps",
        "2",
        "--html",
        str(report),
    )
    assert result["tasks_done"] == "6/6"
    assert [row["steps"] for row in result["arms"]] == [0, 0, 2, 2]
    assert "<svg" in report.read_text(encoding="utf-8")
    again = command(workspace_used, "compare", "--resume", str(result["experiment"]))
    assert again == result


def test_a_model_evolves_for_two_rounds(tmp_path: Path) -> None:
    folder, problems = tmp_path / "workspace", tmp_path / "problems.jsonl"
    lines = (LIBRARY / "instructions.jsonl").read_text(encoding="utf-8").splitlines()
    problems.write_text("\n".join(lines[:8]), encoding="utf-8")
    rows = [json.loads(line) for line in lines[8:12]]
    quiz = tmp_path / "quiz.jsonl"
    quiz.write_text(
        "\n".join(
            json.dumps({"question": row["prompt"], "answer": row["answer"]})
            for row in rows
        ),
        encoding="utf-8",
    )
    command(folder, "add", "--instructions", str(problems), "--quiz", str(quiz))
    options = ("--rounds", "2", "--votes", "2", "--max-steps", "2")
    result = command(folder, "evolve", *options, "--new-instructions", "4")
    assert [row["round"] for row in result["rounds"]] == [0, 1, 2]
    assert set(result["rounds"][0]) >= {"closed_book", "refined", "consistent"}
    first, second = result["rounds"][1:]
    assert first["right_before"] is not None
    assert int(first["kept"].split("/")[1]) == 8
    assert int(second["kept"].split("/")[1]) == 4, "of new instructions"
