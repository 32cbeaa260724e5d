"""The file with the generated instructions of a model."""

from autolearn.core.model_calls import (
    Completion,
    Generation,
    ModelIdentity,
    Request,
    Sampling,
)
from autolearn.core.records import GeneratedInstruction
from autolearn.study import prompts
from autolearn.training import replay, replay_pool

MODEL = ModelIdentity("tiny", "digest", "none", "", "")


def test_line_ends_within_a_text_are_kept():
    """A line separator in a text made the file unreadable."""
    question = "What is\u2028two\x85plus one?"
    prompt = prompts.load(replay.PROMPT).render(question=question)
    request = Request(prompt, Sampling(max_new_tokens=replay.ANSWER_TOKENS))
    completion = Completion("It is\u2029three.\x0b", "stop", 1, 1)
    generation = Generation(request, completion, MODEL)
    items = [GeneratedInstruction(7, question, generation)]
    assert replay_pool.parse(replay_pool.as_text(items, MODEL), MODEL) == items
