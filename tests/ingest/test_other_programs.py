# ruff: noqa: RUF001
"""Files as many programs write them: what they say must not change or vanish."""

import json
import zipfile

import pytest

from autolearn.ingest import readers
from autolearn.ingest.row_kinds import NotTexts
from tests.support import files, rich_office


def read(path):
    """Return the text of a file, and what is left out by its reason."""
    pieces = list(readers.open_source(path, path.name).pieces)
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    return text, [(piece.left_out, piece.text) for piece in pieces if piece.left_out]


def written(path, text, encoding="utf-8"):
    path.write_bytes(text.encode(encoding))
    return read(path)


def rows(text):
    return [line for line in text.splitlines() if line.startswith("|")]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ('4.7 · 10<span style="vertical-align:super">9</span> years', "10^9 years"),
        ('x<b style="font-size:7pt; vertical-align: sub">min</b> = 3', "x_min = 3"),
        ("rebuilt in 1954<sup>7,8</sup> by two", "1954[7,8] by two"),
        ("the census of 1881<sup>a</sup> says", "1881^a says"),
        ("on the 3<sup>rd</sup> floor", "3rd floor"),
    ],
)
def test_raised_text_of_pages_stays_apart(tmp_path, html, expected):
    assert expected in written(tmp_path / "a.html", f"<p>{html}</p>")[0]


def test_a_cell_ends_with_the_group_of_its_rows(tmp_path):
    text, _ = written(
        tmp_path / "a.html",
        "<table><tr><th>Lake<th>Year<th>Pike</tr>"
        "<tbody><tr><td rowspan=0>Tarn<td>1990<td>41</tr>"
        "<tr><td>1991<td>38</tr></tbody>"
        "<tbody><tr><td rowspan=50>Oden<td>1990<td>7</tr>"
        "<tr><td>1991<td>9</tr></tbody></table>",
    )
    assert rows(text)[2:] == [
        "| Tarn | 1990 | 41 |",
        "| Tarn | 1991 | 38 |",
        "| Oden | 1990 | 7 |",
        "| Oden | 1991 | 9 |",
    ]


@pytest.mark.parametrize("wrapper", ["nav", "footer", "div role=navigation"])
def test_an_element_around_most_of_a_page_is_read_unless_it_is_links(tmp_path, wrapper):
    end = wrapper.split()[0]
    page = f"<{wrapper}>{{}}</{end}><p>Short.</p>"
    story = "<p>The ferry of Tarn sank in 1931 with nine sheep on board.</p>"
    assert "1931" in written(tmp_path / "a.html", page.format(story))[0]
    links = "".join(f"<a href=x>Chapter {n} of the book</a>" for n in range(9))
    text, left_out = written(tmp_path / "b.html", page.format(links))
    assert "Chapter" not in text
    assert any("Chapter 8" in out for _, out in left_out)


@pytest.mark.parametrize("name", ["noscript", "template"])
def test_what_only_other_browsers_show_is_listed(tmp_path, name):
    page = f"<p>The mill is old.</p><{name}><p>Burned in 1877.</p></{name}>"
    text, left_out = written(tmp_path / "a.html", page)
    assert "1877" not in text
    assert any("Burned in 1877." in out for _, out in left_out)


@pytest.mark.parametrize("kind", ["txt", "md", "html", "csv"])
def test_signs_without_width_are_dropped_and_joiners_kept(tmp_path, kind):
    shown = (
        "Wind\u00admühlen\u200bweg, \ufeff40\u2060 km, \u0645\u06cc\u200c\u062e\u0648"
    )
    source = shown if kind != "csv" else f'id,text\n1,"{shown}"\n'
    text, _ = written(tmp_path / f"a.{kind}", source)
    assert "Windmühlenweg, 40 km" in text
    assert "\u0645\u06cc\u200c\u062e" in text


def test_a_soft_hyphen_at_the_end_of_a_line_joins_its_word(tmp_path):
    text, _ = written(tmp_path / "a.txt", "Die Wasser\u00ad\nmühle steht.\n")
    assert text == "Die Wassermühle steht.\n"


