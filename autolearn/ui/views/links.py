"""Clicks that lead to another tab."""

TAB = "tab-"
"""The beginning of the key of such a click; the name of the tab follows."""
NEW_ROUND = "train-form"
"""The id of the form of the Train tab that begins a round."""
SKILLS = "model-skills"
"""The id of the panel of skills in the Model tab; ``assets/autolearn.js`` scrolls to
what the attribute ``data-part`` of a click names."""
SKILLS_RESULT = "model-skills-result"
"""The id of the panel below it, which begins with the round to use, if there is one."""


def tab_of(key: object) -> str | None:
    """Return the tab that a click leads to; None if it leads to none."""
    words = str(key)
    return words.removeprefix(TAB) if words.startswith(TAB) else None
