import os
import random
import zipfile
from itertools import pairwise
from pathlib import Path

import pytest

from autolearn.core.errors import InputError
from autolearn.ingest import importer, readers
from tests.support import files, rich_files

TOWNS = [
    "The town of Avel was founded in 1830 by a company of weavers. It is well known "
    "for its stone bridge & its <b>market</b>, which is held on every first Monday.",
    "Dr. Brandt has led it since 1994! Is it old? “Not very,” she says.",
    "一つの町。とても古い。",
]


def read(path):
    source = readers.open_source(path, path.name)
    pieces = list(source.pieces)
    return "".join(p.text for p in pieces if not p.left_out), pieces, source


def texts_left_out(pieces):
    return [(p.left_out, p.text) for p in pieces if p.left_out]


def test_line_ends_are_unified(tmp_path):
    file = tmp_path / "a.md"
    file.write_bytes("# Ä\r\nText.\r".encode())
    text, _, source = read(file)
    assert text == "# Ä\nText.\n"
    assert (source.media_type, source.note) == ("text/markdown", "")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32"])
def test_a_byte_order_mark_sets_the_encoding(tmp_path, encoding):
    file = tmp_path / "a.txt"
    file.write_bytes("Grüße aus Avel".encode(encoding))
    assert read(file)[0] == "Grüße aus Avel"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1252", "Die Brücke über den Fluß ist schön. Köln wurde früh gegründet.\n"),
        ("cp1251", "Город был основан в тысяча восьмисотом году около реки.\n"),
        ("shift_jis", "この町は千八百三十年に作られました。とても古い町です。\n"),
    ],
)
def test_another_encoding_is_recognised_and_shown(tmp_path, encoding, text):
    file = tmp_path / "a.txt"
    file.write_bytes(b"A plain line.\n" * 1000 + (5 * text).encode(encoding))
    content, _, source = read(file)
    assert text in content
    assert "was read as" in source.note
    assert text[:10] in source.note


def test_a_few_bytes_of_another_encoding_are_read_and_counted(tmp_path):
    file = tmp_path / "a.txt"
    file.write_bytes("Größe ".encode() * 100 + b"caf\xe9")
    text, _, source = read(file)
    assert text.endswith("café")
    assert source.note.startswith("1 byte is not UTF-8 and was read as Windows-1252")


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("a.txt", b"PK\x03\x04\x00\x00\xff\xfe", "is not text"),
        ("a.txt", b"text\x00text", "is not text"),
        ("a.txt", bytes(range(1, 32)) * 20, "is not text"),
        ("a.doc", b"x", "a .doc file, which cannot be read; save it as .docx"),
        ("a", b"x", "a file without an extension"),
        ("a.pdf", b"%PDF-1.4", "damaged or no PDF"),
        ("a.pdf", b"hello", "damaged or no PDF"),
        ("a.docx", b"hello", "damaged"),
        ("a.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more", "password"),
        ("a.epub", b"PK\x03\x04", "damaged"),
        (
            "a.jsonl",
            b"nonsense\n",
            "no row with a text. 1 row was skipped: row that is",
        ),
        ("a.jsonl", b'{"question": "Q?", "answer": "A."}', "as quiz"),
        ("a.jsonl", b"[" * 100_000, "no row with a text"),
        ("a.csv", b"a,b\n,\n", "no row with a text. 1 row was skipped: blank row"),
        ("a.html", b"<div>" * 100_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path, name, data, says):
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=says) as error:
        read(tmp_path / name)
    sentence = str(error.value)
    assert sentence.startswith(f"{name} ")
    assert sentence.count("\n") == 0


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"There is no file none\.txt"):
        read(tmp_path / "none.txt")
    (tmp_path / "folder.txt").mkdir()
    with pytest.raises(InputError, match=r"folder\.txt is not a regular file"):
        read(tmp_path / "folder.txt")


def test_a_folder_gives_what_can_be_read_and_an_empty_one_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"has no file that can be read \(\.txt"):
        readers.files(tmp_path)
    assert readers.skipped_in(tmp_path) == []
    (tmp_path / "old.doc").write_text("x")
    with pytest.raises(InputError, match=r"Not read in .*: \.doc \(1; save it as"):
        readers.files(tmp_path)
    for name in ("b.md", "a.TXT", "c.py", "d.py", "NOTES", ".hidden"):
        (tmp_path / name).write_text("x")
    assert [p.name for p in readers.files(tmp_path)] == ["a.TXT", "b.md"]
    assert readers.skipped_in(tmp_path) == [
        f"Not read in {tmp_path}: .py (2), .doc (1; save it as .docx), "
        "without an extension (1)."
    ]
    for number in range(9):
        (tmp_path / f"x.{number}").touch()
    (sentence,) = readers.skipped_in(tmp_path)
    assert sentence.endswith(", 4 more kinds.")


