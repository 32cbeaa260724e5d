"""Which model the next work uses, and whether a round may be used with it."""

from dataclasses import replace
from typing import TypeVar

from autolearn.core.errors import BackendError, JobError
from autolearn.core.records import Round
from autolearn.core.run_settings import ModelRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.models import files as model_files
from autolearn.runs import model_references
from autolearn.store import Store
from autolearn.study import prompts

M = TypeVar("M", bound=ModelRunSettings)


CHOICE = "model"
_AFTER = "after_run"
"""Stored with a choice: the newest run when it was made."""


def chosen_model(store: Store) -> ModelSettings:
    """Return the model that the user has chosen; before any choice, the last used.

    A run of another model, such as one of the command line, leaves the choice of an
    open page as it is.
    """
    choice = store.choices.get(CHOICE)
    if not choice or store.read_only:
        return last_used_model(store)
    return ModelSettings.from_dict(choice)


def last_used_model(store: Store) -> ModelSettings:
    """Return the model of the newest run, or the one that was chosen after that run.

    In an empty workspace it is the built-in one. A missing model is returned too: the
    workspace refers to it, and using it reports what is missing.
    """
    choice = store.choices.get(CHOICE)
    chosen = ModelSettings.from_dict(choice or {})
    run = store.runs.last_use_of_model()
    if run is None or run.id <= (choice or {}).get(_AFTER, 0):
        return chosen
    used = replace(ModelRunSettings.of(run).model, round_id=None)
    return chosen if replace(chosen, round_id=None) == used else used


def choose_last_used(store: Store) -> None:
    """Choose the model that was used last, as a page does when it is opened."""
    _keep(store, last_used_model(store))


def _keep(store: Store, model: ModelSettings) -> None:
    newest_run = sum(run.id for run in store.runs.newest(1))
    store.choices.set(CHOICE, {**model.as_dict(), _AFTER: newest_run})


def choose_model(store: Store, model: ModelSettings) -> None:
    """Work with this model from now on.

    To check it may take long, if it is on a server.

    Raises:
        ModelNotFound: There is no model at that place.
        BackendError: There is one, but it cannot be used.
        JobError: The round is not finished, or was trained on another model; or another
            model was chosen meanwhile.
    """
    choice_before = store.choices.get(CHOICE)
    model_references.ask(store, model.model)
    model_references.check(store, model.model)
    if model.round_id is not None:
        check_base(store, finished_round(store, model.round_id), model)
    with store.atomic():
        if store.choices.get(CHOICE) != choice_before:
            raise JobError(
                f"{chosen_model(store).model} was chosen while {model.model} was being "
                "checked, and stays in use; choose again."
            )
        _keep(store, replace(model, model=model_files.lasting_name(model.model)))


def check_base(store: Store, round_: Round, model: ModelSettings) -> None:
    """Refuse a model that is not the one a round was trained on.

    Raises:
        JobError: It is another one, or its files have changed.
    """
    if model_references.digest(store, model.model) != round_.model.digest:
        raise JobError(
            f"Round {round_.id} was trained on {round_.model.name}, not on "
            f"{model.model} as it is now; choose that model first."
        )


def check_unchanged(model: str, digest: str, request_digest: str | None) -> None:
    """Refuse a model whose files are not those that a run was queued with.

    Raises:
        BackendError: They have changed.
    """
    if digest != request_digest:
        raise BackendError(
            f"The files of {model} have changed since this run was queued; queue it "
            "again."
        )


def finished_round(store: Store, round_id: int) -> Round:
    """Return a round that has an adapter.

    Raises:
        JobError: It is not finished.
    """
    round_ = store.rounds.get(round_id)
    if round_.adapter is None:
        raise JobError(f"Round {round_id} is not finished; resume its run first.")
    return round_


def with_model(store: Store, run_settings: M, model: ModelSettings) -> M:
    """Return the settings of a run with their model, before anything is queued.

    The digests of model and prompts are stored with the run: whoever reads it later can
    tell whether they are still the same. So do the texts of changed prompts.

    Raises:
        ModelNotFound: There is no model at that place.
        BackendError: There is one, but it cannot be used.
        JobError: The round is not finished, or was trained on another model.
    """
    model_references.ask(store, model.model)
    digest = model_references.digest(store, model.model)
    if model.round_id is not None:
        check_base(store, finished_round(store, model.round_id), model)
    prompt_versions = prompts.of_run()
    return replace(
        run_settings,
        model=model,
        model_digest=digest,
        prompts=prompt_versions["prompts"],
        changed_prompts=prompt_versions[prompts.CHANGED],
    )
