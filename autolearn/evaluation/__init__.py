"""Measure what a model can do: see ``skills``."""
