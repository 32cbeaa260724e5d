"""The command ``prompts``: list, show, change and reset the prompts of a workspace."""

from argparse import ArgumentParser
from pathlib import Path

from autolearn.cli import terminal
from autolearn.cli.common import Args, Result, workspace_of
from autolearn.core.errors import InputError
from autolearn.services import prompt_editor
from autolearn.services.prompt_editor import PromptState

ACTIONS = ("list", "show", "set", "reset")


def prompts(args: Args) -> Result | list[Result]:
    """List the prompts, or show, change or reset one of them."""
    folder = workspace_of(args)
    if args.action == "list":
        return [_as_row(state) for state in prompt_editor.states(folder)]
    if args.name is None:
        raise InputError(f"Name the prompt: python -m autolearn prompts {args.action}.")
    if args.action == "show":
        return {"prompt": args.name, "text": prompt_editor.read(folder, args.name)}
    if args.action == "reset":
        return _as_row(prompt_editor.reset(folder, args.name))
    if args.file is None:
        raise InputError("Name the file with its new text: prompts set NAME FILE.")
    return _as_row(prompt_editor.save(folder, args.name, _text(args.file)))


def show(result: Result | list[Result]) -> str:
    """Return the result for a terminal; a prompt as it is in its file."""
    if isinstance(result, dict) and "text" in result:
        return str(result["text"]).rstrip()
    return terminal.as_text(result)


def add_arguments(parser: ArgumentParser) -> None:
    """Add what the command takes."""
    parser.add_argument(
        "action", nargs="?", choices=ACTIONS, default="list", help="default: list"
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="name of the prompt")
    parser.add_argument(
        "file",
        nargs="?",
        type=Path,
        metavar="FILE",
        help="for set: a Markdown file with its new text",
    )
    parser.set_defaults(show=show)


def _as_row(state: PromptState) -> Result:
    return {
        "prompt": state.name,
        "state": "changed" if state.is_changed else "default",
        "used_by": {"any": "all styles", "guided": "guided, taught"}.get(
            state.usage.way, state.usage.way
        ),
        "purpose": state.usage.purpose,
        "problem": state.problem or None,
    }


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise InputError(
            f"{file} cannot be read as UTF-8 text; save it as UTF-8."
        ) from None
