"""The price of a model on a server, and what its tokens cost."""

from dataclasses import dataclass

from autolearn.core.codec import JsonRecord
from autolearn.core.errors import InputError
from autolearn.core.setting_fields import Range

PROMPT_TOKENS, ANSWER_TOKENS = "prompt_tokens", "answer_tokens"
"""The metrics of a run that count the tokens of all replies of a server, one step for
each time that the run was worked on."""
_AMOUNTS = Range(0, 1_000_000)
_LONGEST = 8
"""Characters of a currency."""


@dataclass(frozen=True)
class Price(JsonRecord):
    """The price of a million tokens."""

    prompt: float
    answer: float
    currency: str

    def __post_init__(self) -> None:
        """Refuse what is no price."""
        for name, amount in (("prompts", self.prompt), ("answers", self.answer)):
            if amount not in _AMOUNTS:
                raise InputError(f"The price of {name} must be {_AMOUNTS}.")
        if not 0 < len(self.currency) <= _LONGEST or not self.currency.isprintable():
            raise InputError(
                f"Enter a currency of up to {_LONGEST} characters, such as EUR."
            )

    def cost(self, prompt_tokens: float, answer_tokens: float) -> str:
        """Return what so many tokens cost, with the currency."""
        amount = (prompt_tokens * self.prompt + answer_tokens * self.answer) / 1e6
        rounded = "below 0.01" if 0 < amount < 0.01 else f"{amount:,.2f}"
        return f"{rounded} {self.currency}"
