"""Say what passages say: statements and implications, to be trained as raw text.

Source: implications are the strongest self-written training text of SEAL (arXiv
2506.10943); here they stand beside the passages of continued pre-training.
"""

from collections.abc import Sequence

from autolearn.core.model_calls import Generation
from autolearn.core.records import TrainItem
from autolearn.study import prompts
from autolearn.study.generation import GenerationRequest, Generator
from autolearn.text import model_output


def state(
    writer: Generator, texts: Sequence[str], n: int
) -> list[tuple[TrainItem, Generation]]:
    """Return what the model says that each text states or implies, as raw text.

    ``n``: statements asked for per text. A text about which nothing was said has none.

    Raises:
        Cancelled: The person stopped the run.
    """
    prompt = prompts.load("statements")
    limit = n * writer.settings.answer_tokens
    asks = [
        GenerationRequest(text, prompt.render(passage=text, n=n), limit)
        for text in texts
    ]
    return [
        (TrainItem("text", (), "\n".join(lines)), generation)
        for _, generation in writer.write(asks)
        if (lines := model_output.statements(generation.completion.text))
    ]
