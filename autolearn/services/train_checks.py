"""Refuse a round that cannot be trained yet, before it is queued."""

from dataclasses import replace

from autolearn.core.errors import JobError
from autolearn.core.records import Round
from autolearn.core.run_settings import SampleScope, TrainRunSettings
from autolearn.ingest import corpora
from autolearn.rounds.sources import approved_in
from autolearn.runs.model_choice import check_base, finished_round
from autolearn.store import RunFilter, Store


def check_train(store: Store, order: TrainRunSettings) -> None:
    """Refuse a round that cannot be trained yet, before it is queued.

    Raises:
        JobError: A prerequisite is missing: nothing approved, or no stage-1 round.
    """
    settings = order.train
    parent = finished_round(store, order.parent) if order.parent else None
    if parent:
        check_base(parent, order.model)
    if settings.method == "al2":
        _check_stage_2(store, parent)
    elif settings.method == "self" and settings.evolution == "restart" and parent:
        raise JobError(
            "SELF with evolution 'restart' starts from the base model; choose the base "
            "model, or evolution 'continual'."
        )
    elif settings.method == "self" and settings.evolution != "restart" and not parent:
        raise JobError(
            f"SELF with evolution {settings.evolution!r} continues an earlier round; "
            "choose the round to start from (--parent N), or evolution 'restart'."
        )
    is_meta = settings.method == "meta"
    if is_meta and (order.corpus or order.corpora):
        return
    if not store.samples.counts(approved_in(order.scope))["approved"]:
        raise JobError(corpora.MISSING if is_meta else _why_none(store, order))


def _why_none(store: Store, order: TrainRunSettings) -> str:
    """Return why a scope has no approved sample, and what to do."""
    of_all = approved_in(replace(order.scope or SampleScope(), model_digest=None))
    if n := store.samples.counts(of_all)["approved"]:
        was = "1 approved sample was" if n == 1 else f"{n} approved samples were"
        return (
            f"{was} measured with another model, whose gaps need not be those of "
            f"{order.model.model}: study with this model, or include samples of other "
            "models (under Train, or with --other-models)."
        )
    if store.samples.counts()["approved"]:
        return (
            "The selected documents and studies have no approved sample; select "
            "others, or none for all."
        )
    return corpora.NONE_APPROVED


def _check_stage_2(store: Store, parent: Round | None) -> None:
    """Refuse stage 2 where stage 1, or its study, is missing (arXiv 2406.00606)."""
    if parent is None:
        raise JobError(
            "AL stage 2 continues a stage-1 round: train one (method al1) first, then "
            "start from it."
        )
    lineage = store.rounds.lineage(parent.id)
    if not any(r.method in ("al1", "refined_sft", "self") for r in lineage):
        raise JobError(
            f"Round {parent.id} has learned no open-book answers; AL stage 2 continues "
            "a stage-1 round (method al1)."
        )
    # In a chain the study that is about to end orders the training behind it.
    studied = RunFilter(("study",), ("done", "running"), round_id=parent.id)
    if not store.runs.find(studied, limit=1):
        raise JobError(
            "AL stage 2 learns from what the stage-1 model writes; study with it "
            "first: choose its adapter under Model, or "
            f"python -m autolearn study --round {parent.id}"
        )
