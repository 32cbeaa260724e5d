"""Items keep the numbers by which texts refer to them, whatever writes the list."""

import pytest

from autolearn.ingest import readers
from autolearn.ingest.readers import list_labels
from tests.support import files, rich_office


def lines(path):
    """Return the lines of a file that are not empty, without their indentation."""
    pieces = readers.open_source(path, path.name).pieces
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    return [line.strip() for line in text.splitlines() if line.strip()]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('<ol start="4"><li>a</li><li>b</li></ol>', ["4. a", "5. b"]),
        ('<ol type="a"><li>x</li><li value="5">y</li><li>z</li></ol>',
         ["a. x", "e. y", "f. z"]),
        ('<ol style="list-style-type: upper-roman" start="3"><li>x<ol><li>y</li></ol>'
         "</li><li>z</li></ol>", ["III. x", "1. y", "IV. z"]),
        ('<style>.law ol {list-style: lower-alpha}</style><div class="law"><ol>'
         "<li>x</li><li>y</li></ol></div>", ["a. x", "b. y"]),
        ('<ol style="list-style: none"><li>4. x</li><li>y</li></ol>',
         ["- 4. x", "2. y"]),
        ("<ol reversed><li>x</li><li>y</li></ol>", ["2. x", "1. y"]),
        ('<ul><li autolearn-label="9.">x</li></ul>', ["- x"]),
    ],
)  # fmt: skip
def test_numbers_of_pages(tmp_path, html, expected):
    (tmp_path / "a.html").write_text(html)
    assert lines(tmp_path / "a.html") == expected


def test_numbers_after_the_last_letter_and_in_roman():
    assert [list_labels.number(n, "lowerLetter") for n in (26, 27, 53)] == [
        *("z", "aa", "ba"),
    ]
    assert [list_labels.number(n, "upperRoman") for n in (4, 49, 1994)] == [
        *("IV", "XLIX", "MCMXCIV"),
    ]
    assert list_labels.number(0, "lowerLetter") == "0"


LEVELS = (("decimal", "%1."), ("lowerLetter", "(%2)"), ("decimal", "%1.%2.%3"))
CLAUSES = (("decimal", "Article %1"), ("decimal", "%1.%2"))


def _shape(number, levels):
    parts = "".join(
        f'<w:lvl w:ilvl="{i}"><w:numFmt w:val="{kind}"/><w:lvlText w:val="{text}"/>'
        "</w:lvl>"
        for i, (kind, text) in enumerate(levels)
    )
    return f'<w:abstractNum w:abstractNumId="{number}">{parts}</w:abstractNum>'


def _list(number, shape, more=""):
    return f'<w:num w:numId="{number}"><w:abstractNumId w:val="{shape}"/>{more}</w:num>'


def item(text, number=0, level=0, style=""):
    place = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    properties = f'<w:pStyle w:val="{style}"/>' * bool(style) + place * bool(number)
    run = f"<w:r><w:t>{text}</w:t></w:r>" if text else ""
    return f"<w:p><w:pPr>{properties}</w:pPr>{run}</w:p>"


def test_numbers_of_word_go_on_and_begin_anew(tmp_path):
    again = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="7"/></w:lvlOverride>'
    numbering = _shape(0, LEVELS) + _shape(1, CLAUSES)
    numbering += _list(1, 0) + _list(2, 1) + _list(3, 0, again)
    body = "".join(
        (
            item("Scope", 2, style="Heading1"),
            item("one", 1),
            item("sub", 1, 1),
            item("next", 1, 1),
            item("deep", 1, 2),
            item("Between"),
            item("two", 1),
            item("other", 1, 1),
            item("Fees", 2, style="Heading1"),
            item("Of water", 2, 1),
            item("", 1),
            item("four", 1),
            item("seven", 3),
        )
    )
    files.docx_of(tmp_path / "a.docx", body, more={"numbering.xml": numbering})
    assert lines(tmp_path / "a.docx") == [
        "# Article 1 Scope",
        *("1. one", "(a) sub", "(b) next", "1.b.1 deep", "Between", "2. two"),
        *("(a) other", "# Article 2 Fees", "2.1 Of water", "4. four", "7. seven"),
    ]


