"""Constrain generation to a grammar, by masks over the next tokens.

What: llguidance (Rust) matches regular expressions, choices and substrings of a text
against the tokenizer of any model. If the likeliest token is allowed, it is taken, at
the cost of one look-up. The mask over the vocabulary is computed only otherwise.

Why: in free text the constraint rarely changes anything.
"""

import json
from typing import Any

import numpy as np
import torch
from llguidance import LLMatcher
from llguidance.hf import from_tokenizer
from torch import Tensor

from autolearn.core.constraints import Constraint, Excerpt, OneOf, Part, Pattern
from autolearn.core.errors import BackendError


class Grammars:
    """Compiles constraints for the tokenizer of one model."""

    def __init__(self, tokenizer: Any, n_logits: int, stop_ids: frozenset[int]) -> None:
        """Read the tokenizer, which takes up to two seconds.

        Args:
            tokenizer: The tokenizer of a model.
            n_logits: The width of the model's logits, which may be padded.
            stop_ids: The ids that end an answer.

        Raises:
            BackendError: The tokenizer is not one of the tokenizers library.
        """
        n_vocab = max(len(tokenizer), n_logits)
        try:
            self._tokenizer = from_tokenizer(tokenizer, n_vocab, sorted(stop_ids))
        except ValueError as error:
            raise BackendError(
                "This model's tokenizer cannot be constrained; choose a model that "
                "comes with a tokenizer.json."
            ) from error
        # Some tokenizers encode each line with a leading space and drop it when they
        # decode. The grammar sees the space.
        ids = tokenizer("a\nb", add_special_tokens=False)["input_ids"]
        has_space = b"\n b" in self._tokenizer.decode_bytes(ids)
        self._new_line = r" /\n ?/ " if has_space else r' "\n" '

    def matcher(self, constraint: Constraint) -> "Matcher":
        """Return a matcher at the beginning of an answer.

        Raises:
            BackendError: The constraint is not a valid grammar.
        """
        return Matcher(
            LLMatcher(self._tokenizer, self._grammar(constraint), log_level=0)
        )

    def _grammar(self, constraint: Constraint) -> str:
        """Return a constraint in the Lark syntax of llguidance."""
        # Names in capitals are terminals. Only terminals can be intersected (&).
        names = [
            f"PART{i}" if isinstance(part, Excerpt) else f"part{i}"
            for i, part in enumerate(constraint)
        ]
        rules = (
            f"{name}: {self._rule(name, part)}"
            for name, part in zip(names, constraint, strict=True)
        )
        return "\n".join((f"start: {' '.join(names)}", *rules))

    def _rule(self, name: str, part: Part) -> str:
        match part:
            case str():
                return self._literal(part)
            case OneOf(options):
                return " | ".join(map(self._literal, options))
            case Pattern(regex):
                return "/" + regex.replace("/", r"\/") + "/"
            case Excerpt():
                # An excerpt is a substring of the text that neither begins nor ends
                # with white space.
                stretch = "%regex " + json.dumps({"substring_chunks": part.chunks})
                otherwise = (
                    f" | {self._literal(part.otherwise)}" if part.otherwise else ""
                )
                return "\n".join(
                    (
                        f"{name}_EXCERPT{otherwise}",
                        f"{name}_EXCERPT: {name}_ENDS & {name}_OF",
                        rf"{name}_ENDS: /\S(.|\n)*\S/ | /\S/",
                        f"{name}_OF: {stretch}",
                    )
                )

    def _literal(self, text: str) -> str:
        lines = (json.dumps(line, ensure_ascii=False) for line in text.split("\n"))
        return self._new_line.join(lines)


class Matcher:
    """The state of one answer within its constraint."""

    def __init__(self, matcher: LLMatcher) -> None:
        self._matcher = matcher
        self._check()

    @property
    def is_over(self) -> bool:
        """Return whether the answer is complete."""
        return self._matcher.is_stopped()

    def take(self, token: int) -> None:
        """Advance by a token that the constraint allows."""
        self._matcher.consume_token(token)
        self._check()

    def restrict(self, logits: Tensor, likeliest: int, *, greedy: bool) -> None:
        """Set the logits of all forbidden tokens to minus infinity, in place.

        Args:
            logits: The logits of the next token.
            likeliest: The token with the largest logit.
            greedy: Only the likeliest allowed token is needed. Nothing is done if that
                is ``likeliest``.

        Shapes:
            logits: (V,).
        """
        if greedy and self._matcher.validate_tokens([likeliest]):
            return
        # The bit mask has one bit per token, least significant bit first.
        bits = np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8)
        self._check()
        is_allowed = np.unpackbits(bits, count=len(logits), bitorder="little")
        forbidden = torch.from_numpy(is_allowed == 0).to(logits.device)
        logits.masked_fill_(forbidden, float("-inf"))

    def restart(self) -> None:
        """Return to the beginning of the answer."""
        self._matcher.reset()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise BackendError(
                "The output format cannot be enforced with this model's tokenizer "
                f"({self._matcher.get_error()}); choose another model."
            )
