r"""Rewrite what pandoc reads wrongly in LaTeX: rules in tables, labels of items, signs.

It takes the columns of a rule (``\cline{2-3}``) for text, drops the labels of list
items (``\item[(a)]``), and drops signs and formulas of chemistry of usual packages.
"""

import re

from autolearn.ingest.readers import latex_repair, list_labels

_SIGNS = {
    "textcelsius": "°C", "ohm": "Ω", "textohm": "Ω", "perthousand": "‰",
    "textperthousand": "‰", "textpm": "±", "texttimes": "\u00d7", "textdiv": "÷",
    "textminus": "\u2212", "textonequarter": "¼", "textthreequarters": "¾",
    "textonehalf": "½", "texteuro": "€", "textsurd": "√", "textlnot": "¬",
    "checkmark": "✓",
}  # fmt: skip
_PRELUDE = (
    # Else pandoc takes what follows this command of bibliographies for its argument.
    r"\providecommand{\newblock}{}"
    r"\providecommand{\ce}[1]{#1}\providecommand{\ch}[1]{#1}"
    + "".join(rf"\providecommand{{\{name}}}{{{sign}}}" for name, sign in _SIGNS.items())
)
_COLUMNS = r"[ \t]*(?:\([^)\n]*\)|\[[^\]\n]*\])*[ \t]*\{[\d -]*\}"
_TOKEN = re.compile(
    r"%[^\n]*|\\begin\s*\{(?P<begin>[^{}\n]*)\}|\\end\s*\{(?P<end>[^{}\n]*)\}"
    rf"|(?P<rule>\\c(?:line|midrule){_COLUMNS})"
    r"|\\item\s*\[(?P<label>(?:[^\[\]{}\n]|\{[^{}\n]*\})*)\]"
    r"|(?P<degree>(?<=\d)\\degree(?![a-zA-Z]) ?)|\\."
)
_LISTS = ("itemize", "enumerate", "compactitem", "compactenum")
_PLAIN_LABEL = re.compile(r"[\w().:*†–-]{1,12}")  # noqa: RUF001


def prepared(text: str) -> str:
    """Return a document as pandoc reads it right, with definitions of usual signs."""
    open_names: list[str] = []

    def rewritten(match: re.Match[str]) -> str:
        name = open_names[-1] if open_names else ""
        if match["end"] and match["end"] == name:
            open_names.pop()
        elif name in latex_repair.VERBATIM:
            return match[0]
        elif match["begin"] in (*_LISTS, *latex_repair.VERBATIM):
            open_names.append(match["begin"])
        elif match["rule"]:
            return ""
        elif match["degree"]:
            return "°"
        elif match["label"] and name in _LISTS:
            return f"\\item {_label(match['label'].strip())} "
        return match[0]

    return _PRELUDE + _TOKEN.sub(rewritten, text)


def _label(label: str) -> str:
    is_plain = _PLAIN_LABEL.fullmatch(label)
    return list_labels.mark(label) if is_plain else f"{{{label}}}"
