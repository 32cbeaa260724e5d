"""The handler of each kind of run of the worker; see ``runs.queues``."""

from collections.abc import Callable

from autolearn.core.prices import PROMPT_TOKENS
from autolearn.core.run_results import (
    ConvertResult,
    ExportResult,
    RunResult,
    TrainResult,
)
from autolearn.endpoints.backend import ServerBackend
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.handlers import (
    chat,
    export,
    gguf_conversion,
    quiz_run,
    round_training,
    skill_check,
    study_run,
)
from autolearn.handlers.models import Models
from autolearn.runs.context import Handler, Handlers, RunContext


def handlers(models: Models) -> Handlers:
    """Return the handler of each kind of run, with these models."""

    def with_model(
        handle: Callable[[RunContext, HuggingFaceBackend | ServerBackend], RunResult],
    ) -> Handler:
        def run(context: RunContext) -> RunResult:
            backend = models.backend(context)
            if not isinstance(backend, ServerBackend):
                return handle(context, backend)
            try:
                return handle(context, backend)
            finally:
                _keep_tokens(context, backend)

        return run

    def train(context: RunContext) -> TrainResult:
        return round_training.train(context, models.local_backend(context))

    def export_(context: RunContext) -> ExportResult:
        return export.export(context, models)

    def convert(context: RunContext) -> ConvertResult:
        models.unload()  # there may be room for one model only
        return gguf_conversion.convert(context)

    return {
        "study": with_model(study_run.study),
        "train": train,
        "quiz": with_model(quiz_run.ask),
        "chat": with_model(chat.answer),
        "export": export_,
        "convert": convert,
        "skills": with_model(skill_check.check),
    }


def _keep_tokens(context: RunContext, backend: ServerBackend) -> None:
    """Store the tokens of a run, next to those of its earlier tries."""
    n_earlier = len(context.store.runs.metrics(context.run.id, PROMPT_TOKENS))
    context.add_metrics(n_earlier, backend.tokens)


HANDLERS = handlers(Models())
