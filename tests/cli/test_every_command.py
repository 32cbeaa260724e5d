"""Every command shows its result in a terminal, a list and a single result alike."""

import argparse
import json
from dataclasses import replace

import pytest

from autolearn.cli import commands, main
from autolearn.core.experiments import CompareSettings
from autolearn.core.records import Question
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.services.experiments import comparison_tasks, schedule
from autolearn.training import presets
from tests.support.rounds import approve, one_round
from tests.support.texts import put_text

[COMMANDS] = [
    action.choices
    for action in main.parser()._actions
    if isinstance(action, argparse._SubParsersAction)
]
ROWS = [{"run": 1, "scores": {"gold": 0.5, "control": None}}, {"run": 2, "error": "x"}]


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_rows_no_rows_and_a_single_result(name):
    show = COMMANDS[name].get_default("show")
    head, first, second = show(ROWS).splitlines()
    assert head.split() == ["run", "scores", "error"]
    assert first.split(maxsplit=1) == ["1", "gold: 0.5, control: -  -"]
    assert second.split() == ["2", "-", "x"]
    assert show([]) == "(none)"
    text = show({"experiment": 1, "arms": ROWS, "claims": (), "documents": ("a", "b")})
    assert text.splitlines()[:2] == ["experiment: 1", "arms:"]
    assert text.splitlines()[-2:] == ["  a", "  b"]


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_help_text(name):
    assert "--workspace" in COMMANDS[name].format_help()
    assert [a.dest for a in COMMANDS[name]._actions if not a.help] == []


@pytest.fixture
def lab(store):
    """A workspace with two texts, approved samples, a round and a begun comparison."""
    put_text(store, "a.md", "Ada leads Avel.")
    put_text(store, "b.md", "Bo heads Cova.")
    approve(store, [store.library.passages()[0].id] * 2)
    one_round(store, "refined_sft")
    question = Question("Who?", "quiz", "gold", gold_answer="7", gold_value="7")
    store.library.add_questions([question])
    first, second = (document.id for document in store.library.documents())
    settings = CompareSettings(
        ModelSettings(),
        StudySettings(quiz_share=0.0),
        TrainSettings(),
        (first,),
        (second,),
    )
    schedule.advance(store, comparison_tasks.begin(store, settings).id)
    return store


@pytest.mark.parametrize(
    "words",
    [
        "documents",
        "documents 1",
        "corpora",
        "samples",
        "quizzes",
        "runs",
        "rounds",
        "models",
        "prompts",
        "prompts show ask",
        "experiments",
        "experiments 1",
        "token",
        "approve --rule default",
        "reject 1",
        "undo",
        "cancel",
    ],
)
def test_a_command_without_json_shows_what_it_returns_with_json(lab, words, capsys):
    """Those that need neither a worker nor torch."""
    arguments = [*words.split(), "--workspace", str(lab.folder)]
    assert main.main(arguments) == 0
    text = capsys.readouterr().out
    assert text.strip()
    if words.split()[0] not in ("reject", "undo", "cancel"):
        assert main.main([*arguments, "--json"]) == 0
        result = json.loads(capsys.readouterr().out.splitlines()[-1])
        rows = result if isinstance(result, list) else [result]
        names = {name.replace("_", " ") for row in rows for name in row}
        heads = text.replace("_", " ")
        if "text" not in names:  # a prompt is shown as it stands in its file
            assert [name for name in names if name not in heads] == []
        assert rows or text == "(none)\n"


@pytest.mark.parametrize("name", presets.PRESETS)
def test_a_training_has_the_values_of_the_preset_unless_others_are_given(
    monkeypatch, name
):
    monkeypatch.setattr(presets, "preset_for", lambda *_: name)
    args = main.parser().parse_args(["train", "--rank", "12"])
    settings = commands.train_settings(args, ModelSettings())
    usual = presets.PRESETS[name].apply(TrainSettings())
    assert settings == replace(usual, rank=12)


def test_an_evolution_of_a_round_is_refused(store, capsys):
    """It began with the base model all the same."""
    arguments = ["evolve", "--round", "1", "--workspace", str(store.folder)]
    assert main.main(arguments) == 1
    assert "begins with the base model" in capsys.readouterr().err


def test_a_whole_round_takes_no_round_to_begin_with(capsys):
    """The option was ignored: it began with the base model all the same."""
    with pytest.raises(SystemExit):
        main.parser().parse_args(["run", "a.md", "--round", "1"])
    assert "unrecognized arguments: --round" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("compare --resume 1 --seeds 3", "--seeds"),
        ("compare --resume 1 --steps 4 --model m --html r.html", "--model, --steps"),
        ("evolve --resume 1 --votes 5 --no-meta", "--meta, --votes"),
        ("export chat x --round 1 --other-models", "--other-models"),
        ("export trl x --round 1 --method refined_sft", "--method"),
        ("export merged x --round 1 --quantization none", "--quantization"),
        ("train --method al1 --corpus invented", "--corpus"),
    ],
)
def test_an_option_without_effect_is_refused_even_with_the_value_of_its_default(
    store, words, options, capsys
):
    """They were ignored."""
    assert main.main([*words.split(), "--workspace", str(store.folder)]) == 1
    assert f"; leave out {options}.\n" in capsys.readouterr().err


def test_pairs_are_not_taken_from_a_file_of_feedback(tmp_path, capsys):
    """It was ignored, until the round had nothing to learn."""
    file = tmp_path / "feedback.jsonl"
    row = {"prompt": "p", "response": "r", "feedback": "f", "refinement": "rr"}
    file.write_text(json.dumps(row))
    words = ["train", "--method", "pairs", "--corpus", str(file)]
    assert main.main([*words, "--workspace", str(tmp_path / "w")]) == 1
    assert f"There is no corpus {str(file)!r}" in capsys.readouterr().err
