"""Whether this process is the child."""


class Role:
    """The role of this process."""

    is_child = False
    """Set by the child's ``main``; code that would start a child checks it first."""
