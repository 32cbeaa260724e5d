"""Time and memory of a round that teaches a model skills, before it is queued."""

from autolearn.core.settings import ModelSettings
from autolearn.demo import gold_examples
from autolearn.models import files as model_files
from autolearn.models.token_counting import TokenCounter
from autolearn.rounds.sources import collect
from autolearn.services import actions, skill_actions
from autolearn.services.actions import TrainSources
from autolearn.services.estimates import durations, memory_needs
from autolearn.services.estimates.durations import TrainingEstimate
from autolearn.services.estimates.memory_needs import MemoryFit
from autolearn.services.estimates.round_contents import contents_with
from autolearn.store import Store


def estimate(
    store: Store, model: ModelSettings, max_steps: int = 0
) -> tuple[TrainingEstimate, MemoryFit] | None:
    """Return the time and memory of this round; None: there is nothing to learn from.

    A library without a corpus gets the built-in one first.

    Raises:
        AutolearnError: The model cannot be used.
    """
    settings = skill_actions.teaching_settings(model, max_steps)
    request = actions.train_request(
        store, model, settings, model.round_id, TrainSources()
    )
    sources = collect(store, request)
    if not store.corpora.all():
        sources = sources.with_gold(gold_examples.examples())
    folder = model_files.locate(model.model)
    contents = contents_with(TokenCounter(folder), folder, store, request, sources)
    if not contents.dataset.items:
        return None
    return (
        durations.training_time(store, model, settings, contents),
        memory_needs.of_training(store, model, settings, contents),
    )
