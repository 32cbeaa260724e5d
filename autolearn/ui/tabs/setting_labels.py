"""The names of settings as the forms show them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from autolearn.core.errors import InputError


@contextmanager
def named_by(labels: Mapping[str, str]) -> Iterator[None]:
    """Let a refusal name a setting by its label: a form does not show its own name.

    Raises:
        InputError: The block has refused a setting.
    """
    try:
        yield
    except InputError as error:
        name, space, rest = str(error).partition(" ")
        if name not in labels:
            raise
        raise InputError(f"“{labels[name]}”{space}{rest}") from None
