"""Read what a server answers, which may be anything."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf
from sys import float_info
from typing import Any, Literal

from autolearn.core.thoughts import without_thoughts

FinishReason = Literal["stop", "length"]
Token = tuple[str, float]
"""The text of a token and its log-probability."""
MOST_TOKENS = 1 << 31
"""More than any server has or counts."""
_INSTEAD = ("reasoning_content", "reasoning", "refusal", "tool_calls")
"""What a message may have instead of an answer."""
_ROUNDING = 1e-3
"""How far above 0 a log-probability may be by rounding."""
_ERROR_FIELDS = ("error", "message", "detail", "error_message")
"""Where an object has the text of an error, or another object that has it."""


class Unusable(Exception):
    """A reply that cannot be used; the text is a predicate, such as "sent no JSON"."""


@dataclass(frozen=True)
class Reply:
    """The reply of a server to one chat."""

    text: str
    finish: FinishReason
    n_prompt_tokens: int
    n_tokens: int
    first_tokens: tuple[Token, ...] = ()
    """The likeliest first tokens; empty: the server gave none."""
    prompt_log_probs: tuple[float, ...] = ()
    """Of each token of the prompt but the first, where that was asked for."""


def read(value: object) -> Reply:
    """Return the reply in the JSON value of a chat completion.

    Raises:
        Unusable: It is not that of a chat completion, has no text, or reports an error.
    """
    body = _body(value)
    choices = body.get("choices")
    if not isinstance(choices, list) or not choices:
        raise Unusable("sent an answer without choices")
    choice = as_object(choices[0])
    finish = _finish(choice.get("finish_reason"))
    message = as_object(choice.get("message"))
    text = message.get("content")
    if text is None and (finish == "length" or any(map(message.get, _INSTEAD))):
        text = ""  # a reasoning model that wrote nothing but thoughts
    if not isinstance(text, str):
        raise Unusable("sent an answer without text")
    return Reply(
        answer_in(text),
        finish,
        *_usage(body),
        _first_tokens(choice.get("logprobs")),
        _prompt_log_probs(body.get("prompt_logprobs")),
    )


@dataclass(frozen=True)
class Event:
    """One event of a streamed answer."""

    text: str = ""
    finish: FinishReason | None = None
    n_prompt_tokens: int = 0
    n_tokens: int = 0
    """Of the whole answer, if the event reports it; else 0."""


def read_event(value: object) -> Event:
    """Return one event of a stream.

    Raises:
        Unusable: It is not an event of a chat completion, or reports an error.
    """
    body = _body(value)
    choices = body.get("choices")
    choice = as_object(choices[0]) if isinstance(choices, list) and choices else {}
    text = as_object(choice.get("delta") or {}).get("content")
    reason = choice.get("finish_reason")
    return Event(
        text if isinstance(text, str) else "",
        _finish(reason) if reason else None,
        *_usage(body),
    )


def _finish(reason: object) -> FinishReason:
    # Mistral distinguishes the limit of the request from that of the model.
    return "length" if reason in ("length", "model_length") else "stop"


def _usage(body: Mapping[str, Any]) -> tuple[int, int]:
    """Return the tokens of prompt and answer; 0 if the server reports none."""
    usage = body.get("usage")
    usage = usage if isinstance(usage, Mapping) else {}
    return count(usage.get("prompt_tokens")), count(usage.get("completion_tokens"))


def answer_in(text: str) -> str:
    """Return a text without the thoughts that precede it, as whole characters.

    Programs whose texts are UTF-16 may send the halves of a character apart, and only
    one of them where they cut an answer off.
    """
    text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return without_thoughts(text)


def _body(value: object) -> Mapping[str, Any]:
    """Return the object of an answer, which may report an error despite its status."""
    body = as_object(value)
    if body.get("error"):
        message = message_of(body)
        raise Unusable("reports an error" + (f" ({message})" if message else ""))
    return body


def as_object(value: object) -> Mapping[str, Any]:
    """Return a JSON value that has to be an object.

    Raises:
        Unusable: It is not.
    """
    if not isinstance(value, Mapping):
        raise Unusable("sent JSON of another shape")
    return value


def message_of(error: object) -> str:
    """Return the text of an error that a server reports, shortened; empty: it has none.

    ``error``: the text, an object that has it, or a list of errors, as of FastAPI.
    """
    while isinstance(error, Mapping):
        # Beside the text, ``error`` may be a flag or a number.
        values = [error.get(field) for field in _ERROR_FIELDS]
        texts = [v for v in values if v and isinstance(v, str | list | Mapping)]
        error = texts[0] if texts else ""
    if isinstance(error, list):
        error = "; ".join(filter(None, map(_complaint, error)))
    return " ".join(error.split())[:200] if isinstance(error, str) else ""


def _complaint(entry: object) -> str:
    """Return what an entry of a list of errors says is wrong, and with which field."""
    if not isinstance(entry, Mapping):
        return entry if isinstance(entry, str) else ""
    # The other fields repeat the request.
    text, place = entry.get("msg") or entry.get("message"), entry.get("loc")
    if not isinstance(text, str):
        return ""
    parts = place if isinstance(place, list) else []
    where = ".".join(str(part) for part in parts if isinstance(part, str | int))
    return f"{where}: {text}" if where else text


def count(value: object) -> int:
    """Return a number of tokens or requests; 0 if the value is no such number."""
    return value if type(value) is int and 0 <= value < MOST_TOKENS else 0


def _first_tokens(value: object) -> tuple[Token, ...]:
    """Return the likeliest first tokens in the ``logprobs`` of a choice."""
    content = value.get("content") if isinstance(value, Mapping) else None
    first = content[0] if isinstance(content, list) and content else None
    rows = first.get("top_logprobs") if isinstance(first, Mapping) else None
    tokens = []
    for row in rows if isinstance(rows, list) else []:
        entry = as_object(row)
        text, log_prob = entry.get("token"), entry.get("logprob")
        if isinstance(text, str) and log_prob is not None:
            tokens.append((text, _log_prob(log_prob)))
    return tuple(tokens)


def _prompt_log_probs(value: object) -> tuple[float, ...]:
    """Return the log-probability of each prompt token, as vLLM gives them.

    Each entry maps token ids to ``{"logprob", "rank"}``: the token of the prompt comes
    first, before any likelier one. The entry of the first token is null.
    """
    log_probs = []
    for entry in value if isinstance(value, list) else []:
        rows = list(entry.values()) if isinstance(entry, Mapping) else []
        number = as_object(rows[0]).get("logprob") if rows else None
        log_probs.append(-inf if number is None else _log_prob(number))
    return tuple(log_probs[1:])


def _log_prob(value: object) -> float:
    """Return a log-probability.

    Raises:
        Unusable: It is not a finite number up to 0.
    """
    if (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and -float_info.max <= value <= _ROUNDING
    ):
        return float(value)  # which would fail for huge whole numbers
    raise Unusable(f"sent {value!r:.20} as a log-probability")
