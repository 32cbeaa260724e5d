"""Let the model write one text after another, and keep how each was made."""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from autolearn.core.constraints import Constraint
from autolearn.core.model_calls import Generation, Prompt, Request, Sampling
from autolearn.core.ports import Backend, Cancelled, Stop
from autolearn.core.settings import StudySettings
from autolearn.study import prompts
from autolearn.study.protocol import PROTOCOLS, Protocol

T = TypeVar("T")


def of(kind: type[T], records: Iterable[object]) -> list[T]:
    """Return the records of one kind."""
    return [record for record in records if isinstance(record, kind)]


def draw_seed(seed: int, *key: object) -> int:
    """Return a seed that depends on what is drawn, not on when or beside what."""
    text = "\x1f".join(str(part) for part in (seed, *key))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4])


@dataclass(frozen=True)
class GenerationRequest(Generic[T]):
    """One text to be asked for, with the thing that it is about."""

    subject: T
    prompt: Prompt
    max_new_tokens: int
    draw: int = 0
    """0 is greedy, 1.. are sampled draws."""
    constraint: Constraint = ()
    """The form of what is added to the prompt; empty: free."""


@dataclass(frozen=True)
class Form:
    """How an answer of a guided model is to look."""

    begun: str = ""
    """Its beginning, which is given."""
    constraint: Constraint = ()
    """What may follow."""
    language: str | None = prompts.ENGLISH
    """That of the worked examples; None: without."""
    draw: int = 0
    """0 is greedy, 1.. are sampled draws."""


@dataclass(frozen=True)
class Generator:
    """The model at work, asked by the protocol that suits it."""

    backend: Backend
    settings: StudySettings
    stop: Stop
    report: Callable[[float], None]
    """Told the finished share of what is being written, 0..1."""
    verdict_threshold: float = 0.5
    """P(correct) from which a verdict is correct, where a model is guided."""
    uses_verdicts: bool = True
    """Whether its verdicts count; if not, the words of the answers decide alone."""

    @property
    def protocol(self) -> Protocol:
        """Return how the model is asked."""
        chosen = self.settings.protocol
        return PROTOCOLS[self.backend.protocol if chosen == "auto" else chosen]

    def request(
        self,
        name: str,
        subject: T,
        values: Mapping[str, object],
        max_new_tokens: int,
        form: Form | None = None,
    ) -> GenerationRequest[T]:
        """Return what is put to the model, by the name of its prompt.

        ``values`` are the variables of the prompt; ``form`` counts only where the
        protocol guides the model.
        """
        file, protocol = prompts.load(name), self.protocol
        if form is None or not protocol.guided:
            prompt = file.render(**values)
            return GenerationRequest(subject, prompt, max_new_tokens)
        language = form.language if protocol.shows_examples else None
        prompt = file.guided(language, form.begun, **values)
        return GenerationRequest(
            subject, prompt, max_new_tokens, form.draw, form.constraint
        )

    def write(self, asks: Sequence[GenerationRequest[T]]) -> list[tuple[T, Generation]]:
        """Return what the model wrote for each ask, in their order.

        Raises:
            Cancelled: The person stopped the run.
        """
        requests = [
            Request(ask.prompt, self._sampling(ask), ask.constraint) for ask in asks
        ]
        completions = self.backend.complete(
            requests, self.stop, lambda done: self.report(done / max(1, len(requests)))
        )
        if any(completion.finish == "cancelled" for completion in completions):
            raise Cancelled
        model = self.backend.identity
        return [
            (ask.subject, Generation(request, completion, model))
            for ask, request, completion in zip(
                asks, requests, completions, strict=True
            )
        ]

    def _sampling(self, ask: GenerationRequest[T]) -> Sampling:
        shown = next(m.content for m in ask.prompt.chat[::-1] if m.role == "user")
        return Sampling(
            temperature=self.settings.temperature if ask.draw else 0.0,
            max_new_tokens=ask.max_new_tokens,
            seed=draw_seed(self.settings.seed, ask.prompt.name, shown, ask.draw),
        )


def why_nothing(generation: Generation, otherwise: str) -> str:
    """Say why a generation gave nothing that could be used."""
    completion = generation.completion
    if completion.finish == "overlong":
        return (
            f"the prompt of {completion.n_prompt_tokens} tokens and its answer "
            "do not fit the context of the model"
        )
    if completion.finish == "length":
        return f"{otherwise}; the model was cut off"
    return otherwise
