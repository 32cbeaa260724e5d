"""What a round is ordered with, beside its settings and its model."""

from collections.abc import Sequence
from dataclasses import dataclass

from autolearn.core.gold import MetaExample
from autolearn.core.run_settings import SampleScope


@dataclass(frozen=True)
class TrainSources:
    """What a round is taught from, beside the defaults."""

    examples: Sequence[MetaExample] = ()
    """Examples that are not kept in the library."""
    corpora: Sequence[int] | None = None
    """The ids of corpora of the library; None: all that are not left out, if the method
    is taught from corpora."""
    scope: SampleScope | None = None
    """None: the samples that were measured with the model that is trained."""
