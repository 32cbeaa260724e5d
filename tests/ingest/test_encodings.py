# ruff: noqa: RUF001
import pytest

from autolearn.core.errors import InputError
from autolearn.core.reading import ReadingChoices
from autolearn.ingest import readers
from autolearn.ingest.readers import encodings

TEXTS = {
    "cp1252": [
        "It is 21 °C in Avel.",
        "7 €",
        "½ of 30 m² at 4 °C",
        "“Kell’s mill” — that’s it…",
        "Größe",
        "L’été à Nîmes coûte 12 € ; l’œuvre est là.",
        "El niño cumplió años en España. ¿Dónde está?",
        "A ponte não é tão antiga; a construção começou em 1712.",
        "På ön bor många människor i små hus vid älven.",
        "The soufflé at Zoë’s café is £7.",
    ],
    "cp1250": [
        "Żaden człowiek nie wie, gdzie leży ten dom nad rzeką.",
        "Dům u řeky je starý a všichni ho znají.",
        "Az őrség a vízimalom mellett élt; a tűz után elköltöztek.",
    ],
    "iso8859-2": ["Největší dům stojí u řeky a všichni ho znají, i když je žlutý."],
    "cp1251": [
        "Эта мельница сгорела в прошлом веке.",
        "Цей будинок стоїть біля річки, і його знають усі.",
        "Тази къща е стара и всички я познават.",
    ],
    "koi8-r": ["Эта мельница сгорела в прошлом веке."],
    "cp866": ["Эта мельница сгорела в прошлом веке, а дом остался."],
    "mac-cyrillic": ["Эта мельница сгорела в прошлом веке, а Дом остался."],
    "cp1253": ["Ο παλιός μύλος κάηκε πριν από πολλά χρόνια."],
    "cp1254": ["Eski değirmen uzun yıllar önce yandı, şimdi başka bir ev var."],
    "cp1255": ["הטחנה הישנה נשרפה לפני שנים רבות."],
    "cp1256": ["احترقت الطاحونة القديمة قبل سنوات عديدة."],
    "cp1257": ["Senasis malūnas sudegė prieš daugelį metų, o žmonės išėjo į miestą."],
    "cp874": [
        "โรงสีเก่าถูกไฟไหม้เมื่อหลายปีก่อน",
        "โรงสีปิดในปี พ.ศ. 2363 แต่ไม่ได้ขาย และแม่น้ำยังคงไหลผ่าน",
    ],
    "cp932": ["古い水車小屋は何年も前に焼けてしまった。"],
    "euc_jis_2004": ["古い水車小屋は何年も前に焼けてしまった。"],
    "iso2022_jp_2": ["古い水車小屋は何年も前に焼けてしまった。"],
    "hz": ["古老的磨坊很多年前就被烧毁了。"],
    "utf-7": ["Die Mühle brannte ab; die Straße heißt jetzt „Größe“ + 1."],
    "cp949": ["오래된 방앗간은 여러 해 전에 불탔습니다."],
    "gb18030": ["古老的磨坊很多年前就被烧毁了。"],
    "big5hkscs": ["古老的磨坊很多年前就被燒毀了。"],
    "utf-16-le": [
        "The old mill burned.",
        "古老的磨坊很多年前就被烧毁了。城市的北面有一座新的磨坊。",
    ],
    "utf-16-be": ["Эта мельница сгорела."],
    "utf-32-le": ["The old mill burned."],
    "mac-roman": [
        "Die Mühle brannte ab; die Straße heißt jetzt „Größe“.",
        "“The old mill,” she said, “burned in 1877—no later.”",
    ],
    "cp850": ["Die Mühle ist später abgebrannt, und die Bürger gründeten sie neu."],
}


def read(path, encoding=""):
    source = readers.open_source(path, path.name, ReadingChoices(encoding))
    return "".join(piece.text for piece in source.pieces), source


@pytest.mark.parametrize(
    ("encoding", "text"), [(e, text) for e, texts in TEXTS.items() for text in texts]
)
def test_a_text_in_an_unknown_encoding_is_read_right(tmp_path, encoding, text):
    path = tmp_path / "a.txt"
    path.write_bytes(text.encode(encoding))
    got, source = read(path)
    assert got == text
    assert text[:10] in source.note
    assert source.encodings[0].name == source.encoding
    assert len(source.encodings) <= encodings.MOST
    assert len({c.preview for c in source.encodings}) > len(source.encodings) / 2


def test_what_the_first_encoding_cannot_decode_is_read_in_the_next(tmp_path):
    path = tmp_path / "a.txt"
    # The byte 98 is a letter in KOI8-R and nothing in Windows-1251.
    line = "Эта мельница сгорела в прошлом веке.\n".encode("cp1251")
    path.write_bytes(line * 3000 + b"\x98")
    got, source = read(path)
    assert source.encoding != "cp1251"
    assert "�" not in got
    assert {c.name for c in source.encodings} >= {"cp1251", source.encoding}


