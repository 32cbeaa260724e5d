"""Whether a text ends in the same words over and over, as those of small models do."""

LONGEST_UNIT = 200
"""Most characters of what is repeated."""
TIMES = 4
"""How often it occurs in a row, at least."""
ENDLESS = 200
"""Characters of repetition after which a text is not expected to end."""
CLEAR = 60
"""Characters of repetition that explain why a text has reached its length limit."""


def repeats_itself(text: str, n_characters: int = ENDLESS) -> bool:
    """Return whether a text ends in repetition of at least so many characters."""
    for n_unit in range(1, LONGEST_UNIT + 1):
        n_needed = max(n_characters, TIMES * n_unit)
        end = text[-n_needed:]
        if len(end) == n_needed and end[n_unit:] == end[:-n_unit]:
            return True
    return False
