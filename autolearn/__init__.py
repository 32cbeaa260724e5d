"""A desktop lab in which a local language model teaches itself from texts."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from autolearn.api.lab import Lab as Lab

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Return ``Lab``, imported only where it is used: child processes start sooner."""
    if name != "Lab":
        raise AttributeError(f"module 'autolearn' has no attribute {name!r}")
    from autolearn.api.lab import Lab  # noqa: PLC0415

    return Lab
