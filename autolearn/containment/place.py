"""Whether this process is the child."""


class Place:
    """Where the code runs."""

    is_child = False
    """Set by the child's ``main``; what needs a child of its own looks here first."""
