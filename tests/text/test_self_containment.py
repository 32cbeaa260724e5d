# ruff: noqa: RUF001
"""Questions that can be understood without their text, in several languages."""

import pytest

from autolearn.text import self_containment


@pytest.mark.parametrize(
    ("question", "alone"),
    [
        ("When was Avel founded?", True),
        ("Who is the author of The Long Road?", True),
        ("What does the text say about Avel?", False),
        ("When was it founded?", False),
        ("What is Avel known for and who founded it?", True),
        ("According to Avel, who won?", False),
    ],
)
def test_a_question_must_stand_alone(question, alone):
    assert self_containment.stands_alone(question) is alone


FILM = "# Sweetland (film)\n\nIt is a sequel to Wonder (2017).The film came to Rome."
FILM_FR = "# Avel\n\nAda tourne en 1841. Le film sort en 1842."
WORK = "# Orlo Bridge\n\nPrincipal work began in 1841. Its builder, Ada, began it."
MOON = "# The Moon (2023 film)\n\nThe Moon is a film. It came in 2023."
CLOCKS = "# Horology\n\nThe oldest clock in Avel is by Ada. The clock was lost."


@pytest.mark.parametrize(
    ("question", "source", "alone"),
    [
        ("What is the music composer?", "Falimy is a film. Vishnu composed it.", False),
        ("Who composed the music of Falimy?", "Falimy is a film.", True),
        ("Who composed the music of Sandhya?", "Falimy is a film.", False),
        ("When was the film released in 1999?", "Falimy came in 1999.", True),
        ("Кто построил мельницу в Авеле?", "Мельница стоит в Авеле.", True),
        ("Кто построил это?", "Мельница стоит в Авеле.", False),
        ("城市的北面是什么时候被烧毁的?", "城市的北面在一七一二年被烧毁。", True),
        ("那是什么?", "城市的北面在一七一二年被烧毁。", False),
        ("Who first found the marsh beetle?", "# Marsh beetle\n\nTamm did.", True),
        ("Who first found it?", "# Marsh beetle\n\nTamm did.", False),
        ("Who found the thing?", "# Marsh beetle\n\nTamm did.", False),
        ("When did the film premiere in Rome?", FILM, False),
        ("When did the film Sweetland premiere in Rome?", FILM, True),
        ("Who stars in the sequel to Wonder (2017)?", FILM, True),
        ("Wer spielt die Rolle der Ada im Film von 2023?", FILM, True),
        ("Quand le film est-il sorti en 1842 ?", FILM_FR, False),
        ("When was the Moon released in 2023?", MOON, True),
        ("Who made the oldest clock in Avel?", CLOCKS, True),
        ("Who made the oldest clock?", CLOCKS, False),
        ("Who made the clock in Avel?", CLOCKS, False),
        ("When did Principal work begin?", WORK, False),
        ("When did Ada begin?", WORK, True),
        ("When did work on the Orlo Bridge begin?", WORK, True),
        ("why do the old mills stand still?", "old mills stand in the north", True),
    ],
)
def test_a_question_must_name_something_of_its_text(question, source, alone):
    assert self_containment.stands_alone(question, source) is alone


COST = (
    "# The Cost (2022 film)\n\nThe Cost is a 2022 Australian revenge drama directed by "
    "Ada Horn. It is a remake of Avel, and took five months."
)
COST_FR = "# Avel (film)\n\nAvel est un film breton en couleurs de 1841."


@pytest.mark.parametrize(
    ("question", "source", "alone"),
    [
        ("Who directed the 2022 Australian revenge drama?", COST, False),
        ("How long did the drama take?", COST, False),
        ("What is the name of the 2022 Australian revenge drama?", COST, False),
        ("What is the name of the drama directed by Ada Horn?", COST, True),
        ("Who directed the revenge drama The Cost?", COST, True),
        ("Who directed the remake of Avel?", COST, True),
        ("Who directed the 2023 Australian revenge drama?", COST, True),
        (
            "Who directed the 2022 Australian revenge drama?",
            COST.partition("\n")[2],
            False,
        ),
        ("Qui a tourné le film breton ?", COST_FR, False),
        ("Qui a tourné le film breton Avel ?", COST_FR, True),
    ],
)
def test_a_description_that_the_text_gives_its_subject_does_not_name_it(
    question, source, alone
):
    """The text introduces it with an indefinite article."""
    assert self_containment.stands_alone(question, source) is alone


@pytest.mark.parametrize(
    ("question", "alone"),
    [
        ("โรงสีเก่าในเชียงใหม่สร้างเมื่อใด", True),
        ("ใครสร้างมันขึ้นมา", False),
        # It has most letters of the first line.
        ("สิ่งนี้อยู่ในเมืองโบราณแห่งใหม่อย่างไร", False),
    ],
)
def test_a_thai_question_must_name_something_of_its_text(question, alone):
    text = "โรงสีเก่าในเชียงใหม่สร้างขึ้นในปี 1711 โดยเอดา"
    assert self_containment.stands_alone(question, text) is alone


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("Wer leitet laut dem Text Avel?", "Wer leitet nach Artikel 5 Avel?"),
        ("Wo liegt das im Textabschnitt genannte Avel?", "Wo liegt Avel?"),
        ("Selon le texte, qui dirige Avel ?", "Selon Ada, qui dirige Avel ?"),
        ("Qui dirige Avel dans l'extrait ?", "Qui dirige Avel ?"),
        ("Según el texto, ¿quién dirige Avel?", "¿Quién dirige Avel?"),
        ("根据文本，谁领导阿韦尔？", "根据文化部，谁领导阿韦尔？"),
        ("本文中谁领导阿韦尔？", "日本文化是什么？"),
        ("该片的导演是谁？", "阿韦尔应该由谁领导？"),
        ("它位于哪里？", "谁找到阿韦尔并给它命名？"),
        ("文中谁领导阿韦尔？", "阿韦尔在中文里怎么说？"),
    ],
)
def test_a_question_speaks_of_its_text_in_no_language(question, other):
    """Once, only English was read."""
    assert not self_containment.stands_alone(question)
    assert self_containment.stands_alone(other)


FILM_DE = "# Agra (Film)\n\nDer Film kam 1999 heraus. Ada führte die Regie in ihm."
OWL_DE = "# Eule\n\nDie Eule ist ein Vogel. Sie lebt in den Wäldern von Avel."


@pytest.mark.parametrize(
    ("question", "source", "alone"),
    [
        ("Wann kam der Film heraus?", FILM_DE, False),
        ("Wann kam der Film Agra heraus?", FILM_DE, True),
        ("Wo lebt die Eule?", OWL_DE, True),
        ("Quelle est l'année du film ?", FILM_FR, False),
    ],
)
def test_a_german_noun_is_no_name_for_its_capital(question, source, alone):
    """Once, "der Film" was taken for a name, since German nouns have capitals."""
    assert self_containment.stands_alone(question, source) is alone
