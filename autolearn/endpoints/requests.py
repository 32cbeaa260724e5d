"""The requests to a server, as each program takes them."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from autolearn.core.constraints import Constraint
from autolearn.core.model_calls import Chat, Message, Sampling
from autolearn.endpoints.client import ServerRefused
from autolearn.endpoints.detection import vllm_release
from autolearn.endpoints.facts import Program, ServerFacts
from autolearn.endpoints.grammar import to_grammar

T = TypeVar("T")

LIKELIEST = 20
"""Most first tokens whose log-probabilities servers give."""
_VLLM_STRUCTURED = (0, 11)
"""The release of vLLM whose requests have ``structured_outputs``."""
_NO_THINKING = {"chat_template_kwargs": {"enable_thinking": False}}
_NO_EFFORT = {"reasoning_effort": "none"}
_WITHOUT_THOUGHTS: dict[Program, dict[str, Any]] = {
    "llama.cpp": _NO_THINKING,
    "vllm": _NO_THINKING,
    "sglang": _NO_THINKING,
    "ollama": _NO_EFFORT,
    "transformers": _NO_THINKING,
    "openai": {**_NO_THINKING, **_NO_EFFORT},
}
"""What keeps a reasoning model from writing pages of thought; other models ignore it.
Earlier versions of ``transformers serve`` refuse the field; of the servers called
``openai``, some know one of the fields, others refuse both."""
_BEGIN = "Begin your answer with exactly these words, and go on from there:\n"


@dataclass(frozen=True)
class RequestBodies:
    """Builds the bodies of requests to ``/chat/completions``."""

    facts: ServerFacts

    def answer(
        self, chat: Chat, sampling: Sampling, constraint: Constraint = ()
    ) -> dict[str, Any]:
        """Return the request for an answer, which may have begun."""
        return {
            **self._chat(chat),
            "max_tokens": sampling.max_new_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            # Some servers refuse seeds beyond 31 bits.
            "seed": sampling.seed & 0x7FFFFFFF,
            **self._sampled(sampling),
            **self._constraint(constraint),
        }

    def first_token(self, chat: Chat) -> dict[str, Any]:
        """Return the request for the log-probabilities of the first token."""
        sampling = Sampling(max_new_tokens=1)
        likeliest = {"logprobs": True, "top_logprobs": LIKELIEST}
        return {**self.answer(chat, sampling), **likeliest}

    def scored_prompt(self, chat: Chat) -> dict[str, Any]:
        """Return the request for the log-probabilities of a chat with its answer."""
        body = self.answer(chat, Sampling(max_new_tokens=1))
        return {**body, "prompt_logprobs": 0}

    def _chat(self, chat: Chat) -> dict[str, Any]:
        has_prefill = chat[-1].role == "assistant"
        if has_prefill and not self.facts.abilities.continues:
            chat, has_prefill = _asked_to_begin(chat), False
        body: dict[str, Any] = {
            **self._model(),
            "messages": [{"role": turn.role, "content": turn.content} for turn in chat],
        }
        if has_prefill and self.facts.program in ("vllm", "sglang"):
            body["continue_final_message"] = True
        if has_prefill and self.facts.program == "vllm":
            body["add_generation_prompt"] = False
        return body | _WITHOUT_THOUGHTS[self.facts.program]

    def _model(self) -> dict[str, str]:
        """Return the fields that name the model.

        SGLang lists an adapter by its name, but answers with the base model if
        ``model`` has that name.
        """
        name = self.facts.server_address.model
        if self.facts.program == "sglang" and self.facts.parent:
            return {"model": self.facts.parent, "lora_path": name}
        return {"model": name}

    def _sampled(self, sampling: Sampling) -> dict[str, str]:
        """Return further parameters that make a server sample.

        ``transformers serve`` ignores the temperature if the model is greedy by itself,
        as most are. The other settings of the model stay as they are.
        """
        if self.facts.program != "transformers" or sampling.temperature == 0:
            return {}
        return {"generation_config": json.dumps({"do_sample": True})}

    def _constraint(self, constraint: Constraint) -> dict[str, Any]:
        if not constraint or not self.facts.abilities.constrains:
            return {}
        grammar = to_grammar(constraint)
        match self.facts.program:
            case "sglang":
                return {"ebnf": grammar}
            case "vllm" if vllm_release(self.facts.version) < _VLLM_STRUCTURED:
                return {"guided_grammar": grammar}
            case "vllm":
                return {"structured_outputs": {"grammar": grammar}}
            case _:
                return {"grammar": grammar}


def _asked_to_begin(chat: Chat) -> Chat:
    """Return a chat whose last user turn asks for the beginning of the answer."""
    *before, last, answer = chat
    content = f"{last.content}\n\n{_BEGIN}{answer.content}"
    return (*before, Message(last.role, content))


def continuation(prefill: str, text: str, *, continues: bool) -> str:
    """Return what an answer adds to its beginning.

    Some servers repeat the beginning, others only write what follows. A server that
    does not continue an answer writes a new one, which may reword the beginning: what
    counts then follows its last line, such as "Short answer:".
    """
    start = prefill.strip()
    if start and text.lstrip().startswith(start):
        return text.lstrip()[len(start) :]
    if start and not continues:
        *_, last = start.splitlines()
        before, mark, after = f"\n{text}".partition(f"\n{last}")
        return after if mark else before.removeprefix("\n")
    return text


def by_prefix(chats: Sequence[Chat]) -> list[int]:
    """Return the places of chats in an order in which neighbours begin alike.

    The prefix cache of a server then serves one group of prompts after the other.
    """
    keys = [tuple((turn.role, turn.content) for turn in chat) for chat in chats]
    return sorted(range(len(chats)), key=keys.__getitem__)


class ThoughtSwitch:
    """Sends requests with the fields against thoughts, as far as a server takes them.

    If a program that may not know them refuses a request, it is sent without them. If
    that helps, they are left out from then on.
    """

    def __init__(self, program: Program) -> None:
        self._fields = _WITHOUT_THOUGHTS[program]
        self._is_known = program not in ("transformers", "openai")
        self._is_refused = False

    async def answer(
        self,
        body: Mapping[str, Any],
        send: Callable[[Mapping[str, Any]], Awaitable[T]],
    ) -> T:
        """Return the answer to a request.

        Raises:
            ServerRefused: The request is refused.
        """
        if not self._is_refused:
            try:
                return await send(body)
            except ServerRefused as error:
                if self._is_known or not error.is_about_request:
                    raise
        answer = await send({k: v for k, v in body.items() if k not in self._fields})
        self._is_refused = True
        return answer
