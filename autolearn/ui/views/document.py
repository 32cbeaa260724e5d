"""One document: what was read from its file and how, and its passages."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import get_args

from autolearn.core.reading import Column, ColumnUse
from autolearn.core.records import Document, Exclusion, Passage
from autolearn.ingest.readers import encodings, rows
from autolearn.store import SampleFilter, Store
from autolearn.store.library import EXCERPT, ExclusionKind
from autolearn.ui import html
from autolearn.ui.html import Html

AT_ONCE = 40
"""Passages that are shown at once."""
MOST_KINDS, MOST_EXCLUSIONS = 60, 300
"""Kinds of exclusions in the list, and exclusions between the passages shown."""
PAGE, TAKE, BESIDE, CUT = "from-", "take-", "beside", "cut-"
EXCLUDE, INCLUDE = "exclude-", "include-"
REMOVE, RENAME = "remove-", "rename-"
ENCODING, COLUMN, READ_COLUMNS = "encoding-", "column-", "columns-"
"""How the keys of the actions begin.

Those of the last two lines continue with the id of the document that is shown: the
first one of the library may be another when the click arrives.
"""
USES = {
    "text": "Text",
    "title": "Title",
    "named": "“name: value”",
    "left out": "Left out",
}
"""The names of the uses of a column."""


@dataclass(frozen=True)
class LibraryViewState:
    """The part of the library that is shown, and choices that were not applied yet."""

    document_id: int = 0
    """0: the document that was added last."""
    first: int = 0
    """The passage to begin with, from 0."""
    is_beside: bool = False
    """Whether the text of the file is shown next to the passages."""
    columns: tuple[Column, ...] = ()
    """The columns as chosen; empty: as they were read."""


def draw(store: Store, state: LibraryViewState) -> Html:
    """Return a document: how much of it was read, and its passages."""
    documents = store.library.document_sizes()
    if not documents:
        return html.note("The passages of a document are shown here.")
    document_id = state.document_id or documents[-1].id
    if all(document.id != document_id for document in documents):
        return html.note("This document was deleted; choose another one in the list.")
    document = store.library.document(document_id)
    n, covered = store.library.coverage(document.id)
    passages = store.library.stretch(document.id, state.first, AT_ONCE)
    between: list[Exclusion] = []
    if passages:
        start, end = passages[0].start, passages[-1].end
        between = store.library.exclusions_between(
            document.id, start, end, MOST_EXCLUSIONS
        )
    parts = [
        _title(store, document),
        _what_was_read(store, document, n, covered),
        _encoding(document),
        _columns(document, state.columns),
        _bar(state, n, len(passages)),
        _passages(store, passages, between, is_beside=state.is_beside),
        _turning(state.first, n),
    ]
    return html.join(parts)


def _title(store: Store, document: Document) -> Html:
    """Return the name of the document, and the actions on it as a whole."""
    head = html.tag("h3", html.text(document.name), "al-head")
    rename = html.button(
        html.text("Rename"),
        data_rename=document.name,
        data_key=f"{RENAME}{document.id}-",
    )
    delete = html.button(
        html.text("Delete"),
        "al-delete",
        data_remove=_question(store, document),
        data_key=f"{REMOVE}{document.id}",
    )
    return html.tag("header", head + html.tag("span", rename + delete), "al-spread")


def _question(store: Store, document: Document) -> str:
    """Return the question before a document is deleted: what is lost, what stays."""
    words = [f"Delete “{document.name}” from the library?"]
    if n := store.samples.count(SampleFilter(document_id=document.id)):
        subject = "1 sample was" if n == 1 else f"{n:,} samples were"
        words.append(f"{subject} made from it and will stay, each with its passage.")
    if rounds := [str(number) for number in store.rounds.learned_from(document.id)]:
        noun = "Round" if len(rounds) == 1 else "Rounds"
        words.append(
            f"{noun} {', '.join(rounds)} learned from it; deleting the document does "
            "not make a round forget it. To be without it, use the base model."
        )
    words += [
        "The quiz no longer asks about this document, unless the quiz is locked.",
        "The kept copy of its file is deleted, too.",
    ]
    return " ".join(words)


def _what_was_read(store: Store, document: Document, n: int, covered: int) -> Html:
    """Return the line on what was read, its notes, and the list of what was not."""
    counts = store.library.exclusion_counts(document.id)
    n_out = sum(count for count, _ in counts.values())
    share = covered / max(1, document.n_characters)
    passages = "1 passage covers" if n == 1 else f"{n:,} passages cover"
    sentence = f"Read: {document.n_characters:,} characters; {passages} "
    sentence += f"{100 * share:.0f} % of the characters. "
    kinds = ", ".join(f"{reason} ({count:,})" for reason, (count, _) in counts.items())
    parts = html.count(n_out, "part")
    sentence += f"Left out: {parts}: {kinds}." if n_out else "Nothing was left out."
    notes = map(_note, document.notes)
    left_out = _left_out(store.library.exclusion_kinds(document.id, MOST_KINDS), n_out)
    line = html.tag("p", html.text(sentence), "al-read")
    return line + html.join(notes) + left_out


def _note(note: str) -> Html:
    return html.tag("p", html.text(note[0].upper() + note[1:]), "al-doubt")


def _left_out(kinds: list[ExclusionKind], n: int) -> Html:
    """Return the exclusions of the file, equal ones once."""
    if not kinds:
        return Html("")
    rows = [
        (
            html.text(kind.reason),
            html.text(_short(kind.excerpt, EXCERPT)),
            html.text(kind.place),
            html.number(kind.n),
            _take(kind.first_id, kind.reason) if kind.n == 1 else Html(""),
        )
        for kind in kinds
    ]
    heads = ("Reason", "Text", "Place", "Count", "")
    title = f"Left out of the file: {html.count(n, 'part')}"
    if len(kinds) == MOST_KINDS:
        title += f", of which the {MOST_KINDS} commonest are shown"
    return html.details(html.text(title), html.table(heads, rows, title))


def _take(exclusion_id: int, reason: str) -> Html:
    return html.pick(
        html.text("Make a passage"),
        f"{TAKE}{exclusion_id}",
        aria_label=f"Make a passage: {reason}",
    )


def _encoding(document: Document) -> Html:
    """Return the encoding, and in which others the file can be read."""
    reading = document.reading
    if not (reading.encoding and document.original):
        return Html("")
    previews = {candidate.name: candidate.preview for candidate in reading.encodings}
    rows = [
        (_label(name), html.text(preview), _encoding_button(name, document))
        for name, preview in previews.items()
    ]
    others = [name for name in encodings.LABELS if name not in previews]
    buttons = (
        html.pick(_label(name), _encoding_key(name, document))
        for name in others
        if name != reading.encoding
    )
    more = html.details(
        html.text("Other encodings"), html.tag("div", html.join(buttons), "al-picks")
    )
    table = html.table(("Encoding", "The text in it", ""), rows, "Encodings")
    label = encodings.label(reading.encoding)
    is_guess = bool(rows) and not reading.choices.encoding
    title = f"Encoding: {label}{', chosen by likelihood' if is_guess else ''}"
    content = table + more if rows else more
    return html.details(html.text(title), content, is_open=is_guess)


def _label(name: str) -> Html:
    return html.text(encodings.label(name))


def _encoding_button(name: str, document: Document) -> Html:
    if name == document.reading.encoding:
        return html.badge("in use", "approved")
    label = f"Use this encoding: {encodings.label(name)}"
    return html.pick(
        html.text("Use this encoding"), _encoding_key(name, document), aria_label=label
    )


def _encoding_key(name: str, document: Document) -> str:
    return f"{ENCODING}{document.id}-{name}"


def _columns(document: Document, choice: Sequence[Column]) -> Html:
    """Return the columns of a table, their uses, and the first rows by these."""
    columns = tuple(choice) or document.reading.columns
    if not (columns and document.original):
        return Html("")
    table = html.table(
        ("Column", "Such as", "Use"),
        [
            (
                html.text(column.name),
                html.text(_short(" | ".join(filter(None, column.examples)), EXCERPT)),
                html.tag(
                    "div", html.join(_use_buttons(document, i, column)), "al-picks"
                ),
            )
            for i, column in enumerate(columns)
        ],
        "Columns",
    )
    is_changed = columns != document.reading.columns
    preview = html.tag("div", html.text(rows.preview(columns)), "al-text al-card")
    key = f"{READ_COLUMNS}{document.id}"
    button = html.pick(html.text("Read with these columns"), key, "al-go")
    words = html.tag("p", html.text("The first rows with these columns:"), "al-faint")
    content = table + words + preview + (button if is_changed else Html(""))
    title = html.text(f"Columns: {len(columns)}")
    return html.details(title, content, is_open=is_changed)


def _use_buttons(document: Document, number: int, column: Column) -> list[Html]:
    return [
        html.pick(
            html.text(USES[use]),
            f"{COLUMN}{document.id}-{number}-{use}",
            aria_pressed=str(column.use == use).lower(),
            aria_label=f"{column.name}: {USES[use]}",
        )
        for use in get_args(ColumnUse)
    ]


def _bar(state: LibraryViewState, n: int, n_shown: int) -> Html:
    """Return the passages that are shown, with their actions."""
    sentence = "Passages"
    if n_shown < n:
        sentence += f" {state.first + 1} to {state.first + n_shown} of {n:,}"
    buttons = html.pick(
        html.text("Next to the text of the file"),
        BESIDE,
        aria_pressed=str(state.is_beside).lower(),
    ) + html.button(
        html.text("Leave the selection out"),
        data_cut="",
        title="Select text in the passages first.",
    )
    head = html.tag("h4", html.text(sentence)) + html.tag("div", buttons, "al-picks")
    return html.tag("header", head, "al-spread al-passages")


def _passages(
    store: Store,
    passages: Sequence[Passage],
    between: Sequence[Exclusion],
    *,
    is_beside: bool,
) -> Html:
    earlier = store.library.passages_by_id(passage.repeats_id for passage in passages)
    names = store.library.documents_by_id(p.document_id for p in earlier.values())
    parts = []
    for i, passage in enumerate(passages):
        is_last = i == len(passages) - 1
        out = [
            e
            for e in between
            if passage.start <= e.at < passage.end or (is_last and e.at == passage.end)
        ]
        same = earlier.get(passage.repeats_id or 0)
        repeat = _repeat(passage, same, names[same.document_id].name) if same else ""
        card = _passage(passage, repeat)
        if is_beside:
            original = html.tag("div", _of_the_file(passage, out), "al-text al-file")
            parts.append(html.tag("div", original + card, "al-beside"))
        else:
            parts.append(_marks(out, passage.start) + card)
            rest = [e for e in out if e.at > passage.start]
            parts.append(_marks(rest, None))
    return html.join(parts)


def _marks(exclusions: Sequence[Exclusion], at: int | None) -> Html:
    """Return exclusions that were before a passage, or within it, one a line."""
    group_at = [e for e in exclusions if at is None or e.at == at]
    lines = []
    for (reason, text), group in groupby(group_at, lambda e: (e.reason, e.text)):
        alike = list(group)
        count = f" × {len(alike)}" if len(alike) > 1 else ""  # noqa: RUF001
        words = f"{reason}{count}: {_short(text, EXCERPT)}"
        lines.append(html.tag("span", html.text(words)) + _take(alike[0].id, reason))
    return html.join(html.tag("div", line, "al-left-out") for line in lines)


def _of_the_file(passage: Passage, exclusions: Sequence[Exclusion]) -> Html:
    """Return the text of the file behind a passage, with what was left out of it."""
    parts, place = [], passage.start
    for exclusion in exclusions:
        before = passage.text[place - passage.start : exclusion.at - passage.start]
        parts.append(html.text(before))
        removed = html.tag(
            "del",
            html.text(exclusion.text or exclusion.reason),
            title=f"{exclusion.reason} {exclusion.place}".strip(),
        )
        parts.append(removed + _take(exclusion.id, exclusion.reason))
        place = exclusion.at
    parts.append(html.text(passage.text[place - passage.start :].rstrip()))
    return html.join(parts)


def _repeat(passage: Passage, earlier: Passage, name: str) -> str:
    is_same = earlier.text.split() == passage.text.split()
    is_same = is_same and earlier.heading == passage.heading
    words = "a repeat of" if is_same else "similar to"
    return f", {words} passage {earlier.position + 1} of {name}"


def _passage(passage: Passage, repeat: str) -> Html:
    place = f"{passage.position + 1}. characters {passage.start} to {passage.end}, "
    place += f"{html.count(passage.n_tokens, 'token')}{repeat}"
    if passage.exclusion_id:
        place += ", made a passage by you"
    word, key = ("Include", INCLUDE) if passage.excluded else ("Exclude", EXCLUDE)
    label = f"{word}: passage {passage.position + 1}"
    head = html.tag("span", html.text(place), "al-faint") + html.pick(
        html.text(word), f"{key}{passage.id}", aria_label=label
    )
    text = html.tag(
        "div", html.text(passage.text.rstrip()), "al-text", data_passage=passage.id
    )
    return html.card(head, text, "al-out" if passage.excluded else "")


def _turning(first: int, n: int) -> Html:
    """Return the buttons that show earlier and later passages."""
    turns = []
    if first > 0:
        earlier = max(0, first - AT_ONCE)
        turns.append(html.pick(html.text("Earlier passages"), f"{PAGE}{earlier}"))
    if first + AT_ONCE < n:
        later = first + AT_ONCE
        turns.append(html.pick(html.text("Later passages"), f"{PAGE}{later}"))
    return html.tag("div", html.join(turns), "al-spread")


def _short(text: str, n: int) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) < n else f"{flat[: n - 1]}…"


def stretches(key: str) -> list[tuple[int, int, int]]:
    """Return the passages and characters of a selection, the last first.

    The page sends them as JSON: ``[[passage, start, end], …]``.
    """
    values = json.loads(key.removeprefix(CUT))
    selection = [(int(p), int(start), int(end)) for p, start, end in values]
    return sorted(selection, reverse=True)
