"""Refuse a round that cannot be trained yet, before it is queued."""

from autolearn.core.errors import JobError
from autolearn.core.records import Round
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.ingest import corpora
from autolearn.runs.model_choice import check_base, finished_round
from autolearn.store import RunFilter, Store


def check_train(
    store: Store,
    model: ModelSettings,
    settings: TrainSettings,
    parent_id: int | None = None,
    *,
    has_corpus: bool = False,
) -> None:
    """Refuse a round that cannot be trained yet, before it is queued.

    Raises:
        JobError: A prerequisite is missing: nothing approved, or no stage-1 round.
    """
    parent = finished_round(store, parent_id) if parent_id else None
    if parent:
        check_base(parent, model)
    if settings.traits.is_second_stage:
        _check_stage_2(store, parent)
    elif settings.traits.evolves and settings.evolution == "restart" and parent:
        raise JobError(
            "SELF with evolution 'restart' starts from the base model; choose the base "
            "model, or evolution 'continual'."
        )
    elif settings.traits.evolves and settings.evolution != "restart" and not parent:
        raise JobError(
            f"SELF with evolution {settings.evolution!r} continues an earlier round; "
            "choose the round to start from (--parent N), or evolution 'restart'."
        )
    if settings.traits.learns_pairs and not has_corpus:
        raise JobError(corpora.NO_PAIRS)
    by_corpora = not settings.traits.needs_samples
    if not ((by_corpora and has_corpus) or store.samples.counts()["approved"]):
        raise JobError(corpora.MISSING if by_corpora else corpora.NONE_APPROVED)


def _check_stage_2(store: Store, parent: Round | None) -> None:
    """Refuse stage 2 where stage 1, or its study, is missing (arXiv 2406.00606)."""
    if parent is None:
        raise JobError(
            "AL stage 2 continues a stage-1 round: train one (method al1) first, then "
            "start from it."
        )
    lineage = store.rounds.lineage(parent.id)
    if not any(round_.traits.is_first_stage for round_ in lineage):
        raise JobError(
            f"Round {parent.id} has learned no open-book answers; AL stage 2 continues "
            "a stage-1 round (method al1)."
        )
    # In a chain the study that is about to end orders the training behind it.
    own_studies = RunFilter(("study",), ("done", "running"), round_id=parent.id)
    if not store.runs.find(own_studies, limit=1):
        raise JobError(
            "AL stage 2 learns from what the stage-1 model writes; study with it "
            "first: choose its adapter under Model, or "
            f"python -m autolearn study --round {parent.id}"
        )
