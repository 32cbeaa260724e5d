"""Small pieces of HTML of the page, made of the elements in ``markup``."""

import time
from collections.abc import Iterable, Mapping, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest

from autolearn.markup.elements import Html as Html
from autolearn.markup.elements import from_template as from_template
from autolearn.markup.elements import join as join
from autolearn.markup.elements import tag as tag
from autolearn.markup.elements import text as text
from autolearn.text import matching

DASH = "\N{EN DASH}"
"""Shown where a number is missing."""


def beginning(value: str, n_characters: int) -> Html:
    """Return the beginning of a text, with an ellipsis if it was cut."""
    is_short = len(value) <= n_characters
    return text(value if is_short else value[:n_characters] + "…")


def note(sentence: str) -> Html:
    """Return the text of an empty place, which says what to do next."""
    return tag("p", text(sentence), "al-note")


def problem(sentence: str) -> Html:
    """Return an error, given as one sentence."""
    return tag("p", text(sentence), "al-problem", role="alert")


def notice(sentence: str, classes: str = "al-note") -> Html:
    """Return a notice in a corner of the page, until it is clicked or some time passes.

    It carries the time, so that a repeated message is shown again. Screen readers read
    it because of its panel, not of its role.
    """
    content = tag("p", text(sentence), classes)
    return tag("div", content, "al-notice", data_time=time.time_ns())


def badge(word: str, kind: str = "") -> Html:
    """Return a word in a frame; the kind gives its colour and its sign."""
    return tag("span", text(word), f"al-badge {('al-' + kind) if kind else ''}".strip())


def table(heads: Sequence[str], rows: Iterable[Sequence[Html]], caption: str) -> Html:
    """Return a table; cells of the class ``al-number`` line up below their heads."""
    body_rows = list(rows)
    numbers = ["al-number" in cell for cell in body_rows[0]] if body_rows else []
    head = join(
        tag("th", text(title), "al-number" if is_number else "", scope="col")
        for title, is_number in zip_longest(heads, numbers[: len(heads)])
    )
    body = join(tag("tr", join(tag("td", cell) for cell in row)) for row in body_rows)
    return tag(
        "div",
        tag(
            "table",
            tag("caption", text(caption), "al-unseen")
            + tag("thead", tag("tr", head))
            + tag("tbody", body),
            "al-table",
        ),
        "al-scroll",
        tabindex="0",
        role="region",
        aria_label=caption,
    )


def number(value: float | None, digits: int = 0) -> Html:
    """Return a number that lines up with others; a dash for none."""
    figure = DASH if value is None else f"{value:,.{digits}f}"
    return tag("span", text(figure), "al-number")


def percent(share: float | None) -> Html:
    """Return a share as a percentage."""
    return tag("span", DASH if share is None else f"{100 * share:.0f} %", "al-number")


def pairs(values: Mapping[str, Html]) -> Html:
    """Return names with their values, one a line."""
    rows = (
        tag("div", tag("dt", text(name)) + tag("dd", value))
        for name, value in values.items()
    )
    return tag("dl", join(rows), "al-pairs")


def bar(n_done: int, total: int, label: str) -> Html:
    """Return a progress bar."""
    share = min(1.0, n_done / total) if total else 0.0
    fill = tag("span", "", "al-fill", style=f"width:{100 * share:.1f}%")
    return tag(
        "div",
        fill,
        "al-bar",
        role="progressbar",
        aria_label=label,
        aria_valuenow=round(100 * share),
        aria_valuemin=0,
        aria_valuemax=100,
    )


def button(content: Html, classes: str = "", **attributes: object) -> Html:
    """Return a button of ours; the scripts of the page act on its attributes."""
    classes = f"al-pick {classes}".strip()
    return tag("button", content, classes, type="button", **attributes)


def pick(content: Html, key: object, classes: str = "", **attributes: object) -> Html:
    """Return a button that sends its key to the page when it is clicked."""
    return button(content, classes, data_pick=key, **attributes)


def card(head: Html, body: Html, classes: str = "") -> Html:
    """Return content in a frame, below a head whose parts stand at both ends."""
    header = tag("header", head, "al-spread")
    return tag("section", header + body, f"al-card {classes}".strip())


def details(
    summary: Html, content: Html, classes: str = "", *, is_open: bool = False
) -> Html:
    """Return content that is folded below its summary."""
    whole = tag("summary", summary) + content
    return tag("details", whole, classes, open="" if is_open else None)


def marked(passage: str, start: int, end: int) -> Html:
    """Return a text with one stretch of it highlighted."""
    parts = passage[:start], passage[start:end], passage[end:]
    before, within, after = map(text, parts)
    return before + (tag("mark", within) if within else Html("")) + after


def difference(before: str, after: str) -> Html:
    """Return the second text with the words that the first had, or has not, marked."""
    was, now = before.split(), after.split()
    a_keys, b_keys = (
        [matching.normalise(word) or word for word in words] for words in (was, now)
    )
    pieces: list[Html] = []
    for kind, a, b, c, d in SequenceMatcher(
        None, a_keys, b_keys, autojunk=False
    ).get_opcodes():
        if kind == "equal":
            pieces.append(text(" ".join(now[c:d])))
            continue
        if was[a:b]:
            pieces.append(tag("del", text(" ".join(was[a:b]))))
        if now[c:d]:
            pieces.append(tag("ins", text(" ".join(now[c:d]))))
    return join(pieces, " ")


def duration(seconds: float | None) -> str:
    """Return a time span in two units at most; a dash for none."""
    if seconds is None:
        return DASH
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min"
    return f"{hours // 24} days {hours % 24} h"


def count(n: int, noun: str) -> str:
    """Return how many things there are, such as "1 sample" or "1,200 samples"."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def time_left(seconds: float | None) -> str:
    """Return an estimated time to the end; it may have passed."""
    if seconds is not None and seconds < 1:
        return "longer than estimated"
    return duration(seconds)


def rough_duration(seconds: float) -> str:
    """Return an estimated time span, in minutes once it is two of them."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{max(10, round(seconds / 10) * 10)} s"
    return f"{minutes} min" if minutes < 60 else duration(60 * minutes)


def size(n_bytes: float | None) -> str:
    """Return an amount of memory; a dash for none."""
    if n_bytes is None:
        return DASH
    kib, mib = n_bytes / 2**10, n_bytes / 2**20
    if kib < 1000:
        return f"{kib:.0f} KiB"
    return f"{mib / 1024:.1f} GiB" if mib >= 1000 else f"{mib:.0f} MiB"
