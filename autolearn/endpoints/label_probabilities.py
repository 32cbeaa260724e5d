"""Read the probabilities of labels: from log-probabilities, or from samples."""

from collections.abc import Awaitable, Callable, Sequence
from math import exp
from typing import Any

from autolearn.core.constraints import OneOf
from autolearn.core.model_calls import Chat, Message, Sampling
from autolearn.endpoints.client import ServerClient
from autolearn.endpoints.matching import match_of_answer
from autolearn.endpoints.replies import Reply
from autolearn.endpoints.requests import RequestBodies, continuation

SAMPLES = 8
"""Sampled answers from which probabilities are estimated."""
SAMPLE_TOKENS = 16
_NEGLIGIBLE = 0.01
"""Probability of a token below which its continuations are not read."""

Ask = Callable[[ServerClient, dict[str, Any]], Awaitable[Reply]]


class LabelReader:
    """Reads P(label) for the label with which an answer continues."""

    def __init__(self, bodies: RequestBodies, ask: Ask) -> None:
        self._bodies, self._ask = bodies, ask
        self.has_estimated = False
        """Whether some probabilities were estimated from samples."""

    async def read(
        self, chat: Chat, prefill: str, labels: Sequence[str], client: ServerClient
    ) -> tuple[float, ...]:
        """Return the probabilities of the labels after ``prefill``, summing to 1.

        No label may be the beginning of another.
        """
        # At the beginning of an answer, servers trim the space of a label.
        texts = list(labels) if prefill else [label.lstrip() for label in labels]
        abilities = self._bodies.facts.abilities
        if abilities.gives_log_probs and abilities.continues:
            masses = await self._masses(client, chat, prefill, texts)
            if total := sum(masses):
                return tuple(mass / total for mass in masses)
        self.has_estimated = True
        return await self._estimate(client, chat, prefill, texts)

    async def _masses(
        self, client: ServerClient, chat: Chat, prefill: str, labels: Sequence[str]
    ) -> list[float]:
        """Return the probability of each label, as far as the server reports it.

        If several labels begin with a token, its continuations are read too.
        """
        reply = await self._ask(
            client, self._bodies.first_token(_with_prefill(chat, prefill))
        )
        masses = [0.0] * len(labels)
        for token, log_prob in reply.first_tokens:
            matching_labels = [
                i
                for i, label in enumerate(labels)
                if token and (label.startswith(token) or token.startswith(label))
            ]
            if len(matching_labels) == 1:
                masses[matching_labels[0]] += exp(log_prob)
            elif matching_labels and exp(log_prob) >= _NEGLIGIBLE:
                rests = [labels[i][len(token) :] for i in matching_labels]
                shares = await self._masses(client, chat, prefill + token, rests)
                for i, share in zip(matching_labels, shares, strict=True):
                    masses[i] += exp(log_prob) * share
        return masses

    async def _estimate(
        self, client: ServerClient, chat: Chat, prefill: str, labels: Sequence[str]
    ) -> tuple[float, ...]:
        """Return probabilities by Laplace's rule, from answers that are a label."""
        counts = [1] * len(labels)
        form = (OneOf(tuple(labels)),)
        continues = self._bodies.facts.abilities.continues
        for seed in range(SAMPLES):
            sampling = Sampling(1.0, 1.0, SAMPLE_TOKENS, seed)
            body = self._bodies.answer(_with_prefill(chat, prefill), sampling, form)
            reply = await self._ask(client, body)
            answer = continuation(prefill, reply.text, continues=continues)
            if label := match_of_answer(form, answer):
                counts[labels.index(label)] += 1
        return tuple(count / sum(counts) for count in counts)


def _with_prefill(chat: Chat, prefill: str) -> Chat:
    return (*chat, Message("assistant", prefill)) if prefill else chat
