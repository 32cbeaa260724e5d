# ruff: noqa: RUF001
"""Pages as Word, Google Docs, LaTeXML, Notion, Sphinx and others write them."""

import pytest

from autolearn.ingest import readers
from autolearn.ingest.readers import markup, style_sheets
from tests.support import files


def read(path):
    """Return the text of a file, and what is left out by its reason."""
    pieces = list(readers.open_source(path, path.name).pieces)
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    return text.strip(), [(p.left_out, p.text) for p in pieces if p.left_out]


def page(tmp_path, body, style=""):
    path = tmp_path / "a.html"
    head = f"<head><style>{style}</style></head>"
    path.write_text(f"<html>{head}<body>{body}</body></html>", encoding="utf-8")
    return read(path)


STYLE = """
/* Google Docs */ .c1 { vertical-align: super } span.lo, b { vertical-align: sub }
.up{font-size:58%;vertical-align:5px} .cross{text-decoration:line-through}
.cell > .gone, .box { vertical-align: super }
@media print { .seen { display: none } }
.gone { display: none } .gone.now { display: inline }
.note b.price, .now > .later { display: none } .price { display: inline }
.away { display: none !important } p .away { display: inline }
.frac > .num, .frac .den { vertical-align: super; font-size: 70% }
.frac > .den { vertical-align: sub } .row { display: inline-flex }
"""


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ('10<span class="c1">5</span>/m<span class="c1 x">3</span>', "10^5/m^3"),
        ('x<span class="lo">max</span>', "x_max"),
        ('4 × 10<span class="up">7</span> m', "4 × 10^7 m"),
        ('at 10<font style="position:relative;top:-4pt;font-size:8pt">6</font> Hz',
         "at 10^6 Hz"),
        ('<span class="superscript">227</span>Ac', "^227Ac"),
        ('it is <span class="cross">12</span> 14', "it is ~~12~~ 14"),
        ('in <span class="gone now">May</span>', "in May"),
        ('in <span class="seen">June</span>', "in June"),
        ('It<span class="note"> is <u><b class="price">5</b></u></span>.', "It is ."),
        ('Not <span class="price">5</span>', "Not 5"),
        ('on<span class="away"> May</span> 5', "on 5"),
        ('<span class="now"><i>in</i> <i class="later">May</i></span>', "*in*"),
        ('<span class="now">in <i><u class="later">May</u></i></span>', "in *May*"),
        ('2<span class="frac"><i class="num">1</i>/<i class="den">2</i></span> m',
         "2 1/2 m"),
        ('<span class="row"><b>2019</b><b>34</b></span>', "**2019** **34**"),
        ('<input type="hidden" value="3">Fee: <input value="12">kr', "Fee: 12 kr"),
        ('<b class="cross">By law</b> <strike>12</strike> 14',
         "**~~By law~~** ~~12~~ 14"),
        ('5 <font face="Symbol">m</font>g', "5 μg"),
        ('a <span style=\'font-family:Symbol\'>&sup3;</span> 3', "a ≥ 3"),
        ('<span style="font-family:Wingdings">þ</span> Paid', "☑ Paid"),
    ],
)  # fmt: skip
def test_what_only_a_style_says_is_written(tmp_path, html, text):
    assert page(tmp_path, f"<p>{html}</p>", STYLE)[0] == text


def test_what_a_style_sheet_hides_is_listed(tmp_path):
    html = '<p>It was sold<span class="gone"> by law</span>.</p>'
    assert page(tmp_path, html, STYLE) == ("It was sold.", [("hidden", "by law")])


