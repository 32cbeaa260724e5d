"""``study`` says at its end what the page says."""

from autolearn.cli import commands, main
from autolearn.core.records import Metric
from tests.support.texts import put_text


def test_a_study_that_adds_no_quiz_question_says_so(store, monkeypatch, capsys):
    def finish(open_store, run, title, quiet):
        open_store.runs.add_metrics(run.id, [Metric(0, "quiz_share", 0.1)])
        return open_store.runs.finish(run.id, "done", result={"passages": 1})

    monkeypatch.setattr(commands, "finish", finish)
    put_text(store, "a.md", "Ada leads Avel.")
    assert main.main(["study", "--quick", "--workspace", str(store.folder)]) == 0
    told = capsys.readouterr().err
    assert "This study added no question to the quiz, since a quick study" in told
    assert "add gold questions of your own with add --quiz FILE." in told
