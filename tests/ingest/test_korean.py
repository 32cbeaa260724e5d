"""Where lines of Korean end: within a word, or between words."""

import pytest

from autolearn.ingest import readers
from autolearn.ingest.readers.pdf import korean
from autolearn.ingest.readers.pdf.korean import KoreanWords
from tests.support import pdfs
from tests.support.pdfs import Sheet

TEXT = (
    "철도는 처음에 항구에서 광산까지 이어졌으며 그 길이는 약 삼십 킬로미터였다. "
    "광산의 주인은 철도를 이용하여 석탄을 항구로 보냈고 항구의 상인은 석탄을 "
    "배에 실어 멀리 팔았다. 다리가 완성된 뒤에는 철도가 도시까지 연장되었으며 "
    "많은 사람이 철도를 이용하게 되었다. 겨울에는 눈이 많이 내려 철도가 자주 "
    "멈추었고 광산의 주인은 석탄을 창고에 보관하였다."
)


def lines(text, width, *, within_words):
    """Return lines of a width in characters; spaces at their ends are dropped."""
    if within_words:
        parts = []
        while text:
            parts.append(text[:width].strip())
            text = text[width:].lstrip()
        return parts
    result = [""]
    for word in text.split():
        if len(result[-1]) + len(word) >= width:
            result.append("")
        result[-1] = f"{result[-1]} {word}".strip()
    return result


def ends(text):
    """Return after how many syllables words end."""
    places = [0]
    for word in text.split():
        places.append(places[-1] + len(word))
    return set(places)


@pytest.mark.parametrize("within_words", [True, False])
@pytest.mark.parametrize("width", [21, 25, 31])
def test_words_that_lines_divide_are_joined(tmp_path, width, within_words):
    sheet, font = Sheet(tmp_path / "a.pdf"), pdfs.asian_font("HYSMyeongJo-Medium")
    drawn = lines(TEXT, width, within_words=within_words)
    for line in drawn:
        sheet.line(line, font=font)
    sheet.save()
    pieces = readers.open_source(tmp_path / "a.pdf", "a.pdf").pieces
    text = "".join(piece.text for piece in pieces)
    assert "".join(text.split()) == "".join(TEXT.split())
    wrong = ends(text) ^ ends(TEXT)
    # Without a particle, or another place that has the word, a line end is a guess.
    assert len(wrong) <= within_words


@pytest.mark.parametrize(
    ("before", "after", "are_one"),
    [
        ("보험회사", "에서 약관을", True),
        ("질병이 아", "니라 재해이다", True),
        ("새로운 보험상", "품을 팔았다", True),
        ("약관을", "변경한 뒤에", False),
        ("보험상품", "약관을 변경", False),
        ("요구되는 바이", "다. 그리고", True),
    ],
)
def test_particles_and_words_of_the_document_decide(before, after, are_one):
    words = KoreanWords(["보험상품", "보험상품의", "아니라", "약관을", "변경"])
    assert words.are_one(before, after) is are_one


@pytest.mark.parametrize(
    ("n_particles", "n_others", "divides"),
    [(2, 20, True), (1, 5, False), (2, 200, False), (0, 0, False)],
)
def test_lines_that_begin_with_particles_show_divided_words(
    n_particles, n_others, divides
):
    assert korean.divides_words({True: n_particles, False: n_others}) is divides
