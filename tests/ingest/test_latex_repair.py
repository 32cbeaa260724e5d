"""What can be read of malformed LaTeX, and what is said of the rest."""

from collections import Counter

import pytest

from autolearn.core.errors import InputError
from autolearn.ingest import readers
from autolearn.ingest.readers import latex_repair
from autolearn.ingest.readers.left_out import LeftOut

FIRST, LAST = "Tarn lies by the lake.", "The road leads to Oden."


def read(path, middle, end="\\end{document}\n"):
    path.write_text(
        f"\\documentclass{{article}}\n\\begin{{document}}\n{FIRST}\n\n{middle}\n\n{LAST}"
        f"\n{end}",
        encoding="utf-8",
    )
    pieces = list(readers.open_source(path, path.name).pieces)
    text = "".join(piece.text for piece in pieces if not piece.left_out)
    left_out = [piece.text for piece in pieces if piece.left_out]
    return text, left_out, [piece.note for piece in pieces if piece.note]


@pytest.mark.parametrize(
    ("middle", "kept", "fault"),
    [
        ("The {\\em upper pit.", "upper pit.", "line 5: { is not closed"),
        ("The upper} pit.", "The upper pit.", "line 5: } closes nothing"),
        (
            "\\begin{itemize}\n\\item Cart\n\\item Ferry",
            "- Cart\n- Ferry",
            "line 5: \\begin{itemize} is not closed",
        ),
        ("Six.\n\\end{enumerate}", "Six.", "line 6: \\end{enumerate} closes nothing"),
        (
            "\\begin{center}\n\\begin{quote}\nSix wheels.\n\\end{center}\n\\end{quote}",
            "Six wheels.",
            "line 6: \\begin{quote} is not closed",
        ),
        (
            "\\begin{tabular}{ll}\nPit & Upper \\\\\nYear & 1931",
            "Year | 1931",
            "line 5: \\begin{tabular} is not closed",
        ),
        ("\\section{The pit", "# The pit", "line 5: { is not closed"),
    ],
)
def test_what_is_not_closed_is_mended_and_named(tmp_path, middle, kept, fault):
    text, _, notes = read(tmp_path / "a.tex", middle)
    assert text.startswith(FIRST)
    assert kept in text
    assert LAST in text
    assert len(notes) == 1
    assert fault in notes[0]


@pytest.mark.parametrize(
    "middle",
    [
        "It weighs $x + 7 tons.",
        "\\begin{equation}\nx = 7",
        "See \\verb|cart\nsix| here.",
    ],
)
def test_a_paragraph_that_cannot_be_read_is_left_out_and_the_rest_is_read(
    tmp_path, middle
):
    text, left_out, notes = read(tmp_path / "a.tex", middle)
    assert text.split("\n\n")[:2] == [FIRST, LAST]
    assert left_out == [middle]
    assert len(notes) == 1


def test_a_document_that_ends_too_early_is_read(tmp_path):
    text, _, notes = read(tmp_path / "a.tex", "Six wheels.", end="")
    assert text.split() == f"{FIRST} Six wheels. {LAST}".split()
    assert "\\begin{document} is not closed" in notes[0]


def test_well_formed_sources_give_no_note(tmp_path):
    middle = "A \\% sign, \\$5, $x^2$ and \\verb|{|.\n\n% } no brace\n\n{\\em Six}"
    text, _, notes = read(tmp_path / "a.tex", middle)
    assert notes == []
    assert "$x^2$" in text


def test_what_cannot_be_mended_is_refused():
    def convert(text):
        raise InputError("cannot be parsed: line 2: broken")

    with pytest.raises(InputError, match="broken"):
        latex_repair.convert_malformed("\\begin{document}\nSix", convert, LeftOut())


def test_no_letter_is_lost_by_mending():
    parts = ["{", "}", "$", "Six", "\\begin{quote}", "\\end{quote}", "wheels", "\n\n"]
    for seed in range(40):
        order = [parts[(seed * 7 + n * (seed + 3)) % len(parts)] for n in range(12)]
        left_out, source = LeftOut(), " ".join(order)
        result, _ = latex_repair.convert_malformed(
            source, lambda text: text.encode(), left_out
        )
        pieces = left_out.pieces(result.decode(), starts_passage=False, share=1)
        kept = Counter(letter for piece in pieces for letter in piece.text)
        assert not Counter(c for c in source if c in "Sxwhls") - kept


def test_the_rest_of_a_text_is_searched_only_for_verbatim_ends(monkeypatch):
    class Text(str):
        n_searches = 0

        def find(self, *args):
            type(self).n_searches += 1
            return super().find(*args)

    text = Text("\\begin{a}" * 50 + "\\begin{verbatim}" * 50)
    mended = latex_repair._Mender(text, LeftOut()).mend()
    assert mended.count("\\end{") == 100
    assert Text.n_searches == 1