STYLES = (
    '<w:style w:type="character" w:styleId="Base"><w:rPr>'
    '<w:vertAlign w:val="superscript"/></w:rPr></w:style>'
    '<w:style w:type="character" w:styleId="Power"><w:basedOn w:val="Base"/></w:style>'
)


def run(text, properties=""):
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t>{text}</w:t></w:r>"


def cell(text, properties=""):
    return f"<w:tc><w:tcPr>{properties}</w:tcPr><w:p>{run(text)}</w:p></w:tc>"


def docx(tmp_path, body, **more):
    files.docx_of(tmp_path / "a.docx", body, more=more)
    return read(tmp_path / "a.docx")


def test_text_of_word_is_raised_by_styles_and_positions(tmp_path):
    raised = run("8", '<w:position w:val="8"/><w:sz w:val="14"/>')
    path = tmp_path / "a.docx"
    files.docx_of(path, f"<w:p>{run('Light: 3 × 10')}{raised}{run(' m/s')}</w:p>")
    assert "10^8" in read(path)[0]
    body = f"<w:p>{run('A cell has 10')}{run('13', '<w:rStyle w:val=_Power_/>')}</w:p>"
    files.docx_of(path, body.replace("_", '"'))
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    styles = members["word/styles.xml"].decode()
    members["word/styles.xml"] = styles.replace(
        "</w:styles>", f"{STYLES}</w:styles>"
    ).encode()
    files.zip_of(path, members)
    assert "10^13" in read(path)[0]


def test_a_row_that_begins_further_right_keeps_its_columns(tmp_path):
    body = (
        f"<w:tbl><w:tr>{cell('Lake')}{cell('Year')}{cell('Pike')}</w:tr>"
        f"<w:tr>{cell('Tarn')}{cell('1990')}{cell('41')}</w:tr>"
        '<w:tr><w:trPr><w:gridBefore w:val="1"/></w:trPr>'
        f"{cell('1991')}{cell('38')}</w:tr></w:tbl>"
    )
    assert rows(docx(tmp_path, body)[0])[-1] == "|  | 1991 | 38 |"


def test_names_over_two_rows_name_each_column(tmp_path):
    wide, begin, on = (
        '<w:gridSpan w:val="2"/>',
        '<w:vMerge w:val="restart"/>',
        "<w:vMerge/>",
    )
    body = (
        f"<w:tbl><w:tr>{cell('Lake', begin)}{cell('Pike', wide)}</w:tr>"
        f"<w:tr>{cell('', on)}{cell('spring')}{cell('autumn')}</w:tr>"
        f"<w:tr>{cell('Tarn')}{cell('41')}{cell('38')}</w:tr></w:tbl>"
    )
    assert rows(docx(tmp_path, body)[0]) == [
        "| Lake | Pike / spring | Pike / autumn |",
        "| --- | --- | --- |",
        "| Tarn | 41 | 38 |",
    ]


def test_boxes_instead_of_bullets_are_kept(tmp_path):
    levels = "".join(
        f'<w:abstractNum w:abstractNumId="{n}"><w:lvl w:ilvl="0"><w:numFmt '
        f'w:val="bullet"/><w:lvlText w:val="{sign}"/></w:lvl></w:abstractNum>'
        for n, sign in enumerate("☒☐")
    )
    numbers = "".join(
        f'<w:num w:numId="{n + 5}"><w:abstractNumId w:val="{n}"/></w:num>'
        for n in (0, 1)
    )
    items = "".join(
        '<w:p><w:pPr><w:numPr><w:ilvl w:val="0"/>'
        f'<w:numId w:val="{n}"/></w:numPr></w:pPr>{run(text)}</w:p>'
        for n, text in ((5, "Paid"), (6, "Sent"))
    )
    text, _ = docx(tmp_path, items, **{"numbering.xml": levels + numbers})
    assert "☒ Paid" in text
    assert "☐ Sent" in text


