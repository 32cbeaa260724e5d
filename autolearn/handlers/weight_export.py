"""Export the adapter of a round or its whole model, and compare answers afterwards.

All is written, compared and described in a draft, which takes its place at the end. A
run that is killed after that finds its own work there when it is resumed.
"""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autolearn.core import digests
from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Request, Sampling
from autolearn.core.records import Round
from autolearn.core.run_results import ExportResult
from autolearn.core.run_settings import ExportRunSettings, ModelRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.engine import merging
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.evaluation import quiz_sets
from autolearn.export import formats, gguf_converter, model_card
from autolearn.handlers.models import Models
from autolearn.models import files as model_files
from autolearn.rounds import adapters
from autolearn.runs.context import RunContext
from autolearn.study import prompts

N_ASKED = 5
"""Questions that exported weights and the round itself are asked."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class WeightExport:
    """The export of one round's weights to a new folder.

    They and the round itself are asked a few questions, so that an export
    which answers differently is noticed.
    """

    context: RunContext
    models: Models
    about: Round

    @property
    def target(self) -> Path:
        """Return the folder that a person has named."""
        return Path(ExportRunSettings.of(self.context.run).target)

    def run(self) -> ExportResult:
        """Write the weights, ask them, and return the result.

        Raises:
            InputError: The target holds something else, or cannot be written.
        """
        earlier_result = ExportResult.of(self.context.run)
        if self._is_complete(earlier_result):
            return earlier_result
        questions = quiz_sets.some_questions(self.context.store, N_ASKED)
        with formats.new_folder(self.target) as draft:
            adapter = adapters.folder_of(self.context.store, self.about)
            before = self._answers(self.models.local_backend(self.context), questions)
            what = ExportRunSettings.of(self.context.run).what
            write = {
                "adapter": self._adapter,
                "merged": self._write_merged,
                "gguf": self._as_gguf,
            }[what]
            after = write(adapter, draft, questions)
            result = self._with_card(draft, what, before, after)
            self.context.save_result(result)
        return result

    def _is_complete(self, result: ExportResult) -> bool:
        """Return whether an earlier try of this run has put its work in place."""
        return (
            result.digest is not None
            and self.target.is_dir()
            and digests.of_folder(self.target) == result.digest
        )

    def _adapter(
        self, adapter: Path, draft: Path, questions: Sequence[str]
    ) -> list[str]:
        shutil.copytree(adapter, draft, dirs_exist_ok=True)
        model = self.models.local_backend(self.context)
        model.use_adapter(draft)
        return self._answers(model, questions)

    def _write_merged(
        self, adapter: Path, draft: Path, questions: Sequence[str]
    ) -> list[str]:
        self._merge(adapter, draft)
        settings = ModelSettings(str(self.target), "none")
        model = HuggingFaceBackend.load(settings, draft)
        return self._answers(model, questions)

    def _as_gguf(
        self, adapter: Path, draft: Path, questions: Sequence[str]
    ) -> list[str]:
        """Write a merged model as GGUF; return its answers if it can be read back."""
        whole, gguf = draft / "merged", draft / gguf_converter.FILE
        self._merge(adapter, whole)
        self.context.progress("converting", 0, 1)
        by = Path(ExportRunSettings.of(self.context.run).converter or "")
        gguf_converter.convert(by, whole, gguf, self.context.stop)
        try:
            settings = ModelSettings(str(whole), "none")
            model = HuggingFaceBackend.load(settings, whole, gguf)
            return self._answers(model, questions)
        except BackendError:
            log.exception("transformers cannot read the GGUF of this model back")
            return []
        finally:
            shutil.rmtree(whole)

    def _merge(self, adapter: Path, folder: Path) -> None:
        self.models.unload()  # there may be room for one model only
        self.context.progress("merging", 0, 1)
        settings = ModelRunSettings.of(self.context.run).model
        merging.merge(model_files.locate(settings.model), adapter, folder)

    def _answers(
        self, backend: HuggingFaceBackend, questions: Sequence[str]
    ) -> list[str]:
        """Return the answers of a model from memory."""
        self.context.progress("asking questions", 0, 1)
        prompt = prompts.load("closed_book")
        requests = [
            Request(prompt.render(question=question), Sampling())
            for question in questions
        ]
        completions = backend.complete(requests, self.context.stop)
        return [completion.text for completion in completions]

    def _with_card(
        self, draft: Path, what: str, before: Sequence[str], after: Sequence[str]
    ) -> ExportResult:
        """Write the card and return the result."""
        store = self.context.store
        n_same = sum(a == b for a, b in zip(before, after, strict=False))
        card = self.target / "README.md"
        result = ExportResult(
            str(self.target),
            card=str(card),
            n_questions=len(after),
            n_same_answers=n_same,
        )
        text = model_card.weights(
            self.about,
            what,
            result,
            store.rounds.items(self.about.id),
            store.runs.get(self.about.run_id).versions,
        )
        formats.write_card(draft, text)
        return replace(result, digest=digests.of_folder(draft))
