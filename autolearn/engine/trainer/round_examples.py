"""The items of a round as token ids, by what the trainer does with them."""

from collections import defaultdict
from collections.abc import Sequence

from autolearn.core.errors import TrainingError
from autolearn.core.records import ItemKind, TrainItem
from autolearn.engine.chat import ChatFormat
from autolearn.engine.trainer.batches import Example, cut, encode, is_learnable


class RoundExamples:
    """The items that can be learned, and the positions of those that are dropped."""

    def __init__(self, items: Sequence[TrainItem], chat: ChatFormat, longest: int):
        """Encode the items; of those above ``longest`` tokens, raw texts are split.

        The others are dropped.

        Raises:
            TrainingError: None of them can be learned.
        """
        self.dropped: list[int] = []
        self.new: list[Example] = []
        self._by_kind: dict[ItemKind, list[Example]] = defaultdict(list)
        for i, item in enumerate(items):
            parts = [encode(part, chat) for part in cut(item, chat, longest)]
            learnable = [part for part in parts if is_learnable(part, longest)]
            group = self.new if item.teaches else self._by_kind[item.kind]
            group += learnable
            if not learnable:
                self.dropped.append(i)
        if not self.new:
            raise TrainingError(
                f"None of the {len(items)} items can be learned: they are longer than "
                f"{longest} tokens or have no answer; allow more tokens per item "
                "(--max-tokens), or review them."
            )

    def of(self, kind: ItemKind) -> list[Example]:
        """Return the examples of a kind that does not teach, such as replay."""
        return self._by_kind[kind]
