"""Hostile documents in text formats and markup languages."""

import json
import os
from collections.abc import Callable
from pathlib import Path

from benchmarks.hostile import packages, pdfs

Make = Callable[[Path], None]
"""Writes a document to a path."""
K, M = 1000, 1_000_000


def of(text: str | bytes) -> Make:
    """Return what writes a text."""
    data = text.encode() if isinstance(text, str) else text
    return lambda path: _write(path, data)


def made(make: Callable[[], str | bytes]) -> Make:
    """Return what writes a text that is made when it is needed."""
    return lambda path: of(make())(path)


def _write(path: Path, data: bytes) -> None:
    path.write_bytes(data)


HTML: dict[str, Make] = {
    "less-than.html": made(lambda: "<" * 400 * K),
    "less-than-slash.html": made(lambda: "</" * 200 * K),
    "less-than-mark.html": made(lambda: "<!" * 200 * K),
    "processing.html": made(lambda: "<?" * 200 * K),
    "open-comment.html": made(lambda: "<p>a<!-- " + "a" * 400 * K),
    "open-comments.html": made(lambda: "<!--" * 100 * K),
    "open-quote.html": made(lambda: '<a href="' + "a" * 400 * K),
    "open-quotes.html": made(lambda: '<a b="' * 60 * K),
    "open-tags.html": made(lambda: "<a " * 130 * K),
    "open-script.html": made(lambda: "<script>" + "</scrip" * 200 * K),
    "open-textarea.html": made(lambda: "<textarea>" * 40 * K),
    "ampersands.html": made(lambda: "&" * M),
    "references.html": made(lambda: "&#" * 500 * K),
    "names.html": made(lambda: "&amp" * 500 * K),
    "pre.html": made(lambda: "<pre>" + "ab\n" * 700 * K + "</pre>"),
    "pre-one-line.html": made(lambda: "<pre>" + "a" * 2 * M),
    "deep-div.html": made(lambda: "<div>" * M),
    "deep-inline.html": made(lambda: "<b><i>" * 300 * K),
    "deep-table.html": made(lambda: "<table><tr><td>" * 20 * K),
    "deep-list.html": made(lambda: "<ul><li>" * 100 * K),
    "deep-math.html": made(lambda: "<math>" + "<mrow>" * 100 * K),
    "deep-sup.html": made(lambda: "x<sup>2" * 100 * K),
    "colspan.html": of(
        "<table><tr><th>a<th>b<tr><td colspan=999999999 rowspan=999999999>x</table>"
    ),
    "spans.html": made(
        lambda: "<table>" + "<tr><td rowspan=1000 colspan=1000>x" * 2 * K + "</table>"
    ),
    "breaks.html": made(lambda: "a<br>" * 500 * K),
    "items.html": made(lambda: "<ul>" + "<li>a" * 300 * K),
    "paragraphs.html": made(lambda: "<p>a" * 300 * K),
    "attributes.html": made(
        lambda: "<p " + " ".join(f"a{i}=1" for i in range(200 * K))
    ),
    "links.html": made(lambda: "<a href=x>y</a> " * 150 * K),
    "cdata.html": made(lambda: "<![CDATA[" * 50 * K),
    "styles.html": made(lambda: "<style>" + "a{b:c}" * M + "</style><p>x"),
    "brackets.html": made(lambda: "[" * 500 * K + "<p>" + "](" * 200 * K),
}

