"""The backend of a model that runs on a server, as study, quiz and chat use it."""

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, contextmanager
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from autolearn.containment import is_stopped
from autolearn.core.errors import BackendError
from autolearn.core.model_calls import (
    Chat,
    Completion,
    Message,
    ModelIdentity,
    Request,
    Sampling,
)
from autolearn.core.ports import Cancelled, Stop
from autolearn.core.prices import ANSWER_TOKENS, PROMPT_TOKENS
from autolearn.core.settings import StudySettings
from autolearn.endpoints import replies
from autolearn.endpoints.client import (
    RetryPolicy,
    ServerClient,
    ServerRefused,
    run_loop,
)
from autolearn.endpoints.facts import UNKNOWN_CONTEXT, ServerFacts
from autolearn.endpoints.label_probabilities import LabelReader
from autolearn.endpoints.matching import match_of_answer
from autolearn.endpoints.pool import StepResults, run_all
from autolearn.endpoints.replies import Reply
from autolearn.endpoints.requests import (
    RequestBodies,
    ThoughtSwitch,
    by_prefix,
    continuation,
)

T = TypeVar("T")

FORM_DRAWS = 4
"""Draws of an answer whose form the server cannot enforce."""
_REDRAW_TEMPERATURE = 0.7
_CANCELLATION = Completion("", "cancelled", 0, 0)
_BYTES_PER_TOKEN = 4
"""About, of English text, where a server counts no tokens."""
_LONGEST_TOKEN = 256
"""Characters: vocabularies have runs of 128 spaces. An answer is cut to what its
tokens can hold, since a broken server may send any length."""
_OVERLONG = re.compile(
    r"context (size|length|window)|maximum.{0,20}length|`inputs` (tokens|must)", re.I
)
"""Matches how servers say that a prompt does not fit; see tests for the sentences."""
ESTIMATE_NOTE = (
    "The probabilities of verdicts are estimated from sampled answers, since the "
    "server gives no log-probabilities."
)

TAKEOVER_NOTE = "The other servers took over its requests."


