"""What the commands share: workspace, model and settings of a call, and waiting."""

import argparse
from collections.abc import Container, Mapping, Sequence
from dataclasses import Field, fields
from pathlib import Path
from typing import Any, TypeVar

from autolearn.cli.terminal import Progress, warn
from autolearn.core.errors import InputError, JobError
from autolearn.core.gold import GoldQuestion
from autolearn.core.methods import METHODS, method_name
from autolearn.core.records import NewDocument, Run, Split
from autolearn.core.run_results import ImportResult
from autolearn.core.setting_fields import Settings
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.ingest import contained_files
from autolearn.runs import run_control, worker_processes
from autolearn.runs.model_choice import last_used_model
from autolearn.services import gold_actions, model_actions, reading_actions
from autolearn.store import DEFAULT_WORKSPACE, Store, layout
from autolearn.study import prompts

Args = argparse.Namespace
Result = dict[str, Any]
S = TypeVar("S", StudySettings, TrainSettings)
_OPTIONS = {
    "instructions": "--instructions",
    "quiz": "--quiz",
    "control": "--control",
    "corpus": "--corpus",
    "texts": "--chats-as-texts",
}
"""The option of ``add`` for each way in which a file of other rows can be used."""


def workspace_of(args: Args) -> Path:
    """Return the folder of the workspace of a call, wherever it is called from."""
    folder: Path = args.workspace or DEFAULT_WORKSPACE
    return folder.absolute()


def open_store(args: Args) -> Store:
    """Open the workspace of a call, with its prompts; make it if there is none."""
    folder = workspace_of(args)
    prompts.use(folder / prompts.FOLDER)
    return Store.open(folder)


def open_existing(args: Args) -> Store:
    """Open the workspace of a call that needs what is in it.

    Raises:
        InputError: There is none: the folder may be mistyped.
    """
    folder = workspace_of(args)
    if not (folder / layout.DATABASE).exists() and not folder.is_file():
        raise InputError(
            f"There is no workspace {folder}; name another one with --workspace, or "
            "add texts first.",
            command="add FILE",
        )
    return open_store(args)


def model_of(store: Store, args: Args) -> ModelSettings:
    """Return the model of a call; if it names none, the one that was used last."""
    usual = ModelSettings() if args.model else last_used_model(store)
    quantization = args.quantization or usual.quantization
    name = model_name(store, args)
    return ModelSettings(name, quantization, getattr(args, "round", None))


def model_name(store: Store, args: Args) -> str:
    """Return the model of a call as it can be loaded, without its precision.

    A GGUF file is converted first, once. A model that the call does not name is named
    on the terminal, unless it is the built-in one.
    """
    model: str = args.model or last_used_model(store).model
    if not args.model and model != ModelSettings.model and not args.json:
        warn(f"Model: {model}, used last in this workspace.")
    return _as_folder(store, model, quiet=args.json)


def _as_folder(store: Store, model: str, *, quiet: bool) -> str:
    if model_actions.is_gguf(model) and not model_actions.converted_folder(
        store, model
    ):
        finish(store, model_actions.convert(store, model), "convert", quiet=quiet)
    return model_actions.as_folder(store, model)


def settings_of(args: Args, kind: type[S]) -> S:
    """Return the settings of a kind, with the values that the call gives."""
    options = {name: value for name, value in vars(args).items() if value is not None}
    return kind(**{f.name: options[f.name] for f in fields(kind) if f.name in options})


def refuse_options(args: Args, names: Container[str], reason: str) -> None:
    """Refuse options that would have no effect.

    Raises:
        InputError: The call gives one of them.
    """
    given = ["--" + name.replace("_", "-") for name in args.given if name in names]
    if given:
        raise InputError(f"{reason}; leave out {', '.join(given)}.")


def add_method(parser: argparse.ArgumentParser) -> None:
    """Add the option that chooses how a round learns."""
    titles = "; ".join(f"{name}: {method.title}" for name, method in METHODS.items())
    parser.add_argument(
        "--method",
        type=method_name,
        default=TrainSettings.method,
        choices=METHODS,
        help=titles,
    )


def add_round(parser: argparse.ArgumentParser) -> None:
    """Add the options of a round that is part of a command: its method and length."""
    add_method(parser)
    add_setting(parser, TrainSettings, "max_steps")


def add_files(parser: argparse.ArgumentParser, nargs: str) -> None:
    """Add the texts that a command reads, as argparse counts them."""
    parser.add_argument(
        "files",
        nargs=nargs,
        type=Path,
        metavar="FILE",
        help="a text, or a folder of them",
    )


def add_documents(parser: argparse.ArgumentParser) -> None:
    """Add the option that names documents of the library."""
    parser.add_argument(
        "--document",
        type=int,
        action="append",
        metavar="N",
        help="only this document; may be repeated",
    )


