"""Let the model state what passages say and imply, to train on as raw text.

Source: implications are the strongest self-written training text of SEAL (arXiv
2506.10943); here they are trained on with the passages (continued pre-training).
"""

from collections.abc import Sequence

from autolearn.core.model_calls import Generation
from autolearn.core.records import TrainItem
from autolearn.study import prompts
from autolearn.study.generation import GenerationRequest, Generator
from autolearn.text import model_output


def state(generator: Generator, texts: Sequence[str], n: int) -> list[Generation]:
    """Let the model write statements about each text; see ``as_item``.

    ``n``: statements asked for per text. A text without any statement is left out.

    Raises:
        Cancelled: The user stopped the run.
    """
    prompt = prompts.load("statements")
    limit = n * generator.settings.answer_tokens
    requests = [
        GenerationRequest(text, prompt.render(passage=text, n=n), limit)
        for text in texts
    ]
    return [
        generation for _, generation in generator.write(requests) if _lines(generation)
    ]


def as_item(generation: Generation) -> TrainItem:
    """Return the statements about a text as raw text."""
    return TrainItem("text", (), "\n".join(_lines(generation)))


def _lines(generation: Generation) -> list[str]:
    text = generation.completion.text
    if generation.completion.finish == "length":
        text = text.rpartition("\n")[0]  # the last statement was cut off
    return model_output.statements(text)