def test_numbers_of_word_that_never_begin_anew(tmp_path):
    inner = '<w:numFmt w:val="decimal"/><w:lvlRestart w:val="0"/>'
    shape = _shape(0, CLAUSES).replace("%1.%2", "(%2)")
    shape = inner.join(shape.rsplit('<w:numFmt w:val="decimal"/>', 1))
    levels = {"A": 0, "a": 1, "b": 1, "B": 0, "c": 1}
    body = "".join(item(text, 1, level) for text, level in levels.items())
    more = {"numbering.xml": shape + _list(1, 0)}
    files.docx_of(tmp_path / "a.docx", body, more=more)
    assert lines(tmp_path / "a.docx") == [
        *("Article 1 A", "(1) a", "(2) b", "Article 2 B", "(3) c"),
    ]


def test_numbers_and_boxes_of_opendocument(tmp_path):
    def item(text, more="", inner=""):
        return f"<text:list-item{more}><text:p>{text}</text:p>{inner}</text:list-item>"

    def items(content, more='text:style-name="L1"'):
        return f"<text:list {more}>{content}</text:list>"

    def level(n, kind, more):
        return f'<text:list-level-style-{kind} text:level="{n}" {more}/>'

    styles = (
        '<text:list-style style:name="L1">'
        + level(1, "number", 'style:num-format="1" text:start-value="3" '
                'style:num-suffix="."')
        + level(2, "number", 'style:num-format="a" style:num-suffix=")"')
        + '</text:list-style><text:list-style style:name="L2">'
        + level(1, "bullet", 'text:bullet-char="☐"')
        + "</text:list-style><text:outline-style>"
        '<text:outline-level-style text:level="1" style:num-format="1"/>'
        '<text:outline-level-style text:level="2" style:num-format="1" '
        'text:display-levels="2"/></text:outline-style>'
    )  # fmt: skip
    on = 'text:style-name="L1" text:continue-numbering="true"'
    heading = '<text:h text:outline-level="{}">{}</text:h>'
    body = (
        heading.format(1, "Pits")
        + heading.format(2, "East")
        + items(item("three", inner=items(item("sub"), "")))
        + "<text:p>Between</text:p>"
        + items(
            "<text:list-header><text:p>Head</text:p></text:list-header>"
            + item("four")
            + item("nine", ' text:start-value="9"'),
            on,
        )
        + items(item("task"), 'text:style-name="L2"')
        + items(item("anew"))
    )
    body = f"<office:text>{body}</office:text>"
    rich_office.odf_of(tmp_path / "a.odt", body, styles)
    assert lines(tmp_path / "a.odt") == [
        *("# 1 Pits", "## 1.1 East", "3. three", "a) sub", "Between", "- Head"),
        *("4. four", "9. nine", "- ☐ task", "3. anew"),
    ]


def test_numbers_of_slides_go_on_after_bullets_below_them(tmp_path):
    def line(text, mark, level=0):
        properties = f'<a:pPr lvl="{level}">{mark}</a:pPr>'
        return f"<a:p>{properties}<a:r><a:t>{text}</a:t></a:r></a:p>"

    number = '<a:buAutoNum type="{}" startAt="3"/>'.format
    shape = (
        line("three", number("arabicPeriod"))
        + line("point", '<a:buChar char="x"/>', 1)
        + line("four", number("arabicPeriod"))
        + line("other", number("alphaLcParenBoth"), 1)
    )
    shapes = f"<p:sp><p:txBody>{shape}</p:txBody></p:sp>"
    rich_office.pptx_of(tmp_path / "a.pptx", [(shapes, "")])
    assert lines(tmp_path / "a.pptx") == [
        *("3. three", "- point", "4. four", "(c) other"),
    ]


def test_labels_of_items_in_latex_are_kept(tmp_path):
    (tmp_path / "a.tex").write_text(
        r"\begin{document}\begin{enumerate}\item[(b)] one\end{enumerate}"
        r"\begin{itemize}\item[\checkmark] paid \item sent\end{itemize}\end{document}"
    )
    assert lines(tmp_path / "a.tex") == ["(b) one", "- ✓ paid", "- sent"]
