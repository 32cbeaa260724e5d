"""Whether an answer is right."""

from autolearn.core.records import Question
from autolearn.evaluation import scoring


def right(text, gold, scorer="contains", wording="What is it?", **more):
    question = Question(wording, "quiz", "gold", scorer=scorer, **more)
    return scoring.is_right(question, text, gold)
