"""Exports: samples, items or weights of a round, folders for other trainers.

A server on this computer gets the adapter of a round without an export.
"""

from dataclasses import dataclass, replace
from pathlib import Path

from autolearn.core.errors import InputError
from autolearn.core.methods import Method
from autolearn.core.records import Run
from autolearn.core.run_settings import ExportRunSettings, ModelRunSettings, SampleScope
from autolearn.core.settings import ModelSettings, TrainSettings
from autolearn.export import formats, gguf_converter
from autolearn.export.handover.folder import TOOLS
from autolearn.rounds import adapters
from autolearn.runs import model_references, run_control, server_adapters
from autolearn.runs.model_choice import chosen_model, finished_round, with_model
from autolearn.runs.server_adapters import LoadedAdapter
from autolearn.services import actions, model_scope, round_actions
from autolearn.services.train_checks import check_train
from autolearn.store import Store
from autolearn.training import presets

EXPORTS = (*formats.KINDS, *TOOLS)
"""All kinds of export."""


@dataclass(frozen=True)
class ExportSource:
    """What is exported if no round is named."""

    model: ModelSettings | None = None
    """None: the chosen one."""
    scope: SampleScope | None = None
    """Which samples; None: those that were measured with the model."""
    method: Method = TrainSettings.method
    """An export for another trainer has the round that this method would train."""


def export(
    store: Store,
    what: str,
    target: Path,
    round_id: int | None = None,
    source: ExportSource | None = None,
) -> Run:
    """Queue the export of approved samples, or of the items or weights of a round.

    Raises:
        InputError: There is no such export, or it needs a round and none is named, or
            it needs llama.cpp's converter, which is not there.
        JobError: The round is not finished, or cannot be trained yet.
    """
    if what not in EXPORTS:
        raise InputError(
            f"There is no export {what!r}; choose one of {', '.join(EXPORTS)}."
        )
    source = source or ExportSource()
    request = ExportRunSettings(what=what, target=str(target.resolve()))
    if round_id is not None:
        return run_control.submit(store, _of_round(store, request, round_id))
    if what in TOOLS:
        return run_control.submit(store, _of_planned_round(store, request, source))
    if what not in formats.FORMATS:
        raise InputError(f"Choose the round whose {what} to export.")
    return run_control.submit(store, replace(request, scope=_samples(store, source)))


def offer(store: Store, round_id: int, address: str) -> LoadedAdapter:
    """Let a server load the adapter of a round, which is then one of its models.

    Raises:
        JobError: The round is not finished.
        InputError: Its adapter is missing or damaged, or the address is malformed.
        BackendError: The server cannot be reached, or does not load the adapter.
    """
    round_ = finished_round(store, round_id)
    folder = adapters.folder_of(store, round_)
    return server_adapters.load(round_, folder, address)


def _samples(store: Store, source: ExportSource) -> SampleScope:
    if source.scope:
        return source.scope
    if source.model is None:
        return model_scope.chosen_samples(store)
    return SampleScope(model_references.digest(store, source.model.model))


def _of_round(
    store: Store, request: ExportRunSettings, round_id: int
) -> ExportRunSettings:
    """Return the export of what a round has."""
    round_ = finished_round(store, round_id)
    request = replace(request, round_id=round_id)
    if request.what == "gguf":
        # The worker may have been started with another PATH.
        request = replace(request, converter=str(gguf_converter.converter()))
    # Exported weights are asked a few questions; other trainers need the tokenizer.
    if request.what in formats.WEIGHTS or request.what in TOOLS:
        model = round_actions.own_model(round_, round_id)
        return _with_weights(store, request, model)
    return request


def _of_planned_round(
    store: Store, request: ExportRunSettings, source: ExportSource
) -> ExportRunSettings:
    """Return the export of the round that a training with its preset would give."""
    model = replace(source.model or chosen_model(store), round_id=None)
    settings = presets.preset_settings(model, TrainSettings(method=source.method))
    training = actions.train_request(
        store, model, settings, None, actions.TrainSources(scope=source.scope)
    )
    check_train(store, training)
    return _with_weights(store, replace(request, train=training), model)


def _with_weights(
    store: Store, request: ExportRunSettings, model: ModelSettings
) -> ExportRunSettings:
    own = with_model(store, ModelRunSettings(), model)
    return replace(
        request,
        model=own.model,
        model_digest=own.model_digest,
        prompts=own.prompts,
        changed_prompts=own.changed_prompts,
    )
