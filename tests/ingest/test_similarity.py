"""The benchmark that compares readings with a ground truth."""

import json
import sys

import pytest

from benchmarks import similarity


@pytest.fixture
def folder(tmp_path):
    sources, truths = tmp_path / "html" / "sources", tmp_path / "html" / "groundtruth"
    sources.mkdir(parents=True)
    truths.mkdir()
    (sources / "a.html").write_text("<h1>Tarn</h1><p>Six wheels on a cart.</p>")
    (truths / "a.html.md").write_text("# Tarn\n\nSix **wheels** on a cart.\n")
    (sources / "b.html").write_text("<p>Six wheels.</p>")
    (truths / "b.md").write_text("Six wheels on a cart.\n")
    (sources / "alone.html").write_text("<p>No truth.</p>")
    return tmp_path


def test_documents_are_compared_with_their_ground_truth(folder, monkeypatch, capsys):
    results = folder / "results.json"
    arguments = ["similarity", str(folder), "--save", str(results)]
    monkeypatch.setattr(sys, "argv", arguments)
    assert similarity.main() == 0
    results_json = json.loads(results.read_text())
    first, second = (
        results_json["html/sources/a.html"],
        results_json["html/sources/b.html"],
    )
    assert len(results_json) == 2
    assert (first["words"], first["letters"], first["headings"]) == (1, 1, 1)
    assert (second["kept"], second["true"]) == (0.5, 1)
    monkeypatch.setattr(sys, "argv", [*arguments, "--before", str(results)])
    similarity.main()
    assert "mean of 2 .html  (was" in capsys.readouterr().out


def test_markup_does_not_count():
    assert similarity.words("| a | **b** |\n| - | - |\n[c](http://d) ![e](f)") == [
        *"abc"
    ]
