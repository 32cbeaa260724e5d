"""The memory that a run needs, by part, and the free memory."""

from autolearn.models.memory import Memory
from autolearn.services.estimates.memory_needs import MemoryFit, MemoryPeak
from autolearn.ui import html
from autolearn.ui.html import Html

NAMES = {
    "weights": "weights",
    "scales": "quantisation constants",
    "libraries": "libraries",
    "adapter": "adapter",
    "gradients": "gradients",
    "moments": "optimizer state",
    "base_logits": "replay targets",
    "activations": "activations",
    "logits": "logits",
    "cache": "KV cache",
    "prefixes": "cached prefixes",
    "copies": "unpacked weights",
}
"""The parts of an estimate, in the order in which they are shown."""


def parts(need: Memory) -> dict[str, Html]:
    """Return the parts that are there, with their sizes."""
    return {
        f"Memory: {name}": html.text(html.size(getattr(need, part)))
        for part, name in NAMES.items()
        if getattr(need, part)
    }


def fit(estimate: MemoryFit) -> dict[str, Html]:
    """Return the parts, their sum, what is free, and what the estimate rests on."""
    whole = html.tag("strong", html.text(html.size(estimate.need.total)))
    source = (
        f"calibrated with run {estimate.calibration_run}"
        if estimate.calibration_run
        else "rough until a run has been measured"
    )
    devices = {"Devices": html.number(estimate.devices)}
    name = "Memory" if estimate.devices == 1 else "Memory of each device"
    return {
        **(devices if estimate.devices > 1 else {}),
        **parts(estimate.need),
        f"{name}, at the peak": whole + html.text(f" ({source})"),
        f"{name}, free": html.text(html.size(estimate.free)),
    }


def peak(memory: MemoryPeak | None) -> Html:
    """Return what the trial of the largest step of a training took, and its estimate.

    A dash: nothing was measured. The worker keeps more than that step takes, so that
    the sidebar may show more.
    """
    if memory is None:
        return html.text(html.DASH)
    took, expected = html.size(memory.measured), html.size(memory.estimated)
    words = html.text(f"{took} (largest step), estimated {expected}")
    about = "Measured in a trial of the largest step. The sidebar shows the whole "
    return html.tag("span", words, title=f"{about}worker process as it is now.")
