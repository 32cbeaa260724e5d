"""PowerPoint, RTF, OpenDocument, sources, notebooks and sheets: single kinds."""

import json

import pytest
from python_calamine import CalamineWorkbook

from autolearn.core.errors import InputError
from autolearn.ingest import readers
from tests.support import files, rich_office
from tests.support.documents import read


def test_hidden_slides_comments_and_numbers_are_listed(tmp_path):
    def shape(text, kind):
        place = f'<p:nvSpPr><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>'
        line = f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>"
        return f"<p:sp>{place}<p:txBody>{line * 2}</p:txBody></p:sp>"

    shapes = shape("In text", "body") + shape("12", "sldNum") + shape("Mills", "title")
    hidden = shape("Off", "body") + shape("13", "sldNum")
    rich_office.pptx_of(tmp_path / "a.pptx", [(shapes, "Say it."), (hidden, "")])
    text, left_out = read(tmp_path / "a.pptx")
    assert text == "## Mills Mills\n\n- In text\n- In text\n\nNotes:\n\nSay it.\n\n"
    assert left_out == [("page number", "12 12"), ("hidden slide", "Off Off 13 13")]


SYMBOLS = (
    r"{\fonttbl{\f0 Arial;}{\f1\fnil\fcharset2 Symbol;}{\f2\fcharset2 Wingdings;}}"
)


@pytest.mark.parametrize(
    ("rtf", "text"),
    [
        (r"\'c5\'8c a\u252\'fcb \u26085?\u26412?", "ÅŒ aüb 日本"),
        (r"{\fonttbl{\f1\fcharset204 A;}}{\f1 \'c3\'ee\'f0\'ee\'e4}", "Город"),
        (r"caf\'e9 {\*\unknown lost}\emdash  {\up6 2}x", "café — ^(2)x"),
        (r"a{\pict 89504e47}b{\*\bkmkstart c}", "ab"),
        (r"\bin3 \}}d\line e", "d e"),
        ("First in 1990\\\n\\\r\n5 km of road", "First in 1990 5 km of road"),
        (r"it{\u8217}s{\uc0{\footnote it\u8217s}}", "it’s[1] [1] it’s"),  # noqa: RUF001
        (SYMBOLS + r"5 {\f1 m}g, {\f1\'b7\u-4028?}", "5 μg, •Δ"),
        (SYMBOLS + r"{\f2\'a7 \u-3844?} x", "• ☑ x"),
    ],
)
def test_characters_of_rtf(tmp_path, rtf, text):
    data = rf"{{\rtf1\ansi\ansicpg1252 {rtf}\par}}"
    (tmp_path / "a.rtf").write_bytes(data.encode("latin-1"))
    assert " ".join(read(tmp_path / "a.rtf")[0].split()) == text


@pytest.mark.parametrize(
    ("header", "bytes_of_rtf"),
    [
        (r"\mac", r"caf\'8e \'d21712\'d3"),
        (r"\mac\ansicpg10000", r"caf\'8e \'d21712\'d3"),
        (r"\ansi\ansicpg1252", r"caf\'e9 \'931712\'94"),
    ],
)
def test_rtf_names_the_encoding_of_its_characters(tmp_path, header, bytes_of_rtf):
    (tmp_path / "a.rtf").write_text(rf"{{\rtf1{header} {bytes_of_rtf}\par}}")
    assert read(tmp_path / "a.rtf")[0] == "café “1712”\n\n"


def test_struck_text_fields_and_code_of_rtf(tmp_path):
    field = r"{\field{\*\fldinst FORM {\*\formfield{%s}}}{\fldrslt }}"
    box = field % r"\fftype1\ffres25\ffdefres1"
    entries = field % r"\fftype2\ffres1{\*\ffl red}{\*\ffl blue}"
    (tmp_path / "a.rtf").write_text(
        r"{\rtf1\ansi\deff0{\fonttbl{\f0 Arial;}{\f1\fmodern Courier New;}}"
        rf"It is {{\strike 12}} 14.\par {box}Paid, {entries}\par "
        r"\pard\f1 def f():\par     return 5\par\f0 Done.\par}"
    )
    assert read(tmp_path / "a.rtf")[0].split("\n\n")[:-1] == [
        "It is ~~12~~ 14.",
        "☒ Paid, blue",
        "```\ndef f():\n    return 5\n```",
        "Done.",
    ]


def test_text_boxes_of_rtf_are_read_once(tmp_path):
    """Word writes them again for older programs, whose files have only that form."""
    box = r"\pard In a box.\par"
    old = rf"{{\*\do\dptxbx{{\dptxbxtext {box}}}}}"
    new = rf"{{\shp{{\*\shpinst{{\shptxt {box}}}}}{{\shprslt{old}}}}}"
    for shape in (old, new):
        (tmp_path / "a.rtf").write_text(rf"{{\rtf1\ansi Old.\par {shape}Done.\par}}")
        assert read(tmp_path / "a.rtf")[0] == "Old.\n\nIn a box.\n\nDone.\n\n"