@pytest.mark.parametrize(
    "formula",
    [
        '<w:r><w:object><w:x ProgID="Equation.DSMT4"/></w:object></w:r>',
        "<w:r><w:instrText> EQ \\r(2,x) </w:instrText></w:r>",
    ],
)
def test_formulas_that_are_pictures_are_listed(tmp_path, formula):
    formula = formula.replace("w:x ", "w:OLEObject ")
    text, left_out = docx(tmp_path, f"<w:p>{run('It is ')}{formula}{run('.')}</w:p>")
    assert "It is" in text
    assert [why for why, _ in left_out] == ["formula that could not be converted"]


def test_cells_of_excel_show_their_format(tmp_path):
    path = tmp_path / "a.xlsx"
    rich_office.xlsx_of(path, [["Tax", "Price", "Code"], [0.07, 12.5, 417]])
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"].decode()
    for n, place in enumerate(("A2", "B2", "C2"), 1):
        sheet = sheet.replace(f'r="{place}"', f'r="{place}" s="{n}"')
    raised = (
        '<c r="A3" t="inlineStr"><is><r><t>10</t></r><r><rPr><vertAlign '
        'val="superscript"/></rPr><t>12</t></r>'
        '<r><t xml:space="preserve"> ants</t></r></is></c>'
    )
    end = f'<row r="3">{raised}</row></sheetData>'
    members["xl/worksheets/sheet1.xml"] = sheet.replace("</sheetData>", end).encode()
    formats = ("0.00\\ &quot;kr&quot;", "000000")
    named = "".join(
        f'<numFmt numFmtId="{170 + n}" formatCode="{code}"/>'
        for n, code in enumerate(formats)
    )
    used = "".join(f'<xf numFmtId="{n}"/>' for n in (0, 9, 170, 171))
    styles = f"<numFmts>{named}</numFmts><cellXfs>{used}</cellXfs>"
    members["xl/styles.xml"] = f"<styleSheet>{styles}</styleSheet>".encode()
    files.zip_of(path, members)
    text, _ = read(path)
    assert rows(text)[2:] == ["| 7% | 12.5 kr | 000417 |", "| 10^12 ants |  |  |"]


def test_a_line_may_name_the_delimiter(tmp_path):
    text, _ = written(tmp_path / "a.csv", "sep=;\ntown;text\nTarn;Old, small, wet.\n")
    assert text.startswith("town: Tarn\n\nOld, small, wet.")


def test_years_name_columns_unless_all_rows_have_them(tmp_path):
    text, _ = written(tmp_path / "a.csv", "Lake,1990,1991\nTarn,41,38\n")
    assert "1990: 41" in text
    text, _ = written(tmp_path / "b.csv", "Alma,1871,1880\nBora,1875,1893\n")
    assert "column 2: 1871" in text
    assert "column 3: 1893" in text


def test_a_few_lines_in_another_encoding_leave_the_others_alone(tmp_path):
    path = tmp_path / "a.txt"
    good = "Über den Bächen liegt Schnee.\n" * 12
    path.write_bytes(good.encode() + "Größe: 7 € für Öl.\n".encode("cp1252"))
    source = readers.open_source(path, "a.txt")
    assert "".join(p.text for p in source.pieces) == f"{good}Größe: 7 € für Öl.\n"
    assert "5 bytes are not UTF-8" in source.note


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize(
    "text",
    [
        "水车在战争后被烧毁。\n桥有三个拱。\n",
        "水車は1877年に焼けた。\n橋は古い。\n",
        "물레방아는 1877년에 불탔다.\n",
    ],
)
def test_east_asian_text_in_utf_16_needs_no_mark(tmp_path, encoding, text):
    assert written(tmp_path / "a.txt", text, encoding)[0] == text


EXPORTS = {
    "claude": {"name": "x", "chat_messages": [{"sender": "human", "text": "Why?"}]},
    "chatgpt": {
        "title": "x",
        "current_node": "c",
        "mapping": {
            "a": {"message": None, "parent": None},
            "b": {
                "message": {"author": {"role": "user"}, "content": {"parts": ["Why?"]}},
                "parent": "a",
            },
            "c": {
                "message": {
                    "author": {"role": "assistant"},
                    "content": {"parts": ["So."]},
                },
                "parent": "b",
            },
        },
    },
}


