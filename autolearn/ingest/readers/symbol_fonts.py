"""The characters of the fonts Symbol and Wingdings as Unicode.

These fonts have their own signs at the codes of Latin letters. Programs store such a
code c as it is, or as U+F000 + c.
"""

UNKNOWN_SIGN = "sign of a font of pictures"
"""Why a sign is left out."""
_PRIVATE = 0xF000

_SYMBOL_HALVES = (
    " !∀#∃%&∋()∗+,−./0123456789:;<=>?≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_"  # noqa: RUF001
    "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼",  # noqa: RUF001
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓"  # noqa: RUF001
    "◊〈®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\uf8ff〉∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭",
)
"""The signs of Symbol from 0x20 on and from 0xA0 on (Adobe Symbol encoding)."""
SYMBOL = {
    offset + code: sign
    for offset in (0, _PRIVATE)
    for first, signs in zip((0x20, 0xA0), _SYMBOL_HALVES, strict=True)
    for code, sign in enumerate(signs, first)
}
"""The signs of Symbol, for ``str.translate``."""
BULLETS = str.maketrans(
    {
        **dict.fromkeys("\uf0a7\uf0b7\uf06c\uf06e\uf09f\uf0d8\uf076", "\u2022"),
        **dict.fromkeys("\uf0fc\uf0fe\uf052", "\u2611"),
        **dict.fromkeys("\uf0a8\uf06f\uf072", "\u2610"),
        **dict.fromkeys("\uf0e0\uf0e8", "\u2192"),
    }
)
"""Bullets, boxes and arrows of Symbol and Wingdings, as private characters."""


def symbol(text: str) -> str:
    """Return a text in the font Symbol."""
    return text.translate(SYMBOL)


def wingdings(text: str) -> str:
    """Return a text in the font Wingdings; signs that are not known stay codes."""
    return "".join(
        code if "\uf000" <= sign <= "\uf0ff" else sign
        for code, sign in zip(text, private(text).translate(BULLETS), strict=True)
    )


def private(text: str) -> str:
    """Return the codes of a font of signs as private characters."""
    return "".join(chr(_PRIVATE + ord(c)) if " " < c < "\u0100" else c for c in text)
