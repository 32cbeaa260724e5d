"""Questions that ask for something else than their sentence tells."""

import pytest

from autolearn.core.records import Passage
from autolearn.text import answerability

BRIDGE = (
    "The Orlo Bridge is a narrow stone road bridge in Tessen designed by Ada Horn.",
    "It was opened to traffic on 3 May 1931.",
    "The bridge won a national award for its slender arches in 1950.",
)
BRIDGE_DE = (
    "Die Orlobrücke ist eine Brücke in Tessen, die von Ada Horn entworfen wurde.",
    "Sie ist am 3. Mai 1931 für den Verkehr freigegeben worden.",
    "Im Jahr 1950 ist sie vollständig umgebaut und verbreitert worden.",
)
BRIDGE_ZH = (
    "奥洛桥是由艾达设计的桥。",
    "它于1931年通车。",
    "该桥因其细长的拱获得国家奖项。",
)


def fault(sentences, place, question, heading="Orlo Bridge", answer="1931"):
    text = " ".join(sentences)
    passage = Passage(1, 0, 0, len(text), text, 9, heading, id=1)
    return answerability.fault(question, answer, sentences[place], passage)


@pytest.mark.parametrize(
    ("place", "question", "is_about_another"),
    [
        (1, "When did the Orlo Bridge win an award for its slender arches?", True),
        (2, "When did the Orlo Bridge win an award for its slender arches?", False),
        (1, "When was the Orlo Bridge opened to traffic?", False),
        (1, "When did the Orlo Bridge open?", False),
        # Both share a word, or none does.
        (1, "When was the traffic award of the Orlo Bridge?", False),
        (1, "When was the Orlo Bridge painted?", False),
        # Words that tell which subject it is do not count.
        (1, "When did the narrow stone road bridge Orlo Bridge serve?", False),
        (1, "When did Ada Horn's Orlo Bridge of Tessen serve?", False),
    ],
)
def test_a_question_about_another_sentence_is_recognised(
    place, question, is_about_another
):
    reason = "another sentence answers it" if is_about_another else ""
    assert fault(BRIDGE, place, question) == reason


@pytest.mark.parametrize(
    ("question", "gives_it"),
    [
        ("What is the name of the Orlo Bridge?", True),
        ('What was the title of the stone road bridge "Orlo Bridge"?', True),
        ("What is the name of the designer of the Orlo Bridge?", False),
        ("What is the name of the town that the Orlo Bridge is in?", False),
        ("What is the name of the bridge?", False),
    ],
)
def test_a_question_for_the_name_that_it_gives_is_recognised(question, gives_it):
    reason = "it asks for a name that it gives" if gives_it else ""
    heading = "Orlo Bridge (1931)"
    assert fault(BRIDGE, 0, question, heading, "Tessen") == reason


@pytest.mark.parametrize(
    ("sentences", "question", "name"),
    [
        (
            BRIDGE,
            "Whom did the council of Port Ellis elect at the Orlo Bridge?",
            "Port",
        ),
        (BRIDGE, 'Who designed the "Orlo Bridge" in Tessen in 1930?', ""),
        (BRIDGE, "Orlo Bridge: Why did Ada design the bridge?", ""),
        (BRIDGE, "Who designed the Orlo bridges of Tessen's Anna Kell?", "Anna"),
        # All nouns of German have capitals.
        (BRIDGE_DE, "Wann wurde das Bauwerk Orlobrücke in Tessen freigegeben?", ""),
        (BRIDGE_ZH, "奥洛桥何时获得国家奖项?", ""),
    ],
)
def test_a_question_with_a_name_that_its_text_has_not_is_recognised(
    sentences, question, name
):
    """The small model had copied it from a worked example of its prompt."""
    reason = f"it names “{name}”, which the text does not" if name else ""
    assert fault(sentences, 0, question, "Orlo Bridge", "Ada Horn") == reason


@pytest.mark.parametrize(
    ("sentences", "question", "heading", "is_about_another"),
    [
        (BRIDGE_DE, "Wann wurde die Orlobrücke umgebaut und verbreitert?", "", True),
        (BRIDGE_DE, "Wann wurde die Orlobrücke freigegeben?", "", False),
        # Single characters say nothing, and other stop words are unknown.
        (BRIDGE_ZH, "奥洛桥何时获得国家奖项?", "奥洛桥", False),
    ],
)
def test_other_languages_need_known_stop_words_and_spaces(
    sentences, question, heading, is_about_another
):
    assert bool(fault(sentences, 1, question, heading)) is is_about_another


def test_a_performer_for_a_role_is_a_fault():
    sentences = ("The Orlo Bridge is a film.", "It stars Ada Horn as Tilda.")
    question = "Who is the main character of The Orlo Bridge?"
    reason = "it confuses a performer with a role"
    assert fault(sentences, 1, question, answer="Ada Horn") == reason
    assert fault(sentences, 1, question, answer="Tilda") == ""


def test_an_answer_that_did_something_else_is_a_fault():
    sentences = ("The Orlo Bridge was drawn by Ada Horn and built by Bo Lind.",)
    question = "Who built the Orlo Bridge?"
    reason = "its answer did something else than it asks about"
    assert fault(sentences, 0, question, answer="Ada Horn") == reason
    assert fault(sentences, 0, question, answer="Bo Lind") == ""
