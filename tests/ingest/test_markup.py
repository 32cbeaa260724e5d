# ruff: noqa: RUF001
"""Pages: superscripts, tables, formulas, code, wrappers, lists of languages."""

import pytest

from autolearn.ingest import readers
from tests.support import files


def page(tmp_path, body):
    (tmp_path / "a.html").write_text(f"<html><body>{body}</body></html>")
    pieces = list(readers.open_source(tmp_path / "a.html", "a.html").pieces)
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    return text.strip(), [(p.left_out, p.text) for p in pieces if p.left_out]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("1.6&times;10<sup>-19</sup> C", "1.6×10^-19 C"),
        ("2<sup>n+1</sup> and e<sup>x</sup>", "2^(n+1) and e^x"),
        ("40 m<sup>3</sup>/s, 5 s<sup>−1</sup>", "40 m^3/s, 5 s^−1"),
        (
            "the mill closed.<sup>7</sup> In 1877<sup>12</sup> it",
            "closed.[7] In 1877[12] it",
        ),
        ("a village<sup><a href='#n3'>3</a></sup>", "a village[3]"),
        ("in 1812<a role='doc-noteref' href='#n'>5</a> he", "in 1812[5] he"),
        ("U<sub>235</sub>, <sup>238</sup>U", "U235, ^238U"),
        ("Fe<sub>2</sub>O<sub>3</sub>, SO<sub>4</sub><sup>2-</sup>", "Fe2O3, SO4^(2-)"),
        (
            "log<sub>2</sub>8, 101<sub>2</sub>, v<sub>max</sub>",
            "log_(2)8, 101_2, v_max",
        ),
        (
            "the 3<sup>rd</sup>, XIV<sup>e</sup>, Acme<sup>TM</sup>",
            "the 3rd, XIVe, AcmeTM",
        ),
        ("20<sup>o</sup>C", "20°C"),
        ("12<sup>2</sup> = 144, 1600<sup>2</sup> + 1", "12^2 = 144, 1600^2 + 1"),
        ("cosh<sup>2</sup> x, 60 feet<sup>2</sup>", "cosh^2 x, 60 feet^2"),
        (f"x{'<sup> </sup>' * 300}<sup>2</sup> y", "x^2 y"),
    ],
)
def test_superscripts_and_subscripts_stay_apart(tmp_path, html, text):
    assert text in page(tmp_path, f"<p>{html}</p>")[0]


def test_merged_cells_are_repeated_and_header_rows_joined(tmp_path):
    text, _ = page(
        tmp_path,
        "<table><thead><tr><th rowspan=2>Town</th><th colspan=2>People</th></tr>"
        "<tr><th>1900</th><th>1950</th></tr></thead><tr><td colspan=3>North</td></tr>"
        "<tr><td rowspan=2>Avel</td><td>3</td><td>4</td></tr><tr><td>5</td><td>a|b</td>"
        "</tr></table>",
    )
    assert text.splitlines() == [
        "| Town | People / 1900 | People / 1950 |",
        "| --- | --- | --- |",
        "| North |  |  |",
        "| Avel | 3 | 4 |",
        r"| Avel | 5 | a\|b |",
    ]


def test_a_name_of_several_rows_is_no_name_of_a_column(tmp_path):
    text, _ = page(
        tmp_path,
        "<table><tr><th>Year</th><th>Month</th></tr><tr><th rowspan=3>1904</th></tr>"
        "<tr><td>May</td></tr><tr><td>June</td></tr></table>",
    )
    rows = "| 1904 | May |\n| 1904 | June |"
    assert text == f"| Year | Month |\n| --- | --- |\n{rows}"