def test_styles_fields_and_hidden_parts_of_opendocument(tmp_path):
    styles = "".join(
        f'<style:style style:name="{name}" style:family="{kind}"><style:{properties}/>'
        "</style:style>"
        for name, kind, properties in (
            ("S", "text", 'text-properties style:font-name="Symbol"'),
            ("X", "text", 'text-properties style:text-line-through-style="solid"'),
            ("C", "paragraph", 'text-properties style:font-name="Liberation Mono"'),
            ("H", "page", 'drawing-page-properties presentation:visibility="hidden"'),
        )
    )
    body = (
        '<text:p>5 <text:span text:style-name="S">m</text:span>g, <text:span '
        'text:style-name="X">12</text:span> <text:drop-down><text:label '
        'text:value="a"/><text:label text:value="b"/>blue</text:drop-down></text:p>'
        '<text:p text:style-name="C">if x:</text:p><text:p text:style-name="C"><text:s '
        'text:c="4"/>go</text:p><text:section text:display="none"><text:p>Off</text:p>'
        '</text:section><draw:page draw:style-name="H"><text:p>Not now</text:p>'
        "</draw:page>"
    )
    body = f"<office:text>{body}</office:text>"
    rich_office.odf_of(tmp_path / "a.odt", body, styles)
    text, left_out = read(tmp_path / "a.odt")
    assert text == "5 μg, ~~12~~ blue\n\n```\nif x:\n    go\n```\n\n"
    assert left_out == [("hidden", "Off"), ("hidden slide", "Not now")]


def test_content_controls_of_opendocument_are_what_is_chosen_in_them(tmp_path):
    """Their entries were items of a list, and the document could not be read."""
    body = (
        "<office:text><text:p>It is <loext:content-control>"
        '<loext:list-item loext:value="r"/><loext:list-item loext:value="b"/>blue '
        "<text:span>and</text:span> old</loext:content-control>.</text:p></office:text>"
    )
    rich_office.odf_of(tmp_path / "a.odt", body)
    text, left_out = read(tmp_path / "a.odt")
    assert text == "It is blue and old.\n\n"
    assert left_out == []


def test_hidden_shapes_of_slides_are_listed(tmp_path):
    line = "<p:txBody><a:p><a:r><a:t>{}</a:t></a:r></a:p></p:txBody>".format
    place = '<p:nvSpPr><p:cNvPr id="2" name="a"{}/></p:nvSpPr>'.format
    parts = [
        place("") + line("It is 14."),
        place(' hidden="1"') + line("It was 12."),
    ]
    shapes = "".join(f"<p:sp>{part}</p:sp>" for part in parts)
    rich_office.pptx_of(tmp_path / "a.pptx", [(shapes, "")])
    text, left_out = read(tmp_path / "a.pptx")
    assert text == "It is 14.\n\n"
    assert left_out == [("hidden", "It was 12.")]


def test_fonts_and_struck_text_of_slides(tmp_path):
    runs = (
        '<a:r><a:rPr><a:latin typeface="Symbol"/></a:rPr><a:t>m</a:t></a:r><a:r>'
        '<a:t>g </a:t></a:r><a:r><a:rPr strike="sngStrike"/><a:t>12</a:t></a:r>'
    )
    shapes = f"<p:sp><p:txBody><a:p>{runs}</a:p></p:txBody></p:sp>"
    rich_office.pptx_of(tmp_path / "a.pptx", [(shapes, "")])
    assert read(tmp_path / "a.pptx")[0] == "μg ~~12~~\n\n"


def test_unknown_signs_of_rtf_are_listed(tmp_path):
    rtf = rf"{{\rtf1\ansi {SYMBOLS}Call {{\f2 (J}}\par}}"
    (tmp_path / "a.rtf").write_text(rtf)
    text, left_out = read(tmp_path / "a.rtf")
    assert text.split() == ["Call"]
    assert left_out == [("sign of a font of pictures", "(J")]


