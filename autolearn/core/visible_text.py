"""Foreign text as it is shown, without characters that would act or mislead."""

from unicodedata import category

_MISLEADING = frozenset(
    map(chr, (*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xFFF9, 0xFFFC)))
) | frozenset(map(chr, range(0xE0000, 0xE0080)))
"""Format characters that reverse what follows, or hide text: directional embeddings,
overrides and isolates, annotations, and tags."""


def visible(text: str, keep: str = "") -> str:
    """Return a text in which each character that would act or mislead is U+FFFD.

    Spaces of all widths, joiners and soft hyphens stay: Persian and Hindi words need
    joiners, and Japanese and French texts have spaces of their own. Controls do not,
    except for those to ``keep``.
    """
    if text.isprintable():
        return text
    return "".join(c if c in keep or _is_visible(c) else "\ufffd" for c in text)


def _is_visible(character: str) -> bool:
    is_harmless = category(character) in ("Zs", "Cf") and character not in _MISLEADING
    return character.isprintable() or is_harmless