@pytest.mark.parametrize(
    ("first", "other", "header"),
    [
        (("Town", "1931"), ("Avel", "340"), "| Town | 1931 |"),
        (("Avel", "1711"), ("Orlo", "1725"), "|  |  |"),
        (("1711", "Avel"), ("1725", "Orlo"), "|  |  |"),
    ],
)
def test_years_without_marks_of_names_name_columns_unless_all_rows_have_them(
    tmp_path, first, other, header
):
    html = "".join(
        f"<tr>{''.join(f'<td>{text}</td>' for text in row)}</tr>"
        for row in (first, other)
    )
    text, _ = page(tmp_path, f"<table>{html}</table>")
    assert text.splitlines()[0] == header
    assert text.endswith(f"| {' | '.join(other)} |")


def test_cells_that_are_not_closed_and_spans_without_bounds_are_read(tmp_path):
    text, _ = page(
        tmp_path, "<table><tr><th>A<th>B<tr><td>1<td>2<tr><td>3<td>4</table>"
    )
    assert text == "| A | B |\n| --- | --- |\n| 1 | 2 |\n| 3 | 4 |"
    cell = "<td rowspan=65000 colspan=65000>x</td>"
    rows = "".join(f"<tr>{cell}<td>{n}</td></tr>" for n in range(50))
    text, _ = page(tmp_path, f"<table><tr><th>A</th></tr>{rows}</table>")
    assert len(text) < 100_000
    assert all(f" {n} |" in text for n in range(50))


def test_a_table_in_a_cell_is_readable_and_a_layout_table_is_unfolded(tmp_path):
    inner = (
        "<table><tr><td>Oak</td><td>4</td></tr><tr><td>Ash</td><td>9</td></tr></table>"
    )
    text, _ = page(
        tmp_path,
        f"<table><tr><th>Park</th><th>Trees</th></tr><tr><td>East</td><td>{inner}</td>"
        "</tr></table>",
    )
    assert "| East | Oak, 4; Ash, 9 |" in text
    text, _ = page(
        tmp_path,
        "<table><tr><td><h2>Park</h2><p>It is old.</p></td>"
        f"<td>{inner}</td></tr></table>",
    )
    assert text.startswith("## Park\n\nIt is old.\n\n|")
    assert "| Oak | 4 |" in text


@pytest.mark.parametrize(
    ("html", "text"),
    [
        (
            "<math><semantics><mi>q</mi><annotation encoding='application/x-tex'>"
            "{\\displaystyle q=\\tfrac 35}</annotation></semantics></math>",
            "is $q=\\tfrac 35$ here",
        ),
        ("<math alttext='r=9'><mi>r</mi></math>", "is $r=9$ here"),
        ("<math><msqrt><mn>83</mn></msqrt></math>", "is $\\sqrt{83}$ here"),
        (
            "<mml:math><mml:msup><mml:mn>10</mml:mn><mml:mn>23</mml:mn></mml:msup>"
            "</mml:math>",
            "is $10^{23}$ here",
        ),
        ("<script type='math/tex'>s=4</script>", "is $s=4$ here"),
        (
            "<span class='MathJax_Preview'>t</span>"
            "<script type='math/tex'>t=5</script>",
            "is $t=5$ here",
        ),
        (
            "<mjx-container><svg></svg><mjx-assistive-mml><math><mi>u</mi><mo>=</mo>"
            "<mn>6</mn></math></mjx-assistive-mml></mjx-container>",
            "is $u = 6$ here",
        ),
        ("<img class='latex' alt='w_1=8' src='a.png'>", "is $w_1=8$ here"),
    ],
)
def test_formulas_become_latex(tmp_path, html, text):
    assert text in page(tmp_path, f"<p>It is {html} here.</p>")[0]


def test_a_formula_that_cannot_be_converted_is_listed(tmp_path):
    text, left_out = page(
        tmp_path, "<p>It is <math><unknown>zeta</unknown></math>.</p>"
    )
    assert "zeta" not in text
    assert left_out == [("formula that could not be converted", "zeta")]