class ServerBackend:
    """A model on a server; see ``ports.Backend``."""

    def __init__(self, facts: ServerFacts, retries: RetryPolicy | None = None) -> None:
        self._facts = facts
        self._retries = retries
        self._bodies = RequestBodies(facts)
        self._notes: set[str] = set()
        self.tokens: dict[str, float] = {PROMPT_TOKENS: 0, ANSWER_TOKENS: 0}
        """Of all whole replies, also of verdicts and of draws that are not kept."""
        self._switch = ThoughtSwitch(facts.program)

    @property
    def identity(self) -> ModelIdentity:
        """Return which model answers: the digest is that of ``ServerFacts``."""
        title = self._facts.abilities.title
        return ModelIdentity(
            self._facts.address, self._facts.digest, "none", title, "server"
        )

    @property
    def context_length(self) -> int:
        """Return how many tokens prompt and answer may have together."""
        return self._facts.context or UNKNOWN_CONTEXT

    @property
    def protocol(self) -> str:
        """Return the protocol for instruct models, which servers run."""
        return "guided"

    @property
    def scores_texts(self) -> bool:
        """Return whether ``confidence`` can be measured."""
        return self._facts.abilities.scores_prompts

    @property
    def notes(self) -> tuple[str, ...]:
        """Return notes for the user on the results so far, in sentences."""
        return tuple(sorted(self._notes))

    @contextmanager
    def measured_memory(
        self, settings: StudySettings, passages: int
    ) -> Iterator[dict[str, float]]:
        """Yield nothing: the memory of a server cannot be measured."""
        yield {}

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of a text: an estimate if none counts them."""
        if self._facts.program not in ("llama.cpp", "vllm"):
            return -(-len(text.encode()) // _BYTES_PER_TOKEN)
        field = "prompt" if self._facts.program == "vllm" else "content"
        model = self._facts.server_address.model

        async def count(client: ServerClient) -> int:
            body = {"model": model, field: text, "add_special_tokens": False}
            return await client.post(f"{client.address.root}/tokenize", body, _n_tokens)

        (number,) = self._run_all([count])
        return number

    def complete(
        self,
        requests: Sequence[Request],
        stop: Stop,
        progress: Callable[[int], None] | None = None,
    ) -> list[Completion]:
        """Answer all requests, in the order given.

        They are sent in an order in which neighbours share a prefix.

        Raises:
            BackendError: The server cannot be reached, or answers nothing usable.
        """
        order = by_prefix([request.prompt.chat for request in requests])
        jobs = [partial(self._complete, requests[i]) for i in order]
        completions = dict(zip(order, self._run(jobs, stop, progress), strict=True))
        return [completions[i] or _CANCELLATION for i in range(len(requests))]

    def stream(
        self, request: Request, stop: Stop, on_text: Callable[[str], None]
    ) -> Completion:
        """Answer a request; ``on_text`` gets the answer so far as it comes."""
        if request.constraint and not self._facts.abilities.constrains:
            (completion,) = self.complete([request], stop)
        else:
            (result,) = self._run([partial(self._stream, request, on_text)], stop)
            completion = result or _CANCELLATION
        on_text(completion.text)
        return completion

    def probabilities(
        self, chats: Sequence[Chat], prefills: Sequence[str], labels: Sequence[str]
    ) -> list[tuple[float, ...]]:
        """Return P(label) for each chat, given how its answer begins.

        If the server gives no log-probabilities, they are estimated from sampled
        answers, and ``notes`` says so.
        """
        reader = LabelReader(self._bodies, self._ask)
        order = by_prefix(chats)
        jobs = [partial(reader.read, chats[i], prefills[i], labels) for i in order]
        rows = dict(zip(order, self._run_all(jobs), strict=True))
        if reader.has_estimated:
            self._notes.add(ESTIMATE_NOTE)
        return [rows[i] for i in range(len(chats))]

    def confidence(self, chats: Sequence[Chat], answers: Sequence[str]) -> list[float]:
        """Return the mean log-probability per token of each answer, in nats.

        The end of the answer does not count: servers do not score it.

        Raises:
            BackendError: The server does not score texts; see ``scores_texts``.
        """
        if not self.scores_texts:
            raise BackendError(
                f"{self._facts.abilities.title} does not give the log-probability of "
                "a given text; use a model on this computer, or vLLM."
            )
        places = range(len(chats))
        jobs = [partial(self._confidence, chats[i], answers[i]) for i in places]
        return self._run_all(jobs)

    def generate_instructions(
        self,
        seeds: Sequence[int],
        stop: Stop,
        max_new_tokens: int,
        beginnings: Sequence[str] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """Refuse: a server answers turns of a user, it does not write them.

        Raises:
            BackendError: Always.
        """
        raise BackendError(
            "A model on a server cannot write instructions in the prompting style "
            "“trained”; choose the style “guided” under Study."
        )

    def _run_all(
        self, jobs: Sequence[Callable[[ServerClient], Awaitable[T]]]
    ) -> list[T]:
        """Run jobs until they are done or the run is stopped; see ``stopped_by``.

        Raises:
            Cancelled: The run was stopped.
        """
        values = self._run(jobs, is_stopped)
        results = [value for value in values if value is not None]
        if len(results) < len(jobs):
            raise Cancelled
        return results

    def _run(
        self,
        jobs: Sequence[Callable[[ServerClient], Awaitable[T]]],
        stop: Stop,
        progress: Callable[[int], None] | None = None,
    ) -> list[T | None]:
        """Run jobs over separate connections; None if stopped."""

        async def run() -> StepResults[T]:
            async with AsyncExitStack() as stack:
                clients = [
                    await stack.enter_async_context(ServerClient(server, self._retries))
                    for server in self._facts.server_address
                ]
                return await run_all(jobs, clients, self._facts.at_once, stop, progress)

        results = run_loop(run)
        self._notes |= {f"{error} {TAKEOVER_NOTE}" for error in results.failures}
        return results.values

    async def _ask(self, client: ServerClient, body: dict[str, object]) -> Reply:
        def post(accepted: Mapping[str, Any]) -> Awaitable[Reply]:
            return client.post(_url(client), accepted, replies.read)

        reply = await self._switch.answer(body, post)
        self._count(reply.n_prompt_tokens, reply.n_tokens)
        return reply

    def _count(self, n_prompt_tokens: int, n_tokens: int) -> None:
        self.tokens[PROMPT_TOKENS] += n_prompt_tokens
        self.tokens[ANSWER_TOKENS] += n_tokens

    async def _complete(self, request: Request, client: ServerClient) -> Completion:
        try:
            if request.constraint and not self._facts.abilities.constrains:
                return await self._complete_by_redrawing(request, client)
            return await self._complete_constrained(request, client)
        except ServerRefused as error:
            return self._overlong_completion(request, error)

    async def _complete_constrained(
        self, request: Request, client: ServerClient
    ) -> Completion:
        """Return the answer to a request, with its beginning."""
        chat = request.prompt.chat
        body = self._bodies.answer(chat, request.sampling, request.constraint)
        reply = await self._ask(client, body)
        text = _prefill(chat) + self._text_after_prefill(request, reply.text)
        return Completion(
            text.strip(), reply.finish, reply.n_prompt_tokens, reply.n_tokens
        )

    async def _complete_by_redrawing(
        self, request: Request, client: ServerClient
    ) -> Completion:
        """Return the first of some draws that has the form that is asked for.

        If none has it, return only the given beginning, from which nothing can be
        parsed.
        """
        prefill = _prefill(request.prompt.chat)
        n_prompt = n_tokens = 0
        for draw in range(FORM_DRAWS):
            body = self._bodies.answer(
                request.prompt.chat, _redrawn(request.sampling, draw)
            )
            reply = await self._ask(client, body)
            n_prompt, n_tokens = reply.n_prompt_tokens, n_tokens + reply.n_tokens
            answer = self._text_after_prefill(request, reply.text)
            if match := match_of_answer(request.constraint, answer):
                whole = (prefill + match).strip()
                return Completion(whole, "stop", n_prompt, n_tokens)
        return Completion(prefill.strip(), "stop", n_prompt, n_tokens)

    def _text_after_prefill(self, request: Request, text: str) -> str:
        prefill = _prefill(request.prompt.chat)
        continues = self._facts.abilities.continues
        answer = continuation(prefill, text, continues=continues)
        return answer[: _LONGEST_TOKEN * request.sampling.max_new_tokens]

    def _overlong_completion(
        self, request: Request, error: ServerRefused
    ) -> Completion:
        """Return the completion of a prompt that does not fit; else raise the error."""
        if not error.is_about_request or not _OVERLONG.search(error.message):
            raise error
        n_bytes = sum(len(turn.content.encode()) for turn in request.prompt.chat)
        return Completion("", "overlong", n_bytes // _BYTES_PER_TOKEN, 0)

    async def _stream(
        self, request: Request, on_text: Callable[[str], None], client: ServerClient
    ) -> Completion:
        try:
            return await self._stream_completion(request, on_text, client)
        except ServerRefused as error:
            return self._overlong_completion(request, error)

    async def _stream_completion(
        self, request: Request, on_text: Callable[[str], None], client: ServerClient
    ) -> Completion:
        chat = request.prompt.chat
        body = self._bodies.answer(chat, request.sampling, request.constraint)
        body["stream"] = True
        # Others may refuse the option, or tell the usage without it.
        if self._facts.program not in ("transformers", "openai"):
            body["stream_options"] = {"include_usage": True}
        read = partial(self._read_stream, request, on_text, client)
        return await self._switch.answer(body, read)

    async def _read_stream(
        self,
        request: Request,
        on_text: Callable[[str], None],
        client: ServerClient,
        body: Mapping[str, Any],
    ) -> Completion:
        # Without a reason to finish, the stream was cut off.
        prefill, completion, text = _prefill(request.prompt.chat), _CANCELLATION, ""
        stream = client.events(_url(client), body, replies.read_event)
        async with aclosing(stream) as events:
            async for event in events:
                text += event.text
                answer = self._text_after_prefill(request, replies.answer_in(text))
                whole = (prefill + answer).strip()
                completion = replace(
                    completion,
                    text=whole,
                    finish=event.finish or completion.finish,
                    n_prompt_tokens=event.n_prompt_tokens or completion.n_prompt_tokens,
                    n_tokens=event.n_tokens or completion.n_tokens,
                )
                on_text(whole)
        self._count(completion.n_prompt_tokens, completion.n_tokens)
        if completion.finish == "cancelled":
            raise BackendError(
                f"The server {client.address.base} ended an answer without a reason; "
                "look at its log."
            )
        return completion

    async def _confidence(self, chat: Chat, answer: str, client: ServerClient) -> float:
        prompt = await self._ask(client, self._bodies.first_token(chat))
        whole = (*chat, Message("assistant", answer.strip()))
        reply = await self._ask(client, self._bodies.scored_prompt(whole))
        # The first token of the prompt has no probability.
        log_probs = reply.prompt_log_probs[prompt.n_prompt_tokens - 1 :]
        if not log_probs or not prompt.n_prompt_tokens:
            raise BackendError(
                f"The server {client.address.base} gives no log-probabilities of "
                "prompts; start vLLM without options that switch them off."
            )
        return sum(log_probs) / len(log_probs)


def _url(client: ServerClient) -> str:
    return f"{client.address.base}/chat/completions"


def _prefill(chat: Chat) -> str:
    """Return how the answer to a chat begins; empty: it has not begun."""
    return chat[-1].content if chat[-1].role == "assistant" else ""


def _redrawn(sampling: Sampling, draw: int) -> Sampling:
    """Return how an answer is drawn again; draw 0 is the first."""
    if draw == 0:
        return sampling
    temperature = max(sampling.temperature, _REDRAW_TEMPERATURE)
    return replace(sampling, temperature=temperature, seed=sampling.seed + draw)


def _n_tokens(value: object) -> int:
    tokens = replies.as_object(value).get("tokens")
    if not isinstance(tokens, list):
        raise replies.Unusable("counts no tokens")
    return len(tokens)
