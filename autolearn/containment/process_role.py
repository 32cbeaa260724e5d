"""Whether this process is the child."""


class Role:
    """What this process is."""

    is_child = False
    """Set by the child's ``main``; what needs a child of its own looks here first."""
