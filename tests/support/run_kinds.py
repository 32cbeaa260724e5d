"""The classes of settings and results of runs."""


def classes_by_kind(base):
    """Return the classes below this one that no other builds on, by their kind."""
    below, leaves = [base], {}
    while below:
        cls = below.pop()
        below += cls.__subclasses__()
        if cls.kind and not cls.__subclasses__():
            leaves[cls.kind] = cls
    return leaves
