"""Persons in English sentences: performers, and lists of which an answer has a part."""

import pytest

from autolearn.text import persons

CAST = "The film stars Ada Horn as Tilda, a ferry pilot, and Bo Lind as her father."
NAMES = "Starring Ada Horn, B. Lind and Cy Moss with Di Rask, Avel is about Tilda."
ALSO = "The play's cast also includes Ada Horn, Élise Roy and Cy Moss."


@pytest.mark.parametrize(
    ("question", "answer", "sentence", "is_wrong"),
    [
        ("Who is the main character of Avel?", "Ada Horn", CAST, True),
        ("Who is the main character of Avel?", "Tilda", CAST, False),
        ("Who is the main character of Avel?", "Tilda", NAMES, False),
        ("Who are the characters of Avel?", "B. Lind", NAMES, True),
        ("Who is the protagonist of Avel?", "Di Rask", NAMES, True),
        ("Who plays the title character of Avel?", "Ada Horn", CAST, False),
        ("Which actor is the main character of Avel?", "Ada Horn", CAST, False),
        ("Who stars in Avel?", "Ada Horn", CAST, False),
        ("Who plays Tilda in Avel?", "Ada Horn", CAST, False),
        ("Who plays Ada Horn in Avel?", "Bo Lind", CAST, True),
        ("Who plays the role of Cy Moss in Avel?", "Di Rask", NAMES, True),
        ("Who played Élise Roy?", "Cy Moss", ALSO, True),
        ("Who is the main character?", "Ada", "The story follows Ada Horn.", False),
    ],
)
def test_a_performer_is_not_a_role(question, answer, sentence, is_wrong):
    assert persons.takes_performer_for_role(question, answer, sentence) is is_wrong


STAFF = "Avel was written and directed by Ada Horn and produced by Bo Lind."
SCORE = "Its songs were composed by Bo Lind and its original score is by Ada Horn."


@pytest.mark.parametrize(
    ("question", "answer", "sentence", "is_wrong"),
    [
        ("Who directed Avel?", "Bo Lind", STAFF, True),
        ("Who was the writer of Avel?", "Bo Lind", STAFF, True),
        ("Who directed Avel?", "Ada Horn", STAFF, False),
        ("Who wrote Avel?", "Ada Horn", STAFF, False),
        ("Who produced Avel?", "Bo Lind", STAFF, False),
        ("Who produced Avel?", "Ada Horn", STAFF, True),
        ("Who paid for Avel?", "Ada Horn", STAFF, False),
        ("Which year was Avel directed in?", "Bo Lind", STAFF, False),
        ("Who composed the score of Avel?", "Ada Horn", SCORE, False),
        ("Who directed Avel?", "Bo Lind", "Bo Lind directed Avel.", False),
    ],
)
def test_who_did_something_else_is_no_answer(question, answer, sentence, is_wrong):
    assert persons.takes_one_work_for_another(question, answer, sentence) is is_wrong


TWO = "Avel is a 1931 opera composed by Ada Horn and Bo Lind."
MANY = "A remake of Orlo, it stars Ada Horn, B. Lind, Cy Moss, and Di O'Rask in Rome."
PARTS = "Camera and sound were handled by Ada Horn and Bo Lind."
CLAUSES = "The pier was built by Ada Horn and Port Ellis paid for it."


@pytest.mark.parametrize(
    ("question", "sentence", "answer", "whole"),
    [
        ("Who composed Avel?", TWO, "Ada Horn", "Ada Horn and Bo Lind"),
        ("Who is the composer of Avel?", TWO, "Bo Lind", "Ada Horn and Bo Lind"),
        ("By whom was Avel composed?", TWO, "Ada Horn", "Ada Horn and Bo Lind"),
        ("Who composed Avel?", TWO, "Ada Horn composed it.", "Ada Horn and Bo Lind"),
        (
            "Who stars in Avel?",
            MANY,
            "Ada Horn",
            "Ada Horn, B. Lind, Cy Moss and Di O'Rask",
        ),
        # All are named, or none.
        ("Who composed Avel?", TWO, "It was Ada Horn and Bo Lind.", None),
        ("Who composed Avel?", TWO, "Cy Moss", None),
        # Not what the list answers.
        ("Who composed Avel with Bo Lind?", TWO, "Ada Horn", None),
        ("Who sang in Avel?", TWO, "Ada Horn", None),
        ("Which opera did Ada Horn compose?", TWO, "Avel", None),
        # Each has a part, or the second name begins a clause.
        ("Who handled the camera?", PARTS, "Ada Horn", None),
        ("Who built the pier?", CLAUSES, "Ada Horn", None),
        ("Who wrote Avel?", "It was written by Ada Horn and sung by Bo.", "Ada", None),
    ],
)
def test_a_part_of_a_list_of_persons_is_completed(question, sentence, answer, whole):
    assert persons.with_whole_list(question, sentence, answer) == (whole or answer)
