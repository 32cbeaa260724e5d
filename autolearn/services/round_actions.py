"""Keep a round, or roll it back; this chooses the model in use."""

from dataclasses import replace

from autolearn.core.records import Round, RoundState, RunState
from autolearn.core.run_settings import TrainRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.runs.model_choice import choose_model, chosen_model, finished_round
from autolearn.store import Store


def keep(store: Store, round_id: int) -> Round:
    """Keep a round and use it from now on.

    Raises:
        JobError: It is not finished, or its base model has changed.
    """
    round_ = finished_round(store, round_id)
    choose_model(store, own_model(round_, round_id))
    return store.rounds.set_state(round_id, "kept")


def roll_back(store: Store, round_id: int) -> Round:
    """Roll a round back; if it is in use, use its parent from now on.

    Its adapter stays where it is, so it can still be kept later.

    Raises:
        JobError: It is not finished.
    """
    round_ = finished_round(store, round_id)
    if chosen_model(store).round_id == round_id:
        choose_model(store, own_model(round_, round_.parent_id))
    return store.rounds.set_state(round_id, "rolled_back")


def state_of(store: Store, round_: Round) -> RoundState | RunState:
    """Return the state of a round; before it is trained, that of its run."""
    return (
        store.runs.get(round_.run_id).state
        if round_.state == "training"
        else round_.state
    )


def own_model(round_: Round, round_id: int | None) -> ModelSettings:
    """Return the model that a round was trained on, with the adapter of a round."""
    return replace(TrainRunSettings.of(round_).model, round_id=round_id)
