"""Dates that belong to another event than a question asks about."""

import pytest

from autolearn.core.records import Passage
from autolearn.text import answerability

FAULT = "its date is that of another event"
BRIDGE = (
    "The Orlo Bridge is a 1931 stone bridge in Tessen.",
    "It opened on 3 May 1931 in Tessen, and was closed on 9 June 1974 for repairs.",
    "The council announced its repair in October 1973.",
    "A film about it premiered at the 1975 Games in Avel on 7 July and in Boro on "
    "9 July.",
    "Work on the bridge began in 1929 and ended in May 1931.",
)


def fault(place, question, answer, texts=BRIDGE):
    text = " ".join(texts)
    passage = Passage(1, 0, 0, len(text), text, 9, "Orlo Bridge", id=1)
    return answerability.fault(question, answer, texts[place], passage)


@pytest.mark.parametrize(
    ("place", "question", "answer", "is_other"),
    [
        # Another date is between the answer and the event, or not.
        (1, "When did the Orlo Bridge open?", "9 June 1974", True),
        (1, "When did the Orlo Bridge open?", "3 May 1931", False),
        (1, "When was the Orlo Bridge closed for repairs?", "9 June 1974", False),
        (1, "What year did the Orlo Bridge open?", "1974", True),
        (4, "When did work begin on the Orlo Bridge?", "May 1931", True),
        (4, "When did work begin on the Orlo Bridge?", "1929", False),
        # A place tells which of two dates.
        (3, "When was the Orlo Bridge film premiered in Boro?", "9 July", False),
        (3, "When was the Orlo Bridge film premiered?", "9 July", True),
        # "The 1975 Games" dates nothing.
        (3, "When was the Orlo Bridge film premiered in Avel?", "7 July", False),
        # Another sentence dates the event.
        (2, "When was the Orlo Bridge closed?", "October 1973", True),
        (2, "When did work on the Orlo Bridge begin?", "October 1973", True),
        (2, "When did the council announce the repair?", "October 1973", False),
        (2, "When was the Orlo Bridge painted?", "October 1973", False),
        # Nothing does, but the event has synonyms, and the sentence none of them.
        (2, "When was the Orlo Bridge released?", "October 1973", True),
        (1, "When was the Orlo Bridge released?", "3 May 1931", False),
        # What a thing is called by its year, and what is no date.
        (0, "When was the Orlo Bridge released?", "1931", False),
        (2, "Who announced the closing of the Orlo Bridge?", "The council", False),
        (2, "When was the Orlo Bridge closed?", "in autumn", False),
    ],
)
def test_the_date_of_another_event_is_recognised(place, question, answer, is_other):
    assert fault(place, question, answer) == (FAULT if is_other else "")
