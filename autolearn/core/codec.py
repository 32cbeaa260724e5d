"""Dataclasses as JSON values and back, by their type hints.

Rows outlive the version that wrote them. A key that no field has is therefore ignored,
and a field without a key gets its default.
"""

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Any, Self, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")
EXTRA = {"extra": True}
"""The metadata of a field that has no key while it has its default."""


def stored_as(key: str) -> dict[str, str]:
    """Return the metadata of a field that is stored under another key than its name."""
    return {"key": key}


def _key(field: Field[Any]) -> str:
    key: str = field.metadata.get("key", field.name)
    return key


def encode(record: Any) -> dict[str, Any]:
    """Return the fields of a dataclass as JSON values."""
    return {
        _key(field): _encode_value(value)
        for field in fields(record)
        if (value := getattr(record, field.name)) != field.default
        or not field.metadata.get("extra")
    }


def _encode_value(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return encode(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, tuple | list):
        return type(value)(map(_encode_value, value))
    if isinstance(value, dict):
        return {key: _encode_value(item) for key, item in value.items()}
    return value


def decode(cls: type[T], values: Mapping[str, Any]) -> T:
    """Build a dataclass from JSON values.

    Raises:
        KeyError: A field without a default has no value.
        InputError: The dataclass refuses a value.
    """
    hints = _hints(cast(Any, cls))
    arguments: dict[str, Any] = {}
    for field in fields(cast(Any, cls)):
        value = values.get(_key(field))
        if value is None and not _is_optional(hints[field.name]):
            if _is_required(field):
                raise KeyError(f"{cls.__name__} needs {field.name}.")
        elif _key(field) in values:
            arguments[field.name] = _decode_value(hints[field.name], value)
    return cls(**arguments)


class JsonRecord:
    """A dataclass that is kept as JSON values."""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as JSON values."""
        return encode(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Build one from JSON values, of whatever version.

        Raises:
            InputError: A value is refused.
        """
        return decode(cls, values)


@cache
def _hints(cls: type) -> dict[str, Any]:
    return get_type_hints(cls)


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _is_optional(hint: Any) -> bool:
    is_union = get_origin(hint) in (Union, UnionType)
    return hint in (Any, object) or (is_union and type(None) in get_args(hint))


def _decode_value(hint: Any, value: Any) -> Any:
    """Return a JSON value as its hint says; text and numbers stay as they are.

    A path is kept as text.
    """
    if value is None:
        return None
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Path:
        return Path(value)
    if origin in (Union, UnionType):
        (inner,) = (part for part in parts if part is not type(None))
        return _decode_value(inner, value)
    if is_dataclass(hint) and isinstance(hint, type):
        return decode(hint, value)
    if origin is tuple and parts[1:] == (...,):
        return tuple(_decode_value(parts[0], item) for item in value)
    if origin is tuple:
        return tuple(map(_decode_value, parts, value))
    if origin is dict:
        return {name: _decode_value(parts[1], item) for name, item in value.items()}
    return value
