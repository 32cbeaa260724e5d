"""Count the items of the lists of an OpenDocument text, and its headings."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from autolearn.ingest.readers import list_labels
from autolearn.ingest.readers.opendocument_styles import ListLevel
from autolearn.ingest.readers.packages import integer, value

_HEADINGS = ""
"""The name of the levels of headings."""


@dataclass
class OpenLists:
    """The lists that are being read, and the last number of each level of each."""

    styles: Mapping[str, Mapping[int, ListLevel]]
    _open: list[tuple[str, dict[int, int]]] = field(default_factory=list)
    """The style of each list that is open, from the outermost, and its numbers."""
    _ended: dict[str, dict[int, int]] = field(default_factory=dict)
    """The numbers of lists that may be continued, by their ids and styles."""
    _headings: dict[int, int] = field(default_factory=dict)

    def begin(self, part: Element) -> bool:
        """Begin a list; return whether its items are numbered."""
        if self._open:
            outer_style, counts = self._open[-1]
            style = value(part, "style-name") or outer_style
            counts.pop(len(self._open) + 1, None)
        else:
            style = value(part, "style-name")
            before = value(part, "continue-list") or style
            goes_on = value(part, "continue-list") or (
                value(part, "continue-numbering") == "true"
            )
            counts = self._ended.get(before, {}) if goes_on else {}
            self._ended[style] = self._ended[value(part, "id")] = counts
        self._open.append((style, counts))
        level = self._level()
        return bool(level and level.kind)

    def end(self) -> None:
        """End the list that was begun last."""
        self._open.pop()

    def label(self, start: str) -> str:
        """Count an item; return what stands before its text, empty if nothing.

        Args:
            start: Its number, if the file has it.
        """
        level = self._level()
        if level is None or not level.kind:
            return list_labels.box(level.bullet if level else "")
        style, counts = self._open[-1]
        return _label(self.styles[style], len(self._open), counts, start)

    def heading(self, part: Element) -> str:
        """Count a heading; return the mark of its number, empty if it has none."""
        depth = integer(value(part, "outline-level"), 1)
        levels = self.styles.get(_HEADINGS, {})
        if value(part, "is-list-header") == "true" or not (
            depth in levels and levels[depth].kind
        ):
            return ""
        return _label(levels, depth, self._headings, value(part, "start-value"))

    def _level(self) -> ListLevel | None:
        style, _ = self._open[-1]
        return self.styles.get(style, {}).get(len(self._open))


def _label(
    levels: Mapping[int, ListLevel], depth: int, counts: dict[int, int], start: str
) -> str:
    """Count an item or a heading; return the mark of its number."""
    level = levels[depth]
    counts[depth] = integer(start, counts.get(depth, level.start - 1) + 1)
    for deeper in [other for other in counts if other > depth]:
        del counts[deeper]
    depths = range(max(1, depth - level.n_shown + 1), depth + 1)
    numbers = [
        list_labels.number(counts.get(i, levels[i].start), levels[i].kind)
        for i in depths
        if i in levels and levels[i].kind
    ]
    return list_labels.mark(f"{level.prefix}{'.'.join(numbers)}{level.suffix}".strip())
