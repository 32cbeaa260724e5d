"""Which model the next work uses, and whether a round may be used with it."""

from dataclasses import replace
from typing import TypeVar

from autolearn.core.errors import BackendError, JobError
from autolearn.core.records import Round
from autolearn.core.run_settings import ModelRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.runs import model_references
from autolearn.store import Store
from autolearn.study import prompts

M = TypeVar("M", bound=ModelRunSettings)


def chosen_model(store: Store) -> ModelSettings:
    """Return the model that the person works with; the built-in one at first."""
    choice = store.choices.get("model")
    return ModelSettings.from_dict(choice) if choice else ModelSettings()


def choose_model(store: Store, model: ModelSettings) -> None:
    """Work with this model from now on.

    Raises:
        ModelNotFound: There is no model at that place.
        BackendError: There is one, but it cannot be used.
        JobError: The round is not finished, or was trained on another model.
    """
    model_references.ask(store, model.model)
    model_references.check(store, model.model)
    if model.round_id is not None:
        check_base(store, finished_round(store, model.round_id), model)
    store.choices.set("model", model.as_dict())


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
    """Refuse a model whose files are not those that a run was ordered with.

    Raises:
        BackendError: They have changed.
    """
    if digest != request_digest:
        raise BackendError(
            f"The files of {model} have changed since this run was ordered; order it "
            "anew."
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

    The digests of model and prompts go with the run: whoever looks at it later can
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
