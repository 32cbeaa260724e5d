"""Show runs, results and tables in a terminal: data on stdout, progress on stderr."""

import json
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from typing import Any, Self, TextIO

from tqdm import tqdm

from autolearn.core.records import Run
from autolearn.core.run_kinds import RUN_KINDS, stage_title
from autolearn.core.visible_text import visible

_BAR_OPTIONS: dict[str, dict[str, Any]] = {
    "items": {},
    "kilobytes": {"unit": " KiB"},
    "share": {"bar_format": "{l_bar}{bar}| {elapsed}<{remaining}"},
}
"""Options of a bar by what the numbers of the progress are."""


class Progress:
    """A bar on standard error that follows a run, one line a stage."""

    def __init__(self, title: str, *, quiet: bool) -> None:
        self._title = title
        # Without a terminal a bar would only fill a log.
        self._quiet = quiet or not sys.stderr.isatty()
        self._bar: tqdm[Any] | None = None

    def __enter__(self) -> Self:
        """Show nothing until the run has begun."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave the last line on the screen."""
        self._close()

    def __call__(self, run: Run) -> None:
        """Show how far the run is."""
        if self._quiet or run.state != "running" or not run.stage:
            return
        label = f"{self._title}: {stage_title(run)}"
        if self._bar is None or self._bar.total != run.total:
            self._close()
            options = _BAR_OPTIONS[RUN_KINDS[run.kind].counts]
            self._bar = tqdm(total=run.total, leave=False, file=sys.stderr, **options)
        self._bar.set_description(label, refresh=False)
        self._bar.n = run.done
        self._bar.refresh()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def say(text: str) -> None:
    """Write a line for the user to standard output."""
    _write(sys.stdout, text)


def warn(text: str) -> None:
    """Write a line for the user to standard error."""
    _write(sys.stderr, visible(text, keep="\n"))


def _write(stream: TextIO, text: str) -> None:
    if not _takes(stream, text):  # a terminal that knows only the letters of a region
        encoding = stream.encoding
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    try:
        stream.write(text + "\n")
        stream.flush()
    except BrokenPipeError:
        # The reader, such as ``head``, has seen enough. At the end, Python would write
        # what is left in the stream, and fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _takes(stream: TextIO, text: str) -> bool:
    """Return whether the encoding of a stream has all letters of a text."""
    try:
        text.encode(stream.encoding or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def as_text(result: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> str:
    """Return the result of any command: rows as a table, names and values as lines."""
    return as_lines(result) if isinstance(result, Mapping) else as_table(result)


def as_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return rows as columns, one for each key; a row may lack some."""
    if not rows:
        return "(none)"
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[i]) for line in cells) for i in range(len(names))]
    return "\n".join(
        "  ".join(
            text.ljust(width) for text, width in zip(line, widths, strict=True)
        ).rstrip()
        for line in cells
    )


def as_lines(values: Mapping[str, Any], indent: str = "") -> str:
    """Return names and values, one a line, nested ones indented.

    A list of rows is a table, any other list has one value a line.
    """
    lines = []
    for name, value in values.items():
        label = name.replace("_", " ")
        if isinstance(value, Mapping):
            lines.append(f"{indent}{label}:")
            lines.append(as_lines(value, indent + "  "))
        elif isinstance(value, list | tuple):
            lines.append(f"{indent}{label}:")
            is_table = all(isinstance(row, Mapping) for row in value)
            text = as_table(value) if is_table else "\n".join(map(_cell, value))
            lines.append(textwrap.indent(text, indent + "  "))
        else:
            first, *more = _text_lines(value)
            lines.append(f"{indent}{label}: {first}")
            lines += [f"{indent}  {line}" for line in more]
    return "\n".join(line for line in lines if line)


def as_json(value: object) -> str:
    """Return a value as one line of JSON that standard output can take."""
    text = json.dumps(value, ensure_ascii=False)
    return text if _takes(sys.stdout, text) else json.dumps(value)


def _text_lines(value: object) -> list[str]:
    """Return a value as lines; only a text may have several."""
    if isinstance(value, str) and value:
        return [_cell(line) for line in value.splitlines()]
    return [_cell(value)]


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_cell(item)}" for name, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_cell, value))
    return visible(str(value))
