"""Fields of settings: each has its default, its help text and its range in one place.

The same range is checked, shown as help and named in errors.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any, TypeVar

from autolearn.core.codec import EXTRA, JsonRecord
from autolearn.core.errors import InputError

T = TypeVar("T")


@dataclass(frozen=True)
class Range:
    """The numbers that a setting may have."""

    low: float
    high: float = inf
    excludes_low: bool = False

    def __contains__(self, value: object) -> bool:
        """Return whether the setting may have this value."""
        if not isinstance(value, int | float):
            return False
        is_high_enough = value > self.low if self.excludes_low else value >= self.low
        # Settings are stored as JSON, which has no infinity.
        return is_high_enough and value <= self.high and value < inf

    def __str__(self) -> str:
        """Return the range in words, such as "from 0 to 1"."""
        if not self.excludes_low:
            return f"from {self.low:,} to {self.high:,}"
        limit = "" if self.high == inf else f", up to {self.high:,}"
        return f"above {self.low:,}{limit}"


def setting(
    default: T,
    text: str,
    allowed: Range | Iterable[str] | None = None,
    *,
    is_extra: bool = False,
) -> T:
    """Return a field of ``Settings``, declared as the value that it has by default.

    Args:
        default: Its default.
        text: Its help, without a full stop at the end.
        allowed: The numbers or the names that it may be; None: any value.
        is_extra: Whether the stored settings lack it while it has its default.
    """
    if allowed is not None and not isinstance(allowed, Range):
        allowed = tuple(allowed)
    metadata: dict[str, Any] = {"help": text, "allowed": allowed}
    if is_extra:
        metadata |= EXTRA
    new_field: T = field(default=default, metadata=metadata)
    return new_field


@dataclass(frozen=True)
class Settings(JsonRecord):
    """Settings whose fields are made by ``setting``; None is allowed as a default."""

    def __post_init__(self) -> None:
        """Check every field.

        Raises:
            InputError: A value is not allowed.
        """
        for each in fields(self):
            value = getattr(self, each.name)
            if value is not None or each.default is not None:
                check(each.name, value, each.metadata.get("allowed"))

    @classmethod
    def help(cls) -> dict[str, str]:
        """Return the help of each setting; its last sentence ends with the range."""
        return {
            each.name: _help(each.metadata["help"], each.metadata["allowed"])
            for each in fields(cls)
            if "help" in each.metadata
        }


def check(name: str, value: Any, allowed: Range | tuple[str, ...] | None) -> None:
    """Check the value of a setting.

    Raises:
        InputError: It is not allowed.
    """
    if allowed is None or value in allowed:
        return
    rule = allowed if isinstance(allowed, Range) else f"one of {', '.join(allowed)}"
    raise InputError(f"{name} must be {rule}, not {value!r}.")


def _help(text: str, allowed: Range | tuple[str, ...] | None) -> str:
    return f"{text} ({allowed})." if isinstance(allowed, Range) else f"{text}."
