"""How a model is asked, by what it has learned: the ways through the same stages.

An instruct model as it comes does not keep a format that it is only told. So it is
shown worked examples, asked for one fact at a time, has its answers begun for it and
held to a form, and its verdict is read as a probability. A model that was trained on
the bare prompts of the loop needs none of that.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Protocol:
    """One way of asking."""

    name: str
    meaning: str
    guided: bool
    """Facts one at a time, answers begun and held to a form, verdicts as odds."""
    shows_examples: bool
    """Worked examples stand before each request."""


PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol(
            "guided",
            "worked examples, one fact at a time, constrained answers; for instruct "
            "models",
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
