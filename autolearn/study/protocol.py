"""Prompting styles: how a model is asked at each stage, by what it has learned.

An instruct model does not keep a format that it is only asked for. So it gets worked
examples, is asked for one fact at a time, its answers are prefilled and constrained to
a form, and its verdict is read as a probability. A model that was trained on the bare
prompts of the loop needs none of that.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """One way of asking a model."""

    name: str
    meaning: str
    guided: bool
    """One fact at a time, constrained answers, verdicts as probabilities."""
    shows_examples: bool
    """Whether worked examples precede each request."""


DEFAULT = "guided"
"""The protocol of a model that notes none."""
PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "guided",
            "worked examples, one fact at a time, prefilled and constrained answers; "
            "for instruct models",
            guided=True,
            shows_examples=True,
        ),
        Protocol(
            "taught",
            "as guided, without worked examples; for models after a meta-skill round",
            guided=True,
            shows_examples=False,
        ),
        Protocol(
            "trained",
            "the bare prompts; for models trained on them, such as the built-in model",
            guided=False,
            shows_examples=False,
        ),
    )
}
