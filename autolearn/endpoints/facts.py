"""What is known of a server: which program, which model, what it can do."""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any, Literal

from autolearn.core import server_addresses
from autolearn.core.codec import JsonRecord
from autolearn.core.server_addresses import ServerAddress

Program = Literal["llama.cpp", "vllm", "sglang", "ollama", "transformers", "openai"]

AT_ONCE = 8
"""Requests that are sent at once to a server that does not say how many it serves."""
MOST_AT_ONCE = 64
UNKNOWN_CONTEXT = 4096
"""Tokens, where the server does not tell its context."""


@dataclass(frozen=True)
class Abilities:
    """The abilities of a program beyond answering a chat."""

    title: str
    constrains: bool
    """It keeps an answer to a grammar."""
    continues: bool
    """It continues an answer whose beginning is given."""
    gives_log_probs: bool
    """It gives the log-probabilities of the likeliest first tokens."""
    scores_prompts: bool
    """It gives the log-probability of each token of a given text."""


ABILITIES: dict[Program, Abilities] = {
    "llama.cpp": Abilities("llama.cpp", True, True, True, False),
    "vllm": Abilities("vLLM", True, True, True, True),
    "sglang": Abilities("SGLang", True, True, True, False),
    "ollama": Abilities("Ollama", False, True, True, False),
    "transformers": Abilities("transformers serve", False, False, False, False),
    "openai": Abilities("another OpenAI-compatible server", False, False, False, False),
}


@dataclass(frozen=True)
class ServerFacts(JsonRecord):
    """The facts that a server reported when it was asked last."""

    address: str
    """As ``ServerAddress`` writes it, with the model."""
    program: Program
    version: str = ""
    context: int | None = None
    """Tokens of prompt and answer together; None: it does not tell."""
    slots: int | None = None
    """Requests that each server serves at once; None: it does not tell."""
    parent: str = ""
    """The base model, if the model is an adapter; empty: it is none."""
    weights: dict[str, Any] = field(default_factory=dict)
    """Its report on the weights, such as path, size and quantisation."""

    @property
    def server_address(self) -> ServerAddress:
        """Return the address, with the name of the model as the server knows it."""
        return server_addresses.parse(self.address)

    @property
    def abilities(self) -> Abilities:
        """Return the abilities of the program."""
        return ABILITIES[self.program]

    @property
    def at_once(self) -> int:
        """Return how many requests are sent at once to each server."""
        return min(self.slots or AT_ONCE, MOST_AT_ONCE)

    @property
    def digest(self) -> str:
        """Return a SHA-256 of address, model and the server's report on the weights.

        Neither the version of the program nor its context counts: the weights are the
        same after an update. Of several servers the first counts: others, which have
        the same weights, may be added or left out.
        """
        values = [str(next(iter(self.server_address))), self.program, self.weights]
        text = json.dumps(values, sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()
