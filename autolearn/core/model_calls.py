"""What is asked of a model, and what it writes.

Texts of models are kept as they came; nothing is escaped here.
"""

from dataclasses import dataclass
from typing import Literal

from autolearn.core.constraints import Constraint
from autolearn.core.settings import Quantization


@dataclass(frozen=True)
class Message:
    """One turn of a chat."""

    role: Literal["system", "user", "assistant"]
    content: str


Chat = tuple[Message, ...]


@dataclass(frozen=True)
class Prompt:
    """A chat made from a prompt file: what the model is shown, and from which file."""

    name: str
    digest: str
    chat: Chat


@dataclass(frozen=True)
class Sampling:
    """How one text is drawn from the model."""

    temperature: float = 0.0
    """0 is greedy."""
    top_p: float = 1.0
    max_new_tokens: int = 128
    seed: int = 0


@dataclass(frozen=True)
class Request:
    """One text to be written by the model.

    If the last turn of the chat is the assistant's, it begins the answer: the model
    continues it, and the completion holds both.
    """

    prompt: Prompt
    sampling: Sampling
    constraint: Constraint = ()
    """The form of what the model adds; empty: free."""


Finish = Literal["stop", "length", "cancelled", "overlong"]
"""``overlong``: prompt and answer do not fit the context, nothing was written."""


@dataclass(frozen=True)
class Completion:
    """The text that the model wrote."""

    text: str
    finish: Finish
    n_prompt_tokens: int
    n_tokens: int


@dataclass(frozen=True)
class ModelIdentity:
    """Which weights write: the base model and, if attached, the adapter of a round."""

    name: str
    digest: str
    quantization: Quantization
    dtype: str
    device: str
    round_id: int | None = None
    adapter_digest: str | None = None


@dataclass(frozen=True)
class Generation:
    """One text of the model with all that is needed to make it again."""

    request: Request
    completion: Completion
    model: ModelIdentity
    id: int = 0
