"""What keeps a round from forgetting: the model's own answers to prompts of its own.

No list of what the model knows is needed: it makes up what a person might ask, and
answers. Training holds the round's output distribution near the base model's there.
"""

from autolearn import parsing, prompts
from autolearn.ports import Stop
from autolearn.records import TrainItem
from autolearn.writing import Ask, Writer, draw_seed


def replay_items(writer: Writer, n: int, seed: int, stop: Stop) -> list[TrainItem]:
    """Return up to ``n`` replay items: closed-book prompt and the model's answer.

    Raises:
        Cancelled: The person stopped the run.
    """
    if not n:
        return []
    turns = writer.backend.self_prompts(n, draw_seed(seed, "replay"), stop)
    limit = writer.settings.answer_tokens
    closed_book = prompts.load("closed_book")
    asks = [
        Ask(None, closed_book.render(question=t), limit) for t in turns if t.strip()
    ]
    return [
        TrainItem("replay", generation.request.prompt.chat, text)
        for _, generation in writer.write(asks)
        if (text := parsing.without_thinking(generation.completion.text))
    ]
