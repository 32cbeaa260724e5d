"""Word: fields, boxes, signs, code, tables, changes, charts and parts of a file."""

import zipfile

import pytest

from autolearn.core.errors import InputError
from tests.support import files
from tests.support.documents import read

PARAGRAPH = "<w:p><w:r><w:t xml:space='preserve'>{}</w:t></w:r></w:p>"


def word(tmp_path, body, **parts):
    files.docx_of(tmp_path / "a.docx", body, **parts)
    return read(tmp_path / "a.docx")


def test_the_main_part_of_a_word_file_is_named_by_its_relations(tmp_path):
    text, _ = word(tmp_path, PARAGRAPH.format("It is old."), main="other/text7.xml")
    assert text == "It is old.\n\n"


def test_deleted_text_comments_and_page_heads_are_listed(tmp_path):
    body = (
        "<w:p><w:r><w:t>Old</w:t></w:r><w:del><w:r><w:delText> mill</w:delText></w:r>"
        "</w:del><w:ins><w:r><w:t> bridge</w:t></w:r></w:ins></w:p>"
    )
    more = {f"{name}.xml": PARAGRAPH.format(name) for name in ("header1", "comments")}
    text, left_out = word(tmp_path, body, more=more)
    assert text == "Old bridge\n\n"
    assert left_out == [
        ("deleted in a tracked change", "mill"),
        ("head of the page", "header1"),
        ("comment", "comments"),
    ]


def test_text_boxes_fields_and_line_breaks_of_word_are_read_once(tmp_path):
    box = f"<w:txbxContent>{PARAGRAPH.format('In a box.')}</w:txbxContent>"
    drawing = f"<w:drawing><wps:wsp><wps:txbx>{box}</wps:txbx></wps:wsp></w:drawing>"
    body = (
        "<w:p><w:r><mc:AlternateContent><mc:Choice Requires='wps'>"
        f"{drawing}</mc:Choice><mc:Fallback><w:pict>{box}</w:pict></mc:Fallback>"
        "</mc:AlternateContent></w:r><w:fldSimple w:instr='DATE'><w:r><w:t>7 May</w:t>"
        "</w:r></w:fldSimple><w:r><w:cr/><w:t>1877</w:t></w:r></w:p>"
    )
    text, _ = word(tmp_path, body)
    assert text.split() == ["7", "May", "1877", "In", "a", "box."]


def test_signs_of_other_fonts_in_word_are_read_or_listed(tmp_path):
    sign = '<w:r><w:sym w:font="{}" w:char="{}"/></w:r>'.format
    run = "<w:r><w:t xml:space='preserve'>{}</w:t></w:r>".format
    body = run("at ") + sign("Arial", "2264") + run("5 ")
    body += sign("Euclid Symbol", "F0B1") + run("1 ") + sign("Odd Signs", "F041")
    text, left_out = word(tmp_path, f"<w:p>{body}</w:p>")
    assert text.split() == ["at", "≤5", "±1"]
    assert left_out == [("sign of a font of pictures", "Odd Signs F041")]


def test_code_in_word_is_recognised_and_lists_with_spaces_are_not(tmp_path):
    lines = ["while True:", "    wait(3)", "    stop()", "All is said."]
    text, _ = word(tmp_path, "".join(map(PARAGRAPH.format, lines)))
    assert "```\nwhile True:\n    wait(3)\n    stop()\n```\n\nAll is said." in text
    lines = ["We need:", "  Two oaks from the north", "  Nine ashes"]
    text, _ = word(tmp_path, "".join(map(PARAGRAPH.format, lines)))
    assert "```" not in text
    run = '<w:r><w:rPr><w:rFonts w:ascii="Courier New"/></w:rPr><w:t>{}</w:t></w:r>'
    body = "".join(f"<w:p>{run.format(line)}</w:p>" for line in ("# go", "run"))
    assert word(tmp_path, body)[0] == "```\n# go\nrun\n```\n\n"


def test_entities_and_too_many_tags_are_refused(tmp_path):
    entity = '<!DOCTYPE x [<!ENTITY a "b">]>'
    files.zip_of(
        tmp_path / "a.docx", {"word/document.xml": f"{entity}<x>&a;</x>".encode()}
    )
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "a.docx")
    many = b"<x>" + b"<p/>" * 2_000_001 + b"</x>"
    with zipfile.ZipFile(tmp_path / "b.docx", "w") as archive:
        archive.writestr("word/document.xml", many)
    with pytest.raises(InputError, match="too many parts"):
        read(tmp_path / "b.docx")


def test_the_chosen_entry_of_a_list_in_a_form_is_text(tmp_path):
    field = (
        '<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList><w:result '
        'w:val="1"/><w:listEntry w:val="red"/><w:listEntry w:val="blue"/></w:ddList>'
        "</w:ffData></w:fldChar></w:r><w:r><w:instrText>FORMDROPDOWN</w:instrText></w:r>"
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:fldChar '
        'w:fldCharType="end"/></w:r><w:r><w:t> it is</w:t></w:r>'
    )
    assert word(tmp_path, f"<w:p>{field}</w:p>")[0] == "blue it is\n\n"


