"""The command ``documents``: show documents, and change how they are read."""

from argparse import ArgumentParser
from collections.abc import Iterable
from typing import get_args

from autolearn.cli.common import Args, Result, finish, import_result
from autolearn.core.errors import InputError
from autolearn.core.reading import Column, ColumnUse, ReadingChoices
from autolearn.core.records import Document, Exclusion, Passage
from autolearn.ingest.readers import encodings
from autolearn.services import reading_actions
from autolearn.store import Store

EXCERPT = 80
"""Characters of a passage, or of what was left out, that are shown."""
MOST_KINDS = 40
"""Kinds of exclusions that are shown."""
_CHANGES = (
    *("encoding", "column", "chats_as_texts", "again"),
    *("take_in", "exclude", "include", "leave_out"),
)
"""The options that change how one document is read."""
_USES = tuple(use.replace(" ", "-") for use in get_args(ColumnUse))


def add_reading_options(parser: ArgumentParser) -> None:
    """Add the options that say how a file is read."""
    parser.add_argument(
        "--encoding", default="", metavar="NAME", help="the encoding of text files"
    )
    parser.add_argument(
        "--column",
        action="append",
        metavar="NAME=USE",
        help=f"how a column of a table is used ({', '.join(_USES)})",
    )
    parser.add_argument(
        "--chats-as-texts",
        action="store_true",
        help="read chats, instructions and questions as texts",
    )


def add_arguments(parser: ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument(
        "document", nargs="?", type=int, metavar="N", help="show or change this one"
    )
    add_reading_options(parser)
    parser.add_argument(
        "--again",
        action="store_true",
        help="read the file again, with automatic choices",
    )
    for option, name, meaning in (
        ("--take-in", "EXCLUSION", "make this exclusion a passage"),
        ("--exclude", "PASSAGE", "do not study this passage"),
        ("--include", "PASSAGE", "study this passage again"),
    ):
        parser.add_argument(
            option, type=int, action="append", metavar=name, help=meaning
        )
    parser.add_argument(
        "--leave-out", action="append", metavar="TEXT", help="leave this stretch out"
    )


def choices(args: Args) -> ReadingChoices:
    """Return the choices about the reading of a file that the options make.

    Raises:
        InputError: A column has no such use.
    """
    columns = tuple(map(_column, args.column or ()))
    return ReadingChoices(args.encoding, columns, args.chats_as_texts)


def _column(option: str) -> Column:
    name, _, use = option.rpartition("=")
    if not name or use not in _USES:
        raise InputError(
            f"--column {option} must be NAME=USE, where USE is one of "
            f"{', '.join(_USES)}."
        )
    return Column(name, get_args(ColumnUse)[_USES.index(use)])


def show(store: Store, args: Args) -> Result:
    """List documents, or show and change how one is read."""
    if args.document is None:
        if any(getattr(args, name) for name in _CHANGES):
            raise InputError("Name the document that is meant, before its options.")
        return {"documents": [_row(store, d) for d in store.library.documents()]}
    document = store.library.document(args.document)
    new_choices = choices(args)
    if new_choices != ReadingChoices() or args.again:
        before = ReadingChoices() if args.again else document.reading.choices
        now = _joined(before, new_choices)
        run = reading_actions.reread(store, document.id, now)
        import_result(finish(store, run, "read", quiet=args.json))
    _change(store, args, document)
    return _details(store, store.library.document(document.id))


def _joined(before: ReadingChoices, new: ReadingChoices) -> ReadingChoices:
    """Return the earlier choices with new ones, which take their place."""
    columns = {column.name: column for column in (*before.columns, *new.columns)}
    return ReadingChoices(
        new.encoding or before.encoding,
        tuple(columns.values()),
        new.chats_as_texts or before.chats_as_texts,
    )


def _change(store: Store, args: Args, document: Document) -> None:
    exclusions = store.library.exclusions(document.id) if args.take_in else []
    _check_ids(document, "exclusion", args.take_in, exclusions)
    for exclusion in args.take_in or ():
        reading_actions.take_in(store, exclusion)
    for text in args.leave_out or ():
        reading_actions.leave_out(store, [_place(store, document, text)])
    chosen_ids = [*(args.exclude or ()), *(args.include or ())]
    passages = []
    if chosen_ids:
        passages = store.library.passages([document.id], with_excluded=True)
    _check_ids(document, "passage", chosen_ids, passages)
    for ids, is_excluded in ((args.exclude, True), (args.include, False)):
        store.library.set_excluded(ids or (), excluded=is_excluded)


def _check_ids(
    document: Document,
    kind: str,
    ids: Iterable[int] | None,
    parts: Iterable[Exclusion | Passage],
) -> None:
    for missing in set(ids or ()) - {part.id for part in parts}:
        raise InputError(f"{document.name} has no {kind} with the id {missing}.")


def _place(store: Store, document: Document, text: str) -> tuple[int, int, int]:
    """Return the passage that has a stretch, and its place there."""
    for passage in store.library.passages([document.id], with_excluded=True):
        start = passage.text.find(text)
        if text and start >= 0:
            return passage.id, start, start + len(text)
    raise InputError(
        f"No passage of {document.name} has this stretch as a whole; copy it from the "
        "text."
    )


def _row(store: Store, document: Document) -> Result:
    n_passages, _ = store.library.coverage(document.id)
    counts = store.library.exclusion_counts(document.id)
    return {
        "document": document.id,
        "name": document.name,
        "characters": document.n_characters,
        "passages": n_passages,
        "left_out": sum(n for n, _ in counts.values()),
        "notes": len(document.notes),
    }


def _details(store: Store, document: Document) -> Result:
    reading = document.reading
    details = _row(store, document) | {"notes": document.notes}
    kinds = store.library.exclusion_kinds(document.id, MOST_KINDS)
    details["left_out"] = [
        {
            "exclusion": kind.first_id,
            "reason": kind.reason,
            "count": kind.n,
            "place": kind.place,
            "text": _excerpt(kind.excerpt),
        }
        for kind in kinds
    ]
    details["its_passages"] = [
        {
            "passage": passage.id,
            "excluded": "yes" if passage.excluded else "no",
            "text": _excerpt(passage.text),
        }
        for passage in store.library.passages([document.id], with_excluded=True)
    ]
    if reading.encoding:
        details["encoding"] = reading.encoding
    if reading.encodings:
        details["it_may_be"] = [
            {
                "encoding": candidate.name,
                "name": encodings.label(candidate.name),
                "looks_like": candidate.preview,
            }
            for candidate in reading.encodings
        ]
    if reading.columns:
        details["columns"] = [
            {
                "column": column.name,
                "use": column.use.replace(" ", "-"),
                "such_as": " | ".join(column.examples)[:EXCERPT],
            }
            for column in reading.columns
        ]
    return details


def _excerpt(text: str) -> str:
    return " ".join(text.split())[:EXCERPT]
