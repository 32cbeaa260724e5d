"""A study of a scripted model, which knows one of two facts."""

from autolearn.core.records import Passage
from autolearn.core.settings import StudySettings
from autolearn.study.loop import Study
from tests.support.journals import MemoryJournal
from tests.support.scripted_backend import ScriptedBackend

TEXT = "Avel was founded in 1711. Ada leads Avel."
SETTINGS = StudySettings(
    ask_rounds=1, paraphrases=1, quiz_share=0.0, passages_per_step=2
)


def model(request):
    """Knows who leads Avel, guesses the year, reads and mends well."""
    name, user = request.prompt.name, request.prompt.chat[-1].content
    leads = "leads" in user.split("Question:")[-1].split("Answer:")[0]
    if name == "ask":
        return "When was Avel founded?\nWho leads Avel?"
    if name == "closed_book":
        return "Ada leads Avel." if leads else "Avel was founded in 1699."
    if name == "open_book":
        if leads:
            return "Evidence: Ada leads Avel.\nAnswer: Ada leads Avel."
        year = "Avel was founded in 1711."
        return f"Evidence: {year}\nAnswer: {year}"
    if name == "feedback":
        right = "Answer: Avel was founded in 1711." in user.split("Text answer:")[1]
        return f"Compared.\nVerdict: {'correct' if right else 'incorrect'}"
    if name == "refine":
        return "Answer: Avel was founded in 1711."
    return "In which year was Avel founded?"


def sure(chat, prefill):
    right = chat[-1].content.count("1711") == 3
    return (0.9, 0.1) if right else (0.2, 0.8)


def passages(n=1):
    return [
        Passage(1, i, 100 * i, 100 * i + len(TEXT), TEXT, 9, id=i + 1) for i in range(n)
    ]


def study(script=model, n=1, settings=SETTINGS, journal=None, **more):
    journal = journal or MemoryJournal()
    backend = ScriptedBackend(script, judge=sure, **more)
    calls = []
    Study(backend, journal, settings, lambda: False, lambda *p: calls.append(p)).run(
        passages(n)
    )
    return journal, backend, calls
