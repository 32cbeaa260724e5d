"""Let the model write texts, and record how each was generated."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, Self, TypeVar

from autolearn.core.constraints import Constraint
from autolearn.core.model_calls import Generation, Prompt, Request, Sampling
from autolearn.core.ports import Backend, Cancelled, Stop
from autolearn.core.settings import StudySettings
from autolearn.study import prompts
from autolearn.study.protocol import PROTOCOLS, Protocol

T = TypeVar("T")


def of_type(kind: type[T], records: Iterable[object]) -> list[T]:
    """Return the records of one kind."""
    return [record for record in records if isinstance(record, kind)]


def draw_seed(seed: int, *key: object) -> int:
    """Return a seed that depends on the content of a draw, not on its batch or time."""
    text = "\x1f".join(str(part) for part in (seed, *key))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


@dataclass(frozen=True)
class GenerationRequest(Generic[T]):
    """One text to generate, with the subject that it is about."""

    subject: T
    prompt: Prompt
    max_new_tokens: int
    draw: int = 0
    """0 is greedy, 1.. are sampled draws."""
    constraint: Constraint = ()
    """The form of what the model adds to the prompt; empty: free text."""


@dataclass(frozen=True)
class Form:
    """The form of an answer of a guided model."""

    prefill: str = ""
    """The prefill: how the answer begins."""
    constraint: Constraint = ()
    """What may follow the prefill."""
    language: str | None = prompts.ENGLISH
    """The language of the worked examples; None: no examples."""
    draw: int = 0
    """0 is greedy, 1.. are sampled draws."""


class RequestBuilder(ABC):
    """Builds the requests of a study, which needs no model."""

    settings: StudySettings

    @property
    @abstractmethod
    def protocol(self) -> Protocol:
        """Return the protocol by which the model is asked."""

    def request(
        self,
        name: str,
        subject: T,
        values: Mapping[str, object],
        max_new_tokens: int,
        form: Form | None = None,
    ) -> GenerationRequest[T]:
        """Return a request that renders the prompt of this name.

        ``values`` are the variables of the prompt; ``form`` counts only for protocols
        that guide the model.
        """
        file, protocol = prompts.load(name), self.protocol
        if form is None or not protocol.guided:
            prompt = file.render(**values)
            return GenerationRequest(subject, prompt, max_new_tokens)
        language = form.language if protocol.shows_examples else None
        prompt = file.guided(language, form.prefill, **values)
        return GenerationRequest(
            subject, prompt, max_new_tokens, form.draw, form.constraint
        )


@dataclass(frozen=True)
class OfflineBuilder(RequestBuilder):
    """Builds requests that are shown or trained on, not sent to a model."""

    settings: StudySettings
    """With a protocol other than ``auto``, which only a model could tell."""

    @property
    def protocol(self) -> Protocol:
        """Return the protocol of the settings."""
        return PROTOCOLS[self.settings.protocol]


@dataclass(frozen=True)
class Generator(RequestBuilder):
    """A model with the protocol by which it is asked."""

    backend: Backend
    settings: StudySettings
    stop: Stop
    report: Callable[[float], None]
    """Called with the finished share of the requests being written, 0..1."""
    verdict_threshold: float = 0.5
    """P(correct) from which the verdict of a guided model is "correct"."""
    uses_verdicts: bool = True
    """Whether its verdicts count; if not, word overlap decides alone."""

    @property
    def protocol(self) -> Protocol:
        """Return the protocol by which the model is asked."""
        name = self.settings.protocol
        return PROTOCOLS[self.backend.protocol if name == "auto" else name]

    def part(self, begin: float, end: float) -> Self:
        """Return the generator of a part of the work; its shares of it are reported.

        For work whose later requests depend on the answers to earlier ones.
        """

        def report(share: float) -> None:
            self.report(begin + share * (end - begin))

        return replace(self, report=report)

    def write(
        self, requests: Sequence[GenerationRequest[T]]
    ) -> list[tuple[T, Generation]]:
        """Return the subject and the generation of each request, in order.

        Raises:
            Cancelled: The user stopped the run.
        """
        calls = [
            Request(request.prompt, self._sampling(request), request.constraint)
            for request in requests
        ]
        completions = self.backend.complete(
            calls, self.stop, lambda n_done: self.report(n_done / max(1, len(calls)))
        )
        if any(completion.finish == "cancelled" for completion in completions):
            raise Cancelled
        model = self.backend.identity
        return [
            (request.subject, Generation(call, completion, model))
            for request, call, completion in zip(
                requests, calls, completions, strict=True
            )
        ]

    def user_turns(
        self,
        seeds: Sequence[int],
        max_new_tokens: int,
        beginnings: Sequence[str] | None = None,
    ) -> list[str]:
        """Return a user turn that the model writes or continues for each seed.

        See ``Backend.generate_instructions``.

        Raises:
            Cancelled: The user stopped the run.
        """
        texts = self.backend.generate_instructions(
            seeds,
            self.stop,
            max_new_tokens,
            beginnings,
            lambda n_done: self.report(n_done / max(1, len(seeds))),
        )
        if self.stop():
            raise Cancelled
        return texts

    def _sampling(self, request: GenerationRequest[T]) -> Sampling:
        prompt, draw = request.prompt, request.draw
        last_turn = next(m.content for m in prompt.chat[::-1] if m.role == "user")
        return Sampling(
            temperature=self.settings.temperature if draw else 0.0,
            max_new_tokens=request.max_new_tokens,
            seed=draw_seed(self.settings.seed, prompt.name, last_turn, draw),
        )


def why_nothing(generation: Generation, otherwise: str) -> str:
    """Return why a generation gave nothing usable; ``otherwise``: the usual reason."""
    completion = generation.completion
    if completion.finish == "overlong":
        return (
            f"the prompt of {completion.n_prompt_tokens} tokens and its answer "
            "do not fit the context of the model"
        )
    if completion.finish == "length":
        return f"{otherwise}; the model was cut off at its token limit"
    return otherwise
