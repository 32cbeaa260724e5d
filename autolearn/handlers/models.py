"""The model that runs use: loaded once, and kept for the next run."""

from pathlib import Path

from autolearn.core import server_addresses
from autolearn.core.errors import BackendError
from autolearn.core.run_settings import ModelRunSettings
from autolearn.core.server_addresses import is_server
from autolearn.core.settings import ModelSettings
from autolearn.endpoints import detection
from autolearn.endpoints.backend import ServerBackend
from autolearn.endpoints.client import RetryPolicy
from autolearn.engine.backend import HuggingFaceBackend
from autolearn.models import files as model_files
from autolearn.rounds import adapters
from autolearn.runs.context import RunContext
from autolearn.runs.model_choice import check_unchanged


class Models:
    """Loads the models of runs; the last one on this computer stays in memory."""

    def __init__(self) -> None:
        self._key: tuple[Path, str, str] | None = None
        """Folder, quantisation, and the digest before it was loaded."""
        self._backend: HuggingFaceBackend | None = None

    def backend(self, context: RunContext) -> HuggingFaceBackend | ServerBackend:
        """Return the model that the run asks for, on this computer or on a server.

        Raises:
            BackendError: It cannot be used, or has changed since the run was queued.
        """
        settings = ModelRunSettings.of(context.run).model
        if not is_server(settings.model):
            return self.local_backend(context)
        self.unload()  # the memory may be needed by a server on this computer
        context.progress("contacting the server", 0, 1)
        return _server_backend(context, settings)

    def local_backend(self, context: RunContext) -> HuggingFaceBackend:
        """Return the model that the run asks for, its adapter attached.

        Raises:
            BackendError: The model is on a server, or cannot be used.
        """
        run_settings = ModelRunSettings.of(context.run)
        settings = run_settings.model
        folder = model_files.locate(settings.model)
        # Files that have changed are read again.
        key = (folder, settings.quantization, model_files.digest(folder))
        if self._backend is None or self._key != key:
            context.progress("loading the model", 0, 1)
            self._backend = None  # free the old weights before loading new ones
            self._backend = HuggingFaceBackend.load(settings, folder)
            self._key = key
        digest = self._backend.identity.digest
        check_unchanged(settings.model, digest, run_settings.model_digest)
        attach(context, self._backend, settings.round_id)
        return self._backend

    def unload(self) -> None:
        """Free the memory of the model."""
        self._key = self._backend = None


def attach(
    context: RunContext, backend: HuggingFaceBackend, round_id: int | None
) -> None:
    """Attach the adapter of a round to a model; None: none.

    Raises:
        InputError: The adapter is missing or damaged.
    """
    if round_id is None:
        backend.use_adapter(None)
        return
    round_ = context.store.rounds.get(round_id)
    folder = adapters.folder_of(context.store, round_)
    backend.use_adapter(folder, round_id, round_.adapter_digest)


def _server_backend(context: RunContext, settings: ModelSettings) -> ServerBackend:
    """Return the server that the run asks for.

    Raises:
        BackendError: It cannot be reached, or serves another model by now.
    """
    address = server_addresses.parse(settings.model)
    facts = detection.detect(address, RetryPolicy(), needs_all=False)
    backend = ServerBackend(facts)
    if backend.identity.digest != ModelRunSettings.of(context.run).model_digest:
        raise BackendError(
            f"The server {settings.model} has another model since this run was "
            "queued; start it with the former model, or queue the run again."
        )
    return backend