@pytest.mark.parametrize(
    ("name", "data", "names"),
    [
        ("a.rst", ".. include:: {}\n\nSaid.\n\n.. raw:: html\n   :file: {}\n", "root:"),
        ("a.tex", "\\input{{{}}}\\verbatiminput{{{}}} Said.", "root:"),
    ],
)
def test_sources_include_no_other_file(tmp_path, name, data, names):
    (tmp_path / "secret.txt").write_text("root: secret")
    (tmp_path / name).write_text(data.format(*[tmp_path / "secret.txt"] * 2))
    pieces = list(readers.open_source(tmp_path / name, name).pieces)
    assert "Said." in "".join(piece.text for piece in pieces)
    assert not any(names in piece.text for piece in pieces)
    table = f".. csv-table:: T\n   :file: {tmp_path / 'secret.txt'}\n\nSaid.\n"
    (tmp_path / "b.rst").write_text(table)
    with pytest.raises(InputError, match=r"secret\.txt not found"):
        read(tmp_path / "b.rst")


def test_rules_signs_and_formulas_of_chemistry_of_latex(tmp_path):
    (tmp_path / "a.tex").write_text(
        r"\begin{document}\begin{tabular}{lcc} Pit & \multicolumn{2}{c}{Depth} \\ "
        r"\cmidrule(lr){2-3} & 1990 & 2000 \\ \cline{1-3} East & 5 & 6 \end{tabular}"
        "\n\nAt 20\\degree C, 5\\ohm{} \\textpm{} 1, \\ce{H2SO4}.\n\n"
        "\\begin{verbatim}\n\\cline{2-3}\n\\end{verbatim}\\end{document}",
        encoding="utf-8",
    )
    text, left_out = read(tmp_path / "a.tex")
    assert text.split("\n\n")[:-1] == [
        "| Pit | Depth / 1990 | Depth / 2000 |\n| --- | --- | --- |\n| East | 5 | 6 |",
        "At 20°C, 5Ω ± 1, H2SO4.",
        "```\n\\cline{2-3}\n```",
    ]
    assert left_out == []


def test_commands_that_are_not_known_are_listed_and_own_ones_expanded(tmp_path):
    (tmp_path / "a.tex").write_text(
        r"\newcommand{\town}{Orvelle}\title{Mills}\begin{document}\maketitle "
        r"\town{} has \strange{nine} mills \cite{kell1904}.\hspace{1mm} In "
        r"\newblock {\em Mills}, 1904.\end{document}"
    )
    text, left_out = read(tmp_path / "a.tex")
    assert "# Mills" in text
    assert "Orvelle has mills [kell1904]. In *Mills*, 1904." in " ".join(text.split())
    assert left_out == [("command that is not known", r"\strange{nine}")]


def test_notebooks_of_all_versions_are_read(tmp_path):
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Mills"]},
        {"cell_type": "code", "input": "# ten\n10", "outputs": [{"text": ["ten"]}]},
    ]
    (tmp_path / "a.ipynb").write_text(json.dumps({"worksheets": [{"cells": cells}]}))
    assert (
        read(tmp_path / "a.ipynb")[0]
        == "## Mills\n\n```\n# ten\n10\n```\n\n```\nten\n```\n\n"
    )
    for data in ("[]", '{"cells": 7}', "{", "[" * 100_000):
        (tmp_path / "a.ipynb").write_text(data)
        with pytest.raises(InputError, match=r"a\.ipynb (is not|has no)"):
            read(tmp_path / "a.ipynb")


def test_sheets_are_tables_below_their_names(tmp_path):
    rows: list[list[object]]
    rows = [["Trees of 1900"], ["Kind", "Year"], ["Oak", 1900.5], ["Ash", 7]]
    rich_office.xlsx_of(tmp_path / "a.xlsx", rows)
    assert CalamineWorkbook.from_path(str(tmp_path / "a.xlsx")).sheet_names == ["Trees"]
    text, left_out = read(tmp_path / "a.xlsx")
    assert text == (
        "## Trees\n\nTrees of 1900\n\n| Kind | Year |\n| --- | --- |\n"
        "| Oak | 1900.5 |\n| Ash | 7 |\n\n"
    )
    assert left_out == [("comment", "Count again.")]


@pytest.mark.parametrize(
    "ending", ["odt", "odp", "ods", "pptx", "xlsx", "rtf", "mhtml"]
)
def test_what_is_not_of_its_format_is_refused_in_one_sentence(tmp_path, ending):
    for data in (b"", b"hello", b"PK\x03\x04"):
        (tmp_path / f"a.{ending}").write_bytes(data)
        with pytest.raises(InputError) as refusal:
            read(tmp_path / f"a.{ending}")
        assert str(refusal.value).startswith(f"a.{ending} ")
        assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("ending", ["odt", "pptx", "xlsx"])
def test_a_zip_bomb_is_refused(tmp_path, ending):
    files.zip_of(
        tmp_path / f"a.{ending}", {f"{n}": bytes(10 * 2**20) for n in range(5)}
    )
    with pytest.raises(InputError, match="zip bomb"):
        read(tmp_path / f"a.{ending}")