def add_settings(
    parser: argparse.ArgumentParser,
    kind: type[Settings],
    skip: Sequence[str] = (),
    *,
    by_size: Sequence[str] = (),
) -> None:
    """Add an option for each setting of a kind, with its default and its help.

    ``skip``: settings without an option. ``by_size``: settings whose default is the
    value of the preset for the model.
    """
    for setting in fields(kind):
        if setting.name not in skip:
            add_setting(parser, kind, setting.name, by_size=setting.name in by_size)


def add_setting(
    parser: argparse.ArgumentParser,
    kind: type[Settings],
    name: str,
    *,
    by_size: bool = False,
) -> None:
    """Add the option for one setting of a kind; ``by_size``: see ``add_settings``."""
    (setting,) = (setting for setting in fields(kind) if setting.name == name)
    default = None if by_size else setting.default
    note = kind.help()[name]
    if by_size:
        note += " (default: depends on the model size)"
    elif default is not None:
        note += f" (default: {default})"
    parser.add_argument(
        "--" + name.replace("_", "-"),
        default=default,
        help=note.replace("%", "%%"),
        **_option_type(setting),
    )


def _option_type(setting: Field[Any]) -> dict[str, Any]:
    """Return how the value of a setting is read from the command line."""
    if setting.type is bool:
        return {"action": argparse.BooleanOptionalAction}
    if setting.type in (int, float):
        return {"type": setting.type}
    return {"type": str, "choices": setting.metadata["allowed"]}


def finish(store: Store, run: Run, title: str, *, quiet: bool) -> Run:
    """Wait for a run; Ctrl-C stops it where it can be resumed.

    Raises:
        JobError: It did not end well; the text says why and how to continue.
    """
    worker_processes.start_worker_for(store, run)
    with Progress(title, quiet=quiet) as progress:
        try:
            last_state = run_control.wait(store, run.id, progress)
        except KeyboardInterrupt:
            run_control.cancel(store, run.id)
            last_state = run_control.wait(store, run.id, progress)
    if last_state.state == "done":
        return last_state
    if last_state.kind == "import" and last_state.error:
        raise JobError(last_state.error)  # another try would be refused too
    raise JobError(
        last_state.error or f"The run was {last_state.state}; it can be resumed.",
        command=f"resume {run.id}",
    )


def import_result(run: Run) -> ImportResult:
    """Return the result of an import; say which files were refused, and why."""
    result = ImportResult.of(run)
    for sentence in result.refusals:
        warn(sentence)
    return result


def finish_import(
    store: Store, run: Run, *, quiet: bool
) -> tuple[ImportResult, list[NewDocument]]:
    """Wait for an import; say which files were refused and what to check.

    Returns:
        Its result, and the documents that it added.

    Raises:
        JobError: It did not end well; the text says why and how to continue.
    """
    result = import_result(finish(store, run, "read", quiet=quiet))
    for other in result.others:
        for target, name in reading_actions.targets(other).items():
            command = f"python -m autolearn add {_OPTIONS[target]} FILE"
            warn(f"To add {other.name} as {name}: {command}")
    documents = store.library.brought_by(run.id)
    for document in documents:
        for note in document.notes:
            warn(f"{document.name}: {note}")
    return result, documents


def read_gold(store: Store, args: Args) -> dict[Split, list[GoldQuestion]]:
    """Read the gold questions that a call names.

    Done before texts are added: a call that is refused after that could not be given
    again, since its texts are in the library already.

    Raises:
        InputError: A file has no such questions, or the quiz is locked.
    """
    if args.quiz or args.control or args.general_knowledge:
        gold_actions.check_unlocked(store)
    paths: dict[Split, Path | None] = {"quiz": args.quiz, "control": args.control}
    return {split: contained_files.quiz(path) for split, path in paths.items() if path}


def add_gold(
    store: Store, gold: Mapping[Split, Sequence[GoldQuestion]], args: Args
) -> Result:
    """Add the gold questions of a call; return how many there are.

    ``gold`` is the result of ``read_gold``. A warning counts those left out.
    """
    result: Result = {}
    for split, questions in gold.items():
        addition = gold_actions.add_gold_questions(store, questions, split)
        if addition.n_trained:
            warn(
                f"Left out of the {split}, because a round was trained on them: "
                f"{addition.n_trained}."
            )
        result[split] = addition.n_in_set
    if args.general_knowledge:
        addition = gold_actions.add_general_knowledge(store)
        result["general knowledge"] = addition.n_in_set
    return result


def add_general_knowledge(parser: argparse.ArgumentParser) -> None:
    """Add the option that takes questions of general knowledge as control set."""
    n = len(gold_actions.general_knowledge())
    parser.add_argument(
        "--general-knowledge",
        action="store_true",
        help=f"control: {n} questions of general knowledge, which come with autolearn "
        "and show what a round forgets",
    )
