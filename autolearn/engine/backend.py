"""The backend of a local model, as the study and the worker use it."""

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Self

import torch

from autolearn.core.errors import BackendError
from autolearn.core.model_calls import Chat, Completion, ModelIdentity, Request
from autolearn.core.ports import Stop, TrainOutcome, Watcher
from autolearn.core.records import TrainItem
from autolearn.core.settings import ModelSettings, StudySettings, TrainSettings
from autolearn.engine import adapters, device_memory, instructions, load
from autolearn.engine.decoding import generate, probabilities
from autolearn.engine.load import LoadedModel
from autolearn.engine.trainer import joint_training, train
from autolearn.engine.trainer.outcome import Outcome
from autolearn.engine.trainer.process_group import ONE, Processes
from autolearn.engine.trainer.training_job import TrainingJob
from autolearn.models import hardware, memory_calibration
from autolearn.models.files import adapter_digest
from autolearn.models.notes import note_protocol
from autolearn.models.protocols import noted_protocol, study_protocol
from autolearn.study.protocol import DEFAULT, PROTOCOLS


class HuggingFaceBackend:
    """A loaded model that answers and trains; see ``ports.Backend`` and ``Trainer``."""

    def __init__(
        self,
        lm: LoadedModel,
        protocol: str = DEFAULT,
        source: tuple[ModelSettings, Path] | None = None,
    ):
        """Take a loaded model.

        ``source``: the settings and the folder that it was loaded from.
        """
        self._loaded: LoadedModel | None = lm
        self._protocol = protocol
        self._source = source
        self._adapter_protocol: str | None = None

    @classmethod
    def load(
        cls, settings: ModelSettings, folder: Path, gguf: Path | None = None
    ) -> Self:
        """Load the model in ``folder`` without an adapter; see ``load.load``."""
        lm = load.load(settings, folder, gguf)
        return cls(lm, study_protocol(folder), (settings, folder))

    @property
    def _lm(self) -> LoadedModel:
        """The model; it is loaded again after other processes have trained."""
        if self._loaded is None:
            assert self._source is not None
            self._loaded = load.load(*self._source)
        return self._loaded

    @property
    def identity(self) -> ModelIdentity:
        """Return which weights are active: base model and adapter."""
        return self._lm.identity

    @property
    def protocol(self) -> str:
        """Return how to prompt the active weights; see ``study.protocol``."""
        return self._adapter_protocol or self._protocol

    @property
    def context_length(self) -> int:
        """Return how many tokens prompt and answer may have together."""
        return self._lm.context_length

    @property
    def scores_texts(self) -> bool:
        """Return that ``confidence`` is measured."""
        return True

    def use_adapter(
        self,
        folder: Path | None,
        round_id: int | None = None,
        digest: str | None = None,
    ) -> None:
        """Activate the adapter of a round; None activates the base."""
        if folder is None:
            adapters.detach(self._lm)
            round_id = digest = None
            self._adapter_protocol = None
        else:
            adapters.attach(self._lm, folder)
            self._adapter_protocol = noted_protocol(folder)
            digest = digest or adapter_digest(folder)
        self._lm.identity = replace(
            self._lm.identity, round_id=round_id, adapter_digest=digest
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """Return nothing: the results of a local model need no explanation."""
        return ()

    @contextmanager
    def measured_memory(
        self, settings: StudySettings, passages: int
    ) -> Iterator[dict[str, float]]:
        """Measure the memory of a study; the dictionary is filled on exit.

        Values are in bytes; see ``memory_calibration.numbers``.
        """
        device, numbers = self._lm.device, dict[str, float]()
        estimate = self._lm.estimator.study(settings, passages)
        # The estimate does not include the second copy of packed weights.
        baseline = device_memory.bytes_in_use(device) - self._lm.packed_linears.n_bytes
        with device_memory.PeakMemory(device, every=0.1) as peak:
            yield numbers
        numbers |= memory_calibration.numbers(estimate, baseline, peak.bytes)

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a text, without the chat template."""
        return len(self._lm.chat.encode(text))

    def complete(
        self,
        requests: Sequence[Request],
        stop: Stop,
        progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """Answer all requests, in the order given; see ``generate.generate``."""
        texts = [self._text(request) for request in requests]
        return generate.generate(self._lm, texts, stop, progress)

    def _text(self, request: Request) -> generate.DecodedText:
        """Return a request as the decoder takes it."""
        ids, n_prefill = self._lm.chat.to_answer(request.prompt.chat)
        matcher = None
        if request.constraint:
            matcher = self._lm.grammars.matcher(request.constraint)
        return generate.DecodedText(ids, request.sampling, n_prefill, matcher)

    def stream(
        self, request: Request, stop: Stop, on_text: Callable[[str], None]
    ) -> Completion:
        """Answer a request; ``on_text`` gets the answer so far after each token."""
        return generate.stream(self._lm, self._text(request), stop, on_text)

    def probabilities(
        self, chats: Sequence[Chat], prefills: Sequence[str], labels: Sequence[str]
    ) -> list[tuple[float, ...]]:
        """Return P(label) for each chat, given how its answer begins.

        The probabilities of one chat sum to 1.
        """
        continuations = [
            [self._lm.chat.with_prefill(chat, prefill + label) for label in labels]
            for chat, prefill in zip(chats, prefills, strict=True)
        ]
        return probabilities.probabilities(self._lm, continuations)

    def confidence(self, chats: Sequence[Chat], answers: Sequence[str]) -> list[float]:
        """Return the mean log-probability per token of each answer, in nats."""
        return instructions.confidence(self._lm, chats, answers)

    def generate_instructions(
        self,
        seeds: Sequence[int],
        stop: Stop,
        max_new_tokens: int,
        beginnings: Sequence[str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Return a user turn that the model writes itself for each seed.

        Empty if the model wrote none; see ``instructions``.
        """
        return instructions.sample(
            self._lm, seeds, stop, max_new_tokens, beginnings, progress
        )

    def train(
        self,
        items: Sequence[TrainItem],
        settings: TrainSettings,
        watcher: Watcher,
        *,
        start: Path | None,
        checkpoints: Path,
        output: Path,
    ) -> TrainOutcome:
        """Train an adapter and save it in ``output``.

        The base is active afterwards, also after an error.
        """
        job = TrainingJob(tuple(items), settings, start, checkpoints, output)
        if settings.devices > 1:
            return self._train_apart(job, watcher)
        return self.train_here(job, watcher)

    def _train_apart(self, job: TrainingJob, watcher: Watcher) -> Outcome:
        """Train in one process for each device; this process holds no model meanwhile.

        Raises:
            BackendError: There are fewer devices.
        """
        self.use_adapter(None)
        assert self._source is not None
        if self._lm.device.type == "cuda":
            _check_devices(job.settings.devices, torch.cuda.device_count())
        self._loaded = None
        gc.collect()  # peft and its layers refer to each other
        hardware.release_memory()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        settings, folder = self._source
        return joint_training.train(settings, folder, job, watcher)

    def train_here(
        self, job: TrainingJob, watcher: Watcher, processes: Processes = ONE
    ) -> Outcome:
        """Train in this process, with the other ``processes`` if there are any."""
        # The trainer attaches its own adapter.
        self.use_adapter(None)
        try:
            training = train.RoundTrainer(self._lm, job.items, job.settings, processes)
            outcome = training.run(
                watcher,
                start=job.start,
                checkpoints=job.checkpoints,
                output=job.output,
            )
            if outcome.finished and processes.number == 0:
                self._note_protocol(job)
            return outcome
        finally:
            self.use_adapter(None)

    def _note_protocol(self, job: TrainingJob) -> None:
        """Note in the adapter how to prompt it: ``meta`` needs no worked examples."""
        # A continued adapter keeps the protocol that it was trained for.
        protocol = (noted_protocol(job.start) if job.start else None) or self._protocol
        if not job.settings.traits.teaches_facts and PROTOCOLS[protocol].guided:
            protocol = "taught"
        note_protocol(job.output, protocol)


def _check_devices(n: int, n_present: int) -> None:
    """Refuse a training on more GPUs than there are.

    Raises:
        BackendError: There are fewer.
    """
    if n > n_present:
        raise BackendError(
            f"This training uses {n} GPUs and {n_present} can be used; resume its run, "
            f"or train again, with {n_present} (--devices {n_present})."
        )
