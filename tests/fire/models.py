"""A model for the rig: a script writes its texts, a tiny network learns.

Handlers, journal, trainer, adapters and exports are those of the app. Only the texts
come from a script, so that a run takes a second instead of minutes.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import cast

from autolearn.core.model_calls import ModelIdentity
from autolearn.core.run_settings import ModelRunSettings
from autolearn.core.settings import ModelSettings
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.handlers.models import Models, attach
from autolearn.models import files as model_files
from tests.support.scripted_backend import ScriptedBackend
from tests.support.tiny import build_model

CONTEXT = 2048
"""Tokens, each a byte: enough for the prompts that a round learns."""


def reply(request):
    """Answer as a model that guesses from memory, reads well and mends itself."""
    name, user = request.prompt.name, request.prompt.chat[-1].content
    subject = user.split("Question:")[-1].split("\n")[0].strip()[:60]
    texts = {
        "ask": "When was Avel founded?\nWho leads Avel?",
        "open_book": "Evidence: Ada leads Avel.\nAnswer: Ada leads Avel.",
        "feedback": "Compared.\nVerdict: incorrect",
        "feedback_free": "Looked at.\nVerdict: incorrect",
        "refine": "Answer: Ada leads Avel.",
        "refine_free": "Answer: Ada leads Avel.",
        "paraphrase": "In which year was Avel founded?",
    }
    return texts.get(name, f"Perhaps {subject}")


class FireModel(ScriptedBackend):
    """Writes by the script; its adapter is trained by the tiny network."""

    def __init__(self, network: HuggingFaceBackend) -> None:
        super().__init__(reply, instruction=lambda seed: f"Why {seed}?")
        self.network = network
        self._identity = network.identity

    @property
    def identity(self) -> ModelIdentity:
        return self._identity

    def use_adapter(self, folder, round_id=None, digest=None):
        self._identity = replace(
            self.network.identity, round_id=round_id, adapter_digest=digest
        )

    def stream(self, request, stop, on_text):
        (completion,) = self.complete([request], stop)
        on_text(completion.text)
        return completion

    notes = ()

    @contextmanager
    def measured_memory(self, settings, passages) -> Iterator[dict[str, float]]:
        yield {}

    def train(self, items, settings, watcher, **places):
        return self.network.train(items, settings, watcher, **places)


class FireModels(Models):
    """The model of the rig, in place of those that the worker loads."""

    def __init__(self, network: HuggingFaceBackend, settings: ModelSettings) -> None:
        super().__init__()
        self._network = network
        folder = model_files.locate(settings.model)
        self._own = (folder, settings.quantization, model_files.digest(folder))

    def local_backend(self, context):
        if context.run.kind == "export":  # the weights themselves are asked
            if self._backend is None:
                self._backend, self._key = self._network, self._own
            return super().local_backend(context)
        model = cast(HuggingFaceBackend, FireModel(self._network))
        attach(context, model, ModelRunSettings.of(context.run).model.round_id)
        return model


def load(folder: Path) -> tuple[HuggingFaceBackend, ModelSettings]:
    """Build the tiny network and load it."""
    settings = ModelSettings(str(build_model(folder, context=CONTEXT)), "none")
    return HuggingFaceBackend.load(settings, folder), settings
