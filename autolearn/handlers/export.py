"""Write samples, items, adapters and models as files for other programs.

Exported weights are asked a few questions beside the round as it is here, so that an
export which answers otherwise is noticed.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol

from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Request, Sampling
from autolearn.core.records import Round
from autolearn.core.run_results import ExportResult
from autolearn.core.run_settings import (
    ExportRunSettings,
    ModelRunSettings,
    PromptSettings,
)
from autolearn.core.settings import ModelSettings
from autolearn.engine import merging
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.evaluation import gold_questions
from autolearn.export import formats, gguf_converter, model_card
from autolearn.models import files as model_files
from autolearn.runs.context import RunContext
from autolearn.store.samples import SampleFilter
from autolearn.study import prompts

N_ASKED = 5
"""Questions that exported weights are asked, beside the round as it is here."""

log = logging.getLogger(__name__)


class Models(Protocol):
    """Loads the model of a run, and keeps it for the next one."""

    def backend(self, context: RunContext) -> HuggingFaceBackend:
        """Return the model that the run asks for, its adapter attached."""

    def unload(self) -> None:
        """Free the memory of the model."""


def export(context: RunContext, models: Models) -> ExportResult:
    """Write approved samples, or the items or the weights of a round."""
    request = ExportRunSettings.of(context.run)
    if request.round_id is None:
        return _samples(context, request)
    about = context.store.rounds.get(request.round_id)
    if request.what in formats.WEIGHTS:
        return _weights(context, models, about)
    return _items(context, request, about)


def _samples(context: RunContext, request: ExportRunSettings) -> ExportResult:
    """Write the approved samples."""
    target, what = Path(request.target), request.what
    samples = context.store.samples.find(SampleFilter(state="approved"))
    n = formats.export_samples(samples, what, target)
    card = formats.write_card(target, model_card.samples(what, n))
    return ExportResult(str(target), n, str(card))


def _items(
    context: RunContext, request: ExportRunSettings, about: Round
) -> ExportResult:
    """Write the items of a round, read by the prompts that it was trained on."""
    target, what = Path(request.target), request.what
    items, versions = context.store.rounds.items(about.id), _versions(context, about)
    run = context.store.runs.get(about.run_id)
    changed_prompts = PromptSettings.of(run).changed_prompts
    # A skill is recognised by the rules of its prompt.
    with prompts.fixed(changed_prompts or {}):
        n = formats.export_items(items, what, target)
    text = model_card.items(about, what, n, items, versions)
    return ExportResult(str(target), n, str(formats.write_card(target, text)))


def _weights(context: RunContext, models: Models, about: Round) -> ExportResult:
    """Write the adapter of a round, or its model; ask both the same afterwards."""
    request = ExportRunSettings.of(context.run)
    target, what = Path(request.target), request.what
    questions = gold_questions.some_questions(context.store, N_ASKED)
    before = _answers(context, models.backend(context), questions)
    adapter = context.workspace / (about.adapter or "")
    model: HuggingFaceBackend | None
    if what == "adapter":
        formats.export_adapter(adapter, target)
        model = models.backend(context)
        model.use_adapter(target)
    else:
        models.unload()  # there may be room for one model only
        write = {"merged": _merged, "gguf": _as_gguf}[what]
        model = write(context, adapter, target)
    after = _answers(context, model, questions) if model else []
    n_alike = sum(answer == other for answer, other in zip(before, after, strict=False))
    result = ExportResult(str(target), asked=len(after), alike=n_alike)
    items = context.store.rounds.items(about.id)
    text = model_card.weights(about, what, result, items, _versions(context, about))
    return replace(result, card=str(formats.write_card(target, text)))


def _merged(context: RunContext, adapter: Path, target: Path) -> HuggingFaceBackend:
    """Write and load a model with the adapter of a round merged in."""
    _merge(context, adapter, target)
    return HuggingFaceBackend.load(ModelSettings(str(target), "none"), target)


def _as_gguf(
    context: RunContext, adapter: Path, target: Path
) -> HuggingFaceBackend | None:
    """Write a merged model as GGUF, and load what was written, if that can be."""
    with TemporaryDirectory(dir=context.workspace) as place:
        whole = Path(place) / "model"
        converter = Path(ExportRunSettings.of(context.run).converter or "")
        with merging.new_folder(target) as draft:
            _merge(context, adapter, whole)
            context.progress("converting", 0, 1)
            gguf_converter.convert(
                converter, whole, draft / gguf_converter.FILE, context.stop
            )
        settings = ModelSettings(str(whole), "none")
        gguf = target / gguf_converter.FILE
        try:
            return HuggingFaceBackend.load(settings, whole, gguf)
        except BackendError:
            log.exception("transformers cannot read the GGUF of this model back")
            return None


def _merge(context: RunContext, adapter: Path, target: Path) -> None:
    context.progress("merging", 0, 1)
    settings = ModelRunSettings.of(context.run).model
    merging.merge(model_files.locate(settings.model), adapter, target)


def _answers(
    context: RunContext, backend: HuggingFaceBackend, questions: Sequence[str]
) -> list[str]:
    """Return what a model answers from memory."""
    context.progress("asking it something", 0, 1)
    prompt = prompts.load("closed_book")
    requests = [
        Request(prompt.render(question=question), Sampling()) for question in questions
    ]
    return [completion.text for completion in backend.complete(requests, context.stop)]


def _versions(context: RunContext, about: Round) -> dict[str, str]:
    """Return what a round was trained with."""
    return context.store.runs.get(about.run_id).versions
