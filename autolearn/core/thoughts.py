"""The thoughts that a reasoning model writes before its answer."""

import re

_THOUGHT = re.compile(r"^[ \t]*<think>.*?(?:</think>\s*|\Z)", re.DOTALL | re.MULTILINE)
_END = re.compile(r"^[ \t]*</think>\s*|</think>[ \t]*(?:\n\s*|\Z)", re.MULTILINE)
"""The end of a thought that began in the prompt."""


def without_thoughts(raw: str) -> str:
    """Return what a model wrote without its thoughts, also unfinished ones.

    A tag with words before and after it in its line belongs to the answer, which may be
    about such tags.
    """
    text = _THOUGHT.sub("", raw)
    end = max((match.end() for match in _END.finditer(text)), default=0)
    return text[end:]