def test_a_bar_in_a_formula_does_not_end_a_cell(tmp_path):
    formula = "<math alttext='|x|'><mi>x</mi></math>"
    text, _ = page(
        tmp_path,
        f"<table><tr><th>A</th><th>B</th></tr><tr><td>{formula}</td><td>2</td></tr></table>",
    )
    assert r"| $\vert x\vert $ | 2 |" in text


def test_code_keeps_its_lines_and_a_paragraph_is_no_heading(tmp_path):
    code = "# stop it\n\n\n    kill 12\n```\n"
    text, left_out = page(
        tmp_path,
        f"<pre class='language-sh'>{code}</pre><p># not a heading</p><table><tr>"
        "<td class='linenos'><pre>1\n2</pre></td><td><pre>a\n  b</pre></td></tr>"
        "</table>",
    )
    assert f"````sh\n{code}````" in text
    assert "\n\\# not a heading" in text
    assert "```\na\n  b\n```" in text
    assert left_out == [("line numbers", "1\n2")]


def test_a_form_or_a_hidden_element_with_most_of_the_page_is_read(tmp_path):
    for wrapper in ("form", "div style='display: none'", "aside"):
        text, _ = page(tmp_path, f"<{wrapper}><p>{'The mill is old. ' * 9}</p>")
        assert "The mill is old." in text
    text, left_out = page(
        tmp_path,
        f"<p>{'The mill is old. ' * 9}</p><form>Your name</form>"
        "<p style='display:none'>x</p>",
    )
    assert "Your name" not in text
    assert left_out == [("form", "Your name"), ("hidden", "x")]


def test_lists_of_languages_are_left_out(tmp_path):
    names = {"de": "Deutsch", "fr": "Français", "ja": "日本語", "he": "עברית"}
    items = "".join(
        f"<li><a lang='{code}' hreflang='{code}' href='//{code}.x.org'>{name}</a></li>"
        for code, name in names.items()
    )
    text, left_out = page(tmp_path, f"<p>The mill.</p><ul>{items}</ul>")
    assert text == "The mill."
    assert left_out == [("list of languages", " ".join(names.values()))]
    links = (
        "<p>It is <a hreflang='de' href='/'>here</a> in German, and more is said.</p>"
    )
    assert "in German" in page(tmp_path, links)[0]


def test_soft_hyphens_are_dropped_and_boxes_kept(tmp_path):
    text, _ = page(tmp_path, "<p>Wind&shy;mühle <input type=checkbox checked>yes</p>")
    assert text == "Windmühle ☒ yes"


def test_descriptions_titles_and_drawings_are_listed(tmp_path):
    (tmp_path / "b.html").write_text(
        "<html><head><title>Mills</title></head><body><p>Old <img alt='a mill'>"
        "<img alt='☀'>"
        "</p><svg><text>North</text></svg></body></html>"
    )
    pieces = list(readers.open_source(tmp_path / "b.html", "b.html").pieces)
    assert [(p.left_out, p.text) for p in pieces if p.left_out] == [
        ("title of the page", "Mills"),
        ("description of a picture", "a mill"),
        ("text in a drawing", "North"),
    ]
    assert "☀" in "".join(p.text for p in pieces if not p.left_out)


def test_notes_of_a_book_are_text_and_page_numbers_are_not(tmp_path):
    chapter = (
        "<body><p>It burned in 18<span epub:type='pagebreak'>31</span>77"
        "<a epub:type='noteref' href='#n'>1</a><aside epub:type='footnote' id='n'>By "
        "night.</aside> and rose again.</p><aside>A mill grinds.</aside></body>"
    )
    files.epub_of(tmp_path / "a.epub", [chapter])
    pieces = list(readers.open_source(tmp_path / "a.epub", "a.epub").pieces)
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    assert (
        text
        == "It burned in 1877[1] and rose again.\n\nBy night.\n\nA mill grinds.\n\n"
    )
    assert ("page number", "31") in [(p.left_out, p.text) for p in pieces]
