"""The command line: the same actions as the page, with a progress bar.

Exit 0: done; 1: it failed, with one sentence; 2: it was called wrongly.
"""

import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from autolearn import __version__
from autolearn.cli import (
    arguments,
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
from autolearn.cli.common import Args
from autolearn.core.errors import AutolearnError


def _nothing(_: object) -> None:
    """Add no option, or find no problem in a result."""


@dataclass(frozen=True)
class Command:
    """A command: what it does, and the options that it takes."""

    name: str
    function: Callable[[Args], Any]
    """Returns the result, or None if everything is printed."""
    meaning: str
    add_options: Callable[[ArgumentParser], None] = _nothing


COMMANDS = (
    Command(
        "demo",
        commands.demo,
        "run the whole loop once on a demo library",
        arguments.demo,
    ),
    Command("add", commands.add, "add texts, a quiz or a control set", arguments.add),
    Command(
        "documents",
        commands.documents,
        "list documents; show and change how one is read",
        document_commands.add_arguments,
    ),
    Command("corpora", commands.list_corpora, "list corpora", arguments.corpora),
    Command("study", commands.study, "let the model study the texts", arguments.study),
    Command("samples", commands.samples, "list samples", arguments.samples),
    Command("approve", commands.approve, "approve samples", arguments.approve),
    Command("reject", commands.reject, "reject samples", arguments.reject),
    Command("edit", commands.edit, "correct a sample", arguments.edit),
    Command("undo", commands.undo, "undo the last decision"),
    Command(
        "train",
        commands.train,
        "train a round on the approved samples",
        arguments.train,
    ),
    Command("quiz", commands.quiz, "run the quiz and the control set", arguments.quiz),
    Command(
        "quizzes",
        commands.quizzes,
        "list the questions of the quiz; add, exclude, score and lock them",
        quiz_commands.add_arguments,
    ),
    Command("skills", commands.skills, "check the skills of a model", arguments.model),
    Command("chat", commands.chat, "ask the model a question", arguments.chat),
    Command(
        "export",
        export_commands.export,
        "write samples, weights, or a folder for another trainer",
        export_commands.add_arguments,
    ),
    Command(
        "offer",
        export_commands.offer,
        "let a server load the adapter of a round",
        export_commands.add_offer,
    ),
    Command("models", commands.models, "list the models on this computer"),
    Command(
        "download",
        commands.download,
        "download a model from the hub",
        arguments.download,
    ),
    Command(
        "prompts",
        prompt_commands.prompts,
        "read and change prompts",
        prompt_commands.add_arguments,
    ),
    Command(
        "run", experiment_commands.run, "run a whole round on texts", arguments.run
    ),
    Command(
        "compare",
        experiment_commands.compare,
        "compare the methods",
        arguments.compare,
    ),
    Command(
        "evolve",
        experiment_commands.evolve,
        "run rounds of self-evolution",
        arguments.evolve,
    ),
    Command(
        "experiments",
        experiment_commands.experiments,
        "list experiments",
        experiment_commands.add_experiments,
    ),
    Command("runs", commands.runs, "list runs, the newest first", arguments.runs),
    Command("rounds", commands.rounds, "list rounds and their scores"),
    Command("resume", commands.resume, "resume an unfinished run", arguments.resume),
    Command(
        "cancel", commands.cancel, "stop a run; it can be resumed", arguments.cancel
    ),
    Command(
        "backup",
        workspace_commands.backup,
        "copy the workspace, also while it is in use",
        workspace_commands.add_backup,
    ),
    Command(
        "restore",
        workspace_commands.restore,
        "create a workspace from a backup",
        workspace_commands.add_restore,
    ),
    Command(
        "check",
        workspace_commands.check,
        "check database and files",
        workspace_commands.add_check,
    ),
    Command("token", program_commands.token, "show the token of the HTTP API"),
    Command("mcp", program_commands.serve_tools, "offer the workspace as MCP tools"),
    Command("doctor", commands.doctor, "check this computer"),
)
"""All commands, in the order in which ``--help`` lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    args = parse(argv)
    try:
        result = args.command(args)
    except AutolearnError as error:
        return _fail(args, error.for_terminal())
    except KeyboardInterrupt:
        return _fail(args, "Stopped.")
    if result is None:  # everything is printed
        return 0
    text = terminal.as_json(result) if args.json else args.show(result)
    terminal.say(text)
    if problem := args.problem(result):
        terminal.warn(problem)
        return 1
    return 0


def parse(argv: Sequence[str] | None = None) -> Args:
    """Return the arguments of a call; ``given`` names those that it gives itself.

    An argument that is given may have the value of its default.
    """
    top = parser()
    args = top.parse_args(argv)
    args.parser.set_defaults(**dict.fromkeys(vars(args)))
    without_defaults = vars(top.parse_args(argv))
    args.given = [name for name, value in without_defaults.items() if value is not None]
    return args


def _fail(args: Args, reason: str) -> int:
    """Say why a command failed; return its exit code."""
    terminal.warn(reason)
    if args.json:
        terminal.say(terminal.as_json({"error": reason}))
    return 1


def parser() -> ArgumentParser:
    """Return the parser of all commands."""
    top = ArgumentParser(
        prog="python -m autolearn",
        description="A local language model teaches itself from texts; you decide "
        "what it may learn. The usual order: add, study, approve, train, quiz.",
    )
    top.add_argument("--version", action="version", version=__version__)
    subparsers = top.add_subparsers(required=True, metavar="COMMAND")
    for command in COMMANDS:
        description = f"{command.meaning[0].upper()}{command.meaning[1:]}."
        own = subparsers.add_parser(
            command.name, help=command.meaning, description=description
        )
        _add_options(own, command)
    return top


def _add_options(parser: ArgumentParser, command: Command) -> None:
    """Add the options that all commands have, and those of this one."""
    parser.set_defaults(
        command=command.function,
        show=terminal.as_text,
        problem=_nothing,
        parser=parser,
    )
    parser.add_argument(
        "--workspace",
        type=Path,
        metavar="DIR",
        help="the folder that contains everything (default: ./workspace)",
    )
    parser.add_argument(
        "--json", action="store_true", help="print the result as one JSON value, last"
    )
    command.add_options(parser)


if __name__ == "__main__":
    sys.exit(main())
