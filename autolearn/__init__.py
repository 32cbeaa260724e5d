"""A desktop lab in which a local language model teaches itself from texts."""

__version__ = "0.1.0"
