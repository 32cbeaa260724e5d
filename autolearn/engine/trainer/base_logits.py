"""What the base expects of the replay: the teacher that a round is held near."""

from collections.abc import Sequence

from autolearn.core.ports import Stop
from autolearn.engine.trainer.batches import Example
from autolearn.engine.trainer.forward import Forward
from autolearn.engine.trainer.losses import Likeliest


class BaseLogits:
    """Asks the base once, and keeps what it expects for all epochs."""

    def __init__(self, forward: Forward):
        self._forward = forward
        self._noted: dict[Example, Likeliest] = {}

    def prepare(self, examples: Sequence[Example], stop: Stop) -> bool:
        """Note what the base expects of all examples; return False if told to stop."""
        for part in self._forward.parts(examples):
            if stop():
                return False
            found = self._forward.expected([example.chosen for example in part])
            self._noted.update(zip(part, found, strict=True))
        return True

    def expected(self, examples: Sequence[Example]) -> list[Likeliest]:
        """Return what the base expects of these; they have been noted."""
        return [self._noted[example] for example in examples]
