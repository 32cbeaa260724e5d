"""Documents in markup: HTML, EPUB, RTF, reStructuredText, TeX and notebooks."""

import json
from pathlib import Path

from tests.support import files
from tests.support.rich_content import Content


def html(content: Content) -> str:
    x, value = content.formula
    math = f"<math><mi>{x}</mi><mo>=</mo><mn>{value}</mn></math>"
    first = f"<td rowspan={len(content.rows)}>{content.region}</td>"
    rows = "".join(
        f"<tr>{first if i == 0 else ''}<td>{year}</td><td>{n}</td></tr>"
        for i, (year, n) in enumerate(content.rows)
    )
    names = "".join(f"<th>{name}</th>" for name in content.header)
    code = "\n".join(content.code)
    return (
        f"<html><body><h1>{content.heading}</h1><p>{content.before} {content.base}"
        f"<sup>{content.power}</sup> {content.after}<span hidden>{content.hidden}"
        f"</span></p><p>{math}</p><pre>{code}</pre><table><tr>{names}</tr>{rows}"
        f"</table><aside role='doc-footnote'>{content.note}</aside></body></html>"
    )


def write_html(path: Path, content: Content) -> None:
    path.write_text(html(content), encoding="utf-8")


def write_mhtml(path: Path, content: Content) -> None:
    path.write_text(
        "MIME-Version: 1.0\nContent-Type: multipart/related; boundary=b\n\n--b\n"
        f"Content-Type: text/html; charset=utf-8\n\n{html(content)}\n--b--\n",
        encoding="utf-8",
    )


def write_epub(path: Path, content: Content) -> None:
    files.epub_of(path, [html(content)])


def write_rtf(path: Path, content: Content) -> None:
    x, value = content.formula
    rows = (
        r"\trowd\cellx1\cellx2\cellx3 "
        + "".join(rf"\intbl {name}\cell " for name in content.header)
        + r"\row "
    )
    for i, (year, n) in enumerate(content.rows):
        layout = (
            r"\trowd" + (r"\clvmrg" if i else r"\clvmgf") + r"\cellx1\cellx2\cellx3 "
        )
        first = "" if i else content.region
        rows += rf"{layout}\intbl {first}\cell {year}\cell {n}\cell\row "
    code = r"\line ".join(content.code)
    path.write_text(
        r"{\rtf1\ansi\ansicpg1252{\stylesheet{\s1 heading 1;}}"
        rf"{{\pard\s1 {content.heading}\par}}\pard {content.before} {content.base}"
        rf"{{\super {content.power}}} {content.after}{{\v {content.hidden}}}"
        rf"{{\footnote {content.note}}}\par {x} = {value}\par {code}\par {rows}"
        r"\pard End.\par}",
        encoding="latin-1",
    )


def write_rst(path: Path, content: Content) -> None:
    x, value = content.formula
    code = "\n".join(f"   {text}" for text in content.code)
    line = "+---------+---------+---------+"
    rows = "\n".join(
        f"| {content.region if i == 0 else '':8}| {year:8}| {n:8}|\n"
        + (line if i == len(content.rows) - 1 else f"|{' ' * 9}+{'-' * 9}+{'-' * 9}+")
        for i, (year, n) in enumerate(content.rows)
    )
    names = "".join(f"| {name:8}" for name in content.header)
    path.write_text(
        f"{content.heading}\n{'=' * 20}\n\n{content.before} {content.base}\\ "
        f":sup:`{content.power}` {content.after} [#]_\n\n.. {content.hidden}\n\n"
        f":math:`{x} = {value}`\n\n::\n\n{code}\n\n{line}\n{names}|\n"
        f"{line.replace('-', '=')}\n{rows}\n\n.. [#] {content.note}\n",
        encoding="utf-8",
    )


def write_tex(path: Path, content: Content) -> None:
    x, value = content.formula
    first = rf"\multirow{{{len(content.rows)}}}{{*}}{{{content.region}}}"
    rows = "".join(
        rf"{first if i == 0 else ''} & {year} & {n} \\ "
        for i, (year, n) in enumerate(content.rows)
    )
    code = "\n".join(content.code)
    path.write_text(
        rf"""\documentclass{{article}}\usepackage{{multirow}}
\begin{{document}}\section{{{content.heading}}}
{content.before} {content.base}\textsuperscript{{{content.power}}}
{content.after}\footnote{{{content.note}}}
\unknowncommand{{{content.hidden}}}

${x} = {value}$

\begin{{verbatim}}
{code}
\end{{verbatim}}

\begin{{tabular}}{{lll}} {" & ".join(content.header)} \\ \hline {rows} \end{{tabular}}
\end{{document}}
""",
        encoding="utf-8",
    )


def write_ipynb(path: Path, content: Content) -> None:
    x, value = content.formula
    first = f"<td rowspan={len(content.rows)}>{content.region}</td>"
    rows = "".join(
        f"<tr>{first if i == 0 else ''}<td>{year}</td><td>{n}</td></tr>"
        for i, (year, n) in enumerate(content.rows)
    )
    names = "".join(f"<th>{name}</th>" for name in content.header)
    text = (
        f"# {content.heading}\n\n{content.before} {content.base}^{content.power} "
        f"{content.after}\n\n${x} = {value}$\n\n{content.note}"
    )
    cells = [
        {"cell_type": "markdown", "source": text.splitlines(keepends=True)},
        {
            "cell_type": "code",
            "source": "\n".join(content.code),
            "outputs": [
                {
                    "output_type": "display_data",
                    "data": {"text/html": f"<table><tr>{names}</tr>{rows}</table>"},
                },
                {"output_type": "error", "traceback": [content.hidden]},
            ],
        },
    ]
    path.write_text(json.dumps({"cells": cells}), encoding="utf-8")