def test_a_linked_file_is_read_by_the_name_of_the_link(store, tmp_path):
    (tmp_path / "blobs").mkdir()
    (tmp_path / "blobs" / "abc123").write_text("Old.")
    (tmp_path / "train.txt").symlink_to("blobs/abc123")
    _, (file,) = importer.stage(store, [tmp_path / "train.txt"], [], None)
    assert (file.path, file.name) == (tmp_path / "train.txt", "train.txt")


def test_files_with_names_that_are_not_utf_8_are_named_storably(tmp_path):
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/x.\xff")).touch()
    assert readers.skipped_in(tmp_path) == [f"Not read in {tmp_path}: .? (1)."]


def test_a_pdf_becomes_running_text_without_heads_and_divided_words(tmp_path):
    path = tmp_path / "a.pdf"
    text = (
        "It was led by weavers who had come over the moun- tains from the far north. "
    )
    files.pdf(
        path, [text.replace("moun- tains", "mountains") * 3] * 12, "Report of Avel"
    )
    content, pieces, _ = read(path)
    assert content.split() == (text.replace("moun- tains", "mountains") * 36).split()
    heads = [text for why, text in texts_left_out(pieces) if why == "running head"]
    assert heads.count("Report of Avel") >= 2
    assert {"1", "2"} <= set(heads)


def test_a_word_that_is_divided_in_a_pdf_is_whole_again(tmp_path, monkeypatch):
    monkeypatch.setattr(
        files,
        "lines",
        lambda _: ["It was founded by a com-", "pany of weavers in Avel."],
    )
    files.pdf(tmp_path / "a.pdf", ["any"])
    content, pieces, _ = read(tmp_path / "a.pdf")
    assert content == "It was founded by a company of weavers in Avel.\n\n"
    assert texts_left_out(pieces) == [("hyphen at the end of a line", "-")]


def test_scanned_and_encrypted_pdfs_are_rejected_with_a_message(tmp_path):
    files.pictures_only(tmp_path / "scan.pdf")
    with pytest.raises(InputError, match=r"scan\.pdf has no text, only pictures"):
        read(tmp_path / "scan.pdf")
    files.pdf(tmp_path / "locked.pdf", TOWNS[:1], password="secret")
    with pytest.raises(InputError, match=r"locked\.pdf is encrypted"):
        read(tmp_path / "locked.pdf")


def test_a_truncated_pdf_is_refused(tmp_path):
    files.pdf(tmp_path / "a.pdf", TOWNS[:1] * 50)
    data = (tmp_path / "a.pdf").read_bytes()
    (tmp_path / "a.pdf").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "a.pdf")


def test_a_page_becomes_markdown_without_its_navigation(tmp_path):
    (tmp_path / "a.html").write_text(
        "<html><body><nav>Home</nav><h1>Avel</h1><p>Old\n town<!-- no --></p>"
        "<table><tr><th>Year</th><th>Event</th></tr><tr><td>1830</td><td>founded</td>"
        "</tr></table><pre><code>a = 1\nb = 2</code></pre><ul><li>one</li></ul>"
        "<p hidden>secret</p><footer><nav>in</nav> foot</footer></body></html>"
    )
    text, pieces, _ = read(tmp_path / "a.html")
    assert text.startswith("# Avel\n\nOld town\n\n| Year | Event |\n| --- | --- |")
    assert "```\na = 1\nb = 2\n```" in text
    assert "- one" in text
    assert texts_left_out(pieces) == [
        ("navigation", "Home"),
        ("hidden", "secret"),
        ("foot of the page", "in foot"),
    ]


def test_links_to_places_of_a_page_are_left_out_where_they_stand_alone(tmp_path):
    jumps = "".join(f'<li><a href="#{p}">Part {p}</a></li>' for p in "abc")
    (tmp_path / "a.html").write_text(
        "<html><head><title>T</title></head><body> <div><a href='#text'>Skip to the "
        f"text</a></div><h1>Avel</h1><ul>{jumps}</ul>"
        "<p>See <a href='#a'>part a</a>.</p>"
        "<ul><li><a href='#a'>Part a</a>, on mills</li><li><a href='#b'>Part b</a></li>"
        "<li><a href='#c'>Part c</a></li></ul><ol><li><a href='b.html'>B</a></li>"
        "<li><a href='c.html'>C</a></li><li><a href='d.html'>D</a></li></ol></body>"
    )
    text, pieces, _ = read(tmp_path / "a.html")
    assert ("navigation", "Skip to the text") in texts_left_out(pieces)
    assert ("table of contents", "Part a Part b Part c") in texts_left_out(pieces)
    assert text.split("\n\n")[:2] == ["# Avel", "See part a."]
    assert "- Part a, on mills\n- Part b\n- Part c" in text
    assert "1. B" in text


def test_a_page_is_decoded_as_it_declares(tmp_path):
    page = '<html><head><meta charset="cp1252"></head><body>Grüße</body></html>'
    (tmp_path / "a.html").write_bytes(page.encode("cp1252"))
    assert read(tmp_path / "a.html")[0].strip() == "Grüße"


