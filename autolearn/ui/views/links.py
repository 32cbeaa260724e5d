"""Clicks that lead to another tab."""

TAB = "tab-"
"""The beginning of the key of such a click; the name of the tab follows."""


def tab_of(key: object) -> str | None:
    """Return the tab that a click leads to; None if it leads to none."""
    words = str(key)
    return words.removeprefix(TAB) if words.startswith(TAB) else None