def test_style_sheets_of_books_and_archives_are_followed(tmp_path):
    body = '<p>All 10<span class="Char-3">8</span> cells.</p>'
    link = '<link rel="stylesheet" href="{}"/>'
    sheet = ".Char-3 { font-size: 58%; vertical-align: super; }"
    chapter = (
        f"<html><head>{link.format('../css/a.css')}</head><body>{body}</body></html>"
    )
    files.epub_of(tmp_path / "a.epub", [chapter], more={"OEBPS/css/a.css": sheet})
    assert read(tmp_path / "a.epub")[0] == "All 10^8 cells."
    (tmp_path / "a.mhtml").write_text(
        'MIME-Version: 1.0\nContent-Type: multipart/related; boundary="X"\n\n--X\n'
        f"Content-Type: text/html\n\n{link.format('cid:css-1')}{body}\n--X\n"
        f"Content-Type: text/css\nContent-Location: cid:css-1\n\n{sheet}\n--X--\n"
    )
    assert read(tmp_path / "a.mhtml")[0] == "All 10^8 cells."


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("3<sup>1</sup>/<sub>2</sub> inches, <sup>5</sup>&frasl;<sub>8</sub>",
         "3 1/2 inches, 5/8"),
        ("at 20 <sup>0</sup>C, 10<sup>0</sup>", "at 20 °C, 10^0"),
        ("(of zero)<sup>3–5</sup>, Kell<sup>2,*</sup>", "(of zero)[3–5], Kell[2,*]"),
        ("1.5<sup>a</sup> m, 2<sup>e</sup>", "1.5^a m, 2e"),
        ('CO<sub>2</sub>.<a href="a.xhtml#n1">1</a> In', "CO2.[1] In"),
        ('chapter <a href="#c3">3</a>, 12<a href="#c">km</a>', "chapter 3, 12km"),
        ('SO<span class="template-chem2-su"><span>2−</span><span>4</span></span>',
         "SO^(2−)_4"),
        ("<ruby>東京<rt>とうきょう</rt></ruby>都", "東京(とうきょう)都"),
    ],
)  # fmt: skip
def test_fractions_marks_and_pronunciations_stay_apart(tmp_path, html, text):
    assert page(tmp_path, f"<p>{html}</p>")[0] == text


def test_a_cell_may_begin_with_a_mass_number(tmp_path):
    html = "<table><tr><th>Nuclide<th>Half-life<tr><td><sup>225</sup>Ac<td>10 d</table>"
    assert "| ^225Ac | 10 d |" in page(tmp_path, html)[0]


def test_notes_in_a_sentence_follow_their_paragraph_in_order(tmp_path):
    note = (
        '<span class="ltx_note ltx_role_footnote"><sup class="ltx_note_mark">{0}</sup>'
        '<span class="ltx_note_outer"><span class="ltx_note_content"><sup '
        'class="ltx_note_mark">{0}</sup><span class="ltx_tag_note">{0}</span>{1}</span>'
        "</span></span>"
    )
    html = f"<p>One{note.format(1, 'Not wet.')} and two{note.format(2, 'Dry.')}.</p>"
    text, _ = page(tmp_path, f"{html}<p>Next.</p>")
    assert text == "One[1] and two[2].\n\n[1] Not wet.\n\n[2] Dry.\n\nNext."
    text, _ = page(
        tmp_path,
        '<p>It rose<label for="s" class="margin-toggle"></label><input type="checkbox" '
        'id="s" class="margin-toggle"><span class="sidenote">By 5 m.</span> again.</p>',
    )
    assert text == "It rose[1] again.\n\n[1] By 5 m."


def test_notes_that_open_on_demand_or_are_lists_of_asides_are_text(tmp_path):
    text, left_out = page(
        tmp_path,
        '<p>A.</p><aside class="footnote-list brackets"><aside role="doc-footnote"><a '
        'role="doc-backlink" href="#i">4</a> Not law.</aside></aside>'
        '<aside epub:type="footnote" hidden>Or 1713.</aside>',
    )
    assert " ".join(text.split()) == "A. 4 Not law. Or 1713."
    assert left_out == []


def test_links_of_headings_to_themselves_are_listed(tmp_path):
    html = '<h2>Start<a class="headerlink" href="#start">¶</a></h2><p>Go.</p>'
    text, left_out = page(tmp_path, html)
    assert text.split() == ["##", "Start", "Go."]
    assert left_out == [("navigation", "¶")]


def test_lines_of_code_in_elements_of_their_own_are_kept(tmp_path):
    line = (
        '<div class="ltx_listingline"><span class="ltx_tag_listingline">{}</span>'
        "{}</div>\n"
    )
    lines = line.format(1, "def f():") + line.format(2, "&nbsp; return 5")
    text, left_out = page(tmp_path, f'<div class="ltx_listing">{lines}</div>')
    assert text == "```\ndef f():\n  return 5\n```"
    assert [why for why, _ in left_out] == ["line numbers"] * 2
    text, _ = page(tmp_path, "<pre><div>a = 1</div><div>  b = 2</div></pre>")
    assert text == "```\na = 1\n  b = 2\n```"


