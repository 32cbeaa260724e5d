"""Let the model state what passages say and imply, to be trained as raw text.

Source: implications are the strongest self-written training text of SEAL (arXiv
2506.10943); here they are trained beside the passages (continued pre-training).
"""

from collections.abc import Sequence

from autolearn.core.model_calls import Generation
from autolearn.core.records import TrainItem
from autolearn.study import prompts
from autolearn.study.generation import GenerationRequest, Generator
from autolearn.text import model_output


def state(
    generator: Generator, texts: Sequence[str], n: int
) -> list[tuple[TrainItem, Generation]]:
    """Return the model's statements about each text, as raw text.

    ``n``: statements asked for per text. A text without any statement is left out.

    Raises:
        Cancelled: The person stopped the run.
    """
    prompt = prompts.load("statements")
    limit = n * generator.settings.answer_tokens
    requests = [
        GenerationRequest(text, prompt.render(passage=text, n=n), limit)
        for text in texts
    ]
    return [
        (TrainItem("text", (), "\n".join(lines)), generation)
        for _, generation in generator.write(requests)
        if (lines := model_output.statements(generation.completion.text))
    ]