def test_deleted_rows_cells_and_ends_of_paragraphs(tmp_path):
    def row(first, second, more="", properties=""):
        cells = f"<w:tc>{more}{PARAGRAPH.format(first)}</w:tc>"
        cells += f"<w:tc>{PARAGRAPH.format(second)}</w:tc>"
        return f"<w:tr>{properties}{cells}</w:tr>"

    deleted = '<w:trPr><w:del w:id="1"/></w:trPr>'
    gone = '<w:tcPr><w:cellDel w:id="2"/></w:tcPr>'
    end = '<w:pPr><w:rPr><w:del w:id="3"/></w:rPr></w:pPr>'
    text, left_out = word(
        tmp_path,
        PARAGRAPH.format("It is ").replace("<w:p>", f"<w:p>{end}")
        + PARAGRAPH.format("not old.")
        + f"<w:tbl>{row('Oden', '1')}{row('Tarn', '2', '', deleted)}"
        + f"{row('Lost', '3', gone)}</w:tbl>",
    )
    assert text.startswith("It is not old.\n\n")
    assert "Tarn" not in text
    assert "Lost" not in text
    assert sorted(left_out) == [
        ("deleted in a tracked change", "Lost"),
        ("deleted in a tracked change", "Tarn 2"),
    ]


def test_fonts_of_signs_breaks_and_contents_of_word(tmp_path):
    def run(text, font):
        fonts = f'<w:rPr><w:rFonts w:ascii="{font}"/></w:rPr>'
        return f"<w:r>{fonts}<w:t xml:space='preserve'>{text}</w:t></w:r>"

    contents = (
        '<w:sdt><w:sdtPr><w:docPartObj><w:docPartGallery w:val="Table of Contents"/>'
        f"</w:docPartObj></w:sdtPr><w:sdtContent>{PARAGRAPH.format('Pits 3')}"
        "</w:sdtContent></w:sdt>"
    )
    body = (
        f"{contents}<w:p>{run('5 ', 'Arial')}{run('m', 'Symbol')}{run('g ', 'Arial')}"
        f"{run('&#xf0fe;', 'Wingdings')}<w:r><w:br w:type='page'/></w:r>"
        f"{run('paid', 'Arial')}</w:p>"
    )
    text, left_out = word(tmp_path, body)
    assert text == "5 μg ☑ paid\n\n"
    assert left_out == [("table of contents", "Pits 3")]


def test_pages_within_a_word_document_are_text_and_other_formats_are_listed(tmp_path):
    page = "<html><body><p>It has 10<sup>5</sup> cells.</p></body></html>"
    archive = f"Content-Type: text/html\n\n{page.replace('It', 'She')}"
    files.docx_of(
        tmp_path / "a.docx",
        PARAGRAPH.format("Before."),
        more={"aFChunk1.xml": "", "aFChunk2.xml": "", "aFChunk3.xml": ""},
    )
    with zipfile.ZipFile(tmp_path / "a.docx") as old:
        members = {name: old.read(name) for name in old.namelist()}
    relations = members["word/_rels/document.xml.rels"]
    for name, kind, data in (
        *(("aFChunk1", "html", page), ("aFChunk2", "mht", archive)),
        ("aFChunk3", "rtf", "{}"),
    ):
        relations = relations.replace(f"{name}.xml".encode(), f"{name}.{kind}".encode())
        del members[f"word/{name}.xml"]
        members[f"word/{name}.{kind}"] = data.encode()
    members["word/_rels/document.xml.rels"] = relations
    files.zip_of(tmp_path / "a.docx", members)
    text, left_out = read(tmp_path / "a.docx")
    assert text.split("\n\n")[:-1] == [
        "Before.",
        "It has 10^5 cells.",
        "She has 10^5 cells.",
    ]
    assert left_out == [("document in another format", "word/aFChunk3.rtf")]


def test_charts_are_tables_of_their_values(tmp_path):
    def points(name, values):
        cells = "".join(f"<pt idx='{i}'><v>{v}</v></pt>" for i, v in enumerate(values))
        return f"<{name}>{cells}</{name}>"

    series = (
        points("tx", ["Oaks"]) + points("cat", [1900, 1950]) + points("val", [3, 7])
    )
    chart = f"<chart><ser>{series}</ser></chart>"
    text, _ = word(tmp_path, PARAGRAPH.format("Trees"), more={"chart1.xml": chart})
    assert "|  | Oaks |\n| --- | --- |\n| 1900 | 3 |\n| 1950 | 7 |" in text


def test_each_series_of_a_scatter_chart_has_its_own_places(tmp_path):
    def points(name, values):
        cells = "".join(f"<pt idx='{i}'><v>{v}</v></pt>" for i, v in enumerate(values))
        return f"<{name}>{cells}</{name}>"

    def series(name, x, y):
        return (
            f"<ser>{points('tx', [name])}{points('xVal', x)}{points('yVal', y)}</ser>"
        )

    chart = f"<chart>{series('A', [1, 2], [10, 20])}{series('B', [5], [50])}</chart>"
    text, _ = word(tmp_path, PARAGRAPH.format("Trees"), more={"chart1.xml": chart})
    assert "|  | A |  | B |\n| --- | --- | --- | --- |\n| 1 | 10 | 5 | 50 |" in text
    assert "| 2 | 20 |  |  |" in text


def test_labels_of_two_levels_are_joined(tmp_path):
    def points(values):
        return "".join(f"<pt idx='{i}'><v>{v}</v></pt>" for i, v in values.items())

    inner = points({0: "Q1", 1: "Q2", 2: "Q1"})
    levels = f"<lvl>{inner}</lvl><lvl>{points({0: 2023, 2: 2024})}</lvl>"
    series = (
        f"<tx>{points({0: 'Oaks'})}</tx><val>{points({0: 3, 1: 7, 2: 9})}</val>"
        f"<cat><multiLvlStrRef>{levels}</multiLvlStrRef></cat>"
    )
    chart = f"<chart><ser>{series}</ser></chart>"
    text, _ = word(tmp_path, PARAGRAPH.format("Trees"), more={"chart1.xml": chart})
    assert "| 2023 / Q1 | 3 |\n| 2023 / Q2 | 7 |\n| 2024 / Q1 | 9 |" in text
