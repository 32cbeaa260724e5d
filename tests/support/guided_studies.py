"""Studies of a scripted model that is asked fact by fact."""

import re
from dataclasses import replace

from autolearn.core.constraints import Excerpt, Pattern
from autolearn.core.records import Passage
from autolearn.core.settings import StudySettings
from autolearn.study.generation import Generator
from autolearn.study.loop import Study
from tests.support.journals import MemoryJournal
from tests.support.scripted_backend import ScriptedBackend

TEXT = (
    "# The mill of Avel\n\nThe mill of Avel opened in 1842. It was built by Ada Horn.\n"
)
SETTINGS = StudySettings(paraphrases=1, quiz_share=0.0)
FACTS = {
    "1842": "When did the mill of Avel open?",
    "Ada": "Who built the mill of Avel?",
}
SENTENCES = ("The mill of Avel opened in 1842.", "It was built by Ada Horn.")
QUESTION_TEXT = "Who built the mill of Avel?"
TRUE = {
    "When did the mill of Avel open?": "The mill of Avel opened in 1842.",
    "Who built the mill of Avel?": "The mill of Avel was built by Ada Horn.",
}


def last_user(request):
    return [m.content for m in request.prompt.chat if m.role == "user"][-1]


def prefill(request):
    last = request.prompt.chat[-1]
    return last.content if last.role == "assistant" else ""


def stretch(request):
    """Return the stretch from which an answer is copied; empty: it is given already."""
    sources = (p.source for p in request.constraint if isinstance(p, Excerpt))
    return next(sources, "")


def writes_a_question(request):
    return any(isinstance(part, Pattern) for part in request.constraint)


def guided(**script):
    backend = ScriptedBackend([], protocol="guided", **script)
    return Generator(backend, SETTINGS, lambda: False, lambda _: None)


def model(request):
    """A model that reads well, knows nothing, and mends nothing."""
    name, user = request.prompt.name, last_user(request)
    if name == "ask_sentence":
        key = next(key for key in FACTS if key in stretch(request) + prefill(request))
        short = {"Ada": "Ada Horn"}.get(key, key)
        if not writes_a_question(request):
            return f"{prefill(request)} {short}\n"
        if not stretch(request):
            return f"{prefill(request)} {FACTS[key]}"
        return f"{prefill(request)} {short}\nQuestion: {FACTS[key]}"
    question = re.findall(r"Question: (.*)", user or "")
    if name == "open_book":
        answer = TRUE.get(question[-1], TRUE[QUESTION_TEXT])
        return f"{prefill(request)} {answer.split()[-1]}\nAnswer: {answer}"
    if name == "closed_book":
        return "It was in 1790, by Bo."
    if name == "feedback":
        return f"{prefill(request)} The text tells something else."
    if name == "mend":
        return f"{prefill(request)} It was in 1790, by Bo."
    return "By whom was the mill of Avel built?"


def judge(chat, start):
    assert start == "Verdict:"
    _, right, answer, _ = chat[-1].content.split("\n")
    return (0.9, 0.1) if right.split(": ")[1] == answer.split(": ")[1] else (0.2, 0.8)


def passage(text=TEXT, heading="The mill of Avel"):
    return Passage(1, 0, 0, len(text), text, 9, heading, id=1)


def study(script=model, passages=(), sure=lambda chat, text: 0.0, **settings):
    journal = MemoryJournal()
    backend = ScriptedBackend(script, judge=judge, sure=sure, protocol="guided")
    study_settings = replace(SETTINGS, **settings)
    run = Study(backend, journal, study_settings, lambda: False, lambda *_: None)
    run.run(passages or [passage()])
    return journal, backend