def test_a_word_document_becomes_markdown(tmp_path):
    files.docx(tmp_path / "a.docx", TOWNS, "Towns")
    assert read(tmp_path / "a.docx")[0] == "# Towns\n\n" + "\n\n".join(TOWNS) + "\n\n"


def test_a_book_is_read_in_its_order_and_each_chapter_opens_a_passage(tmp_path):
    files.epub(tmp_path / "a.epub", [TOWNS[1:], TOWNS[:1]])
    text, pieces, _ = read(tmp_path / "a.epub")
    assert text.split() == " ".join([*TOWNS[1:], *TOWNS[:1]]).split()
    assert [p.starts_passage for p in pieces if not p.left_out] == [True, True]
    assert [why for why, _ in texts_left_out(pieces)] == ["table of contents"]


def test_paths_in_a_book_cannot_reach_files_outside_it(tmp_path):
    (tmp_path / "secret.xhtml").write_text("<p>secret</p>")
    files.epub(tmp_path / "a.epub", [TOWNS[:1]], href="../../secret{n}.xhtml")
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "a.epub")


def test_a_copy_protected_book_is_rejected_with_a_message(tmp_path):
    lock = (
        '<encryption xmlns:e="http://www.w3.org/2001/04/xmlenc#"><e:EncryptedData>'
        '<e:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/>'
        "</e:EncryptedData></encryption>"
    )
    files.epub(tmp_path / "a.epub", [TOWNS], more={"META-INF/encryption.xml": lock})
    with pytest.raises(InputError, match="protected against copying"):
        read(tmp_path / "a.epub")


def test_entities_that_multiply_are_refused(tmp_path):
    names = "abcdefghij"
    entities = '<!ENTITY a "lol">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in pairwise(names)
    )
    bomb = f"<!DOCTYPE x [{entities}]><x>&j;</x>".encode()
    files.zip_of(tmp_path / "a.epub", {"META-INF/container.xml": bomb})
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "a.epub")
    files.zip_of(tmp_path / "a.docx", {"word/document.xml": bomb})
    with pytest.raises(InputError, match="damaged"):
        read(tmp_path / "a.docx")


@pytest.mark.parametrize("kind", ["docx", "epub"])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path, kind):
    path = tmp_path / f"a.{kind}"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for n in range(5):
            archive.writestr(f"{n}", bytes(10 * 2**20))
    with pytest.raises(InputError, match="zip bomb"):
        read(path)


def test_rows_are_texts_of_their_own(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"title": "A\\nb", "text": "One."}\n\n"Two."\n')
    text, pieces, _ = read(tmp_path / "a.jsonl")
    assert text == "## A b\n\nOne.\n\nTwo.\n\n"
    assert all(piece.starts_passage for piece in pieces if piece.text)
    (tmp_path / "a.csv").write_text('Title;Text\nA;"One;\n\ntwo."\n\nB;Three.\n')
    assert read(tmp_path / "a.csv")[0] == "## A\n\nOne;\n\ntwo.\n\n## B\n\nThree.\n\n"


def test_surrogates_and_zeros_are_replaced(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800b\\u0000c"}\n')
    assert read(tmp_path / "a.jsonl")[0] == "a\ufffdb\ufffdc\n\n"


def words(rng, n):
    letters = "abcdefghijklmnop"
    parts = ("".join(rng.choices(letters, k=rng.randint(1, 12))) for _ in range(n))
    return " ".join(
        word.title() + rng.choice(("", "", ".", ",", "?")) for word in parts
    )


_ADDED = {"#", "t", "##", "Trees", "Count", "again."}
"""Names of pages and sheets, and a comment in a sheet."""


@pytest.mark.parametrize("kind", [*files.KINDS, *rich_files.PLAIN])
def test_every_word_is_read_or_reported_as_left_out(tmp_path, kind):
    for seed in range(6):
        rng = random.Random(seed)
        paragraphs = [words(rng, rng.randint(1, 60)) for _ in range(rng.randint(1, 30))]
        path, head = tmp_path / f"{seed}.{kind}", words(rng, 3)
        if kind in rich_files.PLAIN:
            rich_files.write_plain(path, paragraphs)
        else:
            files.write(path, paragraphs, head)
        _, pieces, _ = read(path)
        words_out = "".join(
            f" {p.text} " if p.left_out else p.text for p in pieces
        ).split()
        words_in = " ".join(paragraphs).split()
        rest = iter(words_out)
        assert all(word in rest for word in words_in), "in their order"
        visible = set(
            " ".join(
                [*paragraphs, head, "Home News © Avel Contents of the book"]
            ).split()
        )
        assert {w for w in words_out if not w.isdigit()} <= visible | _ADDED
        assert all(0 < piece.share <= 1 for piece in pieces)
