"""The requests of a study that meta-skill items are made of."""

from autolearn.core.records import Passage
from autolearn.core.settings import StudySettings
from autolearn.study import answers, fact_questions, grounding
from autolearn.study.generation import Generator
from autolearn.study.grounding import TextQuestion, with_heading
from autolearn.text import sentences
from tests.support.scripted_backend import ScriptedBackend

WRITER = Generator(
    ScriptedBackend(()),
    StudySettings(protocol="taught"),
    lambda: False,
    lambda share: None,
)


def requests(example):
    """Return all that a study by the protocol ``taught`` may ask about an example."""
    passage = Passage(0, 0, 0, len(example.text), example.text, 0, example.title)
    every = StudySettings(protocol="taught", questions_per_passage=50)
    for fact in fact_questions.facts(every, passage):
        texts = (with_heading(passage), fact.sentence.text, fact.stretch)
        yield fact_questions.about_sentence(WRITER, None, *texts)
    text = with_heading(passage)
    for sentence in sentences.of(text):
        case = TextQuestion(None, text, example.question, sentence.text)
        yield answers.quoting(WRITER, case)
        yield grounding.short_answer_request(WRITER, case)
