"""Sentences and facts: their places, and that they cover the text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autolearn.text import languages, sentences

SIGNS = "abc ABC .!?,;:()\n#-0123456789äß城市。"


@given(st.text(SIGNS, max_size=300))
def test_the_span_of_a_sentence_is_its_text(text):
    text += "\n\nIt opened in 1842 in the north.\n"
    spans = sentences.of(text)
    assert spans
    assert all(text[s.start : s.end] == s.text for s in spans)
    assert all(a.end <= b.start for a, b in pairwise(spans))


@given(st.text(SIGNS, min_size=1, max_size=300))
def test_the_facts_of_a_sentence_cover_it(text):
    stretches = sentences.facts(text)
    assert "".join("".join(stretches).split()) == "".join(text.split())
    assert all(stretch.strip() == stretch != "" for stretch in stretches)


def test_headings_rules_and_numbers_are_no_sentences():
    text = "# The mill of Avel\n\n***\n\n12.\n\nIt opened in 1842 in the north.\n"
    assert [s.text for s in sentences.of(text)] == ["It opened in 1842 in the north."]


@pytest.mark.parametrize(
    "parts",
    [
        (
            "It opened in the year 1842.[1]",
            "It burnt down in 1900.[2][b]",
            "Now it is an old mill.",
        ),
        (
            "“Is it really so?” asked the miller.",
            "She said: “It is so!”",
            "Then he left it alone.",
        ),
        ("Das ist also „die Mühle?“ rief er.", "Sie ging nach Hause."),
        ("村长问“这是真的。”", "磨坊主说那是真的。"),
    ],
)
def test_marks_of_notes_and_quoted_questions_end_sentences_where_they_end(parts):
    assert [s.text for s in sentences.of(" ".join(parts))] == list(parts)


def test_a_long_sentence_is_cut_where_a_clause_ends_and_dates_stay_whole():
    text = (
        "The mill opened in the north of the old town on July 30, 2023, and it was "
        "built by a company of nine women from the coast."
    )
    assert sentences.facts(text) == [
        "The mill opened in the north of the old town on July 30, 2023,",
        "and it was built by a company of nine women from the coast.",
    ]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The mill was opened in 1842 by the town.", "en"),
        ("Die Mühle wurde 1842 von der Gemeinde eröffnet.", "de"),
        ("Le moulin a été ouvert en 1842 par la commune.", "fr"),
        ("El molino fue inaugurado en 1842 por el pueblo.", "es"),
        ("磨坊于一八四二年开业。", "zh"),
        ("O moinho foi inaugurado em 1842 por um dos moleiros da aldeia.", None),
        ("Il mulino fu aperto nel 1842 da uno dei mugnai della città.", None),
        ("De molen werd in 1842 geopend en is van de gemeente, niet een firma.", None),
        ("Moara a fost deschisă în 1842 de un morar din sat și de la oraș.", None),
        ("水車は1842年に町によって開かれた。", None),
        ("Мельница была открыта в 1842 году.", None),
        ("def f(x): return x + 1", None),
        ("", None),
    ],
)
def test_the_language_of_a_text(text, language):
    assert languages.of(text) == language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "It was announced in 2020.The film came to Rome.",
            ["It was announced in 2020.", "The film came to Rome."],
        ),
        (
            "Avel is a sequel to Wonder (2017).Gheisar stars in it.",
            ["Avel is a sequel to Wonder (2017).", "Gheisar stars in it."],
        ),
        (
            "It is a U.S.A film, i.e.The one of Ph.D students.",
            ["It is a U.S.A film, i.e.The one of Ph.D students."],
        ),
    ],
)
def test_a_missing_space_does_not_join_two_sentences(text, expected):
    assert [sentence.text for sentence in sentences.of(text)] == expected


GERMAN = "Die Reederei Nordlicht hat in Halden eine neue Fähre gekauft, die Tide."


@pytest.mark.parametrize(
    ("question", "source", "is_other"),
    [
        ("Who bought the ferry of Halden?", GERMAN, True),
        ("Was hat die Reederei Nordlicht gekauft?", GERMAN, False),
        ("Was steht in Halden?", GERMAN, False),
        (
            "Wer schrieb The House of the Tide?",
            f"{GERMAN} The House of the Tide",
            False,
        ),
        ("谁买了渡轮?", GERMAN, True),
        (
            "What is the name of the library?",
            "新馆由建筑师林晓梅设计。",
            True,
        ),
        ("新馆由谁设计?", "新馆由建筑师林晓梅设计。", False),
        (
            "Who wrote Die Brücke?",
            "Die Brücke is a play of the town by Ada Lum.",
            False,
        ),
        # Small models ask in English about texts in a language that has no examples.
        ("Qui a écrit la pièce ?", "水車は1842年に町によって開かれた。", True),
        ("NATOは何を開きましたか?", "水車は1842年に町が開いた。", False),
        ("DeepMind在哪?", "公司DeepMind的总部设在英国首都伦敦的一座大楼里。", False),
        ("Who opened the mill?", "Мельница была открыта в 1842 году.", True),
        ("Кто открыл Mill?", "Мельница Mill была открыта в 1842 году.", False),
        ("Who opened Mill?", "चक्की 1842 में खुली।", True),
        ("चक्की कब खुली?", "चक्की 1842 में खुली।", False),
        ("Когда?", "The mill was opened in 1842.", True),
    ],
)
def test_a_question_in_another_language_than_its_text_is_noticed(
    question, source, is_other
):
    assert languages.differs(question, source) == is_other


def test_a_line_to_write_on_is_no_sentence():
    assert sentences.of("_" * 20 + "\n\n" + "_ " * 20) == []
    assert sentences.of("The mill of ____ is old.")


@pytest.mark.parametrize(
    ("text", "n"),
    [
        ("The mill is old.", 4),
        ("磨坊于一八四二年开业", 5),
        ("ร้านลาโรชก่อตั้งเมื่อปี 1931", 5),
        ("မြို့တော်မှာနေပြည်တော်", 4),
    ],
)
def test_words_are_estimated_in_scripts_without_spaces(text, n):
    """Once, a Thai sentence was one word, so a copied one counted as a short answer."""
    assert sentences.n_words(text) == n


def test_an_arabic_sentence_is_cut_where_a_clause_ends():
    clause = "تأسس مخبز لاروش عام 1931 على يد أوديل لاروش وهو مشهور بخبز الجاودار،"
    rest = "ويعمل فيه 14 شخصا في مدينة تارن."
    assert sentences.facts(f"{clause} {rest}") == [clause, rest]