TEXT: dict[str, Make] = {
    "joiners.txt": made(lambda: "\u200d" * 6 * M),
    "newlines.txt": made(lambda: "\n" * 10 * M),
    "returns.txt": made(lambda: "\r" * 5 * M),
    "one-letter.txt": made(lambda: "a" * 5 * M),
    "base64.md": made(
        lambda: "![](data:image/png;base64," + "QWxhZGRp" * 500 * K + ")"
    ),
    "digits.txt": made(lambda: "1" * 5 * M),
    "spaces.txt": made(lambda: " " * 10 * M + "a"),
    "tabs.md": made(lambda: "\t\n" * 2 * M),
    "dots.txt": made(lambda: "." * 2 * M),
    "sentence-ends.txt": made(lambda: 'a."' * M),
    "combining.txt": made(lambda: "e" + "\u0301" * 3 * M),
    "right-to-left.txt": made(lambda: "\u202e\u202d" * M),
    "hashes.md": made(lambda: "#" * 2 * M),
    "headings.md": made(lambda: "# a\n" * 300 * K),
    "backticks.md": made(lambda: "`" * 2 * M),
    "fences.md": made(lambda: "```a\n" * 200 * K),
    "open-fence.md": made(lambda: "```\n" + "x = 1\n" * 500 * K),
    "bars.md": made(lambda: "|" * M + "\n" + "|-" * 500 * K + "\n" + "|" * M),
    "table-header.md": made(
        lambda: "|a" * 10 * K + "\n" + "|-" * 10 * K + "\n" + "|b\n" * 100 * K
    ),
    "quotes.md": made(lambda: "> " * M),
    "stars.md": made(lambda: "*" * 2 * M),
    "dashes.md": made(lambda: "-" * 2 * M),
    "zeros.txt": made(lambda: b"\0" * 2 * M),
    "utf-16.txt": made(lambda: b"\xff\xfe" + b"\x00\xd8" * M),
    "no-utf-8.txt": made(lambda: b"\xff\xc3\x80a" * M),
    "random.txt": made(lambda: os.urandom(4 * M)),
}

TABLES: dict[str, Make] = {
    "open-quote.csv": made(lambda: 'a,b\n"' + "x,y\n" * 5 * M),
    "quotes.csv": made(lambda: '"' * 5 * M),
    "columns.csv": made(lambda: ",".join(f"c{i}" for i in range(100 * K)) + "\nx\n"),
    "same-columns.csv": made(lambda: "a," * 100 * K + "\nx\n"),
    "commas.csv": made(lambda: "a,b\n" + "," * 5 * M),
    "wide-rows.csv": made(lambda: "a,b\n" + ("x," * 5 * K + "\n") * 500),
    "empty-rows.csv": made(lambda: "text,b\n" + "\n" * 3 * M + "x,y\n"),
    "one-cell.csv": made(lambda: "text\n" + "x " * 15 * M),
    "rows.tsv": made(lambda: "text\tb\n" + "x\ty\n" * M),
    "delimiters.csv": made(lambda: ",;\t|" * M),
    "open-list.json": made(lambda: "[" * M),
    "deep-list.json": made(lambda: "[" * 500 * K + "]" * 500 * K),
    "deep-object.json": made(lambda: '{"a":' * 500 * K + "1" + "}" * 500 * K),
    "numbers.json": made(lambda: json.dumps(list(range(2 * M)))),
    "long-number.json": made(lambda: "9" * 5 * M),
    "long-text.json": made(lambda: json.dumps([{"text": "x" * 25 * M}])),
    "open-text.json": made(lambda: '[{"text": "' + "x\\" * 5 * M),
    "same-keys.json": made(lambda: "{" + '"a":1,' * 2 * M + '"a":1}'),
    "many-keys.jsonl": made(
        lambda: (json.dumps({f"k{i}": "x" for i in range(5 * K)}) + "\n") * 200
    ),
    "new-keys.jsonl": made(
        lambda: "".join(
            json.dumps({"text": "x", f"k{i}": 1}) + "\n" for i in range(100 * K)
        )
    ),
    "blank.jsonl": made(lambda: "\n" * 5 * M),
    "nested.jsonl": made(lambda: ('{"text": ' + "[" * 900 + "]" * 900 + "}\n") * 2 * K),
}

NOTEBOOKS: dict[str, Make] = {
    "cells.ipynb": made(
        lambda: (
            '{"cells": [' + '{"cell_type":"markdown","source":"a"},' * 700 * K + "{}]}"
        )
    ),
    "html.ipynb": made(
        lambda: json.dumps(
            {
                "cells": [
                    {
                        "cell_type": "code",
                        "source": "x",
                        "outputs": [{"data": {"text/html": "<" * 300 * K}}],
                    }
                ]
            }
        )
    ),
    "pages.ipynb": made(
        lambda: (
            '{"cells": ['
            + '{"cell_type":"code","source":"",'
            + '"outputs":[{"data":{"text/html":"<p>a"}}]},' * 60 * K
            + "{}]}"
        )
    ),
    "lines.ipynb": made(
        lambda: json.dumps(
            {"cells": [{"cell_type": "code", "source": ["a\n"] * 2 * M}]}
        )
    ),
    "deep.ipynb": made(lambda: '{"cells":' + "[" * 500 * K),
    "level.ipynb": of(
        '{"cells": [{"cell_type": "heading", "level": 1e999, "source": "a"}]}'
    ),
}

