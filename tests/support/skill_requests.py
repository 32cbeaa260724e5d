"""The requests of a study that meta-skill items are made of."""

from collections import defaultdict

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


def requests_by_chat(examples):
    """Return all that a study by the protocol ``taught`` may ask about these texts.

    By the turns before the answer. What a text does not tell is asked of it too.
    """
    requests_by_turns = defaultdict(list)
    questions = dict.fromkeys(example.question for example in examples)
    for text, title in dict.fromkeys((one.text, one.title) for one in examples):
        passage = Passage(0, 0, 0, len(text), text, 0, title)
        for request in (*_for_facts(passage), *_for_answers(passage, questions)):
            requests_by_turns[request.prompt.chat[:2]].append(request)
    return requests_by_turns


def _for_facts(passage):
    every = StudySettings(protocol="taught", questions_per_passage=50)
    for fact in fact_questions.facts(every, passage):
        texts = (with_heading(passage), fact.sentence.text, fact.stretch)
        yield fact_questions.about_sentence(WRITER, None, *texts)


def _for_answers(passage, questions):
    text = with_heading(passage)
    for sentence in sentences.of(text):
        for question in questions:
            case = TextQuestion(None, text, question, sentence.text)
            yield answers.quoting(WRITER, case)
            yield grounding.short_answer_request(WRITER, case)
