"""What a run needs of memory, by part, against what there is."""

from autolearn.models.memory import Memory
from autolearn.services.estimates import MemoryFit
from autolearn.ui import html
from autolearn.ui.html import Html

NAMES = {
    "weights": "weights",
    "scales": "numbers to unpack 4 bit",
    "libraries": "the libraries",
    "adapter": "adapter",
    "gradients": "gradients",
    "moments": "moments of Adam",
    "noted": "what the base says of the replay",
    "activations": "activations",
    "logits": "scores of the words",
    "cache": "keys and values",
    "copies": "weights laid out for writing",
}
"""The parts of an estimate, in the order in which they are told."""


def parts(need: Memory) -> dict[str, Html]:
    """Return the parts that are there, with their sizes."""
    return {
        f"Memory: {name}": html.text(html.size(getattr(need, part)))
        for part, name in NAMES.items()
        if getattr(need, part)
    }


def fit(found: MemoryFit) -> dict[str, Html]:
    """Return the parts, their sum, what is free, and how sure that is."""
    whole = html.tag("strong", html.text(html.size(found.need.total)))
    told = (
        f"corrected by what run {found.told_by} took"
        if found.told_by
        else "rough, until a run was measured"
    )
    return parts(found.need) | {
        "Memory in all": whole + html.text(f" ({told})"),
        "Memory free": html.text(html.size(found.free)),
    }


def seen(numbers: dict[str, float]) -> Html:
    """Return what a run took beside what was foretold; a dash where nobody looked."""
    if not numbers:
        return html.text(html.DASH)
    took, told = numbers["memory_measured"], numbers["memory_predicted"]
    return html.text(f"{html.size(took)} at most, {html.size(told)} foretold")
