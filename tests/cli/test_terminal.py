import io
import json
import subprocess
import sys

from autolearn.cli import terminal
from autolearn.core.errors import InputError
from autolearn.core.records import Run


def test_a_table_has_its_columns_aligned():
    text = terminal.as_table([{"id": 1, "name": "a"}, {"id": 22, "name": None}])
    assert text.splitlines() == ["id  name", "1   a", "22  -"]
    assert terminal.as_table([]) == "(none)"


def test_nested_results_are_indented():
    text = terminal.as_lines({"gap_closed": 0.91234, "seconds": {"all": 3}})
    assert text.splitlines() == ["gap closed: 0.912", "seconds:", "  all: 3"]


def test_a_list_in_a_result_is_a_table():
    text = terminal.as_lines({"scales": [{"scale": 1.0, "kl": 0.03}]})
    assert text.splitlines() == ["scales:", "  scale  kl", "  1      0.03"]


def test_what_a_model_says_cannot_move_the_cursor():
    assert "\x1b" not in terminal.as_lines({"answer": "\x1b[2Jgone"})
    assert "\n" not in terminal.as_table([{"a": "x\ny"}]).splitlines()[1]


def test_a_file_name_in_a_warning_cannot_move_the_cursor(capsys):
    terminal.warn("a\x1b[2J.txt cannot be read.\nThe next line.")
    assert capsys.readouterr().err == "a\ufffd[2J.txt cannot be read.\nThe next line.\n"


def test_a_reader_that_has_seen_enough_ends_no_command():
    """A result that went into ``head`` ended with a traceback."""
    code = "from autolearn.cli import terminal; terminal.say('x' * 1_000_000)"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_terminal_without_the_letters_of_a_result_gets_their_numbers(monkeypatch):
    """A study ended with a traceback in a terminal that is not UTF-8."""
    screen = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    monkeypatch.setattr(sys, "stdout", screen)
    value = {"name": "тест 😀"}
    terminal.say(terminal.as_json(value))
    terminal.say(terminal.as_text(value))
    as_json, as_text = screen.buffer.getvalue().decode("ascii").splitlines()
    assert json.loads(as_json) == value
    assert as_text == r"name: \u0442\u0435\u0441\u0442 \U0001f600"


def test_a_refusal_names_its_command_in_a_terminal_only():
    error = InputError("There is no text.", command="add FILE")
    assert str(error) == "There is no text."
    assert (
        error.for_terminal().splitlines()[1] == "Command: python -m autolearn add FILE"
    )
    assert InputError("No.").for_terminal() == "No."


def test_a_bar_follows_a_run_only_on_a_terminal(monkeypatch):
    class Screen(io.StringIO):
        def isatty(self):
            return True

    run = Run("study", {}, state="running", stage="questions", done=3, total=9)
    for screen, quiet, shows in ((Screen(), False, True), (Screen(), True, False)):
        monkeypatch.setattr(sys, "stderr", screen)
        with terminal.Progress("study", quiet=quiet) as progress:
            progress(run)
        assert ("study: questions" in screen.getvalue()) is shows
    monkeypatch.setattr(sys, "stderr", log := io.StringIO())
    with terminal.Progress("study", quiet=False) as progress:
        progress(run)
    assert log.getvalue() == ""


def test_a_text_of_several_lines_is_shown_as_such():
    text = terminal.as_lines({"feedback": "It differs.\nVerdict: incorrect", "b": ""})
    assert text == "feedback: It differs.\n  Verdict: incorrect\nb: "


def test_a_list_of_sentences_is_one_a_line():
    text = terminal.as_lines({"advice": ["Teach it first.", "Or choose\x1b another."]})
    assert text.splitlines()[1:] == ["  Teach it first.", "  Or choose\ufffd another."]