@pytest.mark.parametrize(
    ("head", "encoding"),
    [
        ("# -*- coding: iso-8859-7 -*-\n", "iso8859-7"),
        ('<?xml version="1.0" encoding="KOI8-R"?>\n', "koi8-r"),
        ("# vim: set fileencoding=mac_roman :\n", "mac-roman"),
    ],
)
def test_a_declared_encoding_is_believed(tmp_path, head, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes(head.encode() + bytes(range(0xE1, 0xF9)))
    assert read(path)[1].encoding == encoding
    assert read(path)[1].encodings == ()


@pytest.mark.parametrize(
    ("name", "encoding"),
    [
        ("iso-8859-1", "cp1252"),
        ("us-ascii", "cp1252"),
        ("ISO-8859-9", "cp1254"),
        ("gb2312", "gb18030"),
        ("Shift_JIS", "cp932"),
        ("euc-kr", "cp949"),
    ],
)
def test_a_declared_encoding_is_read_as_in_browsers(tmp_path, name, encoding):
    text = {"gb18030": "朱镕基", "cp932": "①髙", "cp949": "뷁"}.get(encoding, "“5 €”")
    page = f'<meta charset="{name}"><p>Called {text} by all.</p>'
    (tmp_path / "a.html").write_bytes(page.encode(encoding))
    assert read(tmp_path / "a.html")[0].strip() == f"Called {text} by all."
    head = f"MIME-Version: 1.0\nContent-Type: text/html; charset={name}\n\n"
    (tmp_path / "a.mhtml").write_bytes((head + page).encode(encoding))
    assert read(tmp_path / "a.mhtml")[0].strip() == f"Called {text} by all."


def test_a_declared_encoding_that_is_none_or_does_not_fit_is_passed_over(tmp_path):
    path = tmp_path / "a.txt"
    for name in ("klingon", "shift_jis", "base64"):
        text = f"# coding: {name}\nDie Mühle heißt Größe.\n"
        path.write_bytes(text.encode("cp1252"))
        assert read(path)[0] == text


def test_a_chosen_encoding_goes_before_all_others(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Młyn".encode("cp1250"))
    got, source = read(path, "latin-1")
    assert (got, source.encoding) == ("M³yn", "iso8859-1")
    assert "cp1250" in {candidate.name for candidate in source.encodings}
    path.write_bytes("Grüße".encode("utf-8-sig"))
    assert read(path, "cp1252")[0] == "ï»¿GrÃ¼ÃŸe"


def test_bytes_that_are_not_in_the_chosen_encoding_are_named(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("Größe".encode("cp1252"))
    got, source = read(path, "utf-8")
    assert got == "Gr\ufffd\ufffde"
    assert source.note == "some bytes are not in UTF-8"


@pytest.mark.parametrize("name", ["klingon", "base64", "rot13", "idna\0"])
def test_a_chosen_name_that_is_no_encoding_is_refused(tmp_path, name):
    (tmp_path / "a.txt").write_text("x")
    says = r"a\.txt cannot be read as .* not an encoding"
    with pytest.raises(InputError, match=says):
        read(tmp_path / "a.txt", name)


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x01\x02\x03" * 40,
        bytes(range(256)) * 4,
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\2\x80\0\0\1\xe0\x08\6\0\0\0",
    ],
)
def test_bytes_that_are_no_text_are_refused(tmp_path, data):
    (tmp_path / "a.txt").write_bytes(data)
    with pytest.raises(InputError, match="is not text"):
        read(tmp_path / "a.txt")


def test_plain_utf_8_is_not_doubted(tmp_path):
    (tmp_path / "a.txt").write_text("Größe, Żółw, 97 °C", encoding="utf-8")
    _, source = read(tmp_path / "a.txt")
    assert (source.encoding, source.encodings, source.note) == ("utf-8", (), "")


@pytest.mark.parametrize(
    "text",
    ["1+1=2; C++, a+B-c, +4917012345, me+TAG@x.org", "~{name} is ~{x~}", "Fig.~5"],
)
def test_signs_that_begin_no_other_characters_are_themselves(tmp_path, text):
    (tmp_path / "a.txt").write_text(text)
    got, source = read(tmp_path / "a.txt")
    assert (got, source.note) == (text, "")


def test_the_doubt_about_the_encoding_of_a_page_is_told(tmp_path):
    path = tmp_path / "a.html"
    path.write_bytes("<p>Die Mühle heißt „Größe“.</p>".encode("cp1252"))
    got, source = read(path)
    assert got.strip() == "Die Mühle heißt „Größe“."
    assert "Windows-1252" in source.note
    assert read(path, "cp1251")[0].strip() == "Die Mьhle heiЯt „GrцЯe“."
    path.write_bytes('<meta charset="cp1251"><p>Мельница</p>'.encode("cp1251"))
    got, source = read(path)
    assert (got.strip(), source.note) == ("Мельница", "")
