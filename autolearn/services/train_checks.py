"""Refuse a round that cannot be trained yet, before it is queued."""

from dataclasses import replace

from autolearn.core.errors import JobError
from autolearn.core.records import Round
from autolearn.core.run_settings import SampleScope, TrainRunSettings
from autolearn.core.settings import TrainSettings
from autolearn.models import hardware
from autolearn.rounds import corpora
from autolearn.rounds.sources import approved_in
from autolearn.runs.model_choice import check_base, finished_round
from autolearn.store import RunFilter, Store
from autolearn.tracking.trackers import check_installed


def check_train(store: Store, request: TrainRunSettings) -> None:
    """Refuse a round that cannot be trained yet, before it is queued.

    Raises:
        InputError: A corpus is not in the library.
        JobError: A prerequisite is missing: nothing approved, no stage-1 round, or
            the package of the tracker.
    """
    settings = request.train
    check_equipment(settings)
    for corpus_id in request.corpus_ids:
        store.corpora.get(corpus_id)
    parent = None
    if request.parent is not None:
        parent = finished_round(store, request.parent)
        check_base(store, parent, request.model)
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
            "choose the round to start from, or evolution 'restart'."
        )
    has_corpus = bool(request.corpus_examples or request.corpus_ids)
    if settings.traits.learns_pairs and not has_corpus:
        raise JobError(corpora.NO_PAIRS, command=corpora.COMMAND)
    by_corpora = not settings.traits.needs_samples
    if request.samples or (by_corpora and has_corpus):
        return
    if not store.samples.counts(approved_in(request.scope))["approved"]:
        if by_corpora:
            raise JobError(corpora.MISSING, command=corpora.COMMAND)
        raise _nothing_approved(store, request)


def can_train_more(earlier: TrainRunSettings) -> bool:
    """Return whether a round can be continued on what it was trained on.

    AL stage 2 learns only from what the round that it continues has written, and SELF's
    continual-new only from what that round has not learned.
    """
    settings = earlier.train
    takes_new = settings.traits.evolves and settings.evolution == "continual-new"
    are_named = earlier.samples is not None
    return not settings.traits.is_second_stage and (are_named or not takes_new)


def check_equipment(settings: TrainSettings) -> None:
    """Refuse a training that needs what this computer lacks.

    Raises:
        JobError: The package of the tracker is missing, or there are fewer devices.
    """
    check_installed(settings.tracker)
    check_devices(settings.devices)


def check_devices(n: int) -> None:
    """Refuse a training on more devices than there are.

    Raises:
        JobError: There are fewer GPUs; without a GPU, fewer processor cores.
    """
    most = hardware.most_devices()
    if n > most:
        kind = "GPU" if hardware.gpus() else "processor core"
        raise JobError(
            f"This computer has {most} {kind}{'s' * (most != 1)} for training; train "
            f"on {most}{' or fewer' * (most > 1)} (--devices)."
        )


def _nothing_approved(store: Store, request: TrainRunSettings) -> JobError:
    """Return the refusal of a scope that has no approved sample."""
    of_all = approved_in(replace(request.scope or SampleScope(), model_digest=None))
    if n := store.samples.counts(of_all)["approved"]:
        subject = "1 approved sample was" if n == 1 else f"{n} approved samples were"
        return JobError(
            f"{subject} measured with another model, whose gaps need not be those of "
            f"{request.model.model}: study with this model, or include samples of "
            "other models.",
            command="train --other-models",
        )
    if store.samples.counts()["approved"]:
        return JobError(
            "The selected documents and studies have no approved sample; select "
            "others, or none for all."
        )
    return JobError(
        "No sample is approved, so there is nothing to train on; approve some under "
        "Review.",
        command="approve --rule default",
    )


def _check_stage_2(store: Store, parent: Round | None) -> None:
    """Refuse stage 2 if stage 1, or its study, is missing (arXiv 2406.00606)."""
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
    # In a whole round, the study queues the training just before it ends.
    own_studies = RunFilter(("study",), ("done", "running"), round_id=parent.id)
    if not store.runs.find(own_studies, limit=1):
        raise JobError(
            "AL stage 2 learns from what the stage-1 model writes; study with it "
            f"first: choose the adapter of round {parent.id} under Model.",
            command=f"study --round {parent.id}",
        )
