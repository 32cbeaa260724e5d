"""The items of a round as token ids, by what the trainer does with them."""

from collections import defaultdict
from collections.abc import Sequence

from autolearn.core.errors import TrainingError
from autolearn.core.records import ItemKind, TrainItem
from autolearn.engine.chat import ChatFormat
from autolearn.engine.trainer.batches import Example, encode, is_learnable


class RoundExamples:
    """The items that can be learned, and the positions of those that are dropped."""

    def __init__(self, items: Sequence[TrainItem], chat: ChatFormat, longest: int):
        """Encode the items; those above ``longest`` tokens are dropped.

        Raises:
            TrainingError: None of them can be learned.
        """
        examples = [encode(item, chat) for item in items]
        learnable = [is_learnable(example, longest) for example in examples]
        self.dropped = [i for i, good in enumerate(learnable) if not good]
        self.new: list[Example] = []
        self._by_kind: dict[ItemKind, list[Example]] = defaultdict(list)
        for item, example, good in zip(items, examples, learnable, strict=True):
            if good:
                group = self.new if item.teaches else self._by_kind[item.kind]
                group.append(example)
        if not self.new:
            raise TrainingError(
                f"None of the {len(items)} items can be learned: they are longer than "
                f"{longest} tokens or have no answer; raise max_tokens or review them."
            )

    def of(self, kind: ItemKind) -> list[Example]:
        """Return the examples of a kind that does not teach, such as replay."""
        return self._by_kind[kind]
