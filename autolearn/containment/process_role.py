"""Whether this process is the child."""


class Role:
    """What this process is."""

    is_child = False
    """Set by the child's ``main``; code that would start a child checks it first."""
