"""Write samples, items, adapters and models as files for other programs."""

from pathlib import Path

from autolearn.core.records import Round
from autolearn.core.run_results import ExportResult
from autolearn.core.run_settings import (
    ExportRunSettings,
    PromptSettings,
    SampleScope,
    StudyRunSettings,
)
from autolearn.export import formats, model_card
from autolearn.export.handover import folder
from autolearn.handlers import handover
from autolearn.handlers.models import Models
from autolearn.handlers.weight_export import WeightExport
from autolearn.models import files as model_files
from autolearn.models.small_files import typed_path
from autolearn.rounds.sources import approved_in
from autolearn.runs.context import RunContext
from autolearn.store import RunFilter
from autolearn.study import prompts


def export(context: RunContext, models: Models) -> ExportResult:
    """Write approved samples, or items, weights or a trainer's folder of a round."""
    request = ExportRunSettings.of(context.run)
    if request.what in folder.TOOLS:
        return handover.hand_over(context, request)
    if request.round_id is None:
        return _samples(context, request)
    about = context.store.rounds.get(request.round_id)
    if request.what in formats.WEIGHTS:
        return WeightExport(context, models, about).run()
    return _items(context, request, about)


def _samples(context: RunContext, request: ExportRunSettings) -> ExportResult:
    """Write the approved samples."""
    target, what = Path(request.target), request.what
    samples = context.store.samples.find(approved_in(request.scope))
    n = formats.export_samples(samples, what, target)
    text = model_card.samples(what, n, _models(context, request.scope))
    card = formats.write_card(target, text)
    return ExportResult(str(target), n, str(card))


def _models(context: RunContext, scope: SampleScope | None) -> list[str]:
    """Return the names of the models whose studies made the samples of a scope."""
    digest = scope.model_digest if scope else None
    runs = context.store.runs.find(RunFilter(("study",), model_digest=digest))
    names = (StudyRunSettings.of(run).model.model for run in reversed(runs))
    return list(dict.fromkeys(map(_published_name, names)))


def _published_name(model: str) -> str:
    """Return the name of a model without the place of its folder on this computer."""
    path = typed_path(model)
    return model_files.hub_id(path) or (path.name if path.is_absolute() else model)


def _items(
    context: RunContext, request: ExportRunSettings, about: Round
) -> ExportResult:
    """Write the items of a round, read by the prompts that it was trained on."""
    target, what = Path(request.target), request.what
    items = context.store.rounds.items(about.id)
    run = context.store.runs.get(about.run_id)
    changed_prompts = PromptSettings.of(run).changed_prompts
    # A skill is recognised by the rules of its prompt.
    with prompts.fixed(changed_prompts or {}):
        n = formats.export_items(items, what, target)
    text = model_card.items(about, what, n, items, run.versions)
    return ExportResult(str(target), n, str(formats.write_card(target, text)))
