"""The command line: the same orders as the page, with a bar instead of a tab.

Exit 0: done; 1: it failed, with one sentence; 2: it was called wrongly.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from autolearn import __version__
from autolearn.cli import (
    commands,
    document_commands,
    experiment_commands,
    export_commands,
    program_commands,
    prompt_commands,
    quiz_commands,
    terminal,
    workspace_commands,
)
from autolearn.cli.common import add_method, add_settings
from autolearn.core.errors import AutolearnError
from autolearn.core.flags import flag_name
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.ingest import quiz_files
from autolearn.study.rules import RULES
from autolearn.training import presets


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = parser().parse_args(argv)
    try:
        result = args.command(args)
    except AutolearnError as error:
        terminal.warn(str(error))
        if args.json:
            terminal.say(terminal.as_json({"error": str(error)}))
        return 1
    except KeyboardInterrupt:
        terminal.warn("Stopped.")
        return 1
    if result is None:  # all has been said
        return 0
    text = terminal.as_json(result) if args.json else args.show(result)
    terminal.say(text)
    return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    top = argparse.ArgumentParser(
        prog="python -m autolearn",
        description="A local language model teaches itself from texts; you decide "
        "what it may learn. The order of the work: add, study, approve, train, quiz.",
    )
    top.add_argument("--version", action="version", version=__version__)
    kinds = top.add_subparsers(required=True, metavar="COMMAND")
    _demo(
        _command(
            kinds, "demo", commands.demo, "run the whole loop once on a demo library"
        )
    )
    _add(_command(kinds, "add", commands.add, "add texts, a quiz or a control set"))
    document_commands.add_arguments(
        _command(
            kinds,
            "documents",
            commands.documents,
            "list documents; show and change what of one is read",
        )
    )
    _corpora(_command(kinds, "corpora", commands.list_corpora, "list corpora"))
    _study(_command(kinds, "study", commands.study, "let the model study the texts"))
    _samples(_command(kinds, "samples", commands.samples, "look at samples"))
    _approve(_command(kinds, "approve", commands.approve, "approve samples"))
    _reject(_command(kinds, "reject", commands.reject, "reject samples"))
    _edit(_command(kinds, "edit", commands.edit, "correct a sample"))
    _command(kinds, "undo", commands.undo, "undo the last decision")
    _train(
        _command(
            kinds, "train", commands.train, "train a round on the approved samples"
        )
    )
    _quiz(_command(kinds, "quiz", commands.quiz, "run the quiz and the control set"))
    quiz_commands.add_arguments(
        _command(kinds, "quizzes", commands.quizzes, "list, score and lock the quiz")
    )
    _model(_command(kinds, "skills", commands.skills, "check the skills of a model"))
    _chat(_command(kinds, "chat", commands.chat, "ask the model a question"))
    export_commands.add_arguments(
        _command(
            kinds,
            "export",
            export_commands.export,
            "write samples, weights, or a folder for another trainer",
        )
    )
    _command(kinds, "models", commands.models, "list the models on this computer")
    _download(
        _command(kinds, "download", commands.download, "download a model from the hub")
    )
    prompt_commands.add_arguments(
        _command(kinds, "prompts", prompt_commands.prompts, "read and change prompts")
    )
    _run(_command(kinds, "run", experiment_commands.run, "take texts through a round"))
    _compare(
        _command(kinds, "compare", experiment_commands.compare, "compare the methods")
    )
    _evolve(
        _command(kinds, "evolve", experiment_commands.evolve, "run rounds of evolution")
    )
    experiment_commands.add_experiments(
        _command(
            kinds, "experiments", experiment_commands.experiments, "list experiments"
        )
    )
    _command(kinds, "runs", commands.runs, "list runs, the newest first")
    _command(kinds, "rounds", commands.rounds, "list rounds and their scores")
    _resume(_command(kinds, "resume", commands.resume, "resume an unfinished run"))
    _cancel(_command(kinds, "cancel", commands.cancel, "stop a run; it can be resumed"))
    _workspace(kinds)
    _command(kinds, "doctor", commands.doctor, "check this computer")
    return top


def _workspace(kinds: Any) -> None:
    commands = workspace_commands
    commands.add_backup(
        _command(kinds, "backup", commands.backup, "copy the workspace while in use")
    )
    commands.add_restore(
        _command(kinds, "restore", commands.restore, "make a workspace of a backup")
    )
    _command(kinds, "check", commands.check, "check database and files")
    programs = program_commands
    _command(kinds, "token", programs.token, "show the token of the HTTP API")
    _command(kinds, "mcp", programs.serve_tools, "offer the workspace as MCP tools")


def _command(kinds: Any, name: str, function: Any, meaning: str) -> Any:
    command = kinds.add_parser(
        name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}."
    )
    command.set_defaults(command=function, show=terminal.as_text)
    command.add_argument(
        "--workspace",
        type=Path,
        default=None,
        metavar="DIR",
        help="the folder that keeps everything (default: ./workspace)",
    )
    command.add_argument(
        "--json", action="store_true", help="print the result as one JSON value, last"
    )
    return command


def _model(command: Any, *, with_round: bool = True) -> None:
    notes = ModelSettings.help()
    command.add_argument("--model", default=ModelSettings.model, help=notes["model"])
    command.add_argument(
        "--quantization",
        default=ModelSettings.quantization,
        help=notes["quantization"],
    )
    if with_round:
        command.add_argument(
            "--round", type=int, metavar="N", help="attach the adapter of this round"
        )


def _demo(command: Any) -> None:
    command.add_argument(
        "--seed",
        type=int,
        metavar="N",
        help="generate a new library that the built-in model has never seen "
        "(default: the library that comes with autolearn)",
    )
    add_method(command)
    command.add_argument(
        "--max-steps", type=int, default=0, help="optimiser steps; 0: by epochs"
    )


def _add(command: Any) -> None:
    command.add_argument(
        "files",
        nargs="*",
        type=Path,
        metavar="FILE",
        help="a text, or a folder of them",
    )
    gold = quiz_files.FORMATS
    command.add_argument("--quiz", type=Path, metavar="FILE", help=f"a quiz: {gold}")
    command.add_argument(
        "--control", type=Path, metavar="FILE", help=f"control: {gold}"
    )
    command.add_argument(
        "--instructions",
        type=Path,
        metavar="FILE",
        help="JSON lines of prompt: instructions that need no text (SELF)",
    )
    command.add_argument(
        "--corpus",
        metavar="FILE",
        help="gold examples for meta-skill rounds: SQuAD-style JSON, or JSON lines of "
        "texts with questions and answers; invented: of the invented world",
    )
    command.add_argument(
        "--licence", default="", metavar="TEXT", help="stored with the corpus"
    )
    command.add_argument(
        "--model", default=ModelSettings.model, help="counts the tokens"
    )
    command.add_argument(
        "--passage-tokens",
        type=int,
        default=StudySettings.passage_tokens,
        help=StudySettings.help()["passage_tokens"],
    )
    document_commands.add_reading_options(command)


def _corpora(command: Any) -> None:
    for option, meaning in (
        ("--leave-out", "exclude this corpus from rounds"),
        ("--use", "include it again"),
        ("--remove", "remove it"),
    ):
        command.add_argument(
            option, type=int, action="append", metavar="N", help=meaning
        )


def _study(command: Any) -> None:
    _model(command)
    command.add_argument(
        "--document", type=int, action="append", metavar="N", help="only this document"
    )
    command.add_argument(
        "--instructions",
        action="store_true",
        help="study the instructions, and no text unless --document is given",
    )
    add_settings(command, StudySettings, ["passage_tokens"])


def _samples(command: Any) -> None:
    command.add_argument(
        "--state", choices=("pending", "approved", "rejected"), help="only these"
    )
    command.add_argument("--flag", type=flag_name, help="only samples with this flag")
    command.add_argument(
        "--search", metavar="WORDS", help="only samples with these words"
    )
    command.add_argument("--limit", type=int, default=20, help="at most so many")


def _ids(command: Any, nargs: str = "+") -> None:
    command.add_argument("ids", nargs=nargs, type=int, metavar="ID", help="of a sample")


def _approve(command: Any) -> None:
    _ids(command, "*")
    rules = "; ".join(f"{rule.name}: {rule.meaning}" for rule in RULES.values())
    command.add_argument("--rule", choices=RULES, help=rules)


def _reject(command: Any) -> None:
    _ids(command)
    command.add_argument("--reason", default="", help="why")


def _edit(command: Any) -> None:
    command.add_argument("id", type=int, metavar="ID", help="of a sample")
    command.add_argument("--answer", metavar="TEXT", help="the answer to be learned")
    command.add_argument("--refined", metavar="TEXT", help="the corrected refinement")
    command.add_argument("--feedback", metavar="TEXT", help="the corrected feedback")


def _train(command: Any) -> None:
    _model(command, with_round=False)
    command.add_argument("--parent", type=int, metavar="N", help="continue this round")
    command.add_argument(
        "--other-models",
        action="store_true",
        help="also learn from approved samples that were measured with another model",
    )
    command.add_argument(
        "--corpus",
        action="append",
        metavar="NAME",
        help="meta-skills: a corpus of the library, invented, or a file of JSON lines "
        "of prompt, response, feedback, refinement (default: all corpora in use)",
    )
    add_method(command)
    add_settings(command, TrainSettings, ["method"], by_size=presets.NAMES)


def _quiz(command: Any) -> None:
    _model(command)
    command.add_argument(
        "--open-book", action="store_true", help="also with the passage in view"
    )


def _chat(command: Any) -> None:
    command.add_argument("question", nargs="+", help="your question")
    command.add_argument(
        "--refine",
        action="store_true",
        help="let the model check its answer and write it again",
    )
    _model(command)


def _download(command: Any) -> None:
    command.add_argument(
        "name", metavar="ORG/NAME", help="as on its page; or ORG/NAME/FILE.gguf"
    )
    command.add_argument(
        "--dry-run", action="store_true", help="only show its size, licence and files"
    )


def _run(command: Any) -> None:
    _model(command)
    experiment_commands.add_run(command)
    add_settings(command, StudySettings, ["passage_tokens"])


def _compare(command: Any) -> None:
    _model(command)
    experiment_commands.add_compare(command)


def _evolve(command: Any) -> None:
    _model(command)
    experiment_commands.add_evolve(command)


def _resume(command: Any) -> None:
    command.add_argument(
        "run", nargs="?", type=int, help="default: the newest unfinished"
    )
    command.add_argument(
        "--devices", type=int, metavar="N", help="go on with a training on N devices"
    )


def _cancel(command: Any) -> None:
    command.add_argument("run", nargs="?", type=int, help="default: the one that runs")


if __name__ == "__main__":
    sys.exit(main())