RTF: dict[str, Make] = {
    "groups.rtf": made(lambda: r"{\rtf1" + "{" * M + "a"),
    "closed-groups.rtf": made(lambda: r"{\rtf1" + "{" * 300 * K + "a" + "}" * 300 * K),
    "binary.rtf": of(r"{\rtf1 a\bin999999999999 b}"),
    "skip.rtf": of(r"{\rtf1 \uc999999999\u8364 abc}"),
    "words.rtf": made(lambda: r"{\rtf1 " + r"\b\i " * M + "}"),
    "long-word.rtf": made(lambda: r"{\rtf1 \\" + "a" * 5 * M + "}"),
    "bytes.rtf": made(lambda: r"{\rtf1 " + r"\'e9" * M + "}"),
    "picture.rtf": made(lambda: r"{\rtf1 {\pict " + "ff" * 10 * M + "}a}"),
    "cells.rtf": made(lambda: r"{\rtf1 \trowd " + r"a\cell " * 300 * K + r"\row}"),
    "fields.rtf": made(lambda: r"{\rtf1 " + r"{\field{\fldinst a}{\fldrslt " * 50 * K),
}

MARKUP: dict[str, Make] = {
    "recursive.tex": of(r"\newcommand{\a}{\a\a}\begin{document}\a\end{document}"),
    "mutual.tex": of(r"\def\a{\b\b}\def\b{\a\a}\begin{document}\a\end{document}"),
    "doubling.tex": made(
        lambda: (
            "".join(
                f"\\newcommand{{\\m{chr(97 + i)}}}{{\\m{chr(98 + i)}\\m{chr(98 + i)}}}"
                for i in range(24)
            )
            + r"\newcommand{\my}{lol lol lol}\begin{document}\ma\end{document}"
        )
    ),
    "braces.tex": made(lambda: "{" * 100 * K),
    "dollars.tex": made(lambda: "$" * 300 * K),
    "environments.tex": made(lambda: r"\begin{itemize}\item " * 20 * K),
    "formulas.tex": made(lambda: r"$\frac{" * 20 * K),
    "indents.rst": made(lambda: "".join(" " * i + "- a\n\n" for i in range(1500))),
    "substitutions.rst": made(
        lambda: (
            "\n".join(f".. |a{i}| replace:: |a{i + 1}| |a{i + 1}|" for i in range(25))
            + "\n\n|a0|\n"
        )
    ),
    "grid.rst": made(lambda: ("+" + "-+" * 3 * K + "\n|" + " |" * 3 * K + "\n") * 100),
    "stars.rst": made(lambda: "*a " * 200 * K),
    "parts.mhtml": made(
        lambda: "".join(
            f'Content-Type: multipart/related; boundary="b{i}"\n\n--b{i}\n'
            for i in range(5 * K)
        )
    ),
    "no-boundary.mhtml": made(
        lambda: 'Content-Type: multipart/related; boundary="b"\n\n' + "--x\n" * 2 * M
    ),
    "header.mhtml": made(lambda: "Content-Type: text/html;" + " a=b;" * M + "\n\n<p>a"),
    "continued.mhtml": made(lambda: "Subject: a\n" + " b\n" * M + "\n<p>a"),
    "encoded.mhtml": made(
        lambda: (
            "Content-Type: text/html\nContent-Transfer-Encoding: base64\n\n"
            + "PDw8" * 200 * K
        )
    ),
}


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _device(path: Path) -> None:
    path.symlink_to("/dev/zero")


SPECIAL: dict[str, Make] = (
    {"pipe.txt": _pipe, "pipe.pdf": _pipe, "device.txt": _device, "device.csv": _device}
    if hasattr(os, "mkfifo")
    else {}
)

ALL: dict[str, Make] = {
    **HTML,
    **TEXT,
    **TABLES,
    **NOTEBOOKS,
    **RTF,
    **MARKUP,
    **SPECIAL,
    **{name: made(data) for name, data in packages.ALL.items()},
    **{name: made(data) for name, data in pdfs.ALL.items()},
}
"""Name of the file -> what writes it."""