@pytest.mark.parametrize("name", EXPORTS)
def test_exports_of_chat_services_are_recognised(tmp_path, name):
    path = tmp_path / "a.json"
    path.write_text(json.dumps([EXPORTS[name]]))
    with pytest.raises(NotTexts, match="holds chats"):
        read(path)


def test_comments_of_markdown_are_listed(tmp_path):
    text, left_out = written(
        tmp_path / "a.md",
        "# Mill <!-- old -->\n\nIt is `<!-- no -->` old<!-- a\n\n# b --> and dry.\n\n"
        "```\n<!-- code -->\n```\n\n5 <!-- has no end\n",
    )
    assert text == (
        "# Mill \n\nIt is `<!-- no -->` old and dry.\n\n"
        "```\n<!-- code -->\n```\n\n5 <!-- has no end\n"
    )
    assert left_out == [("comment", "<!-- old -->"), ("comment", "<!-- a\n\n# b -->")]


def line(*texts, more=""):
    cells = "".join(
        f"<table:table-cell><text:p>{t}</text:p></table:table-cell>" for t in texts
    )
    return f"<table:table-row{more}>{cells}</table:table-row>"


def open_sheets(tmp_path, body, styles=""):
    body = f"<office:spreadsheet>{body}</office:spreadsheet>"
    rich_office.odf_of(tmp_path / "a.ods", body, styles)
    return read(tmp_path / "a.ods")


def test_empty_rows_divide_the_tables_of_a_sheet_and_hidden_sheets_are_listed(tmp_path):
    sheet = '<table:table table:name="{}" table:style-name="{}">{}</table:table>'.format
    gap = "<table:table-row><table:table-cell/></table:table-row>"
    first = line("Lake", "Pike") + line("Tarn", "41") + gap + line("Ship", "Year")
    body = sheet("One", "ta1", first + line("Alma", "1871"))
    body += sheet("Two", "ta2", line("Secret 9", "8"))
    styles = (
        '<style:style style:name="ta2" style:family="table">'
        '<style:table-properties table:display="false"/></style:style>'
    )
    text, left_out = open_sheets(tmp_path, body, styles)
    assert text.count("| --- |") == 2
    assert "| Ship | Year |\n| --- |" in text
    assert [why for why, _ in left_out] == ["hidden sheet"]


def test_hidden_rows_and_columns_of_open_sheets_are_listed(tmp_path):
    """What a merged cell covers keeps its place and its text."""
    hidden = ' table:visibility="collapse"'
    columns = "".join(map("<table:table-column{}/>".format, ("", hidden, "")))
    first = "<table:table-cell><text:p>Tarn"
    merged = '<table:table-cell table:number-rows-spanned="3"><text:p>Tarn'
    empty = "<table:table-cell><text:p></text:p></table:table-cell>"
    body = line("Lake", "Ice", "Pike") + line("Tarn", "5", "41").replace(first, merged)
    covered = line("", "6", "7", more=hidden) + line("", "8", "9")
    body += covered.replace(empty, "<table:covered-table-cell/>")
    body += line("Alma", "3", "4")
    sheet = f'<table:table table:name="One">{columns}{body}</table:table>'
    text, left_out = open_sheets(tmp_path, sheet)
    assert rows(text) == [
        "| Lake | Pike |",
        "| --- | --- |",
        "| Tarn | 41 |",
        "| Tarn | 9 |",
        "| Alma | 4 |",
    ]
    assert left_out == [
        ("hidden row", "Tarn 6 7"),
        ("hidden column", "Ice\n5\n8\n3"),
    ]


def test_struck_cells_of_open_sheets_are_marked(tmp_path):
    style = (
        '<style:style style:name="X" style:family="table-cell"><style:text-properties '
        'style:text-line-through-style="solid"/></style:style>'
    )
    cells = line("12", "14").replace("cell>", 'cell table:style-name="X">', 1)
    sheet = f'<table:table table:name="One">{line("Old", "New")}{cells}</table:table>'
    text, _ = open_sheets(tmp_path, sheet, style)
    assert rows(text)[2:] == ["| ~~12~~ | 14 |"]
