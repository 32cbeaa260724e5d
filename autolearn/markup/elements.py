"""HTML elements; every text of a model, a file or a person is escaped here.

A component of the page shows its value unescaped. So a value may only contain what has
passed through ``text`` or was written in this project.
"""

from collections.abc import Iterable
from html import escape

from autolearn.core.visible_text import visible

_TEMPLATES = str.maketrans({"{": "&#123;", "}": "&#125;", "$": "&#36;", "`": "&#96;"})
"""Signs that the component would read as its own template."""


class Html(str):
    """Markup that is safe to show; so is the sum of two."""

    __slots__ = ()

    def __add__(self, more: "Html") -> "Html":  # type: ignore[override]
        """Return both, one after the other."""
        return Html(str.__add__(self, more))

    def __html__(self) -> str:
        """Return itself: an autoescaping template does not escape it again."""
        return self


def text(value: object) -> Html:
    """Return any value as text that is shown and never obeyed."""
    return Html(escape(visible(str(value), keep="\n\t")).translate(_TEMPLATES))


def from_template(markup: str) -> Html:
    """Return the markup of an autoescaping template, which has no script or style."""
    return Html(markup.translate(_TEMPLATES))


def join(parts: Iterable[Html], between: str = "") -> Html:
    """Return pieces one after the other."""
    return Html(between.join(parts))


def tag(
    name: str, content: Html | str = "", classes: str = "", **attributes: object
) -> Html:
    """Return an element; a plain text in it has to be escaped before.

    Attributes are escaped; ``data_pick`` becomes ``data-pick``, None leaves one out.
    """
    by_name = {"class": classes or None, **attributes}
    all_attributes = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in by_name.items()
        if value is not None
    )
    return Html(f"<{name}{all_attributes}>{content}</{name}>")