@pytest.mark.parametrize(
    "html",
    [
        '<ul><li><div class="checkbox checkbox-on"></div> Paid</li>'
        '<li><div class="checkbox checkbox-off"></div> Sent</li></ul>',
        '<ul class="inline-task-list"><li class="checked">Paid</li><li>Sent</li></ul>',
        '<ul><li role="checkbox" aria-checked="true">Paid</li>'
        '<li role="checkbox" aria-checked="false">Sent</li></ul>',
    ],
)
def test_boxes_that_are_drawn_by_a_class_are_kept(tmp_path, html):
    text, _ = page(tmp_path, html)
    assert [line.split() for line in text.split("\n") if line] == [
        ["-", "☒", "Paid"],
        ["-", "☐", "Sent"],
    ]


def test_one_column_and_one_row_with_a_text_are_a_layout(tmp_path):
    long = "The pit was opened by two brothers from the coast. " * 8
    text, _ = page(
        tmp_path,
        "<table><tr><td><p>It leaves at 7:40.</p></td></tr><tr><td><table><tr><td>From"
        "</td><td>Oden</td></tr><tr><td>Fee</td><td>5</td></tr></table></td></tr></table>"
        f"<table><tr><td>Menu</td><td><p>{long}</p></td></tr></table>",
    )
    assert text.startswith("It leaves at 7:40.\n\n| From | Oden |")
    assert f"Menu\n\n{long.strip()}" in text


def test_equations_in_tables_are_lines(tmp_path):
    cells = "<td>{}</td><td><math alttext='{}'></math></td><td>{}</td>"
    rows = (cells.format("", "a=b", "(2)"), cells.format("", "c=5", "(3)"))
    text, _ = page(tmp_path, f"<table><tr>{rows[0]}</tr><tr>{rows[1]}</tr></table>")
    assert text.split("\n\n") == ["$a=b$ (2)", "$c=5$ (3)"]


def test_names_over_two_rows_without_marks_of_names_are_joined(tmp_path):
    text, _ = page(
        tmp_path,
        "<table><tr><td>Pit</td><td colspan=2>Depth</td></tr><tr><td></td><td>1990</td>"
        "<td>2000</td></tr><tr><td>East</td><td>3.2</td><td>4.1</td></tr></table>",
    )
    assert text.splitlines()[0] == "| Pit | Depth / 1990 | Depth / 2000 |"


def test_tables_by_their_roles_and_blocks_by_their_style_stay_apart(tmp_path):
    def row(kind, *texts):
        cells = "".join(f'<span role="{kind}">{text}</span>' for text in texts)
        return f'<div role="row">{cells}</div>'

    rows = row("columnheader", "Year", "Rain") + row("cell", "2020", "5")
    text, _ = page(
        tmp_path,
        f'<div role="table"><div role="rowgroup">{rows}</div></div>'
        '<p>Rain<span style="display: block">2021</span>7 mm</p>',
    )
    assert text == (
        "| Year | Rain |\n| --- | --- |\n| 2020 | 5 |\n\nRain\n\n2021\n\n7 mm"
    )


@pytest.mark.parametrize(
    "html",
    [
        "<table><td>Year</td><td>Rain</td></table>",
        "<td>Year</td><td>Rain</td>",
        "<table><tr><b><td>Year</td></b><td>Rain</td></tr></table>",
        '<div role="grid"><div role="row"><p><i role="x"><span role="cell">Year</span>'
        '</i></p><p><span role="cell">Rain</span></p></div></div>',
    ],
)
def test_no_cell_is_lost_wherever_it_stands(tmp_path, html):
    text, _ = page(tmp_path, html)
    assert "Year" in text
    assert "Rain" in text
    assert "YearRain" not in text


def test_rules_are_compared_once_for_elements_that_are_alike(monkeypatch):
    compared = []
    holds = style_sheets._Rule.holds

    def counted(rule, element, path):
        compared.append(element.tag.name)
        return holds(rule, element, path)

    monkeypatch.setattr(style_sheets._Rule, "holds", counted)
    sheet = ".rain td { top: 1px } .snow td { top: 2px } .rain .sum { top: 3px }"
    rows = '<tr><td id="a">1</td><td style="bottom: 4px">2</td></tr>' * 50
    soup = markup.parse(
        f'<style>{sheet}</style><table class="rain">{rows}'
        '<tr class="sum"><td>3</td></tr></table><table><tr><td>4</td></tr></table>'
    )
    style_sheets.apply(soup)
    first, second, *_, last, other = map(style_sheets.declarations, soup("td"))
    assert (first, second) == ({"top": "1px"}, {"top": "1px", "bottom": "4px"})
    assert (last, other) == ({"top": "1px"}, {})
    assert style_sheets.declarations(soup("tr")[50]) == {"top": "3px"}
    assert compared.count("td") == 3
